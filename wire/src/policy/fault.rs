//! Why bytes are not a policy: where, and one reason of a closed list.

use core::fmt;

/// Why a blob was refused, and the byte at which that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Offset of the field, or of the unit of a text, from the start of the blob.
    pub offset: u32,
    /// What is wrong there.
    pub reason: PolicyFault,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.reason)
    }
}

impl core::error::Error for PolicyError {}

/// Declares the reasons: a number for the wire, a stable name and a sentence for each.
macro_rules! faults {
    ($($variant:ident = $number:literal => $name:literal, $text:literal;)+) => {
        /// Reasons to refuse a blob. A number never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum PolicyFault {
            $(#[doc = concat!("`", $name, "`: ", $text, ".")] $variant,)+
        }

        impl PolicyFault {
            /// Every reason, by rising number.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)+];

            /// The reason of a number; `None` outside the list.
            #[must_use]
            pub const fn from_raw(raw: u8) -> Option<Self> {
                match raw {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The number on the wire.
            #[must_use]
            pub const fn raw(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)+
                }
            }

            /// The stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl fmt::Display for PolicyFault {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $text,)+
                })
            }
        }
    };
}

faults! {
    TooLarge = 1 => "too-large", "the policy is larger than 4 MiB";
    Short = 2 => "short", "the bytes end inside the head";
    Magic = 3 => "magic", "this is no policy: the first four bytes are not CGPL";
    Version = 4 => "version", "the version is not one that this build knows";
    HeadSize = 5 => "head-size", "the size of the head does not belong to this version";
    RuleSize = 6 => "rule-size", "the size of a rule does not belong to this version";
    RuleCount = 7 => "rule-count", "there are more than 16384 rules";
    Length = 8 => "length", "the sizes in the head do not add up to the bytes that are there";
    Reserved = 9 => "reserved", "a reserved byte is not zero";
    Value = 10 => "value", "a value is outside its list";
    Enforced = 11 => "enforced", "a rule that is not strict is listed as enforced";
    Contradiction = 12 => "contradiction", "an audit loss cannot refuse anything in observe mode";
    Reference = 13 => "reference", "a reference reaches beyond the pool";
    Odd = 14 => "odd", "an offset or a length of a text is odd";
    TextLength = 15 => "text-length", "a text is empty or too long";
    Encoding = 16 => "encoding", "a text is not well-formed UTF-16";
    Character = 17 => "character", "a character cannot stand in this text";
    Case = 18 => "case", "a character is not in upper case";
    PathStart = 19 => "path-start", "a path does not begin with a backslash";
    Separator = 20 => "separator", "a path has two backslashes in a row or one at its end";
    Stars = 21 => "stars", "there are more than two stars in a row";
    Device = 22 => "device", "a device name is not \\DEVICE\\ and one name";
    Sid = 23 => "sid", "the bytes of a user are no SID";
    Unused = 24 => "unused", "a field is set that the kind beside it does not use";
    ByteCount = 25 => "byte-count", "a byte count is larger than a file can be";
}
