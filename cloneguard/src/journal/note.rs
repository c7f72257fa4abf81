//! What a journal says of itself: the kinds of frames, and the payloads of all but records.

use crate::Finding;
use std::fmt;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Most bytes of the version in an [`OpenedNote`].
const VERSION_SIZE_MAX: usize = 64;

/// A load of the driver is new to the journal; its first record follows.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct LoadNote {
    /// Number of the first record.
    pub sequence: U64,
    /// Losses directly below it.
    pub lost_before: U64,
    /// Numbers below those. They were let go by somebody else.
    pub earlier: U64,
}

/// A writer took the journal over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedNote {
    /// Its process.
    pub process_id: u32,
    /// Its version, as `cloneguard --version` says it.
    pub version: String,
}

/// Something about the trail does not add up. Which numbers have a meaning depends on the cause;
/// the others are zero.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct FindingNote {
    /// [`FindingCause`].
    pub cause: U16,
    /// Zero.
    pub reserved: [u8; 6],
    /// The last good one before: a number, a frame or a segment.
    pub after: U64,
    /// The first good one behind.
    pub before: U64,
    /// How many are missing between the two.
    pub missing: U64,
    /// How many of them are accounted for.
    pub explained: U64,
    /// Where in the journal.
    pub segment: U64,
    /// Offset within the segment.
    pub offset: U64,
}

/// Bytes were cut off the end of a segment.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct TornNote {
    /// The segment.
    pub segment: U64,
    /// Where the bytes began.
    pub offset: U64,
    /// How many they were.
    pub byte_count: U64,
}

/// The end of a segment.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct SealNote {
    /// Frames of the segment, this one included.
    pub frames: U64,
    /// Records among them.
    pub records: U64,
    /// [`SealReason`].
    pub reason: u8,
    /// Zero.
    pub reserved: [u8; 7],
}

/// Makes an enum whose values have a number in the files, a name and a text.
macro_rules! closed_list {
    ($(#[$doc:meta])* $name:ident: $raw:ty { $($(#[$value_doc:meta])* $value:ident = $number:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$value_doc])* $value = $number),+ }

        impl $name {
            /// All values with their numbers and names.
            pub const ALL: &[(Self, $raw, &'static str)] = &[$((Self::$value, $number, $text)),+];

            /// The number in a frame.
            #[must_use]
            pub const fn raw(self) -> $raw {
                match self { $(Self::$value => $number),+ }
            }

            /// The value of a number.
            #[must_use]
            pub const fn from_raw(raw: $raw) -> Option<Self> {
                match raw { $($number => Some(Self::$value),)+ _ => None }
            }

            /// The name, as in `docs/journal.md` and in JSON.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$value => $text),+ }
            }
        }
    };
}

closed_list! {
    /// What a frame holds.
    FrameKind: u16 {
        /// A record of the driver, byte for byte.
        Record = 1, "record";
        /// A load of the driver whose first record follows.
        Load = 2, "load";
        /// A writer took the journal over.
        Opened = 3, "opened";
        /// Something about the trail that does not add up.
        Finding = 4, "finding";
        /// Bytes that were cut off: a write that was never finished nor acknowledged.
        Torn = 5, "torn";
        /// The end of a segment.
        Seal = 6, "seal";
    }
}

closed_list! {
    /// What does not add up.
    FindingCause: u16 {
        /// Between two records of a load are more or fewer numbers than the later one explains.
        Gap = 1, "gap";
        /// The driver's counters contradict each other.
        Unbalanced = 2, "unbalanced";
        /// The driver has handed out fewer numbers than came in.
        Behind = 3, "behind";
        /// The driver counts fewer losses than its records tell of.
        LossesDisagree = 4, "losses_disagree";
        /// Acknowledged frames are gone or unreadable.
        FramesMissing = 5, "frames_missing";
        /// Segments are not there, and retention has not removed them.
        SegmentsMissing = 6, "segments_missing";
        /// There was no anchor.
        AnchorMissing = 7, "anchor_missing";
        /// The anchor was unreadable.
        AnchorDamaged = 8, "anchor_damaged";
        /// The anchor is about other frames than these.
        AnchorForeign = 9, "anchor_foreign";
        /// The counters in a record speak of numbers that are not below its own.
        Ahead = 10, "ahead";
    }
}

closed_list! {
    /// Why a segment was ended.
    SealReason: u8 {
        /// It was large enough.
        Size = 1, "size";
        /// It was old enough.
        Age = 2, "age";
    }
}

impl FindingNote {
    /// A note without numbers.
    #[must_use]
    pub const fn new(cause: FindingCause) -> Self {
        Self {
            cause: U16::new(cause.raw()),
            reserved: [0; 6],
            after: U64::ZERO,
            before: U64::ZERO,
            missing: U64::ZERO,
            explained: U64::ZERO,
            segment: U64::ZERO,
            offset: U64::ZERO,
        }
    }

    /// What a consumer found; none for what the journal shows by itself.
    #[must_use]
    pub fn of(finding: &Finding) -> Option<Self> {
        match *finding {
            // The journal shows both by itself.
            Finding::Gap { .. } | Finding::EndMissing { .. } => None,
            Finding::Unbalanced => Some(Self::new(FindingCause::Unbalanced)),
            Finding::Behind { stated, received } => {
                let mut note = Self::new(FindingCause::Behind);
                note.after = stated.into();
                note.before = received.into();
                Some(note)
            }
            Finding::LossesDisagree { stated, told } => Some(Self::losses_disagree(stated, told)),
        }
    }

    /// The driver's counters and its records do not tell of as many losses.
    pub(super) fn losses_disagree(stated: u64, told: u64) -> Self {
        let mut note = Self::new(FindingCause::LossesDisagree);
        note.explained = stated.into();
        note.missing = told.into();
        note
    }

    /// The cause; the parser lets no unknown one through.
    #[must_use]
    pub const fn cause(&self) -> Option<FindingCause> {
        FindingCause::from_raw(self.cause.get())
    }

    /// Whether the fields have values of their lists.
    pub(super) fn is_sound(&self) -> bool {
        self.reserved == [0; 6] && self.cause().is_some()
    }
}

impl SealNote {
    /// Whether the fields have values of their lists.
    pub(super) fn is_sound(&self) -> bool {
        self.reserved == [0; 7] && SealReason::from_raw(self.reason).is_some()
    }
}

impl OpenedNote {
    /// The bytes of the note.
    pub(super) fn encode(&self) -> Vec<u8> {
        let cut = self.version.floor_char_boundary(VERSION_SIZE_MAX);
        let head = [U32::new(self.process_id), U32::ZERO];
        [head.as_bytes(), &self.version.as_bytes()[..cut]].concat()
    }

    /// The note that these bytes are.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let ([process_id, reserved], text) = <[U32; 2]>::read_from_prefix(bytes).ok()?;
        let version = str::from_utf8(text).ok()?;
        let is_sound = *reserved.as_bytes() == [0; 4] && version.len() <= VERSION_SIZE_MAX;
        is_sound.then(|| Self {
            process_id: process_id.get(),
            version: version.to_owned(),
        })
    }
}

impl fmt::Display for FindingNote {
    #[expect(
        clippy::too_many_lines,
        reason = "a text for each cause, and nothing else"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            after,
            before,
            missing,
            ..
        } = self;
        let Some(cause) = self.cause() else {
            return write!(f, "a finding of the unknown cause {}", self.cause);
        };
        match cause {
            FindingCause::Gap => write!(
                f,
                "{missing} numbers missing between {after} and {before}, {} explained",
                self.explained
            ),
            FindingCause::Unbalanced => f.write_str("the driver's counters contradict each other"),
            FindingCause::Behind => write!(
                f,
                "the driver says that its last record is {after}, but {before} has come in"
            ),
            FindingCause::LossesDisagree => write!(
                f,
                "the driver counts {} losses, its records tell of {missing}",
                self.explained
            ),
            FindingCause::FramesMissing => write!(
                f,
                "{missing} acknowledged frames are gone or unreadable behind frame {after}, segment \
                 {}, byte {}",
                self.segment, self.offset
            ),
            FindingCause::SegmentsMissing => write!(
                f,
                "{missing} segments are gone between {after} and {before}"
            ),
            FindingCause::Ahead => {
                write!(f, "the counters in record {before} speak of number {after}")
            }
            FindingCause::AnchorMissing => f.write_str("the anchor was gone"),
            FindingCause::AnchorDamaged => f.write_str("the anchor was unreadable"),
            FindingCause::AnchorForeign => write!(
                f,
                "the anchor was about other frames: it says {before} of them, up to segment {}",
                self.segment
            ),
        }
    }
}
