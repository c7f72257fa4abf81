//! Calls that fail for want of memory, one at a time.
//!
//! A routine that can run out of resources asks `Injection::fails` once. A sweep runs the same scenario
//! with [`Injection::fail`] 1, 2, .. until [`Injection::calls`] stays below the number. For a time without memory
//! there is [`Injection::fail_all`].

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::boundary::import::Call;

/// Chooses calls that fail for want of memory.
#[derive(Debug, Default)]
pub struct Injection {
    /// Fallible calls so far.
    calls: AtomicU64,
    /// The number of the one call that fails, counted from 1; 0 for none.
    chosen: AtomicU64,
    /// Whether every call fails.
    all: AtomicBool,
}

impl Injection {
    /// Lets the `number`th fallible call from now on fail, counted from 1; 0 lets none fail.
    pub fn fail(&self, number: u64) {
        let before = self.calls.load(Ordering::Relaxed);
        let chosen = if number == 0 { 0 } else { before + number };
        self.chosen.store(chosen, Ordering::Relaxed);
    }

    /// Lets every fallible call fail from now on, or none any more.
    pub fn fail_all(&self, fail: bool) {
        self.all.store(fail, Ordering::Relaxed);
    }

    /// How many fallible calls drivers have made so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Counts a fallible call of a driver and says whether it is the chosen one.
    pub(crate) fn fails(&self, call: &Call) -> bool {
        if call.driver() == 0 {
            return false;
        }
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        self.all.load(Ordering::Relaxed) || number == self.chosen.load(Ordering::Relaxed)
    }
}
