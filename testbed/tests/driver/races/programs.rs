//! Programs at the port that come and go as fast as they can, while the policy is read again and the driver is unloaded and
//! loaded: every answer is one of those that there are, nothing is left, and afterwards every place is free.

use std::sync::Arc;
use std::thread::yield_now;

use cloneguard::{Consumer, Finding};
use testbed::fltmgr::PortClient;
use testbed::status::{
    NtStatus, STATUS_CONNECTION_COUNT_LIMIT, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS,
};
use testbed::{Machine, Process};
use wire::{ConnectRequest, StatusReport};
use zerocopy::IntoBytes as _;

use super::super::Bench;
use super::super::blob::Blob;
use super::super::watch::PORT;
use super::{Racer, joined, race, rounds};

/// Loads of a round.
const LOADS: u64 = 10;
/// Comings and goings in each, and as many without a driver.
const VISITS: u64 = 40;
/// The places for visitors.
const VISITORS: usize = 3;

/// A program that connects again and again; what it does with a connection is another's thing.
struct Guest<'r> {
    racer: &'r Racer<'r>,
    process: Arc<Process>,
}

impl Guest<'_> {
    fn visit(&self, mut context: impl FnMut() -> Vec<u8>, mut stay: impl FnMut(PortClient)) {
        while self.racer.turn() {
            let context = context();
            let connected = self.process.run(|thread| {
                let machine: &Machine = thread.machine();
                machine.connect_port(thread, PORT, &context)
            });
            match connected {
                Ok(port) => stay(port),
                Err(status) => assert!(ANSWERS.contains(&status), "{status}"),
            }
            self.racer.count();
        }
    }
}

/// All places are taken; there is no port.
const ANSWERS: [NtStatus; 2] = [STATUS_CONNECTION_COUNT_LIMIT, STATUS_OBJECT_NAME_NOT_FOUND];

/// Takes a few batches, answers all but the last, and goes.
fn consume(guest: &Guest<'_>) {
    let consumer = std::cell::RefCell::new(Consumer::new());
    let mut lives = 0_u64;
    guest.visit(
        || consumer.borrow().connect_request().as_bytes().to_vec(),
        |port| {
            lives += 1;
            let mut batches = 0;
            while let Ok(message) = port.poll_message() {
                let Some(message) = message else {
                    if guest.racer.is_over() {
                        return;
                    }
                    yield_now();
                    continue;
                };
                let mut consumer = consumer.borrow_mut();
                let delivery = consumer.feed(&message.body).expect("a batch");
                for finding in &delivery.findings {
                    // What a load takes with it, the next one counts.
                    assert!(matches!(finding, Finding::EndMissing { .. }), "{finding}");
                }
                batches += 1;
                if batches > lives % 4 {
                    return;
                }
                // The port may have been closed meanwhile.
                let _answered = port.reply(message.id, STATUS_SUCCESS, delivery.ack.bytes());
            }
        },
    );
}

/// Wants the place of the consumer too, and gives it up at once.
fn want(guest: &Guest<'_>) {
    let context = || Consumer::new().connect_request().as_bytes().to_vec();
    guest.visit(context, drop);
}

/// Asks how things stand, and waits for the answer every other time.
fn ask(guest: &Guest<'_>) {
    let mut visits = 0_u64;
    guest.visit(
        || ConnectRequest::status().as_bytes().to_vec(),
        |port| {
            visits += 1;
            if visits.is_multiple_of(2) {
                return;
            }
            // Who waits is told, or sees that the port is closed; or was too slow, which is nobody's fault.
            while let Ok(message) = port.poll_message() {
                if let Some(message) = message {
                    StatusReport::parse(&message.body).expect("a report");
                    return;
                }
                if guest.racer.is_over() {
                    return;
                }
                yield_now();
            }
        },
    );
}

/// Stores another policy each time, one of them none, and asks for it to be read.
fn reload(guest: &Guest<'_>, bench: &Bench) {
    let mut visits = 0_u64;
    guest.visit(
        || {
            visits += 1;
            let blob = Blob {
                revision: visits,
                ..Blob::OBSERVE
            };
            bench.store(if visits.is_multiple_of(5) {
                vec![0xEE; 100]
            } else {
                blob.bytes()
            });
            ConnectRequest::reload().as_bytes().to_vec()
        },
        drop,
    );
}

/// A consumer and three visitors are let in, and nobody else.
fn check_places(bench: &Bench) {
    let consumer = bench.watch(Consumer::new());
    let second = bench.connect(Consumer::new().connect_request().as_bytes());
    assert_eq!(second.err(), Some(STATUS_CONNECTION_COUNT_LIMIT));
    let knock = || bench.connect(ConnectRequest::reload().as_bytes());
    let visitors: Vec<_> = (0..VISITORS).map(|_| knock().expect("let in")).collect();
    assert_eq!(knock().err(), Some(STATUS_CONNECTION_COUNT_LIMIT));
    drop((visitors, consumer));
}

fn round(bench: &Bench, number: u64) {
    let race = race("programs come and go", number);
    race.run(|scope| {
        let start = |name, visit: fn(&Guest<'_>)| {
            let process = bench.administrator();
            race.start(scope, name, move |racer| visit(&Guest { racer, process }))
        };
        let mut programs = vec![
            start("consumer", consume),
            start("second consumer", want),
            start("asker", ask),
        ];
        let process = bench.administrator();
        programs.push(race.start(scope, "administrator", move |racer| {
            reload(&Guest { racer, process }, bench);
        }));
        for load in 0..LOADS {
            race.stage(format_args!("load {load}"));
            bench.load();
            let enough = race.answered() + VISITS;
            race.allow(enough + VISITS);
            race.wait_for(enough, || ());
            if load + 1 == LOADS {
                break;
            }
            bench.unload();
            race.wait_for(enough + VISITS, || ());
        }
        race.end();
        programs.into_iter().for_each(joined);
        race.stage("the places");
        check_places(bench);
        bench.unload();
    });
}

#[test]
fn programs_come_and_go_while_the_driver_does() {
    let Some(bench) = Bench::bare() else {
        return;
    };
    for number in 0..rounds() {
        round(&bench, number);
    }
    bench.end_bare();
}
