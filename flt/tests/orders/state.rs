//! The driver's state is taken away under a shutdown of the machine, of which nobody says that it waits (`flt/src/slot.rs`).

use crate::model::{Arc, check, thread};
use crate::slot::Slot;
use crate::{Ends, Watched, ended};

/// An empty slot, used once so that its atomics are loom's.
fn slot() -> Arc<Slot<Watched>> {
    let slot = Slot::empty();
    slot.visit(|_: &Watched| panic!("there is none"));
    Arc::new(slot)
}

fn visit(slot: &Arc<Slot<Watched>>) -> thread::JoinHandle<()> {
    let slot = Arc::clone(slot);
    thread::spawn(move || slot.visit(|state| assert!(state.look() > 0)))
}

fn load(slot: &Slot<Watched>, number: u64, ends: &Ends) {
    // SAFETY: the slot is empty, and this thread alone puts and takes.
    unsafe { slot.put(Watched::new(number, ends)) };
}

fn unload(slot: &Slot<Watched>) {
    // SAFETY: nobody calls `get`, and this thread alone puts and takes.
    unsafe { slot.take(|_| thread::yield_now()) };
    assert!(slot.get().is_none());
}

/// Visitors find the state, whole, or nothing; who found it is waited for.
#[test]
fn the_state_is_taken_away_under_visitors() {
    check(3, || {
        let (slot, ends) = (slot(), Ends::default());
        load(&slot, 1, &ends);
        let visitors = [visit(&slot), visit(&slot)];
        unload(&slot);
        assert_eq!(ended(&ends), 1);
        for visitor in visitors {
            visitor.join().expect("no panic");
        }
    });
}

/// One who comes while the driver is loaded, and loaded again.
#[test]
fn the_state_is_put_in_under_a_visitor() {
    check(3, || {
        let (slot, ends) = (slot(), Ends::default());
        let visitor = visit(&slot);
        for number in 1..3 {
            load(&slot, number, &ends);
            unload(&slot);
        }
        visitor.join().expect("no panic");
        assert_eq!(ended(&ends), 2);
    });
}
