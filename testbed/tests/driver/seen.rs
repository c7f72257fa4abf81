//! Other codes by which files come to share blocks: seen, recorded, passed untouched. Every other code costs
//! nothing.

use testbed::io::{FsControl, RequestOptions};
use testbed::volume::{FSCTL_GET_INTEGRITY_INFORMATION, FSCTL_SET_SPARSE};
use wire::{OutcomeKind, RecordKind, Verdict};

use super::blob::Blob;
use super::enforce::applied;
use super::{Bench, COPY, Seen, both, close, two_files};

/// FSCTL_DUPLICATE_CLUSTER, FSCTL_QUERY_ASYNC_DUPLICATE_EXTENTS_STATUS (winioctl.h),
/// FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT (MS-FSA 2.1.5.10.29).
const SEEN: [u32; 3] = [0x0009_045C, 0x0009_0430, 0x0009_0440];

/// Sends a code with some input and room for some output.
fn send(bench: &Bench, code: u32) -> Seen {
    bench.copy.run(|thread| {
        let (source, target) = two_files(thread, bench.refs, 16);
        let answer = thread.fs_control_with(&FsControl {
            handle: target,
            code,
            input: Some(&[0xC3; 0x20]),
            output_length: 0x40,
            options: RequestOptions::default(),
        });
        let seen = Seen::after(thread, answer, source, target);
        close(thread, &[source, target]);
        seen
    })
}

#[test]
fn codes_that_share_blocks_are_recorded_and_not_judged() {
    let Some((seen, events)) = both(|bench| SEEN.map(|code| send(bench, code)).to_vec()) else {
        return;
    };
    assert_eq!(events.len(), SEEN.len());
    for ((code, seen), event) in SEEN.iter().zip(&seen).zip(&events) {
        assert_eq!(
            (event.head.kind, event.control_code.0),
            (RecordKind::Seen, *code)
        );
        assert!(event.control_code.name().is_some());
        assert_eq!(
            (event.end.verdict, event.end.rules.len()),
            (Verdict::Passed, 0)
        );
        assert_eq!((event.input_length, event.output_length), (0x20, 0x40));
        let status = event.end.status.map(|status| status.code());
        assert_eq!(status, Some(seen.answer.status.0));
        assert_eq!(event.image.text.as_deref(), Some(COPY));
        let name = r"\\Device\\HarddiskVolume3\\Target.bin".replace(r"\\", r"\");
        assert_eq!(event.target.text.as_deref(), Some(name.as_str()));
        assert_eq!((event.claim.is_none(), &event.source.text), (true, &None));
    }
}

#[test]
fn enforce_mode_passes_them_too() {
    let Some(bench) = Bench::under(&Blob::ENFORCE) else {
        return;
    };
    for code in SEEN {
        send(&bench, code);
    }
    let events = applied(&bench.entries());
    assert_eq!(events.len(), SEEN.len());
    assert!(
        events
            .iter()
            .all(|event| event.end.outcome == OutcomeKind::Completed)
    );
    bench.end();
}

#[test]
fn of_another_code_nothing_is_recorded_and_nobody_is_called() {
    let Some(bench) = Bench::start() else {
        return;
    };
    for code in [
        FSCTL_SET_SPARSE,
        FSCTL_GET_INTEGRITY_INFORMATION,
        0x0009_0458,
        0x0009_8340,
    ] {
        let before = bench.machine.injection().calls();
        send(&bench, code);
        assert_eq!(bench.machine.injection().calls(), before, "{code:#x}");
    }
    assert_eq!(bench.events(), []);
    bench.end();
}
