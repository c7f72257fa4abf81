//! Any bytes as the files of a journal: no panic, no more memory than there are bytes, always an end.

use crate::disk::Memory;
use crate::sample::{Files, journal, open, report_of, segments};
use cloneguard::journal::{ANCHOR_NAME, Step, Walk, segment_name};
use proptest::prelude::*;

/// Reads everything; says how many steps that took and how many bytes of payload were yielded.
fn read(files: &Files) -> (usize, usize) {
    let mut walk = Walk::open(Memory::of(files)).unwrap();
    let (mut steps, mut bytes) = (0, 0);
    while let Some(step) = walk.step().unwrap() {
        steps += 1;
        if let Step::Frame(frame) = step {
            bytes += frame.head.size.get() as usize;
        }
    }
    (steps, bytes)
}

/// A journal that has been worked on: pieces replaced, moved, cut, filled.
fn mangled() -> impl Strategy<Value = Files> {
    let edit = (
        0..4_usize,
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
    );
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    prop::collection::vec((edit, bytes), 1..6).prop_map(|edits| {
        let mut files = journal(14).files();
        let names: Vec<String> = files.keys().cloned().collect();
        for ((how, file, place), bytes) in edits {
            let file = files.get_mut(file.get(&names)).unwrap();
            let start = place.index(file.len() + 1);
            let end = (start + bytes.len()).min(file.len());
            match how {
                0 => drop(file.splice(start..end, bytes)),
                1 => drop(file.splice(start..start, bytes)),
                2 => drop(file.drain(start..end)),
                _ => file.truncate(start),
            }
        }
        files
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read_to_their_end(
        segment in prop::collection::vec(any::<u8>(), 0..2000),
        anchor in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let files = Files::from([
            (segment_name(1), segment.clone()),
            (ANCHOR_NAME.to_owned(), anchor),
        ]);
        let (steps, bytes) = read(&files);
        prop_assert!(bytes <= segment.len() && steps <= segment.len() / 88 + 4);
    }

    #[test]
    fn whatever_was_done_to_a_journal_it_is_read_and_written_on(files in mangled()) {
        let before = Memory::of(&files);
        let all: usize = files.values().map(Vec::len).sum();
        let (_, bytes) = read(&files);
        prop_assert!(bytes <= all);
        let report = report_of(&before);
        let is_changed = report.torn.is_some() || !report.is_sound();
        prop_assert!(is_changed || report.records == 14, "{report:?}");

        let (mut writer, _) = open(&before);
        let next = writer.resume().map_or(1, |resume| resume.sequence + 1);
        crate::sample::append(&mut writer, &[(next, 0)]).unwrap();
        drop(writer);
        // Nothing that is wrong is wrong because of us: a second opening has nothing to add.
        let after = report_of(&before);
        let (_, opened) = open(&before);
        prop_assert!(opened.findings.is_empty() && opened.torn.is_none(), "{opened:?}");
        prop_assert_eq!(&report_of(&before).damages, &after.damages);
        prop_assert!(after.records >= report.records);
    }
}

#[test]
fn a_size_of_a_gigabyte_allocates_nothing() {
    let files = journal(14).files();
    let number = *segments(&files).last().unwrap();
    for size in [u32::MAX, 1 << 30, (1 << 20) + 1, 1 << 20, 87, 1, 0] {
        let mut changed = files.clone();
        let bytes = changed.get_mut(&segment_name(number)).unwrap();
        bytes[168..172].copy_from_slice(&size.to_le_bytes());
        let report = report_of(&Memory::of(&changed));
        assert_eq!(report.damages.first[0].place.offset, 168, "{size}");
    }
}
