//! What a load took with it when it ended, by the word of the next one.

use crate::disk::Memory;
use crate::sample::{BOOT, append, append_of, at, open, report_of, started};
use cloneguard::journal::{Piece, Report};
use wire::PreviousStop;

const NEXT: [u8; 16] = [0xB1; 16];
const THIRD: [u8; 16] = [0xB2; 16];

/// A journal of the usual load up to 10, and a start that says how the load `boot_id` ended.
fn ended(previous: PreviousStop, boot_id: [u8; 16], numbers: (u64, u64)) -> Report {
    let disk = Memory::default();
    let (mut writer, _) = open(&disk);
    append(&mut writer, &[(1, 0), (10, 8)]).unwrap();
    let bytes = started(1, previous, boot_id, numbers);
    let piece = Piece {
        sequence: 1,
        lost_before: 0,
        bytes: &bytes,
    };
    writer.append(at(10), NEXT, [piece], &[]).unwrap();
    report_of(&disk)
}

#[test]
fn what_a_load_took_with_it_is_missing_and_counted() {
    let report = ended(PreviousStop::Clean, BOOT, (15, 5));
    assert!(report.is_sound(), "{report:#?}");
    assert_eq!((report.lost(), report.undelivered()), (8, 5));
    assert_eq!((report.counted_missing(), report.open_ends()), (13, 0));
    assert_eq!(report.loads[0].undelivered, 5);
}

#[test]
fn what_is_here_though_its_acknowledgement_was_lost_is_not_missing() {
    let report = ended(PreviousStop::Clean, BOOT, (12, 7));
    assert!(report.is_sound());
    assert_eq!(report.undelivered(), 2);
    let report = ended(PreviousStop::Clean, BOOT, (10, 3));
    assert_eq!((report.undelivered(), report.open_ends()), (0, 0));
}

#[test]
fn what_nobody_counted_at_the_end_is_a_gap() {
    let report = ended(PreviousStop::Clean, BOOT, (15, 2));
    assert!(!report.is_sound());
    assert_eq!((report.gaps.count, report.undelivered()), (1, 2));
    let gap = report.gaps.first[0];
    assert_eq!((gap.boot_id, gap.after, gap.before), (BOOT, 10, 16));
    assert_eq!((gap.missing, gap.explained, gap.is_end), (5, 2, true));
    assert_eq!(report.loads[0].missing, 3);
    let text = "5 numbers missing at its end, from behind 10 to 15; by the word of the next load it took 2";
    assert!(gap.to_string().contains(text), "{gap}");
}

#[test]
fn what_fell_with_the_machine_is_a_gap_as_far_as_it_is_known() {
    let report = ended(PreviousStop::Unclean, BOOT, (11, 0));
    assert_eq!((report.gaps.count, report.loads[0].missing), (1, 1));
    // Here nothing is known to be missing, and nothing known to be all.
    let report = ended(PreviousStop::Unclean, BOOT, (9, 0));
    assert!(report.is_sound());
    assert_eq!((report.counted_missing(), report.open_ends()), (8, 1));
}

#[test]
fn a_load_of_which_nothing_came_is_missing_whole() {
    let report = ended(PreviousStop::Clean, THIRD, (20, 20));
    assert!(report.is_sound());
    assert_eq!((report.undelivered(), report.loads.len()), (20, 3));
    // Of the one before it nobody has told.
    assert_eq!(report.open_ends(), 1);
    let report = ended(PreviousStop::Clean, THIRD, (20, 5));
    assert_eq!((report.gaps.count, report.gaps.first[0].missing), (1, 20));
}

#[test]
fn what_ended_before_the_journal_was_begun_is_not_missing() {
    let disk = Memory::default();
    let (mut writer, _) = open(&disk);
    let bytes = started(1, PreviousStop::Clean, BOOT, (100, 50));
    let piece = Piece {
        sequence: 1,
        lost_before: 0,
        bytes: &bytes,
    };
    writer.append(at(10), NEXT, [piece], &[]).unwrap();
    let report = report_of(&disk);
    assert!(report.is_sound());
    assert_eq!((report.loads.len(), report.counted_missing()), (1, 0));
}

#[test]
fn of_very_many_loads_the_newest_are_listed_and_all_are_counted() {
    let disk = Memory::default();
    let (mut writer, _) = open(&disk);
    for number in 0..1200_u64 {
        let mut boot_id = [0xCC; 16];
        boot_id[..8].copy_from_slice(&number.to_le_bytes());
        append_of(&mut writer, boot_id, &[(2, 1)]).unwrap();
    }
    let report = report_of(&disk);
    assert_eq!((report.loads.len(), report.older_loads.loads), (1000, 200));
    assert_eq!((report.lost(), report.open_ends()), (1200, 1199));
    assert_eq!(report.loads[999].boot_id[..2], [0xAF, 4]);
}
