//! The place of the driver's state, which is there from load to unload. Whoever comes meanwhile is lent it.

#![expect(
    unsafe_code,
    reason = "lends by address what is dropped when nobody can come any more"
)]

use core::cell::UnsafeCell;

use crate::atomics::{AtomicBool, AtomicU32, Ordering};

/// The state, or none.
///
/// Most who come are counted by the kernel: it lets no callback begin once the filter is unregistered, and threads are
/// joined. Who comes without that is a visitor ([`Slot::visit`]) and counted here.
///
/// # Invariants
///
/// `state` is written only by whoever puts or takes it, while `ready` is not set and, but for the first time, after `visits`
/// was found to be zero.
pub(crate) struct Slot<S> {
    ready: AtomicBool,
    visits: AtomicU32,
    state: UnsafeCell<Option<S>>,
}

// SAFETY: `state` is lent to other threads, and may be dropped by another one than has put it.
unsafe impl<S: Send + Sync> Sync for Slot<S> {}

impl<S> Slot<S> {
    pub(crate) const fn empty() -> Self {
        Self {
            ready: AtomicBool::new(false),
            visits: AtomicU32::new(0),
            state: UnsafeCell::new(None),
        }
    }

    /// From now on the state is there.
    ///
    /// # Safety
    ///
    /// 1. The slot is empty, and nobody else puts or takes now.
    pub(crate) unsafe fn put(&self, state: S) {
        // SAFETY: `ready` is not set, so nobody reads `state` (invariant), and nobody else writes it (contract 1).
        unsafe { *self.state.get() = Some(state) };
        self.ready.store(true, Ordering::Release);
    }

    /// The state, for who cannot be there when it is taken away.
    pub(crate) fn get(&self) -> Option<&S> {
        if !self.ready.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: while `ready` is set nobody writes `state` (invariant).
        unsafe { (*self.state.get()).as_ref() }
    }

    /// Lends the state to who may be overtaken by its end: that waits for him, or he finds nothing.
    pub(crate) fn visit(&self, body: impl FnOnce(&S)) {
        self.visits.fetch_add(1, Ordering::AcqRel);
        if let Some(state) = self.get() {
            body(state);
        }
        self.visits.fetch_sub(1, Ordering::Release);
    }

    /// Drops the state when the last visitor has gone; `pause` is for the time until then.
    ///
    /// # Safety
    ///
    /// 1. Nobody has what [`Slot::get`] has lent, or will ask for it before it is there again.
    /// 2. Nobody else puts or takes now.
    pub(crate) unsafe fn take(&self, mut pause: impl FnMut(&S)) {
        self.ready.store(false, Ordering::Release);
        // It is read by a write. Whoever counts himself in later has that before him, and so the line above: he finds
        // nothing. A plain load could miss a visitor who misses that line.
        while self.visits.fetch_or(0, Ordering::AcqRel) != 0 {
            // SAFETY: `state` is written below alone (invariant).
            if let Some(state) = unsafe { (*self.state.get()).as_ref() } {
                pause(state);
            }
        }
        // SAFETY: nobody was lent it (contract 1), no visitor is left, and the next finds nothing.
        unsafe { *self.state.get() = None };
    }
}
