//! The driver's counters in native numbers.

use serde::Serialize;
use wire::{Counters, Losses};

/// The counters of the driver since it was loaded, at one look ([`wire::Counters`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CounterValues {
    /// Requests that reached the driver, of kind `clone` and of kind `seen`.
    pub seen: u64,
    /// Ended with a success status.
    pub completed: u64,
    /// Ended with another status, or not known to have succeeded because the instance went away.
    pub failed: u64,
    /// Refused by the driver.
    pub refused: u64,
    /// Passed down without a look and without a record.
    pub not_inspected: u64,
    /// Judged and not yet ended.
    pub in_flight: u64,
    /// Records that were acknowledged.
    pub delivered: u64,
    /// Records for which there was no room.
    pub lost: u64,
    /// Records in the driver.
    pub held: u64,
    /// `lost` by class and cause.
    pub losses: LossCounts,
    /// Requests that only a summary tells of.
    pub summarised: u64,
    /// Requests refused because nothing could be recorded of them.
    pub refused_unaudited: u64,
    /// Bytes of memory that the driver holds.
    pub memory: u64,
}

/// Lost records by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LossCounts {
    /// Requests that passed, and what belongs to them.
    pub routine: CauseCounts,
    /// Findings and refusals.
    pub finding: CauseCounts,
    /// What the driver says of itself.
    pub state: CauseCounts,
}

/// Lost records by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CauseCounts {
    /// What room was left is kept for findings and state.
    pub quota: u64,
    /// There was no room at all.
    pub full: u64,
    /// The record could not be written.
    pub fault: u64,
}

impl LossCounts {
    /// The classes with their names.
    #[must_use]
    pub const fn classes(&self) -> [(&'static str, CauseCounts); 3] {
        [
            ("routine", self.routine),
            ("finding", self.finding),
            ("state", self.state),
        ]
    }
}

impl CauseCounts {
    /// The causes with their names.
    #[must_use]
    pub const fn causes(&self) -> [(&'static str, u64); 3] {
        [
            ("quota", self.quota),
            ("full", self.full),
            ("fault", self.fault),
        ]
    }
}

impl From<&Counters> for CounterValues {
    fn from(counters: &Counters) -> Self {
        Self {
            seen: counters.seen.get(),
            completed: counters.completed.get(),
            failed: counters.failed.get(),
            refused: counters.refused.get(),
            not_inspected: counters.not_inspected.get(),
            in_flight: counters.in_flight.get(),
            delivered: counters.delivered.get(),
            lost: counters.lost.get(),
            held: counters.held.get(),
            losses: (&counters.losses).into(),
            summarised: counters.summarised.get(),
            refused_unaudited: counters.refused_unaudited.get(),
            memory: counters.memory.get(),
        }
    }
}

impl From<&Losses> for LossCounts {
    fn from(losses: &Losses) -> Self {
        let [routine, finding, state] = losses.map(|causes| {
            let [quota, full, fault] = causes.map(|count| count.get());
            CauseCounts { quota, full, fault }
        });
        Self {
            routine,
            finding,
            state,
        }
    }
}
