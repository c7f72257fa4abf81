//! Which threads sleep: wait for something that has not happened yet.
//!
//! A test that moves the clock must know that the driver's threads have seen all there was to see. A thread is
//! asleep from the look that found nothing until somebody changes what it looked at; the one who changes it says
//! so before the waiter runs, so a thread that is about to run is never taken for one that sleeps.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::standstill::Waiting;

/// Where a thread sleeps: what one condition variable stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Events and threads.
    Objects,
    /// The connection to a port with this number.
    Connection(usize),
}

#[derive(Debug, Default)]
struct State {
    asleep: BTreeMap<u64, Place>,
    /// Counts changes.
    epoch: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Sleepers {
    state: Mutex<State>,
    changed: Condvar,
}

impl Sleepers {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<u64, Place>)) {
        let mut state = self.lock();
        change(&mut state.asleep);
        state.epoch += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// The thread found nothing at `place` and goes to sleep.
    pub(crate) fn sleeps(&self, thread: u64, place: Place) {
        self.change(|asleep| _ = asleep.insert(thread, place));
    }

    /// The thread is going to look again, or has ended.
    pub(crate) fn looks(&self, thread: u64) {
        self.change(|asleep| _ = asleep.remove(&thread));
    }

    /// Something has changed at `place`.
    pub(crate) fn wake(&self, place: Place) {
        self.change(|asleep| asleep.retain(|_, other| *other != place));
    }

    /// Waits until every thread that `running` names is asleep.
    pub(crate) fn wait_for(&self, running: impl Fn() -> Vec<u64>) {
        let _waiting = Waiting::begin("the threads of the drivers, to come to rest");
        self.wait_until(running, |threads, asleep| {
            threads.iter().all(|id| asleep.contains_key(id))
        });
    }

    /// Waits until `count` threads are asleep that `running` does not name.
    pub(crate) fn wait_for_others(&self, count: usize, running: impl Fn() -> Vec<u64>) {
        let _waiting = Waiting::begin("callers, to sleep in a driver");
        self.wait_until(running, |threads, asleep| {
            let others = asleep.keys().filter(|id| !threads.contains(id));
            others.count() >= count
        });
    }

    fn wait_until(
        &self,
        running: impl Fn() -> Vec<u64>,
        is_so: impl Fn(&[u64], &BTreeMap<u64, Place>) -> bool,
    ) {
        loop {
            let before = self.lock().epoch;
            let threads = running();
            let state = self.lock();
            if is_so(&threads, &state.asleep) {
                return;
            }
            let unchanged = |state: &mut State| state.epoch == before;
            let changed = self.changed.wait_while(state, unchanged);
            drop(changed.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_thread_sleeps_until_its_place_changes() {
        let sleepers = Sleepers::default();
        let asleep = |thread| sleepers.lock().asleep.contains_key(&thread);
        sleepers.sleeps(4, Place::Objects);
        sleepers.sleeps(8, Place::Connection(0));
        sleepers.wake(Place::Connection(1));
        assert!(asleep(4) && asleep(8));
        sleepers.wake(Place::Connection(0));
        assert!(asleep(4) && !asleep(8));
        sleepers.looks(4);
        assert!(!asleep(4));
    }

    #[test]
    fn the_last_one_to_fall_asleep_ends_the_wait() {
        let sleepers = Arc::new(Sleepers::default());
        sleepers.sleeps(4, Place::Objects);
        let other = Arc::clone(&sleepers);
        let thread = std::thread::spawn(move || other.wait_for(|| vec![4, 8]));
        sleepers.sleeps(8, Place::Objects);
        thread.join().expect("no panic");
        sleepers.wait_for(Vec::new);
    }

    #[test]
    fn who_calls_a_driver_sleeps_too() {
        let sleepers = Arc::new(Sleepers::default());
        sleepers.sleeps(4, Place::Objects);
        let other = Arc::clone(&sleepers);
        let thread = std::thread::spawn(move || other.wait_for_others(1, || vec![4]));
        sleepers.sleeps(8, Place::Objects);
        thread.join().expect("no panic");
        sleepers.wait_for_others(2, Vec::new);
    }
}
