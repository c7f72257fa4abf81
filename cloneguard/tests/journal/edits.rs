//! Whole frames and segments are taken away, doubled, moved or brought in.

use crate::disk::{Failing, Memory};
use crate::sample::{BOOT, Files, append_of, journal, open, report, segments, spans};
use cloneguard::journal::{ANCHOR_NAME, AnchorFault, Damage, Fault, Place, Report, segment_name};

/// The report on files that are not sound.
#[track_caller]
fn broken(files: &Files) -> Report {
    let report = report(files);
    assert!(!report.is_sound(), "{report:#?}");
    report
}

/// The first damage.
#[track_caller]
fn first(files: &Files) -> Damage {
    broken(files).damages.first[0]
}

/// Changes a segment.
fn with(files: &Files, number: u64, change: impl FnOnce(&mut Vec<u8>)) -> Files {
    let mut files = files.clone();
    change(files.get_mut(&segment_name(number)).unwrap());
    files
}

#[test]
fn every_frame_taken_away_is_named() {
    let files = journal(14).files();
    let last = *segments(&files).last().unwrap();
    for number in segments(&files) {
        for span in spans(&files[&segment_name(number)]) {
            let changed = with(&files, number, |bytes| {
                bytes.drain(span.start..span.end);
            });
            let damage = first(&changed);
            let place = Place {
                segment: number,
                offset: span.start as u64,
                frame: span.head.index.get(),
            };
            assert_eq!(damage.place, place, "{damage}");
            let is_end = span.end == files[&segment_name(number)].len();
            let expected = match (is_end, number == last) {
                (false, _) => Fault::Index {
                    stated: place.frame + 1,
                },
                (true, _) => Fault::FramesMissing {
                    through: place.frame,
                },
            };
            assert_eq!(damage.fault, expected);
        }
    }
}

#[test]
fn every_doubled_frame_is_named() {
    let files = journal(14).files();
    for number in segments(&files) {
        for span in spans(&files[&segment_name(number)]) {
            let changed = with(&files, number, |bytes| {
                let copy = bytes[span.start..span.end].to_vec();
                bytes.splice(span.end..span.end, copy);
            });
            let report = report(&changed);
            // A copy at the very end is behind the anchor: nothing that was promised is touched.
            if let Some(torn) = report.torn {
                assert!(report.is_sound());
                assert_eq!(torn.place.offset, span.end as u64);
                assert_eq!(torn.byte_count, (span.end - span.start) as u64);
                continue;
            }
            let damage = report.damages.first[0];
            assert_eq!(damage.place.segment, number);
            assert_eq!(damage.place.offset, span.end as u64, "{damage}");
        }
    }
}

#[test]
fn every_two_frames_that_change_places_are_named() {
    let files = journal(14).files();
    for number in segments(&files) {
        for pair in spans(&files[&segment_name(number)]).windows(2) {
            let changed = with(&files, number, |bytes| {
                let middle = pair[0].end - pair[0].start;
                bytes[pair[0].start..pair[1].end].rotate_left(middle);
            });
            let damage = first(&changed);
            assert_eq!(damage.place.segment, number);
            assert_eq!(damage.place.frame, pair[0].head.index.get(), "{damage}");
        }
    }
}

#[test]
fn a_record_taken_away_is_missing_among_the_numbers_too() {
    let files = journal(14).files();
    let span = spans(&files[&segment_name(2)])[1];
    let changed = with(&files, 2, |bytes| {
        bytes.drain(span.start..span.end);
    });
    let gap = broken(&changed).gaps.first[0];
    // The frame behind cannot be proved without the one that is gone.
    assert_eq!(
        (gap.after, gap.before),
        (span.head.sequence.get() - 1, span.head.sequence.get() + 2)
    );
    assert_eq!((gap.missing, gap.explained, gap.boot_id), (2, 0, BOOT));
}

#[test]
fn every_segment_taken_away_is_named() {
    let files = journal(14).files();
    for number in segments(&files) {
        let mut changed = files.clone();
        changed.remove(&segment_name(number));
        let damage = first(&changed);
        assert_eq!(damage.place.segment, number);
        assert_eq!(damage.fault, Fault::SegmentsMissing { through: number });
    }
}

#[test]
fn all_segments_taken_away_are_named() {
    let mut files = journal(14).files();
    let through = *segments(&files).last().unwrap();
    files.retain(|name, _| name == ANCHOR_NAME);
    let damage = first(&files);
    assert_eq!(damage.fault, Fault::SegmentsMissing { through });
    assert_eq!((damage.boot_id, damage.sequence), (Some(BOOT), Some(14)));
}

#[test]
fn every_two_segments_that_change_places_are_named() {
    let files = journal(14).files();
    for pair in segments(&files).windows(2) {
        let mut changed = files.clone();
        let names = [segment_name(pair[0]), segment_name(pair[1])];
        changed.insert(names[0].clone(), files[&names[1]].clone());
        changed.insert(names[1].clone(), files[&names[0]].clone());
        let damage = first(&changed);
        assert_eq!(damage.place.segment, pair[0]);
        assert_eq!(damage.fault, Fault::Number { stated: pair[1] });
    }
}

#[test]
fn every_doubled_segment_is_named() {
    let files = journal(14).files();
    let next = segments(&files).len() as u64 + 1;
    for number in segments(&files) {
        for place in segments(&files).into_iter().chain([next]) {
            if place == number {
                continue;
            }
            let mut changed = files.clone();
            changed.insert(segment_name(place), files[&segment_name(number)].clone());
            let damage = first(&changed);
            assert_eq!(damage.place.segment, place);
            assert_eq!(damage.fault, Fault::Number { stated: number });
        }
    }
}

#[test]
fn a_segment_of_another_journal_is_named_and_not_read() {
    let files = journal(14).files();
    let other = journal(14).files();
    for number in segments(&files) {
        let mut changed = files.clone();
        changed.insert(segment_name(number), other[&segment_name(number)].clone());
        let report = broken(&changed);
        assert_eq!(report.damages.first[0].place.segment, number);
        assert_eq!(report.damages.first[0].fault, Fault::OtherJournal);
        assert!(report.records < 14);
    }
}

#[test]
fn a_journal_that_was_written_anew_does_not_fit_the_anchor() {
    let files = journal(14).files();
    let mut other = journal(14).files();
    other.insert(ANCHOR_NAME.to_owned(), files[ANCHOR_NAME].clone());
    assert_eq!(first(&other).fault, Fault::OtherJournal);

    // The same journal, gone on with in two ways.
    let disk = Memory::of(&files);
    append_of(&mut open(&disk).0, BOOT, &[(15, 0)]).unwrap();
    let mut changed = disk.files();
    let other = Memory::of(&files);
    append_of(&mut open(&other).0, BOOT, &[(15, 0), (16, 0)]).unwrap();
    let other = Memory::of(&files);
    let mut writer = open(&other).0;
    append_of(&mut writer, [1; 16], &[(1, 0)]).unwrap();
    changed.insert(ANCHOR_NAME.to_owned(), other.files()[ANCHOR_NAME].clone());
    let faults: Vec<Fault> = broken(&changed)
        .damages
        .first
        .iter()
        .map(|damage| damage.fault)
        .collect();
    let is_about_anchor = |fault: &Fault| {
        matches!(
            fault,
            Fault::Anchor(AnchorFault::Foreign) | Fault::FramesMissing { .. }
        )
    };
    assert!(
        faults.iter().all(is_about_anchor) && !faults.is_empty(),
        "{faults:?}"
    );
}

#[test]
fn a_missing_anchor_is_named() {
    let mut files = journal(4).files();
    files.remove(ANCHOR_NAME);
    assert_eq!(first(&files).fault, Fault::Anchor(AnchorFault::Missing));
}

#[test]
fn behind_damage_nothing_is_taken_for_an_unfinished_write() {
    let files = journal(14).files();
    let number = *segments(&files).last().unwrap();
    let spans = spans(&files[&segment_name(number)]);
    let [.., before, last] = spans[..] else {
        panic!("{spans:?}")
    };
    let changed = with(&files, number, |bytes| {
        bytes[last.end - 1] ^= 1;
        let copy = bytes[before.start..before.end].to_vec();
        bytes.splice(before.end..before.end, copy);
    });
    let report = broken(&changed);
    assert_eq!(report.torn, None);
    // The copy, and the last frame behind it, which was promised.
    let places = report
        .damages
        .first
        .iter()
        .map(|damage| damage.place.offset as usize);
    let length = before.end - before.start;
    assert_eq!(
        places.collect::<Vec<_>>(),
        [before.end, last.start + length]
    );
}

#[test]
fn bytes_behind_the_seal_of_the_last_segment_are_named() {
    let disk = Memory::default();
    let (mut writer, _) = open(&disk);
    let mut number = 0;
    let result = loop {
        number += 1;
        // The seal with its anchor is six calls; the seventh begins the next segment.
        let failing = Failing {
            call: disk.calls() + 6,
            written: 0,
            is_forever: false,
        };
        disk.fail(failing);
        if let Err(error) = append_of(&mut writer, BOOT, &[(number, 0)]) {
            break error;
        }
    };
    assert!(result.to_string().contains("cannot create it"), "{result}");
    drop(writer);
    disk.heal();
    let files = disk.files();
    let last = *segments(&files).last().unwrap();
    let report = report(&files);
    assert!(report.is_sound() && report.sealed == report.segments);
    let damage = first(&with(&files, last, |bytes| bytes.push(0)));
    assert_eq!(
        (damage.fault, damage.place.segment),
        (Fault::BehindSeal, last)
    );
}

#[test]
fn bytes_behind_a_seal_are_named() {
    let files = journal(14).files();
    let end = files[&segment_name(1)].len() as u64;
    let damage = first(&with(&files, 1, |bytes| bytes.push(0)));
    assert_eq!(damage.fault, Fault::BehindSeal);
    assert_eq!((damage.place.segment, damage.place.offset), (1, end));
}
