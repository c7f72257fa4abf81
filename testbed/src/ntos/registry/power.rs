//! The registry of a machine that goes down, loses its power, and starts again.

use std::sync::atomic::Ordering;

use super::{KeyKind, Registry, lock};

impl Registry {
    /// The machine goes down: what is written is on the disk, and nothing is written any more.
    pub(crate) fn close(&self) {
        self.lose_power();
        self.flush();
    }

    /// Nothing is written any more.
    pub(crate) fn lose_power(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// The machine starts again: of the states of drivers there is what the disk has. What an administrator has set stays.
    pub(crate) fn start_again(&self) {
        let mut entries = lock(&self.entries);
        entries.retain(|entry| entry.key != KeyKind::State);
        let flushed = lock(&self.flushed);
        let states = flushed.iter().filter(|entry| entry.key == KeyKind::State);
        entries.extend(states.cloned());
        self.closed.store(false, Ordering::SeqCst);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Writes everything to the disk: "ZwFlushKey flushes the entire registry hive for the key".
    pub(super) fn flush(&self) {
        lock(&self.flushed).clone_from(&lock(&self.entries));
    }
}
