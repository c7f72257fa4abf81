//! Unloading: with requests in the file system, again and again; and what the volume tells.

use std::sync::Arc;

use cloneguard::Entry;
use testbed::io::{FsControl, Hold, IoStatus, PostOperation, RequestOptions, VolumeId};
use testbed::status::STATUS_INVALID_DEVICE_REQUEST;
use testbed::volume::{FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};
use testbed::{Process, UserThread};
use wire::{OutcomeKind, RecordKind, Verdict};

use super::watch::requests;
use super::{Ask, Bench, PLAIN, clone_once, close, send, two_files};

/// Starts `count` good clones of files of their own, each on a thread that the file system holds.
pub(crate) fn held_clones(
    bench: &Bench,
    hold: &Hold,
    count: usize,
) -> Vec<impl FnOnce() -> IoStatus + use<>> {
    held_clones_of(&bench.copy, bench.refs, hold, count)
}

/// The same of another process.
pub(crate) fn held_clones_of(
    process: &Arc<Process>,
    volume: VolumeId,
    hold: &Hold,
    count: usize,
) -> Vec<impl FnOnce() -> IoStatus + use<>> {
    let start = |number| {
        let number = format!("{}-{number}", process.id());
        let options = RequestOptions::default().hold(hold);
        let running = process.spawn(move |thread: &UserThread| {
            let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
            let open = |path: String| {
                let opened = thread.create_file(volume, &path, &OpenRequest::create(access));
                opened.expect("created")
            };
            let source = open(format!(r"\Source{number}.bin"));
            let target = open(format!(r"\Target{number}.bin"));
            thread.write(source, 0, &[3; 4096]).expect("written");
            thread.set_end_of_file(target, 4096).expect("extended");
            let answer = send(thread, target, &Ask::plain(source), options);
            let got = thread.read(target, 0, 4096).expect("read");
            assert!(got == [3; 4096], "cloned: {answer:?}");
            close(thread, &[source, target]);
            answer
        });
        move || running.join()
    };
    (0..count).map(start).collect()
}

#[test]
fn requests_in_the_file_system_outlive_the_driver() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let hold = Hold::new();
    let clones = held_clones(&bench, &hold, 4);
    hold.wait_for(4);
    bench.unload();
    hold.release();
    for clone in clones {
        let answer = clone();
        assert!(answer.status.is_success(), "{answer:?}");
    }
    bench.end_bare();
}

#[test]
fn a_program_at_the_port_and_requests_in_flight_do_not_hold_an_unload() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let mut watcher = bench.watch(cloneguard::Consumer::new());
    let greeting = watcher.take();
    watcher.acknowledge(&greeting);
    let hold = Hold::new();
    let clones = held_clones(&bench, &hold, 2);
    hold.wait_for(2);
    bench.unload();
    assert!(watcher.port.is_closed());
    hold.release();
    for clone in clones {
        assert!(clone().status.is_success());
    }
    drop(watcher);
    bench.end_bare();
}

#[test]
fn a_request_in_flight_holds_back_later_records_and_none_is_lost() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let hold = Hold::new();
    let clones = held_clones(&bench, &hold, 1);
    hold.wait_for(1);
    bench.copy.run(|thread| clone_once(thread, bench.refs));
    let mut watcher = bench.watch(cloneguard::Consumer::new());
    let early = watcher.take();
    // What the driver said before it, not what comes after it: two clones, and that this program connected.
    assert_eq!(early.requests(), []);
    assert_eq!(early.counters.held.get(), early.records + 3);
    assert_eq!(early.counters.in_flight.get(), 1);
    watcher.acknowledge(&early);
    hold.release();
    for clone in clones {
        assert!(clone().status.is_success());
    }
    let drained = watcher.drain();
    let numbers: Vec<_> = drained.entries.iter().map(Entry::sequence).collect();
    let first = early.records + 1;
    assert_eq!(numbers, [first, first + 1, first + 2]);
    assert_eq!(drained.requests().len(), 2);
    drop(watcher);
    bench.end();
}

#[test]
fn the_end_is_recorded_wherever_the_post_operation_runs() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.machine.filter_manager().start_trace();
    let places = [
        PostOperation::SameThread,
        PostOperation::OtherThreadAtDispatch,
    ];
    bench.copy.run(|thread| {
        for place in places {
            let (source, target) = two_files(thread, bench.refs, 16);
            let options = RequestOptions::default().post(place);
            let answer = send(thread, target, &Ask::plain(source), options);
            assert!(answer.status.is_success(), "{answer:?}");
            close(thread, &[source, target]);
        }
    });
    let trace = bench.machine.filter_manager().take_trace();
    let posts = trace
        .iter()
        .filter(|entry| entry.callback == testbed::fltmgr::Callback::Post);
    let levels: Vec<u8> = posts.map(|entry| entry.irql).collect();
    assert_eq!(levels, [0, 2], "PASSIVE_LEVEL, then DISPATCH_LEVEL");
    let events = bench.events();
    assert_eq!(events.len(), 2);
    for event in &events {
        assert_eq!(
            (event.end.outcome, event.end.status.map(|s| s.code())),
            (OutcomeKind::Completed, Some(0))
        );
    }
    bench.end();
}

#[test]
fn an_answer_that_comes_later_on_another_thread_is_recorded() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let hold = Hold::new();
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.refs, 16);
        let pending = thread.start_fs_control(&FsControl {
            handle: target,
            code: PLAIN,
            input: Some(&Ask::plain(source).bytes()),
            output_length: 0,
            options: RequestOptions::default().hold(&hold),
        });
        hold.wait_for(1);
        // The caller may close the files before the answer.
        close(thread, &[source, target]);
        hold.release();
        assert!(pending.wait().status.is_success());
    });
    let events = bench.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].end.status.map(|status| status.code()), Some(0));
    bench.end();
}

#[test]
fn twenty_loads_each_a_trail_of_its_own() {
    let Some(bench) = Bench::bare() else {
        return;
    };
    let mut loads = std::collections::BTreeSet::new();
    for round in 0..20 {
        bench.load();
        bench.copy.run(|thread| clone_once(thread, bench.refs));
        if round % 2 == 0 {
            let entries = bench.entries();
            assert_eq!(entries[0].kind(), RecordKind::Started, "round {round}");
            assert_eq!(entries[0].sequence(), 1, "round {round}");
            assert_eq!(requests(&entries).len(), 1, "round {round}");
            loads.insert(entries[0].boot_id());
        }
        bench.unload();
    }
    assert_eq!(loads.len(), 10, "each load has an id of its own");
    bench.end_bare();
}

#[test]
fn a_dev_drive_is_recorded_with_its_flags() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let cluster = 0x1_0000;
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.other, 16);
        let good = Ask {
            count: cluster,
            ..Ask::ex(source)
        };
        let answer = send(thread, target, &good, RequestOptions::default());
        assert!(answer.status.is_success(), "{answer:?}");
        // What would do on 4 KiB clusters is unaligned on these.
        let answer = send(thread, target, &Ask::ex(source), RequestOptions::default());
        assert!(!answer.status.is_success(), "{answer:?}");
        close(thread, &[source, target]);
    });
    let events = bench.events();
    assert_eq!(events.len(), 2);
    for event in &events {
        assert_eq!(event.volume.cluster_size, Some(0x1_0000));
        assert!(
            event.volume.is_dev_drive && event.volume.is_trusted,
            "{:?}",
            event.volume
        );
    }
    assert_eq!(events[0].end.verdict, Verdict::Passed);
    assert_eq!(
        events[1]
            .end
            .rules
            .iter()
            .map(|rule| rule.id)
            .collect::<Vec<_>>(),
        [22]
    );
    bench.end();
}

#[test]
fn a_file_system_that_does_not_clone_is_recorded_with_its_refusal() {
    let Some(bench) = Bench::start() else {
        return;
    };
    let ask = |process: &Process, thread: &UserThread| {
        assert_eq!(thread.thread().process().id(), process.id());
        let (source, target) = two_files(thread, bench.ntfs, 16);
        let answer = send(
            thread,
            target,
            &Ask::plain(source),
            RequestOptions::default(),
        );
        close(thread, &[source, target]);
        answer
    };
    let answer = bench.copy.run(|thread| ask(&bench.copy, thread));
    assert_eq!(answer.status, STATUS_INVALID_DEVICE_REQUEST);
    let events = bench.events();
    let [event] = events.as_slice() else {
        panic!("one record: {events:?}")
    };
    let status = event.end.status.map(|status| status.code());
    assert_eq!(status, Some(STATUS_INVALID_DEVICE_REQUEST.0));
    assert_eq!(event.end.verdict, Verdict::Passed);
    assert_eq!(
        (event.volume.file_system, event.volume.cluster_size),
        (Some("ntfs"), Some(4096))
    );
    bench.end();
}
