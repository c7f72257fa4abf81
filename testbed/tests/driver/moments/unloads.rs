//! The driver goes while something else is under way, and comes again.

use std::sync::{Mutex, PoisonError};

use cloneguard::{Consumer, Entry};
use testbed::fltmgr::PortClient;
use testbed::status::{
    STATUS_FLT_INSTANCE_NOT_FOUND, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS,
};
use testbed::{Held, UnloadError};
use wire::ConnectRequest;
use zerocopy::IntoBytes as _;

use super::super::races::program;
use super::super::races::volumes::End;
use super::super::{Bench, SERVICE};
use super::clones::Cloner;
use super::volumes::Volume;
use super::{Met, Named, alone, everywhere, one_in};

/// A load takes its time: in a short run one place is tried of so many.
const LOADS: usize = 41;

/// Loads the driver again, and lets it come to rest.
fn load(bench: &Bench, cloner: &Cloner) {
    bench.load();
    // Attaches.
    cloner.clone_one();
    bench.machine.wait_until_idle();
}

/// The driver goes while somebody does something, and comes again.
fn goes_during(work: impl Fn(&Bench, &Cloner) + Sync) {
    let Some(bench) = Bench::still() else {
        return;
    };
    let cloner = Cloner::new(&bench, 1);
    cloner.clone_one();
    let places = one_in(LOADS, &bench, Held::Caller, || work(&bench, &cloner));
    everywhere(
        &bench,
        &places,
        || work(&bench, &cloner),
        || bench.unload(),
        |(), ()| load(&bench, &cloner),
    );
    cloner.end();
    bench.end();
}

#[test]
fn the_driver_goes_while_a_clone_is_under_way() {
    alone(|| goes_during(|_, cloner| cloner.clone_one()));
}

#[test]
fn the_driver_goes_while_a_process_begins_and_ends() {
    alone(|| goes_during(|bench, _| program(bench, "short").exit()));
}

#[test]
fn the_driver_goes_while_a_volume_comes_and_goes() {
    alone(|| {
        goes_during(|bench, _| {
            let volume = Volume::watched(bench);
            volume.dismount(bench, End::Detached);
        });
    });
}

#[test]
fn the_driver_goes_while_it_is_taken_from_a_volume() {
    alone(|| {
        goes_during(|bench, _| match bench.machine.detach(SERVICE, bench.refs) {
            Ok(()) => {}
            Err(status) => assert_eq!(status, STATUS_FLT_INSTANCE_NOT_FOUND),
        });
    });
}

#[test]
fn the_driver_goes_while_programs_come_to_the_port_and_go() {
    alone(|| {
        goes_during(|bench, _| {
            let requests = [
                Consumer::new().connect_request(),
                ConnectRequest::status(),
                ConnectRequest::reload(),
            ];
            for request in requests {
                match bench.connect(request.as_bytes()) {
                    Ok(port) => drop(port),
                    Err(status) => assert_eq!(status, STATUS_OBJECT_NAME_NOT_FOUND),
                }
            }
        });
    });
}

#[test]
fn a_clone_comes_while_the_driver_goes() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let cloner = Cloner::new(&bench, 1);
        cloner.clone_one();
        let places = one_in(LOADS, &bench, Held::Caller, || bench.unload());
        load(&bench, &cloner);
        everywhere(
            &bench,
            &places,
            || bench.unload(),
            || cloner.clone_one(),
            |(), ()| load(&bench, &cloner),
        );
        cloner.end();
        bench.end();
    });
}

/// Who asks second finds nothing any more.
#[test]
fn two_unload_the_driver() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let cloner = Cloner::new(&bench, 1);
        cloner.clone_one();
        let places = one_in(LOADS, &bench, Held::Caller, || bench.unload());
        load(&bench, &cloner);
        let unload = || bench.machine.unload(SERVICE);
        everywhere(&bench, &places, unload, unload, |first, second| {
            assert!(first.is_ok(), "{first:?}");
            assert!(
                matches!(second, Err(UnloadError::NotLoaded(_))),
                "{second:?}"
            );
            load(&bench, &cloner);
        });
        cloner.end();
        bench.end();
    });
}

#[test]
fn the_driver_goes_while_it_keeps_house() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let cloner = Cloner::new(&bench, 1);
        cloner.clone_one();
        let pass = || bench.machine.advance(std::time::Duration::from_secs(60));
        let places = one_in(LOADS, &bench, Held::Worker, || {
            pass();
            bench.machine.wait_until_idle();
        });
        everywhere(
            &bench,
            &places,
            pass,
            || bench.unload(),
            |(), ()| {
                load(&bench, &cloner);
            },
        );
        cloner.end();
        bench.end();
    });
}

/// A program at the port, which takes what comes from more than one thread.
struct Taker {
    port: PortClient,
    taken: Mutex<(Consumer, Vec<Entry>)>,
}

impl Taker {
    fn connect(bench: &Bench) -> Self {
        let consumer = Consumer::new();
        let port = bench.connect(consumer.connect_request().as_bytes());
        Self {
            port: port.expect("connected"),
            taken: Mutex::new((consumer, Vec::new())),
        }
    }

    /// Takes one batch; `false` when the port is closed.
    fn take(&self) -> bool {
        let Ok(message) = self.port.get_message() else {
            return false;
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let delivery = taken.0.feed(&message.body).expect("a batch");
        assert_eq!(delivery.findings, [], "the trail adds up");
        taken.1.extend(delivery.entries);
        let answered = self
            .port
            .reply(message.id, STATUS_SUCCESS, delivery.ack.bytes());
        assert_eq!(answered, Ok(()), "the driver waits for the answer");
        true
    }

    fn entries(self) -> Vec<Entry> {
        let taken = self.taken.into_inner();
        taken.unwrap_or_else(PoisonError::into_inner).1
    }
}

/// Unloads, and takes until the port is closed.
fn unload_and_take(bench: &Bench, taker: &Taker) {
    std::thread::scope(|scope| {
        let gone = scope.spawn(|| bench.unload());
        while taker.take() {}
        gone.join().expect("gone");
    });
}

/// The records of one load end as the next one says. The program stays to the end, so nothing comes behind the word of that.
fn check_end(entries: &[Entry], next: &[Entry]) {
    let last = entries.last().expect("records");
    assert!(matches!(last, Entry::Stopping(_)), "{last:?}");
    let Some(Entry::Started(next)) = next.first() else {
        panic!("{:?}", next.first());
    };
    assert_eq!(next.previous_sequence, last.sequence());
    assert_eq!(next.previous_undelivered, 0);
}

/// A live program gets everything, the end last, wherever the delivery is when the end comes.
#[test]
fn the_driver_goes_while_it_delivers() {
    alone(|| {
        let Some(bench) = Bench::still() else {
            return;
        };
        let cloner = Cloner::new(&bench, 1);
        let clone_and_take = |taker: &Taker| {
            cloner.clone_one();
            taker.take();
        };
        let taker = Taker::connect(&bench);
        let places = one_in(LOADS, &bench, Held::Worker, || {
            clone_and_take(&taker);
            bench.machine.wait_until_idle();
        });
        let go = |taker: &Taker| unload_and_take(&bench, taker);
        go(&taker);
        let mut before = taker.entries();
        let mut met = Met::default();
        for place in &places {
            let named = Named(place);
            load(&bench, &cloner);
            let taker = Taker::connect(&bench);
            taker.take();
            bench.machine.wait_until_idle();
            let first = || clone_and_take(&taker);
            let done = bench
                .machine
                .preempted(SERVICE, place, first, || go(&taker));
            met.note(done.was_held);
            let entries = taker.entries();
            check_end(&before, &entries);
            before = entries;
            drop(named);
        }
        cloner.end();
        bench.end_bare();
    });
}
