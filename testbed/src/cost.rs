//! What a piece of work costs inside a driver: instructions, calls of the kernel, memory.
//!
//! [`Machine::cost_of`] counts on the thread that does the work, and on those for which it waits meanwhile. The numbers are those of the image, not of the test-bed
//! around it: the same image costs the same in every run.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::boundary::import::Call;
use crate::boundary::steps;
use crate::machine::Machine;

/// What a piece of work cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Instructions of the image, by their addresses relative to its base, and how often each was executed.
    pub instructions: BTreeMap<u64, u64>,
    /// Calls out of the image, by the name of the routine.
    pub calls: BTreeMap<String, u64>,
    /// Bytes that the driver allocated.
    pub allocated: u64,
}

impl Cost {
    /// All instructions together.
    #[must_use]
    pub fn instruction_count(&self) -> u64 {
        self.instructions.values().sum()
    }

    /// All calls together.
    #[must_use]
    pub fn call_count(&self) -> u64 {
        self.calls.values().sum()
    }
}

/// Counts what the threads do whose work is counted.
#[derive(Debug, Default)]
pub(crate) struct CallCounter {
    counted: Mutex<(BTreeMap<String, u64>, u64)>,
}

impl CallCounter {
    /// Counts a call.
    pub(crate) fn note(&self, call: &Call) {
        if steps::is_counted() {
            *self
                .counted()
                .0
                .entry(call.routine().to_owned())
                .or_default() += 1;
        }
    }

    /// Counts bytes that a call allocates.
    pub(crate) fn allocate(&self, bytes: u64) {
        if steps::is_counted() {
            self.counted().1 += bytes;
        }
    }

    fn take(&self) -> (BTreeMap<String, u64>, u64) {
        std::mem::take(&mut *self.counted())
    }

    fn counted(&self) -> MutexGuard<'_, (BTreeMap<String, u64>, u64)> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Machine {
    /// Runs `body` on the present thread and counts what it costs inside the driver of that name; nothing at all if there
    /// is no such driver.
    pub fn cost_of<T>(&self, driver: &str, body: impl FnOnce() -> T) -> (T, Cost) {
        let range = self.image_range(driver).unwrap_or_default();
        self.call_counter().take();
        let (value, hits) = steps::count(range, body);
        let (calls, allocated) = self.call_counter().take();
        let cost = Cost {
            instructions: hits.into_iter().collect(),
            calls,
            allocated,
        };
        (value, cost)
    }
}
