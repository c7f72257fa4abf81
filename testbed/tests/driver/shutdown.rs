//! A shutdown of the machine: no unload, the last words all the same, and what the next load says of it.

use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use cloneguard::{Consumer, Entry, Started};
use testbed::DriverState;
use testbed::ntos::Irql;
use wire::{ConnectRequest, PreviousStop};
use zerocopy::IntoBytes as _;

use super::watch::Watcher;
use super::{Bench, SERVICE, clone_once};

const LEVELS: [Irql; 2] = [Irql::Passive, Irql::Apc];

/// What the next start of the machine says of the load before.
pub(super) fn next_start(disk: DriverState) -> Started {
    let bench = Bench::bare_still().expect("there was an image before");
    bench.machine.restore_driver_state(SERVICE, disk);
    bench.load();
    let entries = bench.entries();
    bench.end();
    let Some(Entry::Started(started)) = entries.into_iter().next() else {
        panic!("the first record")
    };
    started
}

/// The power goes: what the disk has then. The driver is unloaded so that its threads end, which changes nothing of that.
pub(super) fn off(bench: Bench) -> DriverState {
    bench.machine.close_registry();
    let disk = bench.machine.driver_state_on_disk(SERVICE);
    bench.end();
    disk
}

/// Shuts down in a thread of its own.
fn announce(bench: &Bench) -> JoinHandle<()> {
    let machine = std::sync::Arc::clone(&bench.machine);
    spawn(move || machine.announce_shutdown(Irql::Passive))
}

/// Lets the time pass until all of it is over, whatever anybody waits for.
fn pass_until(bench: &Bench, threads: &[&JoinHandle<()>]) {
    while threads.iter().any(|thread| !thread.is_finished()) {
        bench.machine.wait_until_idle();
        bench.machine.advance(Duration::from_secs(1));
    }
}

#[test]
fn a_load_says_that_the_machine_was_shut_down_and_what_was_lost_then() {
    for level in LEVELS {
        let Some(bench) = Bench::still() else {
            return;
        };
        let first = bench.watch(Consumer::new()).take();
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        bench.machine.power_down(level);
        let next = next_start(off(bench));
        assert_eq!(next.previous_stop, PreviousStop::Shutdown);
        let boot_id: String = first.entries[0]
            .boot_id()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(next.previous_boot_id, Some(boot_id));
        assert!(next.previous_sequence > first.records);
        // Nothing was acknowledged.
        assert_eq!(next.previous_undelivered, next.previous_sequence);
    }
}

/// Takes and acknowledges until the shutdown goes on and nothing is left.
fn take_last_words(watcher: &mut Watcher, shutdown: &JoinHandle<()>) -> Vec<Entry> {
    let mut entries = Vec::new();
    loop {
        let is_over = shutdown.is_finished();
        match watcher.poll() {
            Some(taken) => {
                watcher.acknowledge(&taken);
                entries.extend(taken.entries);
            }
            None if is_over => return entries,
            None => std::thread::yield_now(),
        }
    }
}

#[test]
fn a_consumer_that_is_still_there_gets_all_of_it() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let mut watcher = bench.watch(Consumer::new());
    watcher.drain();
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    let shutdown = announce(&bench);
    let entries = take_last_words(&mut watcher, &shutdown);
    shutdown.join().expect("no panic");
    let kinds = entries.iter().rev().take(2).collect::<Vec<_>>();
    assert!(
        matches!(kinds[..], [Entry::Stopping(_), Entry::Heartbeat(_)]),
        "{kinds:?}"
    );
    assert_eq!(super::watch::requests(&entries).len(), 1);
    drop(watcher);
    let next = next_start(off(bench));
    assert_eq!(next.previous_stop, PreviousStop::Shutdown);
    assert_eq!(next.previous_undelivered, 0);
}

#[test]
fn a_consumer_that_never_replies_does_not_hold_it() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let mut watcher = bench.watch(Consumer::new());
    let taken = watcher.take();
    let shutdown = announce(&bench);
    pass_until(&bench, &[&shutdown]);
    shutdown.join().expect("no panic");
    drop(watcher);
    let next = next_start(off(bench));
    assert_eq!(next.previous_stop, PreviousStop::Shutdown);
    assert!(next.previous_undelivered > taken.records, "{next:?}");
}

/// Between the word of it and the end of the registry the driver does its work, and its trace stays.
#[test]
fn a_minute_after_the_last_words_the_trace_still_says_so() {
    let Some(bench) = Bench::still() else {
        return;
    };
    bench.machine.announce_shutdown(Irql::Passive);
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    bench.pass(60);
    let next = next_start(off(bench));
    assert_eq!(next.previous_stop, PreviousStop::Shutdown);
}

/// Somebody stops the service while the machine goes down: both come to an end, and nothing is touched that is gone.
#[test]
fn an_unload_that_overtakes_it() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let mut watcher = bench.watch(Consumer::new());
    watcher.take();
    let shutdown = announce(&bench);
    bench.machine.wait_until_idle();
    let machine = std::sync::Arc::clone(&bench.machine);
    let unload = spawn(move || machine.unload_mandatory(SERVICE).expect("unloaded"));
    pass_until(&bench, &[&shutdown, &unload]);
    shutdown.join().expect("no panic");
    unload.join().expect("no panic");
    drop(watcher);
    bench.end_bare();
}

/// The driver is stopped before it gets to its last words, for a visitor keeps it waiting: it says none, and the shutdown,
/// for which the unload waits, is not kept waiting for them.
#[test]
fn an_unload_that_overtakes_the_last_words() {
    let Some(bench) = Bench::still() else {
        return;
    };
    let mut watcher = bench.watch(Consumer::new());
    watcher.drain();
    let visitor = bench.connect(ConnectRequest::status().as_bytes());
    bench.machine.wait_until_idle();
    let shutdown = announce(&bench);
    bench.machine.wait_until_callers_sleep(1);
    let machine = std::sync::Arc::clone(&bench.machine);
    let unload = spawn(move || machine.unload_mandatory(SERVICE).expect("unloaded"));
    let is_last = |entry: &Entry| matches!(entry, Entry::Stopping(_));
    let mut stops = false;
    while !stops {
        let taken = watcher.take();
        watcher.acknowledge(&taken);
        stops = taken.entries.iter().any(is_last);
    }
    bench.machine.wait_until_callers_sleep(2);
    // The visitor has had its time, and no other time passes.
    bench.machine.advance(Duration::from_secs(1));
    shutdown.join().expect("no panic");
    pass_until(&bench, &[&unload]);
    unload.join().expect("no panic");
    drop((visitor.expect("let in"), watcher));
    bench.end_bare();
}

/// Whatever fails in it, it comes to an end; only the trace may be missing then.
#[test]
fn every_call_of_a_shutdown() {
    let mut missing = 0;
    for number in 1.. {
        let Some(bench) = Bench::still() else {
            return;
        };
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        let injection = bench.machine.injection();
        let before = injection.calls();
        injection.fail(number);
        bench.machine.power_down(Irql::Passive);
        let calls = injection.calls() - before;
        injection.fail(0);
        match next_start(off(bench)).previous_stop {
            PreviousStop::Shutdown => {}
            PreviousStop::Unclean if number <= calls => missing += 1,
            other => panic!("call {number}: {other:?}"),
        }
        if calls < number {
            assert!(missing > 0, "no call of {calls} mattered");
            return;
        }
    }
}

/// When the shutdown goes on, the trace is on the disk: nothing flushes it behind that but by chance.
#[test]
fn the_trace_is_on_the_disk_when_the_shutdown_goes_on() {
    let Some(bench) = Bench::still() else {
        return;
    };
    bench.machine.announce_shutdown(Irql::Passive);
    let disk = bench.machine.driver_state_on_disk(SERVICE);
    bench.end();
    assert_eq!(next_start(disk).previous_stop, PreviousStop::Shutdown);
}
