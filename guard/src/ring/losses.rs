//! Records that were lost, by class and cause, and in all.

#[cfg(all(test, loom))]
mod interleavings;

use crate::sync::{AtomicU64, Ordering};
use wire::{LOSS_CAUSES, LOSS_CLASSES, LossCause, LossClass};

/// Losses as they were at one look.
pub(crate) type LossTable = [[u64; LOSS_CAUSES]; LOSS_CLASSES];

/// Counts of losses. Each only ever rises.
///
/// # Invariants
///
/// Whoever sees a total sees all its parts: a loss goes into its part first, and then, releasing that,
/// into the total.
#[derive(Debug)]
pub(crate) struct Losses {
    parts: [[AtomicU64; LOSS_CAUSES]; LOSS_CLASSES],
    total: AtomicU64,
}

impl Losses {
    pub(crate) fn new() -> Self {
        Self {
            parts: core::array::from_fn(|_| core::array::from_fn(|_| AtomicU64::new(0))),
            total: AtomicU64::new(0),
        }
    }

    /// Counts one.
    pub(crate) fn add(&self, class: LossClass, cause: LossCause) {
        let [routine, finding, state] = &self.parts;
        let [quota, full, fault] = match class {
            LossClass::Routine => routine,
            LossClass::Finding => finding,
            LossClass::State | LossClass::Unknown(_) => state,
        };
        let part = match cause {
            LossCause::Quota => quota,
            LossCause::Full => full,
            LossCause::Fault | LossCause::Unknown(_) => fault,
        };
        part.fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Release);
    }

    /// How many were over before this look.
    pub(crate) fn total(&self) -> u64 {
        self.total.load(Ordering::Acquire)
    }

    /// By class and cause: at least those of every total that was seen before. What is read after this
    /// is read later.
    pub(crate) fn table(&self) -> LossTable {
        self.parts
            .each_ref()
            .map(|causes| causes.each_ref().map(|part| part.load(Ordering::Acquire)))
    }
}
