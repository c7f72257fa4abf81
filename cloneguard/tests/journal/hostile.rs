//! Numbers from which one cannot count on, with hashes and checksums that fit.

use crate::disk::Memory;
use crate::sample::{Files, append, at, journal, open, report, segments, small};
use cloneguard::journal::{
    ANCHOR_NAME, AnchorFault, AnchorHead, Fault, JournalError, NUMBER_MAX, SegmentHead, Writer,
    segment_name,
};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// The files with another anchor, whose checksum fits.
fn with_anchor(files: &Files, change: impl FnOnce(&mut AnchorHead)) -> Files {
    let mut files = files.clone();
    let bytes = files.get_mut(ANCHOR_NAME).unwrap();
    let mut anchor = AnchorHead::read_from_bytes(bytes).unwrap();
    change(&mut anchor);
    anchor.checksum = anchor.computed_checksum();
    *bytes = anchor.as_bytes().to_vec();
    files
}

/// The files with another head of the newest segment, whose hash fits.
fn with_head(files: &Files, change: impl FnOnce(&mut SegmentHead)) -> Files {
    let mut files = files.clone();
    let last = *segments(&files).last().unwrap();
    let bytes = files.get_mut(&segment_name(last)).unwrap();
    let (head, _) = SegmentHead::mut_from_prefix(bytes).unwrap();
    change(head);
    head.hash = head.computed_hash();
    files
}

/// Reads, takes over, writes and reads again.
fn survive(files: &Files) {
    report(files);
    let disk = Memory::of(files);
    if let Ok((mut writer, _)) = Writer::start(disk.clone(), small(), at(5)) {
        for number in 0..20 {
            let _outcome = append(&mut writer, &[(100 + number, 0)]);
        }
        drop(writer);
    }
    report(&disk.files());
}

#[test]
fn a_file_with_a_number_that_no_segment_has_is_none_of_ours() {
    for number in [NUMBER_MAX + 1, u64::MAX] {
        let mut files = journal(14).files();
        files.insert(segment_name(number), vec![0; 500]);
        assert!(report(&files).is_sound());
        let (_, opened) = open(&Memory::of(&files));
        assert!(opened.findings.is_empty());
    }
}

#[test]
fn behind_the_last_number_nothing_is_written_and_it_is_said_why() {
    let mut files = journal(14).files();
    files.insert(segment_name(NUMBER_MAX), vec![0; 500]);
    assert!(!report(&files).is_sound());
    let error = Writer::start(Memory::of(&files), small(), at(5)).unwrap_err();
    assert!(
        matches!(error, JournalError::NumbersUsedUp { .. }),
        "{error}"
    );
}

#[test]
fn an_anchor_of_numbers_too_large_is_damaged() {
    let files = journal(14).files();
    let numbers: [fn(&mut AnchorHead, u64); 4] = [
        |anchor, number| anchor.segment = number.into(),
        |anchor, number| anchor.frames = number.into(),
        |anchor, number| anchor.records = number.into(),
        |anchor, number| anchor.length = number.into(),
    ];
    for set in numbers {
        for number in [NUMBER_MAX - 1, NUMBER_MAX, NUMBER_MAX + 1, u64::MAX] {
            let changed = with_anchor(&files, |anchor| set(anchor, number));
            survive(&changed);
            if number > NUMBER_MAX {
                let found = report(&changed).damages.first[0].fault;
                assert_eq!(found, Fault::Anchor(AnchorFault::Damaged));
            }
        }
    }
}

#[test]
fn a_head_of_numbers_too_large_is_damaged() {
    let files = journal(14).files();
    let numbers: [fn(&mut SegmentHead, u64); 5] = [
        |head, number| head.number = number.into(),
        |head, number| head.frames_before = number.into(),
        |head, number| head.records_before = number.into(),
        |head, number| head.removed_through = number.into(),
        |head, number| head.removed_count = number.into(),
    ];
    for set in numbers {
        for number in [NUMBER_MAX - 1, NUMBER_MAX, NUMBER_MAX + 1, u64::MAX] {
            let changed = with_head(&files, |head| set(head, number));
            survive(&changed);
            if number > NUMBER_MAX {
                let damages = report(&changed).damages.first;
                assert!(
                    damages.iter().any(|damage| damage.fault == Fault::Numbers),
                    "{damages:?}"
                );
            }
        }
    }
}

/// With it the writer would write on where no reader looks.
#[test]
fn a_head_that_says_it_was_removed_itself_is_damaged() {
    let files = journal(14).files();
    let newest = *segments(&files).last().unwrap();
    for (through, count) in [(newest, 0), (newest + 1, 0), (NUMBER_MAX, 0), (0, 1)] {
        let changed = with_head(&files, |head| {
            head.removed_through = through.into();
            head.removed_count = count.into();
        });
        let disk = Memory::of(&changed);
        let (mut writer, _) = Writer::start(disk.clone(), small(), at(5)).unwrap();
        append(&mut writer, &[(100, 0)]).unwrap();
        drop(writer);
        let after = report(&disk.files());
        let is_seen = |fault: &Fault| *fault == Fault::Numbers;
        assert!(
            after
                .damages
                .first
                .iter()
                .any(|damage| is_seen(&damage.fault)),
            "{through}: {after:#?}"
        );
        assert!(
            after.records > 0,
            "{through}: what was there and what came is read"
        );
    }
}
