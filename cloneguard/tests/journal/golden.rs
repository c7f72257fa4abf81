//! Version 1 is frozen: a journal of that version is in the repository, and is read as ever.

use crate::sample::{BOOT, Files, content, report, steps};
use cloneguard::journal::{ANCHOR_NAME, Payload, SealReason, Step, segment_name};

/// The files, as a writer once made them.
fn files() -> Files {
    Files::from([
        (
            segment_name(1),
            include_bytes!("../golden/journal/cloneguard-00000001.cgj").to_vec(),
        ),
        (
            segment_name(2),
            include_bytes!("../golden/journal/cloneguard-00000002.cgj").to_vec(),
        ),
        (
            ANCHOR_NAME.to_owned(),
            include_bytes!("../golden/journal/cloneguard.anchor").to_vec(),
        ),
    ])
}

#[test]
fn a_journal_of_version_1_is_sound() {
    let report = report(&files());
    assert!(!report.is_sound(), "it has a gap");
    assert_eq!((report.damages.count, report.findings.count), (0, 1));
    assert_eq!((report.segments, report.sealed, report.records), (2, 1, 6));
    let gap = report.gaps.first[0];
    assert_eq!(
        (gap.after, gap.before, gap.missing, gap.explained),
        (4, 9, 4, 1)
    );
    assert_eq!(report.torn_bytes, 5);
    assert_eq!((report.loads[0].lost, report.loads[0].missing), (3, 3));
}

#[test]
fn every_kind_of_frame_of_version_1_is_read() {
    let mut texts = Vec::new();
    for step in steps(&files()) {
        match step {
            Step::Segment(head) => texts.push(format!("segment {}", head.number)),
            Step::Frame(frame) => texts.push(text(
                &frame.payload,
                frame.head.sequence.get(),
                frame.head.lost_before.get(),
            )),
            Step::Damage(_) | Step::Torn(_) => panic!("{step:?}"),
        }
    }
    let expected = [
        "segment 1",
        "opened by version 0.1.0",
        "load from 1",
        "record 1",
        "record 4",
        "seal 5 2 size",
        "segment 2",
        "finding gap",
        "record 9",
        "record 10",
        "opened by version 0.1.0",
        "torn 5",
        "load from 1",
        "record 1",
        "record 2",
        "finding unbalanced",
    ];
    assert_eq!(texts, expected);
}

/// A frame in a few words.
fn text(payload: &Payload, sequence: u64, lost_before: u64) -> String {
    match payload {
        Payload::Record(bytes) => {
            assert_eq!(*bytes, content(sequence, lost_before));
            format!("record {sequence}")
        }
        Payload::Load(note) => format!("load from {}", note.sequence),
        Payload::Opened(note) => format!("opened by version {}", note.version),
        Payload::Finding(note) => format!("finding {}", note.cause().unwrap().name()),
        Payload::Torn(note) => format!("torn {}", note.byte_count),
        Payload::Seal(note) => {
            let reason = SealReason::from_raw(note.reason).unwrap().name();
            format!("seal {} {} {reason}", note.frames, note.records)
        }
    }
}

#[test]
fn version_1_has_these_bytes_at_these_places() {
    let files = files();
    let segment = &files[&segment_name(1)];
    assert_eq!(segment[..8], *b"CGJS\x01\x00\xA8\x00");
    assert_eq!(segment[16..24], 1_u64.to_le_bytes());
    // The frame of the first record: size, kind, number, load, number within it.
    let first = 168 + (88 + 8 + 5) + (88 + 24);
    assert_eq!(
        segment[first..first + 4],
        (88 + content(1, 0).len() as u32).to_le_bytes()
    );
    assert_eq!(segment[first + 4..first + 8], [1, 0, 0, 0]);
    assert_eq!(segment[first + 8..first + 16], 3_u64.to_le_bytes());
    assert_eq!(segment[first + 24..first + 40], BOOT);
    assert_eq!(segment[first + 40..first + 48], 1_u64.to_le_bytes());
    assert_eq!(files[ANCHOR_NAME][..8], *b"CGJA\x01\x00\xA0\x00");
    assert_eq!(files[ANCHOR_NAME].len(), 160);
}
