//! Every call that can fail for want of memory, failed in turn.

use testbed::LoadError;

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
        let events = bench.events();
        let [event] = events.as_slice() else {
            panic!("call {number}: {events:?}")
        };
        assert_eq!((event.sequence, event.lost_before), (1, 0), "call {number}");
        assert_eq!(event.status.map(|status| status.code()), Some(0));
        assert_eq!(
            event.claim.as_ref().map(|claim| claim.byte_count),
            Some(4096)
        );
        assert!(event.process_id.is_some() && event.thread_id.is_some());
        for name in [&event.image, &event.source, &event.target] {
            assert!(
                name.text.is_some() || name.reason.is_some(),
                "call {number}: {name:?}"
            );
            poorer += u32::from(name.text.is_none());
        }
        bench.end();
        if calls < number {
            assert!(poorer > 0, "no call mattered");
            println!("{calls} calls of a request can fail");
            return;
        }
    }
}
