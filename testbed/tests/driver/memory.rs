//! What the driver holds, and times in which there is nothing to be had.

use cloneguard::Consumer;

use super::blob::Blob;
use super::heartbeat::beats;
use super::{Bench, SERVICE, clone_once};

#[test]
fn the_counters_say_what_is_held() {
    let blob = Blob {
        journal_size: 128 << 10,
        summarise_seconds: 5,
        ..Blob::OBSERVE
    };
    for blob in [Blob::OBSERVE, blob] {
        let Some(bench) = Bench::still_under(&blob) else {
            return;
        };
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        // First the window of the summaries passes, then the minute.
        bench.pass(30);
        bench.pass(30);
        let held = bench.machine.pool_held(SERVICE).expect("loaded");
        let told = beats(&bench.entries());
        assert_eq!(told.last().map(|beat| beat.memory), Some(held));
        let journal = if blob.journal_size == 0 {
            4 << 20
        } else {
            blob.journal_size
        };
        assert!((journal..journal + (1 << 19)).contains(&held), "{held}");
        bench.unload();
        // What the driver has taken it has given back: nothing of the pool is left.
        assert_eq!(bench.machine.pool_held(SERVICE), None);
        assert_eq!(bench.machine.pool().in_use(), (0, 0));
        bench.end_bare();
    }
}

/// For a time every call fails for want of memory: clones are made, and are recorded without what was not to be had.
#[test]
fn without_memory_for_a_time() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let injection = bench.machine.injection();
    for _ in 0..2 {
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        injection.fail_all(true);
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        let born = bench
            .machine
            .create_process(testbed::ProcessSpec::user(super::COPY));
        bench.pass(60);
        injection.fail_all(false);
        born.run(|thread| clone_once(thread, bench.refs));
        born.exit();
    }
    let mut watcher = bench.watch(Consumer::new());
    let drained = watcher.drain();
    let events = drained.requests();
    let poor: Vec<_> = events
        .iter()
        .map(|event| {
            let names = [&event.source, &event.target];
            names
                .iter()
                .all(|name| name.text.is_none() && name.reason.is_some())
        })
        .collect();
    assert_eq!(poor, [false, true, false, false, true, false]);
    assert!(
        events
            .iter()
            .all(|event| event.end.status.map(|status| status.code()) == Some(0))
    );
    assert_eq!(beats(&drained.entries).len(), 2, "the heart beats");
    assert_eq!(drained.counters.lost.get(), 0);
    // What could not be looked at has a record too.
    assert_eq!(drained.counters.not_inspected.get(), 0);
    drop(watcher);
    bench.end();
}
