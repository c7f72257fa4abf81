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
    /// The size of a record's body is not that of its kind.
    BodySize(u16),
    /// That many bytes follow the last name of a record, where at most seven can.
    Trailing(usize),
    /// A record about a request has no number of one, or another record has one.
    Request(u64),
    /// A name's length is odd, larger than its full length, beyond the record, or present for an absent
    /// name. The number is the name's place in the body's list.
    Name(u8),
    /// The stored SID is not one: wrong length for its count of sub-authorities. The number is the user's
    /// place: 0 effective, 1 primary.
    User(u8),
    /// A rule id is outside 1 to 127, or the deciding rule or a ground is not among those that fired.
    Rules,
    /// What is said of the process contradicts the flags that it is known.
    Process,
    /// What is said of a file contradicts its state. The number is its place: 0 source, 1 target.
    File(u8),
    /// What is said of the volume contradicts the flag that it is known.
    Volume,
    /// What is said of the source's volume contradicts the flag that it is known.
    SourceVolume,
    /// The flag "claim known" is neither 0 nor 1, or fields of an unknown claim are not zero.
    Claim,
    /// A mode of a policy that does not exist, or a fault of a policy that has none.
    Policy,
    /// The hash of the image is said and said to be unknown.
    ImageHash,
    /// The parts of a summary do not add up, or its times run backwards.
    Summary,
    /// The losses do not add up to their total.
    Losses,
    /// A flag or the mode of a status report does not exist.
    Status,
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
            Self::BodySize(found) => write!(f, "body size {found} does not belong to the kind"),
            Self::Trailing(found) => write!(f, "{found} bytes follow the last name"),
            Self::Request(found) => write!(f, "request number {found} does not belong to the kind"),
            Self::Name(place) => write!(f, "lengths of name {place} contradict each other"),
            Self::User(place) => write!(f, "the bytes of user {place} are no SID"),
            Self::Rules => f.write_str("rule ids contradict each other"),
            Self::Process => f.write_str("what is said of the process contradicts itself"),
            Self::File(place) => write!(f, "what is said of file {place} contradicts itself"),
            Self::Volume => f.write_str("what is said of the volume contradicts itself"),
            Self::SourceVolume => {
                f.write_str("what is said of the source's volume contradicts itself")
            }
            Self::Claim => f.write_str("claim fields contradict the flag that they are known"),
            Self::Policy => f.write_str("what is said of the policy contradicts itself"),
            Self::ImageHash => f.write_str("the hash of the image contradicts its state"),
            Self::Summary => f.write_str("the parts of the summary do not add up"),
            Self::Losses => f.write_str("the losses do not add up to their total"),
            Self::Status => f.write_str("a flag or the mode of the report does not exist"),
        }
    }
}

impl core::error::Error for DecodeError {}
