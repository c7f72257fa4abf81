//! From A to B and from B to A at once: no deadlock, contents that some order explains, and a record of each.

use std::sync::Arc;
use std::thread::yield_now;

use cloneguard::{Consumer, Entry, Event};
use testbed::UserThread;
use testbed::io::{Handle, RequestOptions};
use testbed::volume::{FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};
use wire::{OutcomeKind, Verdict};

use super::super::watch::{Watcher, requests};
use super::super::{Ask, Bench, CLUSTER, close, send};
use super::{Racer, joined, program, race, rest, rounds};

/// The files, by the direction of those who clone from them.
const FILES: [&str; 2] = [r"\A.bin", r"\B.bin"];
/// Clusters of each; the last one is never cloned.
const CLUSTERS: u8 = 16;
/// Requests of each worker.
const REQUESTS: i64 = 250;

/// What was asked for, as its record must have it: from which file, from which cluster on, how many.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    from: usize,
    first: i64,
    clusters: i64,
}

impl Asked {
    fn of(event: &Event) -> Self {
        let claim = event.claim.as_ref().expect("read");
        let is = |name: &cloneguard::EventName, file: &str| {
            name.text.as_deref() == Some(&format!(r"\Device\HarddiskVolume3{file}"))
        };
        let from = FILES.iter().position(|file| is(&event.source, file));
        let from = from.expect("one of the two");
        assert!(is(&event.target, FILES[1 - from]), "{:?}", event.target);
        assert_eq!(claim.source_offset, claim.target_offset);
        Self {
            from,
            first: claim.source_offset / CLUSTER,
            clusters: claim.byte_count / CLUSTER,
        }
    }
}

/// Every cluster of both files is another one.
fn fill(file: u8, cluster: u8) -> u8 {
    1 + file * CLUSTERS + cluster
}

fn open(thread: &UserThread, bench: &Bench, request: &OpenRequest) -> [Handle; 2] {
    FILES.map(|path| {
        let opened = thread.create_file(bench.refs, path, request);
        opened.expect("opened")
    })
}

fn prepare(thread: &UserThread, bench: &Bench) {
    let request = OpenRequest {
        disposition: testbed::volume::Disposition::OverwriteIf,
        ..OpenRequest::create(FILE_GENERIC_READ | FILE_GENERIC_WRITE)
    };
    let handles = open(thread, bench, &request);
    for (file, handle) in (0..).zip(handles) {
        let clusters = (0..CLUSTERS).map(|cluster| [fill(file, cluster); 4096]);
        let bytes: Vec<u8> = clusters.flatten().collect();
        thread.write(handle, 0, &bytes).expect("written");
    }
    close(thread, &handles);
}

/// One that clones.
struct Cloner {
    number: usize,
    /// The file from which it clones.
    from: usize,
}

/// Clones in one direction; what it asked for.
fn work(
    racer: &Racer<'_>,
    thread: &UserThread,
    bench: &Bench,
    cloner: &Cloner,
) -> (u32, Vec<Asked>) {
    let (number, from) = (cloner.number as i64, cloner.from);
    let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
    let handles = open(thread, bench, &OpenRequest::existing(access));
    let turns = (0..REQUESTS).take_while(|_| racer.turn());
    let asked = turns.map(|turn| {
        let (first, clusters) = ((number * 7 + turn * 5) % 13, 1 + turn % 3);
        let base = if turn % 2 == 0 { Ask::plain } else { Ask::ex };
        let ask = Ask {
            source: first * CLUSTER,
            target: first * CLUSTER,
            count: clusters * CLUSTER,
            ..base(handles[from])
        };
        let answer = send(thread, handles[1 - from], &ask, RequestOptions::default());
        assert!(answer.status.is_success(), "{answer:?}");
        racer.count();
        Asked {
            from,
            first,
            clusters,
        }
    });
    let asked = asked.collect();
    close(thread, &handles);
    let id = u32::try_from(thread.thread().id()).expect("small");
    (id, asked)
}

/// The first clone of a place makes both files the same there, and they stay so, whichever comes when.
fn check_contents(thread: &UserThread, bench: &Bench) {
    let handles = open(thread, bench, &OpenRequest::existing(FILE_GENERIC_READ));
    let [a, b] = handles.map(|handle| {
        let size = u32::from(CLUSTERS) * 4096;
        thread.read(handle, 0, size).expect("read")
    });
    let places = a.chunks(4096).zip(b.chunks(4096));
    for (cluster, (a, b)) in (0..CLUSTERS).zip(places) {
        let [of_a, of_b] = [fill(0, cluster), fill(1, cluster)];
        if cluster == CLUSTERS - 1 {
            assert!(a == [of_a; 4096] && b == [of_b; 4096], "nobody cloned it");
        } else {
            assert!(a == b, "cluster {cluster} is the same in both");
            assert!(a == [of_a; 4096] || a == [of_b; 4096], "cluster {cluster}");
        }
    }
    close(thread, &handles);
}

/// Takes records while there are workers.
fn keep(watcher: &mut Watcher, racer: &Racer<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    while !racer.is_over() {
        match watcher.poll() {
            Some(taken) => {
                watcher.acknowledge(&taken);
                entries.extend(taken.entries);
                racer.step();
            }
            None => yield_now(),
        }
    }
    entries
}

fn round(bench: &Bench, number: u64) {
    let programs = [program(bench, "left"), program(bench, "right")];
    programs[0].run(|thread| prepare(thread, bench));
    let race = race("clones from A to B and from B to A", number);
    race.allow(u64::MAX);
    race.run(|scope| {
        let cloners = (0..4).map(|number| {
            let program = Arc::clone(&programs[number % 2]);
            let cloner = Cloner {
                number,
                from: number / 2,
            };
            race.start(scope, &format!("cloner-{number}"), move |racer| {
                program.run(|thread| work(racer, thread, bench, &cloner))
            })
        });
        let cloners: Vec<_> = cloners.collect();
        let mut watcher = bench.watch(Consumer::new());
        let keeper = race.start(scope, "keeper", move |racer| {
            let entries = keep(&mut watcher, racer);
            (watcher, entries)
        });
        let work: Vec<_> = cloners.into_iter().map(joined).collect();
        race.end();
        let (watcher, mut entries) = joined(keeper);
        race.stage("the records");
        let (_watcher, drained) = rest(bench, watcher);
        assert_eq!(drained.counters.lost.get(), 0, "nothing is lost");
        entries.extend(drained.entries);
        check_records(&requests(&entries), &work);
    });
    programs[1].run(|thread| check_contents(thread, bench));
    for program in programs {
        program.exit();
    }
}

/// Every request of every worker is on record, once, in its order.
fn check_records(events: &[Event], work: &[(u32, Vec<Asked>)]) {
    for (id, asked) in work {
        let own = events
            .iter()
            .filter(|event| event.process.thread_id == Some(*id));
        let recorded: Vec<_> = own.map(Asked::of).collect();
        assert!(
            recorded == *asked,
            "thread {id}: {} records",
            recorded.len()
        );
    }
    let total: usize = work.iter().map(|(_, asked)| asked.len()).sum();
    assert_eq!(events.len(), total);
    for event in events {
        let end = &event.end;
        assert_eq!(
            (end.verdict, end.outcome),
            (Verdict::Passed, OutcomeKind::Completed)
        );
        assert_eq!(end.status.map(|status| status.code()), Some(0));
    }
}

#[test]
fn clones_from_a_to_b_and_from_b_to_a() {
    let Some(bench) = Bench::start() else {
        return;
    };
    for number in 0..rounds() {
        round(&bench, number);
    }
    bench.end();
}
