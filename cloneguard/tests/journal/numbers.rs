//! The numbers of the loads: once each, told to be lost, or a gap with its exact size.

use crate::disk::Memory;
use crate::sample::{
    BOOT, append, append_of, assert_sound, at, content, heartbeat, open, report_of,
};
use cloneguard::journal::{
    Fault, FindingCause, FindingNote, JournalError, Limits, Piece, Report, Writer,
};
use wire::Counters;

const OTHER: [u8; 16] = [7; 16];

#[test]
fn losses_that_a_record_explains_are_no_gap() {
    let disk = Memory::default();
    let (mut writer, _) = open(&disk);
    let appended = append(&mut writer, &[(1, 0), (5, 3), (6, 0), (1000, 993)]).unwrap();
    assert_eq!((appended.records, appended.repeats), (4, 0));
    assert!(appended.gaps.is_empty());
    assert_eq!(assert_sound(&disk), 4);
    let load = report_of(&disk).loads[0];
    assert_eq!(
        (load.first, load.last, load.lost, load.missing),
        (1, 1000, 996, 0)
    );
}

#[test]
fn a_hole_that_nobody_explains_is_a_frame_and_a_gap_with_its_size() {
    for (records, missing, explained) in [
        (&[(1, 0), (2, 0), (10, 0)][..], 7, 0),
        (&[(1, 0), (2, 0), (10, 3)], 7, 3),
        // More told to be lost than are missing.
        (&[(1, 0), (2, 0), (10, 9)], 7, 9),
    ] {
        let disk = Memory::default();
        let appended = append(&mut open(&disk).0, records).unwrap();
        let noted = appended.gaps[0];
        assert_eq!((noted.after.get(), noted.before.get()), (2, 10));
        assert_eq!(
            (noted.missing.get(), noted.explained.get()),
            (missing, explained)
        );
        let report = report_of(&disk);
        assert!(!report.is_sound());
        assert_eq!((report.gaps.count, report.findings.count), (1, 0));
        let gap = report.gaps.first[0];
        assert_eq!((gap.after, gap.before, gap.boot_id), (2, 10, BOOT));
        assert_eq!((gap.missing, gap.explained), (missing, explained));
        assert_eq!(report.loads[0].missing, missing.saturating_sub(explained));
    }
}

#[test]
fn records_that_come_again_are_not_written_again() {
    let disk = Memory::default();
    let (mut writer, _) = Writer::start(disk.clone(), Limits::default(), at(5)).unwrap();
    append(&mut writer, &[(1, 0), (2, 0), (3, 0)]).unwrap();
    let before = disk.files();
    let appended = append(&mut writer, &[(2, 0), (3, 0)]).unwrap();
    assert_eq!((appended.records, appended.repeats), (0, 2));
    assert_eq!(disk.files(), before, "nothing to write, nothing written");
    let appended = append(&mut writer, &[(3, 0), (4, 0)]).unwrap();
    assert_eq!((appended.records, appended.repeats), (1, 1));
    drop(writer);
    // Also by a writer that knows of them only from the files.
    let (mut writer, _) = open(&disk);
    let appended = append(&mut writer, &[(1, 0), (4, 0), (5, 0)]).unwrap();
    assert_eq!((appended.records, appended.repeats), (1, 2));
    assert_eq!(assert_sound(&disk), 5);
}

#[test]
fn each_load_has_numbers_of_its_own() {
    let disk = Memory::default();
    let (mut writer, _) = open(&disk);
    append(&mut writer, &[(1, 0), (2, 0)]).unwrap();
    append_of(&mut writer, OTHER, &[(1, 0), (2, 0), (5, 2)]).unwrap();
    assert_eq!(assert_sound(&disk), 5);
    let report = report_of(&disk);
    let loads: Vec<_> = report
        .loads
        .iter()
        .map(|load| (load.boot_id, load.last, load.lost))
        .collect();
    assert_eq!(loads, [(BOOT, 2, 0), (OTHER, 5, 2)]);
}

#[test]
fn the_first_load_may_begin_in_its_middle_and_no_other() {
    let disk = Memory::default();
    let (mut writer, _) = open(&disk);
    append(&mut writer, &[(100, 9)]).unwrap();
    let report = report_of(&disk);
    assert!(report.is_sound(), "{report:#?}");
    assert_eq!((report.loads[0].earlier, report.loads[0].lost), (90, 9));

    // Somebody took the first records of this load while the journal was there.
    let noted = append_of(&mut writer, OTHER, &[(4, 1)]).unwrap().gaps[0];
    assert_eq!((noted.after.get(), noted.before.get()), (0, 4));
    assert_eq!((noted.missing.get(), noted.explained.get()), (3, 1));
    let report = report_of(&disk);
    let gap = report.gaps.first[0];
    assert_eq!((gap.boot_id, gap.after, gap.before), (OTHER, 0, 4));
    assert_eq!((gap.missing, gap.explained), (3, 1));
    assert_eq!(report.loads[1].missing, 2);
}

#[test]
fn findings_of_the_consumer_are_kept_and_reported() {
    let disk = Memory::default();
    let (mut writer, _) = open(&disk);
    append(&mut writer, &[(1, 0)]).unwrap();
    let mut finding = FindingNote::new(FindingCause::Behind);
    finding.after = 3.into();
    finding.before = 5.into();
    writer.append(at(11), BOOT, [], &[finding]).unwrap();
    let report = report_of(&disk);
    assert!(!report.is_sound());
    let (place, noted) = report.findings.first[0];
    assert_eq!((place.segment, place.frame), (1, 4));
    assert_eq!(noted, finding);
    assert_eq!(
        noted.to_string(),
        "the driver says that its last record is 3, but 5 has come in"
    );
}

/// The report on a journal with one record, number 1, and then this heartbeat.
fn report_with(number: u64, lost_before: u64, counters: Counters) -> Report {
    let disk = Memory::default();
    let (mut writer, _) = open(&disk);
    append(&mut writer, &[(1, 0)]).unwrap();
    let bytes = heartbeat(number, lost_before, counters);
    let heartbeat = piece(number, lost_before, &bytes);
    writer.append(at(11), BOOT, [heartbeat], &[]).unwrap();
    report_of(&disk)
}

/// Counters by which so many records were delivered and lost.
fn counters(delivered: u64, lost: u64) -> Counters {
    Counters {
        delivered: delivered.into(),
        lost: lost.into(),
        losses: [
            [0.into(), lost.into(), 0.into()],
            Default::default(),
            Default::default(),
        ],
        ..Counters::default()
    }
}

#[test]
fn the_counters_in_a_heartbeat_add_up_or_are_named() {
    assert!(report_with(2, 0, counters(1, 0)).is_sound());
    // Records that came between counting and recording are no matter.
    assert!(report_with(7, 5, counters(1, 2)).is_sound());
    assert!(report_with(7, 5, counters(1, 5)).is_sound());
    let unbalanced = Counters {
        seen: 1.into(),
        ..counters(1, 0)
    };
    let cases = [
        (report_with(2, 0, unbalanced), FindingCause::Unbalanced),
        (report_with(2, 0, counters(2, 0)), FindingCause::Ahead),
        (
            report_with(7, 5, counters(0, 6)),
            FindingCause::LossesDisagree,
        ),
    ];
    for (report, cause) in cases {
        assert!(!report.is_sound());
        assert_eq!((report.findings.count, report.gaps.count), (1, 0));
        let (place, note) = report.findings.first[0];
        assert_eq!((note.cause(), place.frame), (Some(cause), 4), "{note}");
    }
}

#[test]
fn a_frame_that_holds_no_record_is_named() {
    let good = content(2, 0);
    for (bytes, what) in [
        (&good[1..], "no record"),
        (&content(3, 0), "another number"),
        (&content(2, 1), "other losses"),
    ] {
        let disk = Memory::default();
        let (mut writer, _) = open(&disk);
        append(&mut writer, &[(1, 0)]).unwrap();
        writer
            .append(at(11), BOOT, [piece(2, 0, bytes)], &[])
            .unwrap();
        let report = report_of(&disk);
        assert_eq!(report.damages.count, 1, "{what}");
        let damage = report.damages.first[0];
        assert_eq!((damage.fault, damage.sequence), (Fault::Record, Some(2)));
    }
}

#[test]
fn what_is_no_record_is_refused_with_its_whole_batch() {
    let disk = Memory::default();
    let (mut writer, _) = open(&disk);
    let before = disk.files();
    let large = vec![0; (1 << 20) - 87];
    let good = piece(1, 0, &[1]);
    let cases = [
        (BOOT, piece(2, 2, &[1])),
        (BOOT, piece(0, 0, &[1])),
        (BOOT, piece(2, 0, &large)),
        ([0; 16], good),
    ];
    for (boot_id, piece) in cases {
        let error = writer
            .append(at(11), boot_id, [good, piece], &[])
            .unwrap_err();
        assert!(matches!(error, JournalError::Unfit { .. }), "{error}");
        assert_eq!(disk.files(), before);
    }
    // The largest that is allowed.
    let largest = piece(1, 0, &large[1..]);
    writer.append(at(11), BOOT, [largest], &[]).unwrap();
    assert_eq!(report_of(&disk).records, 1);
}

const fn piece(sequence: u64, lost_before: u64, bytes: &[u8]) -> Piece<'_> {
    Piece {
        sequence,
        lost_before,
        bytes,
    }
}
