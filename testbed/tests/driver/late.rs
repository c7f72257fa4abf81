//! A request that takes long: its record does not hold back the others.

use cloneguard::{Consumer, Entry};
use testbed::io::Hold;
use wire::OutcomeKind;

use super::blob::Blob;
use super::heartbeat::take_all;
use super::unload::held_clones;
use super::{Bench, clone_once};

#[test]
fn a_record_goes_without_its_end_and_the_end_follows() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let hold = Hold::new();
    let slow = held_clones(&bench, &hold, 1);
    hold.wait_for(1);
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    let mut watcher = bench.watch(Consumer::new());
    let early = watcher.take();
    watcher.acknowledge(&early);
    assert_eq!(early.requests(), [], "not yet");
    bench.machine.wait_until_idle();
    bench.pass(11);
    let taken = watcher.take();
    watcher.acknowledge(&taken);
    let events = taken.requests();
    let outcomes: Vec<_> = events.iter().map(|event| event.end.outcome).collect();
    assert_eq!(outcomes, [OutcomeKind::Pending, OutcomeKind::Completed]);
    assert_eq!(taken.counters.in_flight.get(), 1);
    let request = events[0].head.request;
    hold.release();
    for clone in slow {
        assert!(clone().status.is_success());
    }
    let rest = watcher.drain().entries;
    let [Entry::Ended(ended)] = rest.as_slice() else {
        panic!("{rest:?}")
    };
    assert_eq!(ended.head.request, request);
    assert!(request.is_some());
    assert_eq!(ended.end.outcome, OutcomeKind::Completed);
    assert_eq!(ended.end.status.map(|status| status.code()), Some(0));
    drop(watcher);
    bench.end();
}

/// Somebody holds more requests than there is room to keep what their ends need: the records of others are
/// delivered all the same, and what is lost of the ends is counted.
#[test]
fn more_than_can_be_kept_hold_back_nobody() {
    let blob = Blob {
        journal_size: 64 << 10,
        ..Blob::OBSERVE
    };
    let Some(bench) = Bench::still_under(&blob) else {
        return;
    };
    let hold = Hold::new();
    let slow = held_clones(&bench, &hold, 20);
    hold.wait_for(20);
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    bench.pass(11);
    let mut watcher = bench.watch(Consumer::new());
    let taken = watcher.take();
    watcher.acknowledge(&taken);
    let events = taken.requests();
    let pending = |event: &&cloneguard::Event| event.end.outcome == OutcomeKind::Pending;
    assert_eq!(events.iter().filter(pending).count(), 20);
    assert_eq!(events.len(), 21, "and the one that was quick");
    // Nobody takes the ends until all of them have come.
    drop(watcher);
    hold.release();
    for clone in slow {
        assert!(clone().status.is_success());
    }
    let mut watcher = bench.watch(Consumer::new());
    let drained = watcher.drain();
    let is_end = |entry: &&Entry| matches!(entry, Entry::Ended(_));
    let ends = drained.entries.iter().filter(is_end).count() as u64;
    let counters = drained.counters;
    assert!((1..20).contains(&ends), "{ends} ends were kept");
    assert_eq!(counters.losses[0].map(|lost| lost.get()), [0, 20 - ends, 0]);
    assert_eq!((counters.seen.get(), counters.completed.get()), (21, 21));
    assert!(counters.is_balanced());
    drop(watcher);
    bench.end();
}

/// A request of which only the end is missing ends with the unload, behind the last word: the trace counts that record. When
/// the trace is taken too early, that is a race, so it is tried a few times.
#[test]
fn an_end_behind_the_last_word_is_in_the_trace() {
    for _ in 0..20 {
        let Some(bench) = Bench::still() else {
            return;
        };
        let hold = Hold::new();
        let slow = held_clones(&bench, &hold, 1);
        hold.wait_for(1);
        let all = take_all(&bench);
        bench.machine.wait_until_idle();
        bench.pass(11);
        bench.unload();
        let entries = all();
        let last = entries.last().expect("records");
        assert!(matches!(last, Entry::Stopping(_)), "{last:?}");
        hold.release();
        for clone in slow {
            assert!(clone().status.is_success());
        }
        bench.load();
        let next = bench.entries();
        let Some(Entry::Started(next)) = next.first() else {
            panic!("{next:?}")
        };
        let trace = (next.previous_sequence, next.previous_undelivered);
        assert_eq!(trace, (last.sequence() + 1, 1));
        bench.end();
    }
}
