//! Why bytes were not accepted.
//!
//! One closed enum for every decoder of the crate. The numbers are what was found, so that a
//! message can name them; there is no text inside, because the kernel side decodes too.

use core::fmt;

/// Why bytes are not a request, an acknowledgement, a batch or a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Fewer bytes (`found`) than the fixed part needs (`needed`).
    Short {
        /// Bytes that the fixed part takes.
        needed: usize,
        /// Bytes that were there.
        found: usize,
    },
    /// The first four bytes do not name this kind of message.
    Magic(u32),
    /// A layout version that this build does not know.
    Version(u16),
    /// The head says it has another size than this version's.
    HeadSize(u16),
    /// The length inside the message and the length of the bytes differ, or padding is missing.
    Length {
        /// The length that the message states or implies, in bytes.
        stated: u64,
        /// The bytes that were there.
        found: usize,
    },
    /// A connect request of an unknown kind.
    Kind(u16),
    /// Reserved or padding bytes are not zero.
    Reserved,
    /// The batch holds another number of records than its head says.
    RecordCount {
        /// What the head says.
        stated: u32,
        /// Records that were found.
        found: u32,
    },
    /// A sequence number is zero, does not rise, or disagrees with the head of the batch.
    Sequence(u64),
    /// A name's length is odd, larger than its full length, or present for an absent name. The
    /// number is the name's place: 0 image, 1 source, 2 target.
    Name(u8),
    /// The stored user SID is not a SID: wrong length for its count of sub-authorities.
    Sid(u8),
    /// A rule id is outside 1 to 127, or the deciding rule or a ground is not among those that fired.
    Rules,
    /// What is said of a file contradicts its state. The number is its place: 0 source, 1 target.
    File(u8),
    /// What is said of the volume contradicts the flag that it is known.
    Volume,
    /// The flag "claim known" is neither 0 nor 1, or fields of an unknown claim are not zero.
    Claim,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { needed, found } => {
                write!(f, "too short: {found} bytes where {needed} are needed")
            }
            Self::Magic(found) => write!(f, "not this kind of message: magic {found:#010x}"),
            Self::Version(found) => write!(f, "unknown version {found}"),
            Self::HeadSize(found) => write!(f, "head size {found} does not belong to this version"),
            Self::Length { stated, found } => {
                write!(f, "length {stated} is stated, {found} bytes are there")
            }
            Self::Kind(found) => write!(f, "unknown kind of request {found}"),
            Self::Reserved => f.write_str("reserved bytes are not zero"),
            Self::RecordCount { stated, found } => {
                write!(f, "{stated} records are stated, {found} are there")
            }
            Self::Sequence(found) => write!(f, "sequence number {found} is out of order"),
            Self::Name(place) => write!(f, "lengths of name {place} contradict each other"),
            Self::Sid(length) => write!(f, "{length} bytes are not a user SID"),
            Self::Rules => f.write_str("rule ids contradict each other"),
            Self::File(place) => write!(f, "what is said of file {place} contradicts itself"),
            Self::Volume => f.write_str("what is said of the volume contradicts itself"),
            Self::Claim => f.write_str("claim fields contradict the flag that they are known"),
        }
    }
}

impl core::error::Error for DecodeError {}
