//! Every call that can fail for want of memory, failed in turn.

use cloneguard::{Entry, Event};
use testbed::{LoadError, ProcessSpec};
use wire::{ConnectRequest, PreviousStop};
use zerocopy::IntoBytes as _;

use super::{Bench, SERVICE, clone_once};

/// A load fails cleanly or succeeds, whichever call of DriverEntry fails.
#[test]
fn every_call_of_driver_entry() {
    let mut failures = 0;
    for number in 1.. {
        let Some(bench) = Bench::bare() else {
            return;
        };
        let injection = bench.machine.injection();
        let before = injection.calls();
        injection.fail(number);
        let loaded = bench.machine.load_driver(&bench.image, SERVICE);
        let calls = bench.machine.injection().calls() - before;
        match loaded {
            Ok(()) => bench.unload(),
            Err(LoadError::Entry(status)) => {
                failures += 1;
                assert!(!status.is_success(), "call {number}: {status}");
            }
            Err(error) => panic!("call {number}: {error}"),
        }
        bench.end_bare();
        if calls < number {
            assert!(failures > 5, "only {failures} of {calls} calls matter");
            println!("{failures} of {calls} calls of DriverEntry end a load");
            return;
        }
    }
}

/// The record of a request of which that call has failed says what it lacks; how many of its names.
fn check_poor(event: &Event, number: u64) -> usize {
    assert_eq!(event.head.lost_before, 0, "call {number}");
    assert_eq!(event.end.status.map(|status| status.code()), Some(0));
    assert_eq!(
        event.claim.as_ref().map(|claim| claim.byte_count),
        Some(4096)
    );
    assert!(event.process.process_id.is_some() && event.process.thread_id.is_some());
    let names = [&event.image, &event.source, &event.target];
    for name in names {
        assert!(
            name.text.is_some() || name.reason.is_some(),
            "call {number}: {name:?}"
        );
    }
    names.iter().filter(|name| name.text.is_none()).count()
}

/// Whichever call of a request fails: the clone is made, its record exists and says what it lacks.
#[test]
fn every_call_of_a_request() {
    let mut poorer = 0;
    for number in 1.. {
        let Some(bench) = Bench::start() else {
            return;
        };
        // The volume is attached to, so that only the request's own calls are counted.
        bench.copy.run(|thread| {
            let (source, target) = super::two_files(thread, bench.refs, 16);
            super::close(thread, &[source, target]);
        });
        let injection = bench.machine.injection();
        let before = injection.calls();
        injection.fail(number);
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        let calls = injection.calls() - before;
        injection.fail(0);
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        let events = bench.events();
        let [event, next] = events.as_slice() else {
            panic!("call {number}: {events:?}")
        };
        let user = next.users.user_sid.as_deref();
        assert_eq!(
            user,
            Some(super::USER),
            "call {number}: what failed is asked again"
        );
        poorer += check_poor(event, number);
        bench.end();
        if calls < number {
            assert!(poorer > 0, "no call mattered");
            println!("{calls} calls of a request can fail");
            return;
        }
    }
}

/// A record is put together in a block that was made at the load. One that is larger takes memory of its own, and without
/// that it goes without names, and says so.
#[test]
fn a_record_larger_than_a_block_may_lose_its_names() {
    let long = format!(r"\Device\HarddiskVolume3\{}.exe", "d".repeat(1500));
    let Some(short) = nameless_records(super::COPY) else {
        return;
    };
    assert_eq!(short, 0, "a usual record takes no memory");
    assert_eq!(nameless_records(&long), Some(1));
}

/// How many calls of a clone by a program that is known cost its record all names, if they fail for want of memory.
fn nameless_records(image: &str) -> Option<u32> {
    let mut nameless = 0;
    let steps = |bench: &Bench| {
        let program = bench.machine.create_process(ProcessSpec::user(image));
        // After the first clone it is known; whatever failed then, the second is looked at.
        program.run(|thread| clone_once(thread, bench.refs));
        program.run(|thread| clone_once(thread, bench.refs));
    };
    sweep(steps, |bench, _, ()| {
        let events = bench.events();
        let event = events.last().expect("a record");
        let names = [&event.image, &event.source, &event.target];
        let is_nameless = names.iter().all(|name| name.text.is_none());
        nameless += u32::from(is_nameless);
    })?;
    Some(nameless)
}

/// Runs the same steps again and again, with another of their calls failing each time, until all have, and looks at
/// what came of it; answers how many calls there are. The driver is on a clock that stands still, and goes on as if
/// nothing had been.
fn sweep<T>(steps: impl Fn(&Bench) -> T, mut look: impl FnMut(&Bench, u64, T)) -> Option<u64> {
    for number in 1.. {
        let bench = Bench::still()?;
        let injection = bench.machine.injection();
        let before = injection.calls();
        injection.fail(number);
        let result = steps(&bench);
        let calls = injection.calls() - before;
        injection.fail(0);
        look(&bench, number, result);
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        let events = bench.events();
        let last = events.last().expect("a record");
        assert!(last.image.text.is_some(), "call {number}");
        assert_eq!(
            last.users.user_sid.as_deref(),
            Some(super::USER),
            "call {number}"
        );
        bench.end();
        if calls < number {
            return Some(calls);
        }
    }
    None
}

/// A process whose beginning could not be noted has no parent in its records, and an image all the same.
#[test]
fn every_call_of_the_beginning_of_a_process() {
    let mut orphans = 0;
    let steps = |bench: &Bench| {
        let shell = bench.machine.create_process(ProcessSpec::user("shell.exe"));
        let child = ProcessSpec::user(super::COPY).parent(&shell);
        bench.machine.create_process(child)
    };
    let calls = sweep(steps, |bench, number, child| {
        child.run(|thread| clone_once(thread, bench.refs));
        let event = super::enforce::only(bench.events());
        assert!(event.image.text.is_some(), "call {number}");
        orphans += u64::from(event.process.parent_process_id.is_none());
    });
    let Some(calls) = calls else {
        return;
    };
    assert!((1..calls).contains(&orphans), "{orphans} of {calls}");
}

/// Whatever fails in the work of a minute: the heart beats.
#[test]
fn every_call_of_a_minute() {
    let calls = sweep(
        |bench| bench.pass(60),
        |bench, number, ()| {
            let beats = super::heartbeat::beats(&bench.entries());
            assert_eq!(beats.len(), 1, "call {number}");
        },
    );
    assert!(calls.is_none_or(|calls| calls > 3), "{calls:?}");
}

/// A program connects or is refused; a visitor is answered or goes without.
#[test]
fn every_call_of_a_connection() {
    let steps = |bench: &Bench| {
        drop(bench.connect(ConnectRequest::watch([0; 16], 0).as_bytes()));
        let visitor = bench.connect(ConnectRequest::status().as_bytes());
        bench.machine.wait_until_idle();
        bench.pass(1);
        drop(visitor);
        drop(bench.connect(ConnectRequest::reload().as_bytes()));
        bench.machine.wait_until_idle();
    };
    let calls = sweep(steps, |_, _, ()| {});
    assert!(calls.is_none_or(|calls| calls > 3), "{calls:?}");
}

/// An unload gives everything back, whatever fails in it; only the trace may be missing then.
#[test]
fn every_call_of_an_unload() {
    let mut missing = 0;
    for number in 1.. {
        let Some(bench) = Bench::still() else {
            return;
        };
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        let injection = bench.machine.injection();
        let before = injection.calls();
        injection.fail(number);
        bench.unload();
        let calls = injection.calls() - before;
        injection.fail(0);
        assert_eq!(bench.machine.pool().in_use(), (0, 0));
        bench.load();
        let entries = bench.entries();
        let Some(Entry::Started(started)) = entries.first() else {
            panic!("{entries:?}")
        };
        match started.previous_stop {
            PreviousStop::Clean => {}
            PreviousStop::Unclean => missing += 1,
            other => panic!("call {number}: {other:?}"),
        }
        bench.end();
        if calls < number {
            assert!(missing > 0, "no call of {calls} mattered");
            return;
        }
    }
}
