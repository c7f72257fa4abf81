//! The driver goes and comes again under load: nobody who clones notices, and each load has the requests between its
//! beginning and its end on record, without a hole.

use std::thread::{Scope, yield_now};

use cloneguard::{Consumer, Delivery, Entry, Started};
use testbed::fltmgr::PortClient;
use testbed::status::STATUS_SUCCESS;
use zerocopy::IntoBytes as _;

use super::super::Bench;
use super::super::watch::requests;
use super::{Race, Racer, Work, Worker, joined, program, race, rounds};

const WORKERS: usize = 3;
/// Loads of a round.
const LOADS: u64 = 8;
/// Requests while the driver is there, and while it is not.
const REQUESTS: u64 = 30;

/// What was taken from one load.
#[derive(Default)]
struct Taken {
    entries: Vec<Entry>,
    /// The last number that was taken, and the last one whose acknowledgement found somebody who waited for it.
    last: u64,
    acknowledged: u64,
}

impl Taken {
    /// Takes what is there. `false` when the port is closed.
    fn poll(&mut self, port: &PortClient, consumer: &mut Consumer) -> bool {
        let Ok(message) = port.poll_message() else {
            return false;
        };
        let Some(message) = message else {
            yield_now();
            return true;
        };
        let delivery: Delivery<'_> = consumer.feed(&message.body).expect("a batch");
        assert_eq!(delivery.findings, [], "the trail adds up");
        self.entries.extend(delivery.entries);
        self.last = self.entries.last().map_or(0, Entry::sequence);
        let answered = port.reply(message.id, STATUS_SUCCESS, delivery.ack.bytes());
        if answered.is_ok() {
            self.acknowledged = self.last;
        }
        true
    }
}

/// One load: watched until it is gone.
fn one_load<'s, 'r>(bench: &Bench, race: &'r Race, scope: &'s Scope<'s, 'r>) -> Taken {
    bench.load();
    let mut consumer = Consumer::new();
    let request = consumer.connect_request();
    let port = bench.connect(request.as_bytes()).expect("connected");
    let mut taken = Taken::default();
    let enough = race.answered() + REQUESTS;
    race.allow(enough + REQUESTS);
    race.wait_for(enough, || {
        assert!(taken.poll(&port, &mut consumer), "the port is open");
    });
    // The delivery may be behind, and an unload waits for it only so long.
    while requests(&taken.entries).is_empty() {
        assert!(taken.poll(&port, &mut consumer), "the port is open");
    }
    let keeper = race.start(scope, "keeper", move |racer: &Racer<'_>| {
        while !racer.is_over() && taken.poll(&port, &mut consumer) {}
        taken
    });
    bench.unload();
    let taken = joined(keeper);
    race.wait_for(enough + REQUESTS, || ());
    taken
}

/// What a load took with it is what it had not delivered. Whether an answer at the last moment was heard, only the driver
/// knows.
fn check_end(taken: &Taken, next: &Started) {
    let first = taken.entries.first().expect("records");
    let boot_id: String = first
        .boot_id()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(next.previous_boot_id.as_ref(), Some(&boot_id));
    let delivered = next.previous_sequence - next.previous_undelivered;
    assert!(
        (taken.acknowledged..=taken.last).contains(&delivered),
        "{delivered} of {} were delivered; {} acknowledged, {} taken",
        next.previous_sequence,
        taken.acknowledged,
        taken.last
    );
}

/// Of each worker a load has requests that follow on each other, and no load has what another one has.
fn check_work(loads: &[Taken], work: &[Work]) {
    for work in work {
        assert!(work.answers.iter().all(|answer| answer.status.is_success()));
        let mut after = 0;
        for taken in loads {
            let events = requests(&taken.entries);
            let recorded = work.recorded(&events);
            let Some(first) = recorded.first() else {
                continue;
            };
            let run: Vec<_> = (*first..first + recorded.len()).collect();
            assert_eq!(recorded, run);
            assert!(after <= *first, "the request before is of an earlier load");
            after = first + recorded.len();
            work.check_ends(&events);
        }
    }
}

fn started(taken: &Taken) -> &Started {
    match taken.entries.first() {
        Some(Entry::Started(started)) => started,
        other => panic!("{other:?}"),
    }
}

/// What each load has on record, and what was done meanwhile.
fn round(bench: &Bench, number: u64) {
    let race = race("unloads under load", number);
    race.run(|scope| {
        let workers = (0..WORKERS).map(|number| {
            let worker = Worker::new(bench.refs, number);
            race.start(scope, &worker.name.clone(), move |racer| {
                let program = program(bench, &worker.name);
                let work = program.run(|thread| worker.run(racer, thread, |_| true));
                program.exit();
                work
            })
        });
        let workers: Vec<_> = workers.collect();
        race.wait_for_workers(WORKERS);
        let loads = (0..LOADS).map(|load| {
            race.stage(format_args!("load {load}"));
            one_load(bench, &race, scope)
        });
        let loads: Vec<_> = loads.collect();
        race.end();
        let work: Vec<_> = workers.into_iter().map(joined).collect();
        race.stage("the records");
        check(&loads, &work);
    });
}

fn check(loads: &[Taken], work: &[Work]) {
    for (taken, next) in loads.iter().zip(loads.iter().skip(1)) {
        check_end(taken, started(next));
    }
    for taken in loads {
        assert!(!requests(&taken.entries).is_empty(), "each load saw some");
    }
    check_work(loads, work);
}

#[test]
fn unloads_under_load() {
    let Some(bench) = Bench::bare() else {
        return;
    };
    for number in 0..rounds() {
        round(&bench, number);
    }
    bench.end_bare();
}
