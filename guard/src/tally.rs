//! How many requests came, and what became of them.
//!
//! Each counter only ever rises, and a request that is counted as ended was counted as seen before. So
//! whoever reads the ends first and then what was seen never finds more ended than seen, at no instant
//! and on no processor; the difference is what is in flight. Counting an end releases what its thread
//! knows, and reading the ends acquires it, because another processor may count than the one that reads.

#[cfg(all(test, loom))]
mod interleavings;

use crate::sync::{AtomicU64, Ordering, take_one};
use crate::{Outcome, OutcomeKind};

/// Requests by what became of them.
#[derive(Debug)]
pub(crate) struct Tally {
    seen: AtomicU64,
    completed: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    not_inspected: AtomicU64,
    summarised: AtomicU64,
    refused_unaudited: AtomicU64,
    /// Requests in flight whose record was lost.
    lost_in_flight: AtomicU64,
    memory: AtomicU64,
}

/// The tally at one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) seen: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) refused: u64,
    pub(crate) not_inspected: u64,
    pub(crate) in_flight: u64,
    pub(crate) summarised: u64,
    pub(crate) refused_unaudited: u64,
    pub(crate) memory: u64,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            seen: AtomicU64::new(0),
            completed: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            not_inspected: AtomicU64::new(0),
            summarised: AtomicU64::new(0),
            refused_unaudited: AtomicU64::new(0),
            lost_in_flight: AtomicU64::new(0),
            memory: AtomicU64::new(0),
        }
    }

    /// A request has been judged.
    pub(crate) fn begin(&self) {
        self.seen.fetch_add(1, Ordering::Relaxed);
    }

    /// The record of a request that has begun was lost.
    pub(crate) fn begin_lost(&self) {
        self.lost_in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A request that has begun is told of in a summary only.
    pub(crate) fn begin_summarised(&self) {
        self.begin();
        self.summarised.fetch_add(1, Ordering::Release);
    }

    /// A request without a record is to end; `false` if there is none left in flight.
    pub(crate) fn end_lost(&self) -> bool {
        take_one(&self.lost_in_flight)
    }

    /// A request has ended.
    pub(crate) fn end(&self, outcome: &Outcome) {
        let end = if outcome.kind == OutcomeKind::Refused {
            &self.refused
        } else if outcome.is_success() {
            &self.completed
        } else {
            &self.failed
        };
        end.fetch_add(1, Ordering::Release);
    }

    /// A request went down without a look.
    pub(crate) fn pass_not_inspected(&self) {
        self.begin();
        self.not_inspected.fetch_add(1, Ordering::Release);
    }

    /// A request was refused because nothing could be recorded of it.
    pub(crate) fn refuse_unaudited(&self) {
        self.refused_unaudited.fetch_add(1, Ordering::Relaxed);
    }

    /// How much memory the driver holds.
    pub(crate) fn set_memory(&self, bytes: u64) {
        self.memory.store(bytes, Ordering::Relaxed);
    }

    /// All of it. In flight is what was seen and has not ended, and what began or ended between the first of these loads and
    /// the last.
    pub(crate) fn sums(&self) -> Sums {
        let ended = |end: &AtomicU64| end.load(Ordering::Acquire);
        let completed = ended(&self.completed);
        let failed = ended(&self.failed);
        let refused = ended(&self.refused);
        let not_inspected = ended(&self.not_inspected);
        let summarised = ended(&self.summarised);
        // Last, so that it covers all of the above.
        let seen = self.seen.load(Ordering::Relaxed);
        let in_flight = [completed, failed, refused, not_inspected]
            .into_iter()
            .fold(seen, u64::saturating_sub);
        Sums {
            seen,
            completed,
            failed,
            refused,
            not_inspected,
            in_flight,
            summarised,
            refused_unaudited: self.refused_unaudited.load(Ordering::Relaxed),
            memory: self.memory.load(Ordering::Relaxed),
        }
    }
}
