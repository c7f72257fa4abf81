//! Requests that no good program sends: the rules that fire, and an answer as without the driver.

use cloneguard::Event;
use testbed::io::{FsControl, MinorFunction, RequestOptions};
use testbed::status::{STATUS_INVALID_PARAMETER, STATUS_SUCCESS};
use testbed::volume::{FILE_GENERIC_WRITE, OpenRequest};
use testbed::{ProcessSpec, UserThread};
use wire::{OutcomeKind, Verdict};

use super::{Ask, Bench, COPY, EX, Seen, both, close, send, two_files};

/// The last cluster boundary of the signed 64-bit range.
const LAST: i64 = i64::MAX - 4095;

/// What makes a good request hostile, and the rules that must fire, the deciding one first.
struct Case {
    name: &'static str,
    spoil: fn(&mut Ask),
    verdict: Verdict,
    rules: &'static [u8],
}

macro_rules! cases {
    ($($name:literal, $verdict:ident $rules:expr, |$ask:ident| $spoil:expr;)*) => {
        &[$(Case {
            name: $name,
            spoil: |$ask: &mut Ask| $spoil,
            verdict: Verdict::$verdict,
            rules: &$rules,
        },)*]
    };
}

/// Cases for either code and bitness.
const ANY: &[Case] = cases! {
    "good", Passed [], |ask| ask.cut = 0;
    "a byte too short", WouldRefuse [1], |ask| ask.cut = 1;
    "one byte", WouldRefuse [1], |ask| ask.cut = 0x1F;
    "short with output", WouldRefuse [1, 4], |ask| (ask.cut, ask.output) = (1, 16);
    "trailing bytes", Flagged [4], |ask| ask.cut = -8;
    "a page of trailing bytes", Flagged [4], |ask| ask.cut = -4096;
    "output", Flagged [4], |ask| ask.output = 64;
    "source below zero", WouldRefuse [10], |ask| ask.source = -4096;
    "target below zero", WouldRefuse [11], |ask| ask.target = -4096;
    "count below zero", WouldRefuse [12], |ask| ask.count = -4096;
    "everything as small as can be", WouldRefuse [10, 11, 12],
        |ask| (ask.source, ask.target, ask.count) = (i64::MIN, i64::MIN, i64::MIN);
    "source overflows", WouldRefuse [13], |ask| (ask.source, ask.count) = (LAST, 8192);
    "target overflows", WouldRefuse [14], |ask| (ask.target, ask.count) = (LAST, 8192);
    "both overflow", WouldRefuse [13, 14],
        |ask| (ask.source, ask.target, ask.count) = (LAST, LAST, 8192);
    "4 GiB", Flagged [15, 50, 51], |ask| ask.count = 1 << 32;
    "a cluster less than 4 GiB", Flagged [50, 51], |ask| ask.count = (1 << 32) - 4096;
    "nothing", Flagged [16], |ask| ask.count = 0;
    "nothing from below zero", Flagged [10, 16], |ask| (ask.source, ask.count) = (-4096, 0);
    "source between clusters", WouldRefuse [20], |ask| ask.source = 1;
    "target between clusters", WouldRefuse [21], |ask| ask.target = 4095;
    "count between clusters", WouldRefuse [22], |ask| ask.count = 1;
    "all between clusters", WouldRefuse [20, 21, 22],
        |ask| (ask.source, ask.target, ask.count) = (1, 512, 4097);
    "minus one", WouldRefuse [20, 10], |ask| ask.source = -1;
    "beyond the end of both files", Flagged [50, 51], |ask| (ask.source, ask.target) = (1 << 40, 1 << 40);
};

/// Cases of the EX code alone.
const EX_ONLY: &[Case] = cases! {
    "unknown flags", Flagged [30], |ask| ask.flags = 0x8000_0000;
    "asynchronous", Flagged [31], |ask| ask.flags = 2;
    "atomic", Flagged [32], |ask| ask.flags = 1;
    "all flags", Flagged [30, 31, 32], |ask| ask.flags = u32::MAX;
};

/// Sizes in the EX structure of a 64-bit caller.
const SIZES_64: &[Case] = cases! {
    "size zero", WouldRefuse [3], |ask| ask.size = Some(0);
    "size of the 32-bit layout", WouldRefuse [3], |ask| ask.size = Some(0x28);
    "size in the upper half too", WouldRefuse [3], |ask| ask.size = Some(0x1_0000_0030);
    "the 32-bit layout itself", WouldRefuse [1], |ask| ask.cut = 8;
};

/// Sizes in the EX structure of a 32-bit caller: only noted, no source names a status. So is all that stands
/// in it, because no source says how a file system reads it.
const SIZES_32: &[Case] = cases! {
    "size zero", Flagged [3], |ask| ask.size = Some(0);
    "size of the 64-bit layout", Flagged [3], |ask| ask.size = Some(0x30);
    "wrong size and between clusters", Flagged [3, 20],
        |ask| (ask.size, ask.source) = (Some(0x30), 1);
};

/// One case on fresh files.
fn run_case(thread: &UserThread, bench: &Bench, case: &Case, form: (u32, bool)) -> Seen {
    let (source, target) = two_files(thread, bench.refs, 16);
    let mut ask = Ask {
        code: form.0,
        narrow: form.1,
        ..Ask::plain(source)
    };
    (case.spoil)(&mut ask);
    let answer = send(thread, target, &ask, RequestOptions::default());
    let seen = Seen::after(thread, answer, source, target);
    close(thread, &[source, target]);
    seen
}

/// Runs all cases of the lists in one form and holds each record against its case.
fn run(code: u32, narrow: bool, lists: &[&'static [Case]]) {
    let cases: Vec<&Case> = lists.iter().copied().flatten().collect();
    let Some((seen, events)) = both(|bench| {
        let spec = ProcessSpec::user(COPY);
        let spec = if narrow { spec.bitness32() } else { spec };
        let caller = bench.machine.create_process(spec);
        caller.run(|thread| {
            let run = |case: &&Case| run_case(thread, bench, case, (code, narrow));
            cases.iter().map(run).collect()
        })
    }) else {
        return;
    };
    assert_eq!(events.len(), cases.len());
    for ((case, seen), event) in cases.iter().zip(&seen).zip(&events) {
        let is_left_open = code == EX && narrow && !case.rules.contains(&1);
        let verdict = match case.verdict {
            Verdict::WouldRefuse if is_left_open => Verdict::Flagged,
            verdict => verdict,
        };
        check(case.name, verdict, case.rules, event);
        check_end(case.name, seen, event);
    }
}

fn check(name: &str, verdict: Verdict, rules: &[u8], event: &Event) {
    let mut sorted = rules.to_vec();
    sorted.sort_unstable();
    let fired: Vec<u8> = event.end.rules.iter().map(|rule| rule.id).collect();
    assert_eq!(fired, sorted, "{name}");
    assert_eq!(event.end.verdict, verdict, "{name}");
    let deciding = event.end.deciding_rule.as_ref().map(|rule| rule.id);
    assert_eq!(deciding, rules.first().copied(), "{name}");
    let read = !rules.contains(&1) && !rules.contains(&2);
    assert_eq!(event.claim.is_some(), read, "{name}");
}

fn check_end(name: &str, seen: &Seen, event: &Event) {
    assert_eq!(event.end.outcome, OutcomeKind::Completed, "{name}");
    let status = event.end.status.map(|status| status.code());
    assert_eq!(status, Some(seen.answer.status.0), "{name}");
    assert_eq!(
        event.end.information,
        Some(seen.answer.information),
        "{name}"
    );
}

#[test]
fn plain_requests_of_64_bit_users() {
    run(super::PLAIN, false, &[ANY]);
}

#[test]
fn plain_requests_of_32_bit_users() {
    run(super::PLAIN, true, &[ANY]);
}

#[test]
fn ex_requests_of_64_bit_users() {
    run(EX, false, &[ANY, EX_ONLY, SIZES_64]);
}

#[test]
fn ex_requests_of_32_bit_users() {
    run(EX, true, &[ANY, EX_ONLY, SIZES_32]);
}

#[test]
fn no_buffer_at_all() {
    let script = |bench: &Bench| {
        bench.copy.run(|thread| {
            let (source, target) = two_files(thread, bench.refs, 16);
            let control = FsControl {
                handle: target,
                code: EX,
                input: None,
                output_length: 0,
                options: RequestOptions::default(),
            };
            let answer = thread.fs_control_with(&control);
            let seen = Seen::after(thread, answer, source, target);
            close(thread, &[source, target]);
            vec![seen]
        })
    };
    let Some((seen, events)) = both(script) else {
        return;
    };
    assert_eq!(events.len(), 1);
    check("nothing", Verdict::WouldRefuse, &[1], &events[0]);
    check_end("nothing", &seen[0], &events[0]);
}

/// A request that a driver built itself: it claims input and has no buffer.
fn without_buffer(bench: &Bench, minor: MinorFunction, length: u32) -> Seen {
    let answer = bench.machine.system().run_kernel(|thread| {
        let path = format!(r"\{minor:?}{length}");
        let request = OpenRequest::create(FILE_GENERIC_WRITE);
        let target = thread.create_file(bench.refs, &path, &request);
        let handle = target.expect("created");
        let answer = thread.fs_control_with(&FsControl {
            handle,
            code: EX,
            input: None,
            output_length: 0,
            options: RequestOptions::default().minor(minor).claimed_input(length),
        });
        thread.close(handle).expect("closed");
        answer
    });
    Seen {
        answer,
        source: Vec::new(),
        target: Vec::new(),
    }
}

/// Such a request may come as a kernel call or as a user's request.
#[test]
fn a_claimed_input_without_a_buffer() {
    let forms = [MinorFunction::KernelCall, MinorFunction::UserRequest];
    let lengths = [0x30, u32::MAX];
    let Some((seen, events)) = both(|bench| {
        let send = |minor| lengths.map(|length| without_buffer(bench, minor, length));
        forms.into_iter().flat_map(send).collect()
    }) else {
        return;
    };
    assert_eq!(events.len(), seen.len());
    for (length, (seen, event)) in lengths.iter().cycle().zip(seen.iter().zip(&events)) {
        let rules: &[u8] = if *length > 0x30 { &[2, 4] } else { &[2] };
        check("no buffer", Verdict::WouldRefuse, rules, event);
        check_end("no buffer", seen, event);
        let state = event.source_state.as_str();
        assert_eq!((event.input_length, state), (*length, "not_inspected"));
    }
}

/// The comparison itself: statuses that differ from case to case do come back.
#[test]
fn answers_are_those_of_the_file_system() {
    let Some((seen, _)) = both(|bench| {
        let mut wanted = ANY
            .iter()
            .filter(|case| case.name == "good" || case.rules == [20]);
        bench.copy.run(|thread| {
            let run = |case| run_case(thread, bench, case, (super::PLAIN, false));
            wanted.by_ref().map(run).collect()
        })
    }) else {
        return;
    };
    let statuses: Vec<_> = seen.iter().map(|seen| seen.answer.status).collect();
    assert_eq!(statuses, [STATUS_SUCCESS, STATUS_INVALID_PARAMETER]);
    assert!(seen[0].target[..4096] == [1; 4096], "cloned");
    assert!(seen[1].target.iter().all(|byte| *byte == 0), "not cloned");
}
