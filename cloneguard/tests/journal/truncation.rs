//! A file ends too early: every length of every segment.

use crate::disk::Memory;
use crate::sample::{
    Files, append, at, journal, open, records, report, report_of, segments, small, spans,
};
use cloneguard::journal::{ANCHOR_NAME, FindingCause, FindingNote, Writer, segment_name};

/// The files with a segment cut.
fn cut(files: &Files, number: u64, length: usize) -> Files {
    let mut files = files.clone();
    files
        .get_mut(&segment_name(number))
        .unwrap()
        .truncate(length);
    files
}

#[test]
fn a_segment_cut_at_every_byte_is_named_and_the_rest_is_read() {
    let files = journal(14).files();
    let last = *segments(&files).last().unwrap();
    for number in segments(&files) {
        let name = segment_name(number);
        let spans = spans(&files[&name]);
        for length in 0..files[&name].len() {
            let changed = cut(&files, number, length);
            let report = report(&changed);
            assert!(!report.is_sound(), "{name} cut to {length}");
            let damage = report.damages.first[0];
            assert_eq!(damage.place.segment, number, "{damage}");
            let whole = spans.iter().filter(|span| span.end <= length);
            let next = spans.iter().find(|span| span.end > length).unwrap();
            if length < spans[0].start {
                assert_eq!(damage.place.frame, 0, "{damage}");
            } else {
                assert_eq!(damage.place.frame, next.head.index.get(), "{damage}");
                assert_eq!(damage.place.offset, next.start as u64, "{damage}");
            }
            // Everything but what was cut off is read.
            let lost = spans.len() - whole.count();
            assert_eq!(
                report.frames as usize,
                total(&files) - lost,
                "{name}, {length}"
            );
            assert!(number == last || records(&changed).contains(&14));
        }
    }
}

/// Frames of all segments.
fn total(files: &Files) -> usize {
    let all = segments(files);
    all.iter()
        .map(|number| spans(&files[&segment_name(*number)]).len())
        .sum()
}

#[test]
fn writing_goes_on_behind_the_last_segment_cut_at_every_byte() {
    let files = journal(14).files();
    let number = *segments(&files).last().unwrap();
    let name = segment_name(number);
    let spans = spans(&files[&name]);
    for length in 0..files[&name].len() {
        let disk = Memory::of(&cut(&files, number, length));
        let (mut writer, opened) = open(&disk);
        // The driver has let go of everything through 14.
        assert_eq!(writer.resume().unwrap().sequence, 14, "cut to {length}");
        assert_eq!(opened.torn, None);
        let finding = opened.findings[0];
        assert_eq!(finding.cause(), Some(FindingCause::FramesMissing));
        let gone = spans.iter().filter(|span| span.end > length);
        assert_eq!(
            finding.missing.get(),
            gone.clone().count() as u64,
            "cut to {length}"
        );
        append(&mut writer, &[(15, 0), (16, 0)]).unwrap();
        drop(writer);
        let lost = gone.filter(|span| span.head.kind.get() == 1).count() as u64;
        check_what_was_said(&disk, number, &opened.findings, lost);
    }
}

/// What was said at opening is what is wrong, and all of it, also after the next opening.
fn check_what_was_said(disk: &Memory, cut: u64, findings: &[FindingNote], lost: u64) {
    let report = report_of(disk);
    assert!(!report.is_sound());
    assert_eq!(report.damages.first[0].place.segment, cut);
    let noted = report.findings.first.iter().map(|(_, note)| *note);
    assert_eq!(noted.collect::<Vec<_>>(), findings);
    assert_eq!((report.loads[0].missing, report.loads[0].last), (lost, 16));

    let (_, opened) = open(disk);
    assert!(
        opened.findings.is_empty() && opened.torn.is_none(),
        "{opened:?}"
    );
    let again = report_of(disk);
    assert_eq!(again.damages, report.damages);
    assert_eq!(again.findings, report.findings);
}

#[test]
fn a_tail_that_was_never_acknowledged_is_cut_off_and_said() {
    // The anchor of a batch earlier: the last batch was written and never acknowledged.
    let disk = journal(12);
    let earlier = disk.files()[ANCHOR_NAME].clone();
    append(&mut open_again(&disk), &[(13, 0), (14, 0)]).unwrap();
    let mut files = disk.files();
    files.insert(ANCHOR_NAME.to_owned(), earlier);
    let number = *segments(&files).last().unwrap();
    let spans = spans(&files[&segment_name(number)]);
    let (first, last) = (spans[spans.len() - 2], spans[spans.len() - 1]);
    assert_eq!(
        (first.head.sequence.get(), last.head.sequence.get()),
        (13, 14)
    );
    for length in first.start..=last.end {
        let torn_disk = Memory::of(&cut(&files, number, length));
        let start = [first.start, first.end, last.end];
        let start = *start.iter().rfind(|start| **start <= length).unwrap();
        let before = report_of(&torn_disk);
        assert!(before.is_sound(), "{before:#?}");
        let expected = (length != start).then_some((start as u64, (length - start) as u64));
        assert_eq!(
            before.torn.map(|torn| (torn.place.offset, torn.byte_count)),
            expected
        );

        let (mut writer, opened) = open(&torn_disk);
        assert_eq!(opened.torn, before.torn);
        assert!(!opened.is_changed);
        assert!(opened.findings.is_empty());
        append(&mut writer, &[(13, 0), (14, 0), (15, 0)]).unwrap();
        let after = report_of(&torn_disk);
        assert!(after.is_sound(), "{after:#?}");
        assert_eq!(after.records, 15);
        assert_eq!(after.torn_bytes, (length - start) as u64);
    }
}

#[test]
fn a_tail_that_was_never_acknowledged_and_was_changed_is_damage() {
    let disk = journal(12);
    let earlier = disk.files()[ANCHOR_NAME].clone();
    append(&mut open_again(&disk), &[(13, 0), (14, 0)]).unwrap();
    let mut files = disk.files();
    files.insert(ANCHOR_NAME.to_owned(), earlier);
    let number = *segments(&files).last().unwrap();
    let name = segment_name(number);
    let spans = spans(&files[&name]);
    let behind = &spans[spans.len() - 2..];
    for span in behind {
        for offset in span.start..span.end {
            for mask in [1 << (offset % 8), 0xFF] {
                let mut changed = files.clone();
                changed.get_mut(&name).unwrap()[offset] ^= mask;
                let what = format!("byte {} of frame {}", offset - span.start, span.head.index);
                let found = report(&changed);
                assert!(
                    !found.is_sound() && found.torn.is_none(),
                    "{what}: {found:#?}"
                );
                let place = found.damages.first[0].place;
                assert_eq!(
                    (place.offset, place.frame),
                    (span.start as u64, span.head.index.get())
                );

                // Nobody was promised it: the driver sends it again.
                let disk = Memory::of(&changed);
                let (mut writer, opened) = open(&disk);
                assert!(opened.is_changed, "{what}");
                append(&mut writer, &[(13, 0), (14, 0)]).unwrap();
                assert_eq!(crate::sample::assert_sound(&disk), 14, "{what}");
            }
        }
    }
}

/// The writer that goes on with a sound journal.
fn open_again(disk: &Memory) -> Writer<Memory> {
    let (writer, opened) = Writer::start(disk.clone(), small(), at(6)).unwrap();
    assert!(opened.findings.is_empty());
    writer
}

#[test]
fn without_an_anchor_nothing_is_cut_off() {
    let mut files = journal(14).files();
    files.remove(ANCHOR_NAME);
    let number = *segments(&files).last().unwrap();
    let length = files[&segment_name(number)].len();
    for length in [length, length - 1] {
        let files = cut(&files, number, length);
        let disk = Memory::of(&files);
        let (_, opened) = open(&disk);
        let causes: Vec<_> = opened
            .findings
            .iter()
            .map(|finding| finding.cause())
            .collect();
        assert_eq!(causes, [Some(FindingCause::AnchorMissing)]);
        let now = &disk.files()[&segment_name(number)];
        assert!(now.starts_with(&files[&segment_name(number)]));
        assert!(!report_of(&disk).is_sound());
    }
}
