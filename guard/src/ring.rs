//! Storage of the journal: a table of slots and a ring of bytes, in memory of the caller's.
//!
//! A record lies in one piece. Its slot says where, how long, with which sequence number and
//! whether it is committed. Slots lie apart from the records, so no content of a record can ever be
//! taken for a slot, whatever ticket comes in. The table has a slot for as many records as the bytes
//! could hold if all were of the smallest size, so only the bytes ever run out.
//!
//! `journal.rs` does the counting; this file knows nothing of requests.

use crate::RECORD_SIZE_MAX;
use wire::RecordHead;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of a slot.
const SLOT_SIZE: usize = size_of::<Slot>();
/// Bytes that the smallest record takes with its slot.
const UNIT: usize = SLOT_SIZE + size_of::<RecordHead>();

/// The least storage of a journal, in bytes: one record of the largest size and the slots that go
/// with so many bytes.
pub const JOURNAL_SIZE_MIN: usize = 0x1C00;
const _: () = assert!(
    JOURNAL_SIZE_MIN - JOURNAL_SIZE_MIN.div_euclid(UNIT) * SLOT_SIZE >= RECORD_SIZE_MAX,
    "JOURNAL_SIZE_MIN does not hold the largest record"
);

/// The storage given is less than [`JOURNAL_SIZE_MIN`], or more than 32 bits can address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSmall {
    /// Bytes that were given.
    pub given: usize,
}

/// Where a record lies and in which state.
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub(crate) struct Slot {
    sequence: U64,
    offset: U32,
    length: U32,
    committed: U32,
    reserved: U32,
}

/// Room for a record that is not in the ring yet.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    offset: u32,
    length: u32,
}

/// Records in order, the oldest first.
///
/// # Invariants
///
/// Live slots are the `count` slots from `oldest` on, modulo `slots`. Their records do not overlap
/// and lie in rising order from the oldest on, with at most one jump back to the start.
#[derive(Debug)]
pub(crate) struct Ring<S> {
    storage: S,
    /// Slots in the table.
    slots: u32,
    /// Bytes of the table; the records lie behind it.
    table_size: usize,
    /// Bytes for records.
    capacity: u32,
    /// Slot of the oldest record.
    oldest: u32,
    /// Records held.
    count: u32,
    /// Offset behind the newest record.
    free: u32,
}

impl Slot {
    /// Sequence number of the record.
    pub(crate) const fn sequence(self) -> u64 {
        self.sequence.get()
    }

    /// Whether the end of the request is in the record.
    pub(crate) const fn is_committed(self) -> bool {
        self.committed.get() != 0
    }

    /// Bytes of the record.
    pub(crate) const fn length(self) -> u32 {
        self.length.get()
    }
}

impl<S: AsRef<[u8]> + AsMut<[u8]>> Ring<S> {
    /// An empty ring in the storage given, whatever that holds.
    pub(crate) fn new(storage: S) -> Result<Self, TooSmall> {
        let given = storage.as_ref().len();
        let refusal = TooSmall { given };
        if given < JOURNAL_SIZE_MIN {
            return Err(refusal);
        }
        let units = given.checked_div(UNIT).ok_or(refusal)?;
        let table_size = units.checked_mul(SLOT_SIZE).ok_or(refusal)?;
        let capacity = given.checked_sub(table_size).ok_or(refusal)?;
        Ok(Self {
            storage,
            slots: u32::try_from(units).map_err(|_| refusal)?,
            table_size,
            capacity: u32::try_from(capacity).map_err(|_| refusal)?,
            oldest: 0,
            count: 0,
            free: 0,
        })
    }

    /// Records held.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// Room for a record of `length` bytes in one piece, if there is any: behind the newest record,
    /// or at the start.
    pub(crate) fn place(&self, length: usize) -> Option<Place> {
        if self.count >= self.slots {
            return None;
        }
        let length = u32::try_from(length).ok()?;
        let oldest = match self.nth(0) {
            Some((_, slot)) => slot.offset.get(),
            None => return (length <= self.capacity).then_some(Place { offset: 0, length }),
        };
        let fits = |from: u32, to: u32| to.checked_sub(from).is_some_and(|room| length <= room);
        if oldest >= self.free {
            // The records wrap round: the only gap is before the oldest.
            return fits(self.free, oldest).then_some(Place {
                offset: self.free,
                length,
            });
        }
        if fits(self.free, self.capacity) {
            return Some(Place {
                offset: self.free,
                length,
            });
        }
        fits(0, oldest).then_some(Place { offset: 0, length })
    }

    /// The bytes of a place.
    pub(crate) fn place_mut(&mut self, place: Place) -> Option<&mut [u8]> {
        let range = self.range(place.offset, place.length)?;
        self.storage.as_mut().get_mut(range)
    }

    /// Makes what was written to `place` the newest record and returns its slot.
    pub(crate) fn push(&mut self, place: Place, sequence: u64) -> Option<u32> {
        let index = self.index_of(self.count)?;
        let slot = Slot {
            sequence: U64::new(sequence),
            offset: U32::new(place.offset),
            length: U32::new(place.length),
            committed: U32::ZERO,
            reserved: U32::ZERO,
        };
        let free = place.offset.checked_add(place.length)?;
        let count = self.count.checked_add(1)?;
        *self.slot_mut(index)? = slot;
        self.free = free;
        self.count = count;
        Some(index)
    }

    /// The record `position` places after the oldest: its slot's number and the slot.
    pub(crate) fn nth(&self, position: u32) -> Option<(u32, Slot)> {
        if position >= self.count {
            return None;
        }
        let index = self.index_of(position)?;
        self.slot(index).map(|slot| (index, slot))
    }

    /// The slot of that number, if it holds a record.
    pub(crate) fn live(&self, index: u32) -> Option<Slot> {
        if index >= self.slots {
            return None;
        }
        let position = match index.checked_sub(self.oldest) {
            Some(position) => position,
            None => index.checked_add(self.slots)?.checked_sub(self.oldest)?,
        };
        if position < self.count {
            self.slot(index)
        } else {
            None
        }
    }

    /// The bytes of a record.
    pub(crate) fn record(&self, slot: Slot) -> Option<&[u8]> {
        let range = self.range(slot.offset.get(), slot.length.get())?;
        self.storage.as_ref().get(range)
    }

    /// The bytes of a record, to be changed.
    pub(crate) fn record_mut(&mut self, slot: Slot) -> Option<&mut [u8]> {
        let range = self.range(slot.offset.get(), slot.length.get())?;
        self.storage.as_mut().get_mut(range)
    }

    /// Marks the record of a slot as complete.
    pub(crate) fn commit(&mut self, index: u32) {
        if let Some(slot) = self.slot_mut(index) {
            slot.committed = U32::new(1);
        }
    }

    /// Removes the oldest record.
    pub(crate) fn pop(&mut self) {
        let Some(count) = self.count.checked_sub(1) else {
            return;
        };
        let Some(oldest) = self.index_of(1) else {
            return;
        };
        self.oldest = oldest;
        self.count = count;
    }

    /// Number of the slot `position` places after the oldest one, `position` at most `slots`.
    fn index_of(&self, position: u32) -> Option<u32> {
        let index = self.oldest.checked_add(position)?;
        Some(index.checked_sub(self.slots).unwrap_or(index))
    }

    /// A slot of the table.
    fn slot(&self, index: u32) -> Option<Slot> {
        let start = usize::try_from(index).ok()?.checked_mul(SLOT_SIZE)?;
        let bytes = self
            .storage
            .as_ref()
            .get(start..start.checked_add(SLOT_SIZE)?)?;
        Slot::read_from_bytes(bytes).ok()
    }

    /// A slot of the table, to be changed.
    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot> {
        let start = usize::try_from(index).ok()?.checked_mul(SLOT_SIZE)?;
        let bytes = self
            .storage
            .as_mut()
            .get_mut(start..start.checked_add(SLOT_SIZE)?)?;
        Slot::mut_from_bytes(bytes).ok()
    }

    /// Where in the storage a record lies.
    fn range(&self, offset: u32, length: u32) -> Option<core::ops::Range<usize>> {
        let start = self.table_size.checked_add(usize::try_from(offset).ok()?)?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        Some(start..end)
    }
}
