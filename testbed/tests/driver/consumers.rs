//! Programs that take the records: told of when they come, go and are turned away; killed at any point, and many at
//! once.

use std::sync::Arc;

use cloneguard::{Consumer, ConsumerChange, Entry};
use testbed::Process;
use testbed::status::{STATUS_CONNECTION_COUNT_LIMIT, STATUS_INVALID_PARAMETER};
use wire::{ConnectRequest, ConsumerEvent};
use zerocopy::IntoBytes as _;

use super::watch::{PORT, Watcher, requests};
use super::{Bench, clone_once};

/// A program that connects in a process of its own.
pub(super) fn join(bench: &Bench, consumer: Consumer) -> (Arc<Process>, Watcher) {
    let tool = bench.administrator();
    let request = consumer.connect_request();
    let port = tool
        .run(|thread| {
            thread
                .machine()
                .connect_port(thread, PORT, request.as_bytes())
        })
        .expect("connected");
    (tool, Watcher { port, consumer })
}

fn changes(entries: &[Entry]) -> Vec<&ConsumerChange> {
    let changes = entries.iter().filter_map(|entry| match entry {
        Entry::Consumer(change) => Some(change),
        _ => None,
    });
    changes.collect()
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story, and each thing that its records tell"
)]
fn who_comes_goes_and_is_turned_away_is_told() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let (first, mut watcher) = join(&bench, Consumer::new());
    let second = bench.administrator();
    let request = ConnectRequest::watch([9; 16], 44);
    let refused = second.run(|thread| {
        let machine = thread.machine();
        machine.connect_port(thread, PORT, request.as_bytes()).err()
    });
    assert_eq!(refused, Some(STATUS_CONNECTION_COUNT_LIMIT));
    let before = watcher.drain().entries;
    first.kill();
    let mut last = bench.watch(Consumer::new());
    let after = last.drain().entries;
    let told: Vec<_> = changes(&before)
        .into_iter()
        .chain(changes(&after))
        .collect();
    let [came, turned_away, gone, next] = told.as_slice() else {
        panic!("{told:?}")
    };
    let id = |process: &Process| Some(u32::try_from(process.id()).expect("small"));
    assert_eq!(
        (came.event, came.process_id),
        (ConsumerEvent::Connected, id(&first))
    );
    assert_eq!(came.image.text.as_deref(), Some(first.image_name()));
    assert_eq!(
        came.process_start_key.map(|key| key.0),
        Some(first.start_key())
    );
    assert_eq!((came.status, came.after_sequence), (None, 0));
    assert_eq!(
        (turned_away.event, turned_away.process_id),
        (ConsumerEvent::Refused, id(&second))
    );
    let status = turned_away.status.map(|status| status.code());
    assert_eq!(status, Some(STATUS_CONNECTION_COUNT_LIMIT.0));
    assert_eq!(turned_away.after_sequence, 44);
    assert_eq!(turned_away.after_boot_id, Some("09".repeat(16)));
    assert_eq!(
        (gone.event, gone.process_id),
        (ConsumerEvent::Lost, id(&first))
    );
    assert_eq!(next.event, ConsumerEvent::Connected);
    drop(last);
    bench.end();
}

/// Where a program is when it is killed.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Connected,
    Fetched,
    Answered,
    Waiting,
}

/// Wherever it was killed, the next one has every number once.
#[test]
fn a_program_is_killed_in_each_phase() {
    for phase in [
        Phase::Connected,
        Phase::Fetched,
        Phase::Answered,
        Phase::Waiting,
    ] {
        let Some(bench) = Bench::still() else {
            return;
        };
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        let (tool, mut watcher) = join(&bench, Consumer::new());
        let mut durable = Vec::new();
        match phase {
            Phase::Connected => {}
            Phase::Fetched => drop(watcher.take()),
            Phase::Answered => {
                let taken = watcher.take();
                watcher.acknowledge(&taken);
                durable = taken.entries;
            }
            Phase::Waiting => durable = watcher.drain().entries,
        }
        tool.kill();
        bench.machine.wait_until_idle();
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        let boot_id = durable.first().map(Entry::boot_id);
        let through = durable.last().map_or(0, Entry::sequence);
        let consumer = boot_id.map_or_else(Consumer::new, |id| Consumer::resume(id, through));
        let (_, mut next) = join(&bench, consumer);
        let drained = next.drain();
        durable.extend(drained.entries);
        let numbers: Vec<_> = durable.iter().map(Entry::sequence).collect();
        let expected: Vec<_> = (1..=numbers.len() as u64).collect();
        assert_eq!(numbers, expected, "{phase:?}");
        assert_eq!(requests(&durable).len(), 2, "{phase:?}");
        assert_eq!(drained.counters.lost.get(), 0);
        drop((watcher, next));
        bench.end();
    }
}

/// Knocks fifty times, in every way that is refused.
fn knock(tool: &Arc<Process>, number: usize) {
    for round in 0..50 {
        let context = match (number + round) % 3 {
            0 => ConnectRequest::watch([0; 16], 0).as_bytes().to_vec(),
            1 => ConnectRequest::watch([0; 16], u64::MAX).as_bytes().to_vec(),
            _ => vec![0xA5; round],
        };
        let refused = tool.run(|thread| {
            let machine = thread.machine();
            machine.connect_port(thread, PORT, &context).err()
        });
        let status = refused.expect("refused");
        let known = [STATUS_CONNECTION_COUNT_LIMIT, STATUS_INVALID_PARAMETER];
        assert!(known.contains(&status), "{status}");
    }
}

/// Programs that knock as fast as they can change nothing for the one that is there, and do not fill the journal.
#[test]
fn a_flood_of_connections() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let mut watcher = bench.watch(Consumer::new());
    watcher.drain();
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let tool = bench.administrator();
            std::thread::spawn(move || knock(&tool, number))
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    let mut entries = Vec::new();
    while requests(&entries).is_empty() {
        entries.extend(watcher.drain().entries);
    }
    let told = changes(&entries);
    assert!(
        told.iter()
            .all(|change| change.event == ConsumerEvent::Refused)
    );
    assert!((1..=32).contains(&told.len()), "{} were told", told.len());
    drop(watcher);
    bench.end();
}

/// Programs that have the policy read again share the records of a minute with those that connect. None of their wishes
/// is forgotten, and the last one is answered at the minute.
#[test]
fn who_asks_without_end_fills_no_journal() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let reload = || {
        let visitor = bench.connect(ConnectRequest::reload().as_bytes());
        drop(visitor.expect("let in"));
        bench.machine.wait_until_idle();
    };
    let policies = |entries: &[Entry]| {
        let is_policy = |entry: &&Entry| matches!(entry, Entry::Policy(_));
        entries.iter().filter(is_policy).count()
    };
    for _ in 0..40 {
        reload();
    }
    for _ in 0..5 {
        let port = bench.connect(Consumer::new().connect_request().as_bytes());
        drop(port.expect("let in"));
    }
    bench.pass(60);
    let entries = bench.entries();
    assert_eq!(policies(&entries), 32 + 1);
    let beat = entries.iter().find_map(|entry| match entry {
        Entry::Heartbeat(beat) => Some(beat.untold),
        _ => None,
    });
    assert_eq!(beat, Some(5), "five came and were not told of");
    reload();
    assert_eq!(policies(&bench.entries()), 1, "and then it is as before");
    bench.end();
}

/// What a program says that it has is believed of the one that is let in.
#[test]
fn who_is_turned_away_lets_no_record_go() {
    let Some(bench) = Bench::still() else {
        return;
    };
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    let (_tool, mut watcher) = join(&bench, Consumer::new());
    let taken = watcher.take();
    let last = taken.entries.last().expect("a record");
    let claim = ConnectRequest::watch(last.boot_id(), last.sequence());
    let refused = bench.connect(claim.as_bytes()).err();
    assert_eq!(refused, Some(STATUS_CONNECTION_COUNT_LIMIT));
    drop(watcher);
    let drained = bench.watch(Consumer::new()).drain();
    assert_eq!(drained.entries[..taken.entries.len()], taken.entries);
    assert_eq!(drained.requests().len(), 1);
    bench.end();
}

/// Who connects is greeted, also when there is no record for him: of so many that come nobody is told.
#[test]
fn a_program_that_is_slow_is_greeted_all_the_same() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let mut through = (None, 0);
    for _ in 0..60 {
        let consumer = through
            .0
            .map_or_else(Consumer::new, |id| Consumer::resume(id, through.1));
        let (_tool, mut watcher) = join(&bench, consumer);
        if let Some(last) = watcher.drain().entries.last() {
            through = (Some(last.boot_id()), last.sequence());
        }
    }
    let consumer = Consumer::resume(through.0.expect("records"), through.1);
    let (_tool, mut watcher) = join(&bench, consumer);
    bench.machine.wait_until_idle();
    for _ in 0..3 {
        bench.pass(10);
        bench.pass(1);
    }
    bench.machine.wait_until_idle();
    let greeting = watcher.poll().expect("a greeting");
    assert_eq!(greeting.entries, []);
    drop(watcher);
    bench.end();
}

/// A program that is slow to fetch a batch is sent it again.
#[test]
fn a_program_that_does_not_fetch_in_time() {
    let Some(bench) = Bench::still() else {
        return;
    };
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    let (_tool, mut watcher) = join(&bench, Consumer::new());
    bench.machine.wait_until_idle();
    for _ in 0..3 {
        // The send is given up, and after a second there is another one.
        bench.pass(10);
        bench.pass(1);
    }
    let drained = watcher.drain();
    assert_eq!(
        (drained.requests().len(), drained.counters.lost.get()),
        (1, 0)
    );
    assert_eq!(watcher.consumer.totals().repeats, 0);
    drop(watcher);
    bench.end();
}
