//! Segments end and go, and the rest still verifies.

use crate::disk::{Failing, Memory};
use crate::sample::{
    Files, append, append_of, assert_sound, at, open, records, report_of, segments, small,
};
use cloneguard::Timestamp;
use cloneguard::journal::{Expectation, Fault, Limits, Walk, Writer, segment_name, verify};
use std::time::Duration;

/// Appends one record at a time.
fn fill(writer: &mut Writer<Memory>, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        append(writer, &[(number, 0)]).unwrap();
    }
}

/// A journal that keeps two sealed segments, and its writer.
fn keeping_two() -> (Memory, Writer<Memory>) {
    let disk = Memory::default();
    let keep_count = Some(2);
    let limits = Limits {
        keep_count,
        ..small()
    };
    let (writer, _) = Writer::start(disk.clone(), limits, at(5)).unwrap();
    (disk, writer)
}

#[test]
fn a_full_segment_is_sealed_and_the_chain_goes_on() {
    let disk = Memory::default();
    let (mut writer, _) = open(&disk);
    fill(&mut writer, 1..=20);
    assert_eq!(assert_sound(&disk), 20);
    let report = report_of(&disk);
    assert!(report.segments > 4);
    assert_eq!(report.sealed, report.segments - 1);
    assert_eq!(records(&disk.files()), (1..=20).collect::<Vec<_>>());
}

#[test]
fn an_old_segment_is_sealed_if_it_has_records() {
    let disk = Memory::default();
    let limits = Limits {
        segment_age: Duration::from_secs(60),
        ..Limits::default()
    };
    let (mut writer, _) = Writer::start(disk.clone(), limits, at(0)).unwrap();
    writer.tend(at(1000)).unwrap();
    assert_eq!(segments(&disk.files()), [1], "nothing to seal");
    append(&mut writer, &[(1, 0)]).unwrap();
    writer.tend(at(59)).unwrap();
    assert_eq!(segments(&disk.files()), [1]);
    writer.tend(at(60)).unwrap();
    assert_eq!(segments(&disk.files()), [1, 2]);
    // A clock that goes back makes nothing old.
    append(&mut writer, &[(2, 0)]).unwrap();
    writer.tend(Timestamp::from_filetime(1)).unwrap();
    assert_eq!(segments(&disk.files()), [1, 2]);
    assert_eq!(assert_sound(&disk), 2);
}

#[test]
fn what_retention_removed_is_said_and_the_rest_verifies() {
    let (disk, mut writer) = keeping_two();
    fill(&mut writer, 1..=30);
    let left = segments(&disk.files());
    assert_eq!(left.len(), 3);
    assert!(left[0] > 4);
    let there = assert_sound(&disk);
    let report = report_of(&disk);
    assert_eq!(report.removed_records + there, 30);
    assert!(report.removed_frames > report.removed_records);
    // The load goes on: its first numbers are gone with their segments and are no gap.
    assert_eq!(report.loads[0].first, report.removed_records + 1);
    assert_eq!(report.loads[0].last, 30);
    drop(writer);
    let (mut writer, opened) = open(&disk);
    assert_eq!(opened, Default::default());
    append_of(&mut writer, [9; 16], &[(1, 0)]).unwrap();
    assert_eq!(assert_sound(&disk), there + 1);
}

#[test]
fn a_segment_that_somebody_else_removed_is_named_for_good() {
    let (disk, mut writer) = keeping_two();
    fill(&mut writer, 1..=30);
    let left = segments(&disk.files());
    drop(writer);
    let mut files = disk.files();
    files.remove(&segment_name(left[0]));
    let disk = Memory::of(&files);
    let damage = report_of(&disk).damages.first[0];
    assert_eq!(damage.fault, Fault::SegmentsMissing { through: left[0] });
    let keep_count = Some(2);
    let limits = Limits {
        keep_count,
        ..small()
    };
    let (mut writer, _) = Writer::start(disk.clone(), limits, at(5)).unwrap();
    fill(&mut writer, 31..=60);
    // Retention has passed it, and its count says that one was not there.
    let report = report_of(&disk);
    assert!(report.removed_records > 30);
    assert_eq!(
        report.damages.first[0].fault,
        Fault::RemovedByOthers { count: 1 }
    );
    assert_eq!(report.damages.count, 1);
}

#[test]
fn a_damaged_newest_head_blames_nobody_for_what_retention_did() {
    let (disk, mut writer) = keeping_two();
    fill(&mut writer, 1..=30);
    drop(writer);
    let mut files = disk.files();
    let newest = *segments(&files).last().unwrap();
    // In it stands what retention removed last.
    files.get_mut(&segment_name(newest)).unwrap()[70] ^= 1;
    let report = report_of(&Memory::of(&files));
    let faults: Vec<Fault> = report
        .damages
        .first
        .iter()
        .map(|damage| damage.fault)
        .collect();
    assert_eq!(faults[0], Fault::HeadHash);
    assert_eq!(report.damages.first[0].place.segment, newest);
    let blames = |fault: &Fault| {
        matches!(
            fault,
            Fault::SegmentsMissing { .. } | Fault::RemovedByOthers { .. }
        )
    };
    assert!(!faults.iter().any(blames), "{faults:?}");
}

#[test]
fn a_removal_that_failed_is_no_damage_and_is_tried_again() {
    let (disk, mut writer) = keeping_two();
    fill(&mut writer, 1..=30);
    let oldest = segments(&disk.files())[0];
    let mut number = 30;
    while writer.overdue().is_empty() {
        number += 1;
        // Fails the call that follows the name of the next segment, if this batch needs one: the
        // seal with its anchor is six calls, the segment's file five.
        disk.fail(Failing {
            call: disk.calls() + 11,
            written: 0,
            is_forever: false,
        });
        append(&mut writer, &[(number, 0)]).unwrap_or_default();
        disk.heal();
        assert!(number < 60, "no removal has failed");
    }
    assert_eq!(writer.overdue(), [oldest]);
    assert!(disk.files().contains_key(&segment_name(oldest)));
    let report = report_of(&disk);
    assert!(report.is_sound(), "{report:#?}");
    fill(&mut writer, number..=number + 6);
    assert!(writer.overdue().is_empty());
    assert!(!disk.files().contains_key(&segment_name(oldest)));
}

#[test]
fn a_writer_that_died_in_a_removal_is_followed_by_one_that_ends_it() {
    let (disk, mut writer) = keeping_two();
    fill(&mut writer, 1..=3);
    let early = disk.files();
    fill(&mut writer, 4..=30);
    drop(writer);
    let mut files = disk.files();
    let name = segment_name(1);
    files.insert(name.clone(), early[&name].clone());
    let disk = Memory::of(&files);
    let before = assert_sound(&disk);
    let (_, opened) = open(&disk);
    assert_eq!(opened, Default::default());
    assert!(!disk.files().contains_key(&name));
    assert_eq!(assert_sound(&disk), before);
}

#[test]
fn a_hash_that_was_noted_elsewhere_is_found_or_not() {
    let disk = Memory::default();
    let (mut writer, _) = open(&disk);
    fill(&mut writer, 1..=5);
    let (frame, hash) = writer.end();
    fill(&mut writer, 6..=20);
    let ask = |files: &Files, frame| {
        let walk = Walk::open(Memory::of(files)).unwrap();
        let report = verify(walk, Some(Expectation { frame, hash }), |_| {}).unwrap();
        assert_eq!(report.is_sound(), report.is_as_expected == Some(true));
        report.is_as_expected
    };
    let files = disk.files();
    assert_eq!(ask(&files, frame), Some(true));
    assert_eq!(ask(&files, frame + 1), Some(false));
    assert_eq!(ask(&files, 1 << 40), Some(false));

    // All written anew, with an anchor that fits: only the noted hash tells.
    let forged = Memory::default();
    fill(&mut open(&forged).0, 1..=20);
    assert_sound(&forged);
    assert_eq!(ask(&forged.files(), frame), Some(false));
}
