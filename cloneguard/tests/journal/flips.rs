//! A byte is not as it was written: every byte of a small journal in turn.

use crate::sample::{Files, journal, records, report, segments, spans};
use cloneguard::journal::{ANCHOR_NAME, AnchorFault, Damage, Fault, SegmentHead, segment_name};

/// The frame that holds a byte of a segment; none for its head.
fn frame_at(segment: &[u8], offset: usize) -> Option<(u64, u64)> {
    let found = spans(segment).into_iter().find(|span| offset < span.end)?;
    (offset >= span_start()).then(|| (found.head.index.get(), found.start as u64))
}

const fn span_start() -> usize {
    size_of::<SegmentHead>()
}

/// The one damage that is named first.
fn first_damage(files: &Files, what: &str) -> Damage {
    let report = report(files);
    assert!(!report.is_sound(), "{what}");
    *report
        .damages
        .first
        .first()
        .unwrap_or_else(|| panic!("{what}: {report:#?}"))
}

#[test]
fn every_flipped_byte_of_every_segment_is_named_with_its_frame() {
    let files = journal(14).files();
    let numbers = segments(&files);
    assert!(numbers.len() >= 3, "{numbers:?}");
    for number in numbers {
        let name = segment_name(number);
        let sound = &files[&name];
        for offset in 0..sound.len() {
            for mask in [1 << (offset % 8), 0xFF] {
                let mut changed = files.clone();
                changed.get_mut(&name).unwrap()[offset] ^= mask;
                let what = format!("{name}, byte {offset} with {mask:#x}");
                let damage = first_damage(&changed, &what);
                assert_eq!(damage.place.segment, number, "{what}: {damage:?}");
                let (frame, start) = frame_at(sound, offset).unwrap_or((0, 0));
                assert_eq!(damage.place.frame, frame, "{what}: {damage:?}");
                assert_eq!(damage.place.offset, start, "{what}: {damage:?}");
            }
        }
    }
}

#[test]
fn every_flipped_byte_of_the_anchor_is_named() {
    let files = journal(4).files();
    for offset in 0..files[ANCHOR_NAME].len() {
        let mut changed = files.clone();
        changed.get_mut(ANCHOR_NAME).unwrap()[offset] ^= 0x10;
        let damage = first_damage(&changed, "anchor");
        assert_eq!(
            damage.fault,
            Fault::Anchor(AnchorFault::Damaged),
            "{offset}"
        );
    }
}

#[test]
fn records_behind_a_flip_are_read_unless_a_size_is_wrong() {
    let files = journal(14).files();
    let name = segment_name(2);
    let all = records(&files);
    for span in spans(&files[&name])
        .iter()
        .filter(|span| span.head.kind.get() == 1)
    {
        let number = span.head.sequence.get();
        // Number, time, load, numbers, hash, payload.
        for offset in [8, 16, 24, 40, 48, 56, 87, 90] {
            let mut changed = files.clone();
            changed.get_mut(&name).unwrap()[span.start + offset] ^= 0x40;
            let rest: Vec<u64> = all
                .iter()
                .copied()
                .filter(|other| *other != number)
                .collect();
            assert_eq!(records(&changed), rest, "record {number}, byte {offset}");
        }
    }
}

#[test]
fn the_damaged_frame_says_which_record_it_was() {
    let files = journal(14).files();
    let name = segment_name(2);
    let span = spans(&files[&name])[1];
    let mut changed = files.clone();
    changed.get_mut(&name).unwrap()[span.end - 1] ^= 1;
    let damage = first_damage(&changed, "payload");
    assert_eq!(damage.fault, Fault::Hash);
    assert_eq!(damage.boot_id, Some(span.head.boot_id));
    assert_eq!(damage.sequence, Some(span.head.sequence.get()));
    let text = damage.to_string();
    let frame = span.head.index;
    assert!(text.starts_with(&format!(
        "{name}, byte {}, frame {frame} (record",
        span.start
    )));
}
