//! Unloading: with nothing to do, and with requests in the file system.

use testbed::fltmgr::Callback;
use testbed::io::{FsControl, Hold, RequestOptions};
use testbed::process::Running;
use testbed::status::{STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER, STATUS_SUCCESS};
use testbed::{BootOptions, LoadError, Machine, NtStatus, UnloadError};

use super::{Bench, CLONE, clone_input, clone_once, close_both, image, send, two_files};

#[test]
fn a_request_in_the_file_system_is_drained_and_ends_without_the_filter() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let hold = Hold::new();
    let caller = held_clone(&bench, &hold);
    hold.wait_for(1);
    bench
        .machine
        .unload("Filter")
        .expect("unloaded while a request is in flight");
    let order: Vec<_> = bench
        .order()
        .into_iter()
        .map(|(callback, _)| callback)
        .collect();
    let expected = [
        Callback::Setup,
        Callback::Pre,
        Callback::TeardownStart,
        Callback::Draining,
        Callback::TeardownComplete,
        Callback::ContextCleanup,
        Callback::Unload,
    ];
    assert_eq!(order, expected);
    hold.release();
    assert_eq!(
        caller.join(),
        STATUS_SUCCESS,
        "the file system's answer is not touched"
    );
    assert!(bench.machine.filter_manager().take_trace().is_empty());
    bench.machine.shutdown().expect("nothing is left");
}

/// Starts a clone that the file system holds.
fn held_clone(bench: &Bench, hold: &Hold) -> Running<NtStatus> {
    let (options, volume) = (RequestOptions::default().hold(hold), bench.volume);
    bench.copy.spawn(move |thread| {
        let (source, target) = two_files(thread, volume);
        let status = send(thread, target, &clone_input(source), (options, 0));
        close_both(thread, source, target);
        status
    })
}

#[test]
fn an_asynchronous_answer_comes_on_another_thread() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let (hold, volume) = (Hold::new(), bench.volume);
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, volume);
        let input = clone_input(source);
        let options = RequestOptions::default().hold(&hold);
        let input = Some(input.as_slice());
        let control = FsControl {
            handle: target,
            code: CLONE,
            input,
            output_length: 0,
            options,
        };
        let pending = thread.start_fs_control(&control);
        hold.wait_for(1);
        thread
            .close(source)
            .and_then(|()| thread.close(target))
            .expect("closed meanwhile");
        hold.release();
        assert_eq!(pending.wait().status, STATUS_SUCCESS);
    });
    assert_eq!(bench.printed("post success"), 1);
    bench.end();
}

#[test]
fn a_driver_can_be_loaded_again() {
    let Some(bench) = Bench::start(&[]) else {
        return;
    };
    let volume = bench.volume;
    bench.machine.unload("Filter").expect("unloaded");
    let image = image::filter(&[]).expect("it compiled before");
    bench
        .machine
        .load_driver(&image.path(), "Filter")
        .expect("loaded again");
    bench
        .copy
        .run(|thread| clone_once(thread, volume, STATUS_SUCCESS));
    assert_eq!(bench.printed("post success"), 1);
    bench.end();
}

#[test]
fn a_leaked_file_object_is_reported_with_the_call_that_took_it() {
    let Some(bench) = Bench::start(&["fault=\"leak_file\""]) else {
        return;
    };
    let volume = bench.volume;
    bench
        .copy
        .run(|thread| clone_once(thread, volume, STATUS_SUCCESS));
    let Err(UnloadError::Left(left)) = bench.machine.unload("Filter") else {
        panic!("not seen")
    };
    let [leak] = left.as_slice() else {
        panic!("{left:?}")
    };
    assert!(
        leak.detail
            .contains(r"FILE_OBJECT of \Device\HarddiskVolume1\Target.bin"),
        "{leak}"
    );
    assert!(
        leak.detail.contains("ObfReferenceObject from Filter+0x"),
        "{leak}"
    );
}

#[test]
fn a_failing_driver_entry_must_clean_up() {
    let load = |flag| {
        let image = image::filter(&[flag])?;
        Some(Machine::boot(BootOptions::default()).load_driver(&image.path(), "Filter"))
    };
    let Some(result) = load("fault=\"user_port\"") else {
        return;
    };
    assert!(
        matches!(result, Err(LoadError::Entry(STATUS_INVALID_PARAMETER))),
        "{result:?}"
    );
    let Some(result) = load("fault=\"fails_registered\"") else {
        return;
    };
    let Err(LoadError::EntryLeft(STATUS_INSUFFICIENT_RESOURCES, left)) = result else {
        panic!("{result:?}")
    };
    assert!(
        left.iter()
            .any(|leak| leak.detail.contains("registration of the filter")),
        "{left:?}"
    );
}

#[test]
fn every_failing_call_of_driver_entry_leaves_nothing_behind() {
    let Some(image) = image::filter(&[]) else {
        return;
    };
    let mut number = 0;
    let mut outcome = Err(STATUS_SUCCESS);
    while outcome.is_err() {
        number += 1;
        let machine = Machine::boot(BootOptions::default());
        machine.injection().fail(number);
        outcome = machine
            .load_driver(&image.path(), "Filter")
            .map_err(|error| match error {
                LoadError::Entry(status) => status,
                other => panic!("call {number}: {other}"),
            });
        if outcome.is_ok() {
            machine.unload("Filter").expect("unloaded");
        } else {
            assert_eq!(outcome, Err(STATUS_INSUFFICIENT_RESOURCES), "call {number}");
        }
    }
    assert_eq!(number, 4, "registration, descriptor and port can fail");
}
