//! The bounded journal between the callbacks and the one sender.
//!
//! A request reserves its record at the decision and commits it when it has ended; the sender
//! copies committed records into batches and releases them when they are acknowledged. Records
//! leave in the order of their sequence numbers, so a request that takes long holds back the later
//! ones. Without room the newest record is dropped, none is overwritten, and the next one that fits
//! says how many are missing before it.
//!
//! The driver keeps a [`Journal`] in a spin lock; nothing here locks, waits or allocates. Storage is
//! in `ring.rs`, the value that a request carries in `ticket.rs`.

use crate::record::number;
use crate::ring::{Ring, TooSmall};
use crate::{Outcome, OutcomeKind, RECORD_SIZE_MAX, Ticket};
use core::cell::Cell;
use wire::{BOOT_ID_SIZE, BatchHead, Counters};
use zerocopy::IntoBytes as _;
use zerocopy::little_endian::{U32, U64};

/// The least size of a batch buffer: with so many bytes every record fits.
pub const BATCH_SIZE_MIN: usize = size_of::<BatchHead>() + RECORD_SIZE_MAX;

/// A ticket that no request in flight holds: completed before, or never handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleTicket;

/// An acknowledgement that names more than any batch has held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckError {
    /// What was acknowledged.
    pub through_sequence: u64,
    /// The last sequence number that a batch has held.
    pub sent_through: u64,
}

/// What was put into a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Bytes of the batch, its head included.
    pub bytes: usize,
    /// Sequence number of the last record; 0 without records.
    pub last_sequence: u64,
    /// Records in the batch; 0 makes it a heartbeat.
    pub records: u32,
}

/// Records from the decision to their acknowledgement.
///
/// # Invariants
///
/// After every call `seen` is `completed + failed + refused + not_inspected + in_flight`, and
/// `delivered + lost + held` is the last sequence number.
#[derive(Debug)]
pub struct Journal<S> {
    ring: Ring<S>,
    tally: Tally,
    /// Last sequence number that was handed out.
    sequence: u64,
    /// Losses since the last record that fitted.
    lost_before: u64,
    /// Requests in flight whose record was lost.
    lost_in_flight: u64,
    /// Last sequence number that a batch has held. Filling reads everything else, so it is the only
    /// thing in a cell.
    sent_through: Cell<u64>,
}

/// The counters that only ever grow, and the requests in flight.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    seen: u64,
    completed: u64,
    failed: u64,
    refused: u64,
    not_inspected: u64,
    in_flight: u64,
    delivered: u64,
    lost: u64,
}

impl<S: AsRef<[u8]> + AsMut<[u8]>> Journal<S> {
    /// An empty journal in the storage given, whatever that holds.
    ///
    /// # Errors
    ///
    /// [`TooSmall`] below [`crate::JOURNAL_SIZE_MIN`] bytes, and above what 32 bits can address.
    pub fn new(storage: S) -> Result<Self, TooSmall> {
        Ok(Self {
            ring: Ring::new(storage)?,
            tally: Tally::default(),
            sequence: 0,
            lost_before: 0,
            lost_in_flight: 0,
            sent_through: Cell::new(0),
        })
    }

    /// Takes a judged request in: it gets the next sequence number and, if there is room, a record.
    ///
    /// `record` is what [`crate::Draft::encode`] wrote. The caller encodes it, because names may lie
    /// in paged memory, which must not be touched under the lock that guards a journal. Bytes that
    /// are no record are counted as lost.
    ///
    /// The ticket must come back through [`Journal::complete`], exactly once, also if
    /// [`Ticket::is_lost`] says that there was no room.
    pub fn reserve(&mut self, record: &[u8]) -> Ticket {
        bump(&mut self.tally.seen);
        bump(&mut self.tally.in_flight);
        bump(&mut self.sequence);
        let sequence = self.sequence;
        if let Some(ticket) = self.write(record, sequence) {
            self.lost_before = 0;
            return ticket;
        }
        bump(&mut self.tally.lost);
        bump(&mut self.lost_before);
        bump(&mut self.lost_in_flight);
        Ticket::lost(sequence)
    }

    /// Takes in a record that is about no request and is complete as it is: it gets the next sequence
    /// number, and is delivered or counted as lost like any other.
    pub fn note(&mut self, record: &[u8]) {
        bump(&mut self.sequence);
        let written = self.write(record, self.sequence);
        if let Some(slot) = written.and_then(Ticket::slot) {
            self.lost_before = 0;
            self.ring.commit(slot);
        } else {
            bump(&mut self.tally.lost);
            bump(&mut self.lost_before);
        }
    }

    /// Writes the record of a request, if it fits.
    fn write(&mut self, record: &[u8], sequence: u64) -> Option<Ticket> {
        let place = self.ring.place(record.len())?;
        let bytes = self.ring.place_mut(place)?;
        bytes.copy_from_slice(record);
        number(bytes, sequence, self.lost_before).ok()?;
        let slot = self.ring.push(place, sequence)?;
        Ticket::new(slot, sequence)
    }

    /// Adds the end of a request to its record and lets the record go.
    ///
    /// # Errors
    ///
    /// [`StaleTicket`] if no request in flight holds the ticket; nothing is changed then. For a
    /// lost record there is nothing left to compare with, so only a ticket too many is noticed.
    pub fn complete(&mut self, ticket: Ticket, outcome: &Outcome) -> Result<(), StaleTicket> {
        match ticket.slot() {
            Some(slot) => self.commit(slot, ticket, outcome)?,
            None => {
                self.lost_in_flight = self.lost_in_flight.checked_sub(1).ok_or(StaleTicket)?;
            }
        }
        self.tally.in_flight = self.tally.in_flight.saturating_sub(1);
        let end = if outcome.kind == OutcomeKind::Refused {
            &mut self.tally.refused
        } else if outcome.is_success() {
            &mut self.tally.completed
        } else {
            &mut self.tally.failed
        };
        bump(end);
        Ok(())
    }

    /// Completes the record in a slot, if it is the ticket's.
    fn commit(&mut self, index: u32, ticket: Ticket, outcome: &Outcome) -> Result<(), StaleTicket> {
        let slot = self.ring.live(index).ok_or(StaleTicket)?;
        if slot.is_committed() || !ticket.is_for(slot.sequence()) {
            return Err(StaleTicket);
        }
        let record = self.ring.record_mut(slot).ok_or(StaleTicket)?;
        outcome.patch(record).map_err(|_| StaleTicket)?;
        self.ring.commit(index);
        Ok(())
    }

    /// Copies the oldest committed records into `out` as one batch, as many as fit and up to the
    /// first that is still in flight. Nothing is removed.
    ///
    /// A batch without records is a heartbeat. `None` if `out` is too small for the head or for the
    /// oldest record, which [`BATCH_SIZE_MIN`] bytes never are.
    pub fn fill_batch(&self, boot_id: [u8; BOOT_ID_SIZE], out: &mut [u8]) -> Option<Filled> {
        let mut head = BatchHead::new(boot_id, self.counters());
        let (head_place, mut rest) = out.split_at_mut_checked(size_of::<BatchHead>())?;
        let mut bytes = head.byte_count.get();
        let mut records = 0_u32;
        while let Some((_, slot)) = self.ring.nth(records)
            && slot.is_committed()
        {
            let record = self.ring.record(slot)?;
            let (Some(total), Some((place, after))) = (
                bytes.checked_add(slot.length()),
                core::mem::take(&mut rest).split_at_mut_checked(record.len()),
            ) else {
                break;
            };
            place.copy_from_slice(record);
            if records == 0 {
                head.first_sequence = U64::new(slot.sequence());
            }
            head.last_sequence = U64::new(slot.sequence());
            records = records.checked_add(1)?;
            bytes = total;
            rest = after;
        }
        let nothing_fits = records == 0 && self.ring.nth(0).is_some_and(|(_, s)| s.is_committed());
        if nothing_fits {
            return None;
        }
        head.byte_count = U32::new(bytes);
        head.record_count = U32::new(records);
        head_place.copy_from_slice(head.as_bytes());
        let last_sequence = head.last_sequence.get();
        self.sent_through
            .set(self.sent_through.get().max(last_sequence));
        Some(Filled {
            bytes: usize::try_from(bytes).ok()?,
            last_sequence,
            records,
        })
    }

    /// Releases every record up to and including `through_sequence` and returns how many there
    /// were. Acknowledging the same again releases nothing and is no error.
    ///
    /// # Errors
    ///
    /// [`AckError`] if that is beyond what any batch has held; nothing is released then.
    pub fn acknowledge(&mut self, through_sequence: u64) -> Result<u64, AckError> {
        let sent_through = self.sent_through.get();
        if through_sequence > sent_through {
            return Err(AckError {
                through_sequence,
                sent_through,
            });
        }
        let mut released = 0;
        while let Some((_, slot)) = self.ring.nth(0)
            && slot.is_committed()
            && slot.sequence() <= through_sequence
        {
            self.ring.pop();
            bump(&mut released);
        }
        self.tally.delivered = self.tally.delivered.saturating_add(released);
        Ok(released)
    }

    /// Counts a request that went down without a look. It gets no record and no number.
    pub fn note_not_inspected(&mut self) {
        bump(&mut self.tally.seen);
        bump(&mut self.tally.not_inspected);
    }

    /// The counters as they are now.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let Tally {
            seen,
            completed,
            failed,
            refused,
            not_inspected,
            in_flight,
            delivered,
            lost,
        } = self.tally;
        Counters {
            seen: U64::new(seen),
            completed: U64::new(completed),
            failed: U64::new(failed),
            refused: U64::new(refused),
            not_inspected: U64::new(not_inspected),
            in_flight: U64::new(in_flight),
            delivered: U64::new(delivered),
            lost: U64::new(lost),
            held: U64::new(u64::from(self.ring.count())),
        }
    }

    /// The last sequence number that was handed out; 0 before the first.
    #[must_use]
    pub const fn last_sequence(&self) -> u64 {
        self.sequence
    }
}

/// Adds one. A counter of 64 bits does not reach its end; if it did, it would stay there.
const fn bump(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}
