//! The machine goes down while something else is under way.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use testbed::ntos::Irql;
use testbed::{Held, Place};
use wire::PreviousStop;

use super::super::shutdown::{next_start, off};
use super::super::{Bench, SERVICE};
use super::clones::Cloner;
use super::{Met, Named, alone, one_in};

/// Each try takes two starts of the machine: in a short run one place is tried of so many.
const STARTS: usize = 41;

/// What the next start says explains what is missing, though the driver goes on recording until the power goes.
#[test]
fn a_clone_comes_while_the_last_words_are_said() {
    alone(|| {
        let begin = || {
            let bench = Bench::still()?;
            let cloner = Cloner::new(&bench, 1);
            cloner.clone_one();
            Some((bench, cloner))
        };
        let shut_down = |bench: &Bench| bench.machine.announce_shutdown(Irql::Passive);
        let Some((bench, cloner)) = begin() else {
            return;
        };
        let places = one_in(STARTS, &bench, Held::Worker, || shut_down(&bench));
        cloner.end();
        bench.end();
        let mut met = Met::default();
        for place in &places {
            let named = Named(place);
            let (bench, cloner) = begin().expect("there was an image before");
            let first = || shut_down(&bench);
            let done = bench
                .machine
                .preempted(SERVICE, place, first, || cloner.clone_one());
            met.note(done.was_held);
            cloner.end();
            let next = next_start(off(bench));
            assert_eq!(next.previous_stop, PreviousStop::Shutdown);
            // Nobody has taken anything.
            assert!(
                next.previous_undelivered >= next.previous_sequence,
                "{next:?}"
            );
            drop(named);
        }
    });
}

/// Waits for the end of one and lets the time pass until the other one has ended too.
fn pass_until_both(bench: &Bench, [first, second]: [Receiver<()>; 2]) {
    // Nothing is sent: who has ended has dropped his end.
    let _ = first.recv();
    while second.try_recv() == Err(TryRecvError::Empty) {
        bench.machine.wait_until_idle();
        bench.machine.advance(Duration::from_secs(1));
    }
}

/// What goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goes {
    Driver,
    Machine,
}

impl Goes {
    fn away(self, bench: &Bench) {
        match self {
            Self::Driver => bench.unload(),
            Self::Machine => bench.machine.announce_shutdown(Irql::Passive),
        }
    }
}

/// One goes and is held somewhere, and the other one goes too. Whether one was held.
fn go(bench: &Bench, place: &Place, [first, second]: [Goes; 2]) -> bool {
    let [(end, is_over), (other_end, other_is_over)] = [(); 2].map(|()| channel());
    let away = |goes: Goes, end: Sender<()>| {
        goes.away(bench);
        drop(end);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| pass_until_both(bench, [is_over, other_is_over]));
        let (first, second) = (|| away(first, end), || away(second, other_end));
        let done = bench.machine.preempted(SERVICE, place, first, second);
        done.was_held
    })
}

/// Somebody stops the service just then: both come to an end, and one of them has left a trace for the next start.
fn driver_and_machine(order: [Goes; 2]) {
    let Some(bench) = Bench::still() else {
        return;
    };
    let places = one_in(STARTS, &bench, Held::Caller, || order[0].away(&bench));
    if order[0] == Goes::Machine {
        bench.unload();
    }
    bench.end_bare();
    let mut met = Met::default();
    for place in &places {
        let named = Named(place);
        let bench = Bench::still().expect("there was an image before");
        met.note(go(&bench, place, order));
        bench.machine.close_registry();
        let disk = bench.machine.driver_state_on_disk(SERVICE);
        bench.end_bare();
        let next = next_start(disk);
        assert_ne!(next.previous_stop, PreviousStop::Unclean, "{next:?}");
        drop(named);
    }
}

#[test]
fn the_driver_goes_while_the_machine_goes_down() {
    alone(|| driver_and_machine([Goes::Machine, Goes::Driver]));
}

#[test]
fn the_machine_goes_down_while_the_driver_goes() {
    alone(|| driver_and_machine([Goes::Driver, Goes::Machine]));
}
