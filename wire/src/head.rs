//! The head that the records of all kinds share.

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Size of [`RecordHead`] as it stands in its own field.
pub(crate) const HEAD_SIZE: u16 = 48;
const _: () = assert!(
    size_of::<RecordHead>() == 48,
    "HEAD_SIZE is not the size of RecordHead"
);

/// The first bytes of a record of any kind.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RecordHead {
    /// Bytes of the whole record, a multiple of 8.
    pub total_size: U32,
    /// Bytes of this head.
    pub head_size: U16,
    /// [`crate::VERSION`].
    pub version: U16,
    /// [`crate::RecordKind`].
    pub kind: u8,
    /// [`crate::LossClass`].
    pub class: u8,
    /// Bytes of the body that follows.
    pub body_size: U16,
    /// Zero.
    pub reserved: U32,
    /// Number of the record, from 1, without holes, in the order of the decisions.
    pub sequence: U64,
    /// How many numbers directly below this one belong to records that were lost.
    pub lost_before: U64,
    /// When: of the decision about a request, else of what is told. FILETIME, 100 ns since 1601-01-01 UTC.
    pub time: U64,
    /// Number of the request, the same in all records about it and in no others of the load; 0 in records
    /// about none.
    pub request: U64,
}
