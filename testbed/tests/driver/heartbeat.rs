//! Signs of life: each minute and at the end, with counters that add up.

use cloneguard::{Consumer, CounterValues, Entry};
use wire::Batch;

use super::blob::Blob;
use super::{Bench, clone_once};

/// The three sums hold, and the counters are those of everything before this record.
pub(crate) fn check(sequence: u64, counters: &CounterValues) {
    let CounterValues {
        seen,
        completed,
        failed,
        refused,
        not_inspected,
        in_flight,
        delivered,
        lost,
        held,
        losses,
        ..
    } = counters;
    assert_eq!(
        *seen,
        completed + failed + refused + not_inspected + in_flight
    );
    assert_eq!(delivered + lost + held, sequence - 1);
    let by_class = [&losses.routine, &losses.finding, &losses.state];
    let sum: u64 = by_class
        .iter()
        .map(|causes| causes.quota + causes.full + causes.fault)
        .sum();
    assert_eq!(*lost, sum);
}

/// The counters of the heartbeats among some records, each checked.
pub(crate) fn beats(entries: &[Entry]) -> Vec<CounterValues> {
    let beat = |entry: &Entry| match entry {
        Entry::Heartbeat(beat) => {
            assert_eq!(beat.interval_seconds, 60);
            check(beat.head.sequence, &beat.counters);
            Some(beat.counters)
        }
        _ => None,
    };
    entries.iter().filter_map(beat).collect()
}

#[test]
fn every_minute() {
    let Some(bench) = Bench::still() else {
        return;
    };
    for _ in 0..3 {
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        bench.pass(59);
        bench.pass(1);
    }
    let entries = bench.entries();
    let seen: Vec<_> = beats(&entries).iter().map(|beat| beat.seen).collect();
    assert_eq!(seen, [1, 2, 3]);
    let times: Vec<_> = entries
        .iter()
        .filter(|entry| matches!(entry, Entry::Heartbeat(_)))
        .map(|entry| entry.time().filetime() - super::START.cast_unsigned())
        .collect();
    let minutes = [60, 120, 180].map(|seconds| seconds * 10_000_000);
    assert_eq!(times, minutes);
    let uptimes: Vec<_> = entries.iter().filter_map(uptime).collect();
    assert_eq!(uptimes, minutes);
    bench.end();
}

/// Of a long sleep of the machine one heartbeat tells, and another that the minutes begin anew.
#[test]
fn a_machine_that_slept_for_hours() {
    let Some(bench) = Bench::still() else {
        return;
    };
    bench.pass(10 * 3600);
    let slept = beats(&bench.entries()).len();
    assert!((1..=2).contains(&slept), "{slept}");
    bench.pass(60);
    assert_eq!(beats(&bench.entries()).len(), 1);
    bench.end();
}

fn uptime(entry: &Entry) -> Option<u64> {
    match entry {
        Entry::Heartbeat(beat) => Some(beat.uptime_100ns),
        _ => None,
    }
}

/// With nobody who takes them heartbeats fill half of the journal, and no more.
#[test]
fn nobody_listens_for_hours() {
    let blob = Blob {
        journal_size: 64 << 10,
        ..Blob::OBSERVE
    };
    let Some(bench) = Bench::still_under(&blob) else {
        return;
    };
    for _ in 0..150 {
        bench.pass(60);
    }
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    let mut watcher = bench.watch(Consumer::new());
    let drained = watcher.drain();
    assert_eq!(drained.counters.lost.get(), 0);
    let waiting = beats(&drained.entries).len();
    assert!((60..130).contains(&waiting), "{waiting}");
    assert_eq!(drained.requests().len(), 1);
    // Somebody listens: each minute again.
    for _ in 0..3 {
        // The acknowledgement is there before the minute is over.
        bench.machine.wait_until_idle();
        bench.pass(60);
        assert_eq!(beats(&watcher.drain().entries).len(), 1);
    }
    drop(watcher);
    bench.end();
}

/// A program that takes everything until the connection ends.
pub(super) fn take_all(bench: &Bench) -> impl FnOnce() -> Vec<Entry> + use<> {
    let watcher = bench.watch(Consumer::new());
    let tool = bench.administrator();
    let running = tool.spawn(move |_thread| {
        let super::watch::Watcher { port, mut consumer } = watcher;
        let mut entries = Vec::new();
        while let Ok(message) = port.get_message() {
            assert!(Batch::parse(&message.body).is_ok());
            let delivery = consumer.feed(&message.body).expect("a batch");
            assert_eq!(delivery.findings, []);
            entries.extend(delivery.entries);
            let status = testbed::status::STATUS_SUCCESS;
            if port
                .reply(message.id, status, delivery.ack.bytes())
                .is_err()
            {
                break;
            }
        }
        entries
    });
    move || running.join()
}

/// The last heartbeat and the last word reach a program that is there, and then nothing is undelivered.
#[test]
fn the_last_word_of_a_load() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    let all = take_all(&bench);
    bench.unload();
    let entries = all();
    let [.., Entry::Heartbeat(beat), Entry::Stopping(stopping)] = entries.as_slice() else {
        panic!("{entries:?}")
    };
    check(beat.head.sequence, &beat.counters);
    check(stopping.head.sequence, &stopping.counters);
    assert_eq!(
        (stopping.counters.seen, stopping.counters.completed),
        (1, 1)
    );
    let last = stopping.head.sequence;
    bench.load();
    let next = bench.entries();
    let Some(Entry::Started(started)) = next.first() else {
        panic!("{next:?}")
    };
    assert_eq!(
        (started.previous_sequence, started.previous_undelivered),
        (last, 0)
    );
    bench.end();
}
