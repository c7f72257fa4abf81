//! Filters that are asked to go and may decline.

use testbed::UnloadError;
use testbed::fltmgr::Callback;
use testbed::io::{Hold, RequestOptions, VolumeSpec};
use testbed::status::{
    STATUS_FLT_DO_NOT_DETACH, STATUS_FLT_INSTANCE_NOT_FOUND, STATUS_FLT_VOLUME_NOT_FOUND,
    STATUS_SUCCESS,
};
use testbed::volume::{FILE_GENERIC_READ, OpenRequest};

use super::{Bench, clone_input, clone_once, close_both, send, two_files};

#[test]
fn a_filter_that_declines_goes_on_and_can_be_asked_again() {
    let Some(bench) = Bench::start(&["declines"]) else {
        return;
    };
    let volume = bench.volume;
    let declined = UnloadError::Declined(STATUS_FLT_DO_NOT_DETACH);
    for _ in 0..2 {
        assert_eq!(bench.machine.unload("Filter"), Err(declined.clone()));
        assert_eq!(bench.attached(volume), ["Filter"]);
    }
    bench
        .copy
        .run(|thread| clone_once(thread, volume, STATUS_SUCCESS));
    assert_eq!(bench.printed("post success"), 1);
    bench.machine.unload("Filter").expect("it declines twice");
    assert_eq!(bench.printed("teardown by unload"), 2, "start and complete");
    bench.machine.shutdown().expect("nothing is left");
}

#[test]
fn a_mandatory_unload_is_not_declined() {
    let Some(bench) = Bench::start(&["declines"]) else {
        return;
    };
    bench
        .machine
        .unload_mandatory("Filter")
        .expect("it must go");
    assert_eq!(bench.printed("teardown by mandatory unload"), 2);
    bench.machine.shutdown().expect("nothing is left");
}

#[test]
fn a_filter_that_agrees_is_detached_from_one_volume() {
    let Some(bench) = Bench::start(&["detachable", "declines"]) else {
        return;
    };
    let (machine, volume) = (&bench.machine, bench.volume);
    let other = machine.mount(VolumeSpec::refs(4096)).expect("mounted");
    for _ in 0..2 {
        let declined = machine.detach("Filter", volume);
        assert_eq!(declined, Err(STATUS_FLT_DO_NOT_DETACH));
        assert_eq!(bench.attached(volume), ["Filter"]);
    }
    assert_eq!(machine.detach("Filter", volume), Ok(()));
    assert_eq!(bench.printed("manual teardown"), 2, "start and complete");
    assert_eq!(bench.printed("context cleanup"), 1);
    let gone = machine.detach("Filter", volume);
    assert_eq!(gone, Err(STATUS_FLT_INSTANCE_NOT_FOUND));
    bench.copy.run(|thread| {
        let request = OpenRequest::create(FILE_GENERIC_READ);
        let first = thread.create_file(other, r"\first", &request);
        thread.close(first.expect("created")).expect("closed");
        clone_once(thread, volume, STATUS_SUCCESS);
    });
    assert_eq!(bench.attached(volume), [""; 0], "it does not come back");
    assert_eq!(bench.attached(other), ["Filter"]);
    assert_eq!(bench.printed("post success"), 0);
    bench.end();
}

#[test]
fn a_filter_that_cannot_be_asked_stays() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let detached = bench.machine.detach("Filter", bench.volume);
    assert_eq!(detached, Err(STATUS_FLT_DO_NOT_DETACH));
    let nowhere = bench.machine.detach("Filter", testbed::io::VolumeId(99));
    assert_eq!(nowhere, Err(STATUS_FLT_VOLUME_NOT_FOUND));
    assert_eq!(bench.attached(bench.volume), ["Filter"]);
    bench.end();
}

/// While a filter drains, the filter manager does not come back to the thread of the pre-operation.
#[test]
fn a_synchronised_request_is_drained_elsewhere() {
    for by_hand in [false, true] {
        let Some(bench) = Bench::start(&["synchronize", "detachable"]) else {
            return;
        };
        let (hold, volume) = (Hold::new(), bench.volume);
        let options = RequestOptions::default().hold(&hold);
        let caller = bench.copy.spawn(move |thread| {
            let (source, target) = two_files(thread, volume);
            let status = send(thread, target, &clone_input(source), (options, 0));
            close_both(thread, source, target);
            status
        });
        hold.wait_for(1);
        if by_hand {
            assert_eq!(bench.machine.detach("Filter", volume), Ok(()));
        } else {
            bench.machine.unload("Filter").expect("unloaded");
        }
        hold.release();
        assert_eq!(caller.join(), STATUS_SUCCESS);
        let trace = bench.machine.filter_manager().take_trace();
        let of = |callback| trace.iter().filter(move |entry| entry.callback == callback);
        let (pre, drained) = (of(Callback::Pre).next(), of(Callback::Draining).next());
        let threads = pre
            .zip(drained)
            .map(|(pre, drained)| (pre.thread, drained.thread));
        assert!(
            threads.is_some_and(|(pre, drained)| pre != drained),
            "{trace:?}"
        );
        assert_eq!(of(Callback::SynchronizedPost).count(), 0, "{trace:?}");
        if by_hand {
            bench.end();
        }
    }
}
