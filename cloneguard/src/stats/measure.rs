//! What became of the requests of one verdict.

use super::quantile::Histogram;
use crate::Summary;

/// The requests of one verdict.
#[derive(Clone, Debug, Default)]
pub(super) struct Measure {
    /// Requests that have a record.
    pub(super) count: u64,
    /// Requests that only summaries tell of.
    pub(super) summarised: u64,
    /// Those that ended with a success status.
    pub(super) completed: u64,
    /// Those that ended with another.
    pub(super) failed: u64,
    /// Bytes of the completed ones.
    pub(super) byte_count: u64,
    /// Durations of those that have a record, in 100 ns.
    pub(super) durations: Histogram,
}

impl Measure {
    /// Takes in how a request ended.
    pub(super) fn end(&mut self, status: Option<u32>, duration: Option<u64>, byte_count: u64) {
        match status {
            Some(status) if is_failure(status) => self.failed = self.failed.saturating_add(1),
            Some(_) => {
                self.completed = self.completed.saturating_add(1);
                self.byte_count = self.byte_count.saturating_add(byte_count);
            }
            None => {}
        }
        if let Some(duration) = duration {
            self.durations.add(duration);
        }
    }

    /// Takes in requests that have no records of their own.
    pub(super) fn summary(&mut self, summary: &Summary) {
        self.summarised = self.summarised.saturating_add(summary.count);
        self.completed = self.completed.saturating_add(summary.completed);
        self.failed = self.failed.saturating_add(summary.failed);
        self.byte_count = self.byte_count.saturating_add(summary.byte_count);
    }
}

/// Whether a status is none of success or information (MS-ERREF 2.3: the two highest bits).
pub(super) const fn is_failure(status: u32) -> bool {
    status >> 31 == 1
}
