//! Good clones in every form: one complete record each.

use std::sync::Arc;

use testbed::io::{FsControl, IoStatus, MinorFunction, RequestOptions};
use testbed::volume::{FILE_GENERIC_READ, FILE_GENERIC_WRITE, OpenRequest};
use testbed::{Process, ProcessSpec};
use wire::{OutcomeKind, Verdict};

use super::{Ask, Bench, COPY, EX, PLAIN, USER};

/// Clones one cluster from the second to the first, on a thread of `process` in either mode.
macro_rules! clone_on {
    ($thread:expr, $bench:expr, $code:expr, $narrow:expr) => {{
        let (thread, bench): (_, &Bench) = ($thread, $bench);
        let access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
        let open = |path| {
            let opened = thread.create_file(bench.refs, path, &OpenRequest::create(access));
            opened.expect("created")
        };
        let (source, target) = (open(r"\Source.bin"), open(r"\Target.bin"));
        thread.write(source, 0, &[9; 8192]).expect("written");
        thread.set_end_of_file(target, 8192).expect("extended");
        let ask = Ask {
            code: $code,
            narrow: $narrow,
            source: 4096,
            ..Ask::plain(source)
        };
        let answer = thread.fs_control(target, ask.code, Some(&ask.bytes()), 0);
        assert!(
            thread.read(target, 0, 4096).expect("read") == [9; 4096],
            "{answer:?}"
        );
        thread.close(source).expect("closed");
        thread.close(target).expect("closed");
        (answer, thread.thread().id())
    }};
}

/// Clones one cluster on a thread of `process` in this mode; the answer and the thread's id.
fn clone_in(
    bench: &Bench,
    process: &Arc<Process>,
    (code, narrow): (u32, bool),
    kernel: bool,
) -> (IoStatus, u64) {
    let (answer, thread) = if kernel {
        process.run_kernel(|thread| clone_on!(thread, bench, code, narrow))
    } else {
        process.run(|thread| clone_on!(thread, bench, code, narrow))
    };
    assert!(answer.status.is_success(), "{answer:?}");
    (answer, thread)
}

/// One good clone of this form, and its record held against what is known about it. What a kernel-mode
/// caller sends is laid out as 64-bit code lays it out, whatever process it runs in.
fn good_clone(code: u32, process_32: bool, kernel: bool) {
    let narrow = process_32 && !kernel;
    let Some(bench) = Bench::start() else {
        return;
    };
    let spec = ProcessSpec::user(COPY).user_sid(USER);
    let spec = if process_32 { spec.bitness32() } else { spec };
    let process = bench.machine.create_process(spec);
    let (answer, thread) = clone_in(&bench, &process, (code, narrow), kernel);
    let events = bench.events();
    let [event] = events.as_slice() else {
        panic!("one record: {events:?}")
    };
    assert_eq!(
        (event.head.lost_before, event.end.verdict),
        (0, Verdict::Passed)
    );
    assert_eq!(
        (event.end.rules.as_slice(), &event.end.deciding_rule),
        (&[][..], &None)
    );
    assert_eq!(event.control_code.0, code);
    assert_eq!(event.bitness, if narrow { 32 } else { 64 });
    assert_eq!(event.requestor_mode, if kernel { "kernel" } else { "user" });
    assert_eq!(
        (event.process.process_id, event.process.thread_id),
        (number(process.id()), number(thread))
    );
    assert_eq!(event.users.user_sid.as_deref(), Some(USER));
    check_claim(event, code, narrow);
    check_names(event, &process);
    assert_eq!(event.end.outcome, OutcomeKind::Completed);
    assert_eq!(
        event.end.status.map(|status| status.code()),
        Some(answer.status.0)
    );
    assert_eq!(event.end.information, Some(answer.information));
    bench.end();
}

fn number(id: u64) -> Option<u32> {
    u32::try_from(id).ok()
}

fn check_claim(event: &cloneguard::Event, code: u32, narrow: bool) {
    let size = match (code == EX, narrow) {
        (false, _) => 0x20,
        (true, true) => 0x28,
        (true, false) => 0x30,
    };
    assert_eq!((event.input_length, event.output_length), (size, 0));
    let claim = event.claim.as_ref().expect("a claim");
    assert_eq!(
        (claim.source_offset, claim.target_offset, claim.byte_count),
        (4096, 0, 4096)
    );
    let (ex_size, flags) = if code == EX {
        (Some(u64::from(size)), Some(0))
    } else {
        (None, None)
    };
    assert_eq!((claim.ex_size, claim.ex_flags), (ex_size, flags));
}

fn check_names(event: &cloneguard::Event, process: &Process) {
    let text = |name: &cloneguard::EventName| name.text.clone().unwrap_or_default();
    assert_eq!(text(&event.image), process.image_name());
    assert_eq!(text(&event.source), r"\Device\HarddiskVolume3\Source.bin");
    assert_eq!(text(&event.target), r"\Device\HarddiskVolume3\Target.bin");
    assert_eq!(event.source_state, "same_volume");
    let volume = &event.volume;
    assert_eq!(
        (volume.file_system_type, volume.file_system),
        (28, Some("refs"))
    );
    assert_eq!(
        (volume.cluster_size, volume.setup_flags & 0x30),
        (Some(4096), 0)
    );
}

macro_rules! good_clones {
    ($($name:ident: $code:expr, $process_32:literal, $kernel:literal;)*) => {
        $(
            #[test]
            fn $name() {
                good_clone($code, $process_32, $kernel);
            }
        )*
    };
}

good_clones! {
    plain_of_a_64_bit_user: PLAIN, false, false;
    plain_of_a_32_bit_user: PLAIN, true, false;
    plain_of_a_64_bit_kernel_caller: PLAIN, false, true;
    plain_of_a_kernel_caller_in_a_32_bit_process: PLAIN, true, true;
    ex_of_a_64_bit_user: EX, false, false;
    ex_of_a_32_bit_user: EX, true, false;
    ex_of_a_64_bit_kernel_caller: EX, false, true;
    ex_of_a_kernel_caller_in_a_32_bit_process: EX, true, true;
}

#[test]
fn other_codes_and_other_minor_codes_leave_no_record() {
    let Some(bench) = Bench::start() else {
        return;
    };
    bench.copy.run(|thread| {
        let (source, target) = super::two_files(thread, bench.refs, 2);
        thread.set_sparse(target, true).expect("made sparse");
        let ask = Ask::plain(source);
        let verify = RequestOptions::default().minor(MinorFunction::VerifyVolume);
        let answer = super::send(thread, target, &ask, verify);
        assert!(answer.status.is_success(), "{answer:?}");
        // The neighbours of the two codes, which no file system knows.
        for code in [PLAIN - 4, PLAIN + 4, EX - 4, EX + 4, 0] {
            let input = ask.bytes();
            let control = FsControl {
                handle: target,
                code,
                input: Some(&input),
                output_length: 0,
                options: RequestOptions::default(),
            };
            assert!(
                !thread.fs_control_with(&control).status.is_success(),
                "{code:#x}"
            );
        }
        super::close(thread, &[source, target]);
        // What shows that the driver was there all the time.
        super::clone_once(thread, bench.refs);
    });
    let events = bench.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].control_code.0, PLAIN);
    bench.end();
}
