//! The claimed source: every kind of handle, every context, and names that cannot be had.

use cloneguard::Event;
use testbed::io::{Handle, RequestOptions};
use testbed::status::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_FLT_INVALID_NAME_REQUEST, STATUS_FLT_NAME_CACHE_MISS,
    STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH,
};
use testbed::volume::{FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};
use testbed::{KernelThread, UserThread};
use wire::Verdict;

use super::{Ask, Bench, Seen, both, close, send, two_files};

/// Sends one good request whose source handle is what `replace` makes of the good one, with and without
/// the driver, and returns its one event.
fn one_event(
    options: RequestOptions,
    replace: impl Fn(&UserThread, &Bench, Handle) -> Handle + Sync,
) -> Option<(Seen, Event)> {
    let (mut seen, events) = both(|bench| {
        bench.copy.run(|thread| {
            let (good, target) = two_files(thread, bench.refs, 16);
            let second = thread.duplicate_handle(good, None).expect("duplicated");
            let source = replace(thread, bench, good);
            let answer = send(thread, target, &Ask::plain(source), options.clone());
            let seen = Seen::after(thread, answer, second, target);
            for handle in [good, source, second, target] {
                // Some are the same, some never were one.
                let _closed = thread.close(handle);
            }
            vec![seen]
        })
    })?;
    assert_eq!(events.len(), 1, "{events:?}");
    let (seen, event) = (seen.remove(0), events[0].clone());
    assert_eq!(
        event.end.status.map(|status| status.code()),
        Some(seen.answer.status.0)
    );
    assert_eq!(
        event.claim.as_ref().map(|claim| claim.byte_count),
        Some(4096)
    );
    Some((seen, event))
}

/// The handle was refused with this status, and the record says so.
fn refused(replace: impl Fn(&UserThread, &Bench, Handle) -> Handle + Sync, status: NtStatus) {
    let Some((seen, event)) = one_event(RequestOptions::default(), replace) else {
        return;
    };
    assert!(!seen.answer.status.is_success(), "{:?}", seen.answer);
    assert_eq!(event.source_state, "handle_refused");
    let why = Some(status.0);
    assert_eq!(event.source_status.map(|status| status.code()), why);
    absent(&event.source, status);
    // A bad handle is the file system's to refuse: it is noted.
    let rule = if status == STATUS_OBJECT_TYPE_MISMATCH {
        41
    } else {
        40
    };
    noted(&event, &[rule]);
}

/// These rules fired, and none is a ground to refuse in observe mode.
fn noted(event: &Event, rules: &[u8]) {
    let fired: Vec<u8> = event.end.rules.iter().map(|rule| rule.id).collect();
    let verdict = if rules.is_empty() {
        Verdict::Passed
    } else {
        Verdict::Flagged
    };
    assert_eq!((event.end.verdict, fired.as_slice()), (verdict, rules));
    assert_eq!(event.refusal, None);
}

fn absent(name: &cloneguard::EventName, status: NtStatus) {
    assert_eq!((name.state.as_str(), &name.text), ("absent", &None));
    assert_eq!(name.reason.map(|reason| reason.code()), Some(status.0));
}

fn open(thread: &UserThread, volume: testbed::io::VolumeId, path: &str) -> Handle {
    let request = OpenRequest::create(FILE_GENERIC_READ | FILE_GENERIC_WRITE);
    thread.create_file(volume, path, &request).expect("created")
}

#[test]
fn a_file_on_another_volume() {
    let elsewhere = |thread: &UserThread, bench: &Bench, _| {
        let handle = open(thread, bench.other, r"\Elsewhere.bin");
        thread.write(handle, 0, &[1; 0x1_0000]).expect("written");
        handle
    };
    let Some((seen, event)) = one_event(RequestOptions::default(), elsewhere) else {
        return;
    };
    assert!(!seen.answer.status.is_success(), "{:?}", seen.answer);
    assert_eq!(event.source_state, "other_volume");
    noted(&event, &[42]);
    let name = r"\Device\HarddiskVolume4\Elsewhere.bin";
    assert_eq!(event.source.text.as_deref(), Some(name));
    let volume = &event.volume;
    assert_eq!(volume.cluster_size, Some(4096), "that of the target");
}

#[test]
fn a_file_object_of_no_file_system() {
    let pipe = |thread: &UserThread, _: &Bench, _| {
        thread.open_foreign(r"\Device\NamedPipe\pipe", FILE_GENERIC_READ)
    };
    let Some((_, event)) = one_event(RequestOptions::default(), pipe) else {
        return;
    };
    assert_eq!(event.source_state, "foreign");
    noted(&event, &[41]);
    assert_eq!(
        (event.source.state.as_str(), &event.source.text),
        ("absent", &None)
    );
    assert!(event.source.reason.is_some());
}

#[test]
fn an_object_that_is_no_file() {
    let others: [fn(&UserThread) -> Handle; 4] = [
        UserThread::create_event,
        UserThread::open_process,
        UserThread::open_thread,
        UserThread::open_process_token,
    ];
    for other in others {
        refused(|thread, _, _| other(thread), STATUS_OBJECT_TYPE_MISMATCH);
    }
}

#[test]
fn a_closed_handle() {
    let closed = |thread: &UserThread, _: &Bench, good| {
        close(thread, &[good]);
        good
    };
    refused(closed, STATUS_INVALID_HANDLE);
}

#[test]
fn a_handle_that_was_closed_and_used_again_is_what_it_is_now() {
    let reused = |thread: &UserThread, bench: &Bench, good| {
        close(thread, &[good]);
        let handle = open(thread, bench.refs, r"\Successor.bin");
        assert_eq!(handle, good, "the value is used again");
        thread.write(handle, 0, &[0x77; 4096]).expect("written");
        handle
    };
    let Some((seen, event)) = one_event(RequestOptions::default(), reused) else {
        return;
    };
    assert!(seen.target[..4096] == [0x77; 4096], "{:?}", seen.answer);
    assert_eq!(event.source_state, "same_volume");
    let name = r"\Device\HarddiskVolume3\Successor.bin";
    assert_eq!(event.source.text.as_deref(), Some(name));
}

#[test]
fn a_kernel_handle_from_user_mode_is_resolved_as_a_users() {
    let kernel = |_: &UserThread, bench: &Bench, _| {
        let request = OpenRequest::create(FILE_GENERIC_READ);
        let open = |thread: &KernelThread| thread.create_file(bench.refs, r"\Kernel.bin", &request);
        bench.machine.system().run_kernel(open).expect("created")
    };
    refused(kernel, STATUS_INVALID_HANDLE);
}

#[test]
fn the_present_process_is_no_file() {
    refused(|_, _, _| Handle(u64::MAX), STATUS_OBJECT_TYPE_MISMATCH);
}

#[test]
fn the_present_thread_is_no_file() {
    refused(|_, _, _| Handle(u64::MAX - 1), STATUS_OBJECT_TYPE_MISMATCH);
}

#[test]
fn handle_zero() {
    refused(|_, _, _| Handle(0), STATUS_INVALID_HANDLE);
}

#[test]
fn a_request_posted_into_another_process() {
    let options = RequestOptions::default().posted();
    // A value that the System process, in which the file system resolves it now, does not have. It has
    // others with the driver than without: every kernel handle is one of its handles.
    let high = |thread: &UserThread, _: &Bench, good| {
        let duplicate = |_| thread.duplicate_handle(good, None).expect("duplicated");
        let mut handles: Vec<Handle> = (0..64).map(duplicate).collect();
        let last = handles.pop().expect("64 of them");
        close(thread, &handles);
        last
    };
    let Some((seen, event)) = one_event(options, high) else {
        return;
    };
    assert_eq!(seen.answer.status, STATUS_INVALID_HANDLE);
    assert_eq!(event.source_state, "not_in_context");
    noted(&event, &[44]);
    assert_eq!(
        (event.source.state.as_str(), &event.source.text),
        ("absent", &None)
    );
    // The requestor is still the requestor.
    assert_eq!(event.image.text.as_deref(), Some(super::COPY));
    assert_eq!(event.users.user_sid.as_deref(), Some(super::USER));
    let name = r"\Device\HarddiskVolume3\Target.bin";
    assert_eq!(event.target.text.as_deref(), Some(name));
}

#[test]
fn at_apc_level_the_source_is_not_inspected_and_the_record_is_there() {
    let options = RequestOptions::default().at_apc_level();
    let Some((seen, event)) = one_event(options, |_, _, good| good) else {
        return;
    };
    assert!(seen.answer.status.is_success(), "{:?}", seen.answer);
    assert_eq!(event.source_state, "not_inspected");
    assert_eq!(
        (event.source.state.as_str(), &event.source.text),
        ("absent", &None)
    );
    assert_eq!(event.end.verdict, Verdict::NotInspected);
    assert_eq!(
        (event.source_file.state.as_str(), event.same_stream),
        ("not_asked", None)
    );
    assert_eq!(
        (event.image.state.as_str(), &event.users.user_sid),
        ("absent", &None)
    );
    assert!(event.process.process_id.is_some() && event.process.thread_id.is_some());
}

#[test]
fn a_name_that_the_file_system_does_not_give() {
    let options = RequestOptions::default().names_fail(STATUS_ACCESS_DENIED);
    let Some((seen, event)) = one_event(options, |_, _, good| good) else {
        return;
    };
    assert!(seen.answer.status.is_success(), "{:?}", seen.answer);
    absent(&event.target, STATUS_ACCESS_DENIED);
    assert_eq!(event.source_state, "same_volume");
}

#[test]
fn at_apc_level_a_program_that_is_known_has_its_image() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.copy.run(|thread| {
        super::clone_once(thread, bench.refs);
        let (source, target) = two_files(thread, bench.refs, 16);
        let options = RequestOptions::default().at_apc_level();
        let answer = send(thread, target, &Ask::plain(source), options);
        assert!(answer.status.is_success(), "{answer:?}");
        close(thread, &[source, target]);
    });
    let events = bench.events();
    let images: Vec<_> = events
        .iter()
        .map(|event| event.image.text.as_deref())
        .collect();
    assert_eq!(images, [Some(super::COPY); 2]);
    bench.end();
}

#[test]
fn with_a_top_level_irp_no_file_system_is_asked_for_names() {
    nobody_asks(RequestOptions::default().top_level_irp());
}

#[test]
fn with_apcs_disabled_no_file_system_is_asked_for_names() {
    nobody_asks(RequestOptions::default().in_critical_region());
}

/// Where a question to the file system could wait for ever.
fn nobody_asks(options: RequestOptions) {
    let Some((seen, event)) = one_event(options, |_, _, good| good) else {
        return;
    };
    assert!(seen.answer.status.is_success(), "{:?}", seen.answer);
    // The cache is asked all the same, and has nothing; no page says which of two statuses follows.
    absent(&event.target, STATUS_FLT_NAME_CACHE_MISS);
    absent(&event.source, STATUS_FLT_INVALID_NAME_REQUEST);
    assert_eq!(event.source_state, "same_volume");
    for file in [&event.source_file, &event.target_file] {
        assert_eq!((file.state.as_str(), file.end_of_file), ("refused", None));
        assert!(file.reason.is_some());
    }
    // The file objects themselves say whether they are one stream.
    assert_eq!(event.same_stream, Some(false));
}
