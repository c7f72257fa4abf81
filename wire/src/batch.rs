//! A batch: one message of the port, a head with counters and then records back to back.
//!
//! A batch without records is a sign of life. [`Batch::parse`] checks all of it, so the records that
//! [`Batch::records`] yields need no second look.

use crate::{BOOT_ID_SIZE, Counters, DecodeError, Record, VERSION};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// `CGBT` as bytes in memory.
const MAGIC: u32 = u32::from_le_bytes(*b"CGBT");
/// Size of [`BatchHead`] as it stands in its own field.
const HEAD_SIZE: u16 = 216;
const _: () = assert!(
    size_of::<BatchHead>() == 216,
    "HEAD_SIZE is not the size of BatchHead"
);

/// The fixed part of a batch.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct BatchHead {
    /// `CGBT`.
    pub magic: U32,
    /// [`VERSION`].
    pub version: U16,
    /// Bytes of this head.
    pub head_size: U16,
    /// Bytes of the batch, this head included.
    pub byte_count: U32,
    /// Records that follow.
    pub record_count: U32,
    /// The load of the driver.
    pub boot_id: [u8; BOOT_ID_SIZE],
    /// Sequence number of the first record; zero without records.
    pub first_sequence: U64,
    /// Sequence number of the last record; zero without records.
    pub last_sequence: U64,
    /// Counters of the driver when the batch was made.
    pub counters: Counters,
}

impl BatchHead {
    /// The head of a batch that holds nothing yet. The writer adds each record to `byte_count` and
    /// `record_count` and keeps the two sequence numbers.
    #[must_use]
    pub const fn new(boot_id: [u8; BOOT_ID_SIZE], counters: Counters) -> Self {
        Self {
            magic: U32::new(MAGIC),
            version: U16::new(VERSION),
            head_size: U16::new(HEAD_SIZE),
            byte_count: U32::new(216),
            record_count: U32::ZERO,
            boot_id,
            first_sequence: U64::ZERO,
            last_sequence: U64::ZERO,
            counters,
        }
    }
}

/// A batch whose every byte has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    head: &'a BatchHead,
    records: &'a [u8],
}

impl<'a> Batch<'a> {
    /// Checks a batch: the head, its length against the bytes in both directions, each record, the
    /// rising sequence numbers and their agreement with the head.
    ///
    /// # Errors
    ///
    /// Any [`DecodeError`] but `Kind`. Nothing of a batch is usable if one field is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let found = bytes.len();
        let Ok((head, records)) = BatchHead::ref_from_prefix(bytes) else {
            return Err(DecodeError::Short {
                needed: size_of::<BatchHead>(),
                found,
            });
        };
        if head.magic != MAGIC {
            return Err(DecodeError::Magic(head.magic.get()));
        }
        if head.version != VERSION {
            return Err(DecodeError::Version(head.version.get()));
        }
        if head.head_size != HEAD_SIZE {
            return Err(DecodeError::HeadSize(head.head_size.get()));
        }
        let stated = u64::from(head.byte_count.get());
        if u64::try_from(found) != Ok(stated) {
            return Err(DecodeError::Length { stated, found });
        }
        check_records(head, records)?;
        Ok(Self { head, records })
    }

    /// The load of the driver.
    #[must_use]
    pub const fn boot_id(&self) -> [u8; BOOT_ID_SIZE] {
        self.head.boot_id
    }

    /// How many records there are.
    #[must_use]
    pub const fn record_count(&self) -> u32 {
        self.head.record_count.get()
    }

    /// Sequence number of the first record; `None` without records.
    #[must_use]
    pub const fn first_sequence(&self) -> Option<u64> {
        if self.record_count() == 0 {
            None
        } else {
            Some(self.head.first_sequence.get())
        }
    }

    /// Sequence number of the last record; `None` without records.
    #[must_use]
    pub const fn last_sequence(&self) -> Option<u64> {
        if self.record_count() == 0 {
            None
        } else {
            Some(self.head.last_sequence.get())
        }
    }

    /// Counters of the driver when the batch was made.
    #[must_use]
    pub const fn counters(&self) -> &'a Counters {
        &self.head.counters
    }

    /// The records in the order of their sequence numbers.
    #[must_use]
    pub const fn records(&self) -> Records<'a> {
        Records { rest: self.records }
    }
}

/// Iterator over the records of a checked batch.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        // `Batch::parse` walked these very bytes, so the only failure left is the end of them.
        let (record, rest) = Record::split(self.rest).ok()?;
        self.rest = rest;
        Some(record)
    }
}

/// Walks the records once and compares them with the head.
fn check_records(head: &BatchHead, mut rest: &[u8]) -> Result<(), DecodeError> {
    let stated = head.record_count.get();
    let mut found = 0_u32;
    let mut first = 0_u64;
    let mut last = 0_u64;
    while !rest.is_empty() {
        let (record, after) = Record::split(rest)?;
        found = found.saturating_add(1);
        if record.sequence() <= last {
            return Err(DecodeError::Sequence(record.sequence()));
        }
        if found == 1 {
            first = record.sequence();
        }
        last = record.sequence();
        rest = after;
    }
    if found != stated {
        return Err(DecodeError::RecordCount { stated, found });
    }
    if head.first_sequence != first {
        return Err(DecodeError::Sequence(head.first_sequence.get()));
    }
    if head.last_sequence != last {
        return Err(DecodeError::Sequence(head.last_sequence.get()));
    }
    Ok(())
}
