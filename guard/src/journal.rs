//! The bounded journal between the callbacks and the one sender.
//!
//! A request reserves its record at the decision and completes it when it has ended; the sender copies
//! whole records into batches and releases them when they are acknowledged. Records leave in the order
//! in which they were reserved. Without room the newest record is dropped, none is overwritten, and the
//! next one that fits says how many are missing before it. Routine records leave a quarter of the room
//! to findings and to what the driver says of itself, and that leaves an eighth to findings.
//!
//! Producers share a [`Journal`], any number of them, at up to `DISPATCH_LEVEL`; nothing here locks,
//! waits or allocates. There is one [`Reader`], made with the journal, and whoever has it is the sender
//! (`reader.rs`). The records lie in `ring.rs`, requests are counted in `tally.rs`, and `ticket.rs` is
//! the value that a request carries.

use crate::outcome::{found_at_end, into_ended};
use crate::reader::Reader;
use crate::ring::{Arrival, Ended, LossTable, Place, Ring, Stock, Words, request_of};
use crate::sync::AtomicU64;
use crate::tally::{Sums, Tally};
use crate::{Outcome, RECORD_SIZE_MAX, Ticket};
use wire::{Counters, LossCause, LossClass, RecordHead};
use zerocopy::FromBytes as _;
use zerocopy::little_endian::U64;

/// The least storage of a journal, in bytes: a record of the largest size fits, even a routine one.
pub const JOURNAL_SIZE_MIN: usize = 0x4000;
const _: () = assert!(
    // Four thirds for the quarter that is kept free, nine eighths for the tags; a little for the rest.
    JOURNAL_SIZE_MIN * 2 >= RECORD_SIZE_MAX * 3 + 0x800,
    "JOURNAL_SIZE_MIN does not hold the largest record"
);

/// How many words of storage a journal of so many bytes has.
#[must_use]
pub const fn journal_words(size: usize) -> usize {
    // A word has eight bytes; what is left over is no word.
    size >> 3
}

/// The storage given is less than [`JOURNAL_SIZE_MIN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSmall {
    /// Bytes that were given.
    pub given: usize,
}

/// A ticket that no request in flight holds: completed before, or never handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleTicket;

/// How full a journal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Bytes that hold records.
    pub used: u64,
    /// Bytes that can hold records: what the journal keeps of its storage for itself is not counted.
    pub size: u64,
}

/// Records from the decision to their acknowledgement, and what became of all requests.
///
/// Every sum of [`Counters`] holds whenever they are read: what is in flight is what was seen and has
/// not ended, what is held is what was taken in and not delivered, and each pair is read in the order
/// that makes the difference true of one moment (`tally.rs`, [`Ring::stock`]).
#[derive(Debug)]
pub struct Journal<S> {
    pub(crate) ring: Ring<S>,
    tally: Tally,
}

impl<S: AsRef<[AtomicU64]>> Journal<S> {
    /// An empty journal in the storage given, whatever that holds, and its only reader.
    ///
    /// # Errors
    ///
    /// [`TooSmall`] below [`JOURNAL_SIZE_MIN`] bytes.
    pub fn new(storage: S) -> Result<(Self, Reader), TooSmall> {
        let words = storage.as_ref().len();
        let given = words.saturating_mul(8);
        let enough = words >= journal_words(JOURNAL_SIZE_MIN);
        let ring = enough.then(|| Ring::new(storage)).flatten();
        let journal = Self {
            ring: ring.ok_or(TooSmall { given })?,
            tally: Tally::new(),
        };
        Ok((journal, Reader::new()))
    }

    /// Takes a judged request in, and its record if there is room.
    ///
    /// `record` is what [`crate::Draft::encode`] wrote, and `class` is its [`crate::Draft::class`]. Bytes
    /// that are no record of a request are counted as lost.
    ///
    /// The ticket must come back through [`Journal::complete`], exactly once, also if
    /// [`Ticket::is_lost`] says that there was no room.
    pub fn reserve(&self, class: LossClass, record: &[u8]) -> Ticket {
        self.tally.begin();
        let position = self.put(class, record, Arrival::Open);
        if position.is_none() {
            self.tally.begin_lost();
        }
        Ticket::new(class, position)
    }

    /// Takes in a record that is about no request, or about many: it is whole as it is. `false` if there
    /// was no room; the loss is counted.
    pub fn note(&self, class: LossClass, record: &[u8]) -> bool {
        self.put(class, record, Arrival::Whole).is_some()
    }

    /// The same if there is room now; otherwise nothing happens, and nothing is counted. For what the
    /// caller keeps until there is room.
    pub fn offer(&self, class: LossClass, record: &[u8]) -> bool {
        words_of(record).is_some_and(|words| self.ring.offer(words, class))
    }

    fn put(&self, class: LossClass, record: &[u8], arrival: Arrival) -> Option<u64> {
        match words_of(record) {
            Some(words) => self.ring.push(words, class, arrival),
            None => {
                self.ring.lose(class, LossCause::Fault);
                None
            }
        }
    }

    /// Adds the end of a request to its record and lets the record go. If the record had to go before,
    /// the end becomes a record of its own, unless there was no room to keep what that needs; then it is
    /// lost.
    ///
    /// What makes a finding of a routine request only now is told in any case, as long as there is room.
    ///
    /// # Errors
    ///
    /// [`StaleTicket`] if no request in flight holds the ticket; nothing is changed then. For a record
    /// that was lost, or that is gone without anything kept, there is nothing left to compare with, so only
    /// a ticket too many is noticed.
    pub fn complete(&self, ticket: Ticket, outcome: &Outcome) -> Result<(), StaleTicket> {
        match ticket.place() {
            Some(place) => {
                let end = |prefix: &mut _| outcome.patch(prefix);
                match self.ring.end(place, end).ok_or(StaleTicket)? {
                    Ended::InPlace => {}
                    Ended::Late(mut record) => {
                        let class = into_ended(&mut record);
                        // A loss is counted like any other.
                        self.ring.push(&record, class, Arrival::Whole);
                    }
                    Ended::Unkept => self.end_unkept(place, outcome),
                }
            }
            None => {
                self.tally.end_lost().then_some(()).ok_or(StaleTicket)?;
                // Of a finding the loss is counted: nobody takes its request for one that passed.
                if outcome.makes_a_finding() && !ticket.is_finding() {
                    self.tell_finding(0, outcome, Arrival::Alone);
                }
            }
        }
        self.tally.end(outcome);
        Ok(())
    }

    /// The end of a request of which nothing was kept but that its record left. It is lost; not so what it
    /// makes a finding of a request without one, which had fired no rule before.
    fn end_unkept(&self, place: Place, outcome: &Outcome) {
        if place.is_finding {
            self.ring.lose(LossClass::Finding, LossCause::Full);
        } else if outcome.makes_a_finding() {
            self.tell_finding(request_of(place.position), outcome, Arrival::Whole);
        } else {
            self.ring.lose(LossClass::Routine, LossCause::Full);
        }
    }

    fn tell_finding(&self, request: u64, outcome: &Outcome, arrival: Arrival) {
        match found_at_end(request, outcome) {
            Some(record) => drop(self.ring.push(&record, LossClass::Finding, arrival)),
            None => self.ring.lose(LossClass::Finding, LossCause::Fault),
        }
    }

    /// Counts a request that went down without a look. It gets no record and no number.
    pub fn note_not_inspected(&self) {
        self.tally.pass_not_inspected();
    }

    /// Counts a request that was refused because nothing could be recorded of it. Beside its end, which
    /// [`Journal::complete`] counts.
    pub fn note_refused_unaudited(&self) {
        self.tally.refuse_unaudited();
    }

    /// Counts a request of which a summary tells instead of a record.
    pub(crate) fn begin_summarised(&self) {
        self.tally.begin_summarised();
    }

    /// Counts the end of such a request.
    pub(crate) fn end_summarised(&self, outcome: &Outcome) {
        self.tally.end(outcome);
    }

    /// Says how many bytes of memory the driver holds.
    pub fn set_memory(&self, bytes: u64) {
        self.tally.set_memory(bytes);
    }

    /// The counters as they are now.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let Sums {
            seen,
            completed,
            failed,
            refused,
            not_inspected,
            in_flight,
            summarised,
            refused_unaudited,
            memory,
        } = self.tally.sums();
        let Stock {
            delivered,
            losses,
            records,
        } = self.ring.stock();
        Counters {
            seen: U64::new(seen),
            completed: U64::new(completed),
            failed: U64::new(failed),
            refused: U64::new(refused),
            not_inspected: U64::new(not_inspected),
            in_flight: U64::new(in_flight),
            delivered: U64::new(delivered),
            lost: U64::new(sum(&losses)),
            held: U64::new(records.saturating_sub(delivered)),
            losses: losses.map(|causes| causes.map(U64::new)),
            summarised: U64::new(summarised),
            refused_unaudited: U64::new(refused_unaudited),
            memory: U64::new(memory),
        }
    }

    /// The last sequence number that was handed out; 0 before the first.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        let stock = self.ring.stock();
        stock.records.saturating_add(sum(&stock.losses))
    }

    /// How full it is.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let (used, cells) = self.ring.usage();
        Usage {
            used: used.saturating_mul(64),
            size: cells.saturating_mul(64),
        }
    }

    /// Whether a record of so many bytes would fit now.
    #[must_use]
    pub fn has_room(&self, class: LossClass, size: usize) -> bool {
        self.ring.has_room(size.div_ceil(8), class)
    }
}

/// The words of a record, if it is as long as its head says.
fn words_of(record: &[u8]) -> Option<&Words> {
    let (head, _) = RecordHead::ref_from_prefix(record).ok()?;
    let (words, rest) = record.as_chunks();
    let is_whole = usize::try_from(head.total_size.get()) == Ok(record.len());
    (is_whole && rest.is_empty()).then_some(words)
}

/// All losses together.
fn sum(losses: &LossTable) -> u64 {
    losses
        .iter()
        .flatten()
        .fold(0, |sum, part| sum.saturating_add(*part))
}
