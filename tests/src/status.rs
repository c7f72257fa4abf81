//! The NTSTATUS values that cases expect, by name.
//!
//! Values and names: MS-ERREF 2.3.1. Any other value can occur and is shown as its number.

use std::fmt;

use serde::{Serialize, Serializer};

/// One NTSTATUS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u32);

/// Written once, expanded into the constants and into [`Status::name`].
macro_rules! statuses {
    ($($name:ident = $value:literal;)*) => {
        $(
            #[doc = concat!("`STATUS_", stringify!($name), "`.")]
            pub const $name: Status = Status($value);
        )*

        impl Status {
            /// The name without its prefix, if this file lists the value.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $($name => Some(stringify!($name)),)*
                    Status(_) => None,
                }
            }
        }
    };
}

statuses! {
    SUCCESS = 0x0000_0000;
    INVALID_HANDLE = 0xC000_0008;
    INVALID_PARAMETER = 0xC000_000D;
    INVALID_DEVICE_REQUEST = 0xC000_0010;
    END_OF_FILE = 0xC000_0011;
    ACCESS_DENIED = 0xC000_0022;
    BUFFER_TOO_SMALL = 0xC000_0023;
    OBJECT_TYPE_MISMATCH = 0xC000_0024;
    OBJECT_NAME_NOT_FOUND = 0xC000_0034;
    FILE_LOCK_CONFLICT = 0xC000_0054;
    DELETE_PENDING = 0xC000_0056;
    DISK_FULL = 0xC000_007F;
    MEDIA_WRITE_PROTECTED = 0xC000_00A2;
    NOT_SUPPORTED = 0xC000_00BB;
    INVALID_USER_BUFFER = 0xC000_00E8;
    FILE_CLOSED = 0xC000_0128;
    BLOCK_TOO_MANY_REFERENCES = 0xC000_048C;
}

impl Status {
    /// Whether the severity is success or information (`NT_SUCCESS`).
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 < 0x8000_0000
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#010x}", self.0),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_TOO_MANY_REFERENCES, SUCCESS, Status};

    #[test]
    fn known_values_have_a_name_and_others_their_number() {
        assert_eq!(SUCCESS.to_string(), "SUCCESS");
        assert_eq!(Status(0xC000_048C), BLOCK_TOO_MANY_REFERENCES);
        assert_eq!(Status(0xC0DE_0001).to_string(), "0xc0de0001");
        assert!(SUCCESS.is_success() && !Status(0x8000_0005).is_success());
    }
}
