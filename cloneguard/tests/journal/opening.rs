//! A writer takes over what somebody has tampered with: it says so, and goes on.

use crate::disk::Memory;
use crate::sample::{Files, append, at, journal, open, report_of, segments, spans};
use cloneguard::journal::{ANCHOR_NAME, FindingCause, Limits, Opened, Writer, segment_name};

/// Opens the files, writes three more records, and says what was found first.
fn take_over(files: &Files) -> (Memory, Opened) {
    let disk = Memory::of(files);
    let (mut writer, opened) = open(&disk);
    let next = writer.resume().unwrap().sequence + 1;
    append(&mut writer, &[(next, 0), (next + 1, 0), (next + 2, 0)]).unwrap();
    let report = report_of(&disk);
    assert!(!report.is_sound());
    let noted: Vec<_> = report
        .findings
        .first
        .iter()
        .map(|(_, note)| *note)
        .collect();
    assert_eq!(noted, opened.findings, "said and written are the same");
    (disk, opened)
}

fn causes(opened: &Opened) -> Vec<FindingCause> {
    let causes = opened.findings.iter().map(|finding| finding.cause());
    causes.map(Option::unwrap).collect()
}

#[test]
fn all_segments_are_gone() {
    let mut files = journal(14).files();
    let last = *segments(&files).last().unwrap();
    files.retain(|name, _| name == ANCHOR_NAME);
    let (disk, opened) = take_over(&files);
    assert_eq!(
        causes(&opened),
        [FindingCause::SegmentsMissing, FindingCause::FramesMissing]
    );
    assert_eq!(opened.findings[0].missing, last);
    assert_eq!(segments(&disk.files()), [last + 1]);
    // The records behind them have the numbers that follow, so exactly those are missing.
    let load = report_of(&disk).loads[0];
    assert_eq!((load.first, load.last, load.missing), (15, 17, 0));
}

#[test]
fn the_last_segment_is_gone() {
    let mut files = journal(14).files();
    let last = *segments(&files).last().unwrap();
    files.remove(&segment_name(last));
    let (disk, opened) = take_over(&files);
    assert_eq!(
        causes(&opened),
        [FindingCause::SegmentsMissing, FindingCause::FramesMissing]
    );
    let finding = opened.findings[0];
    assert_eq!(
        (
            finding.after.get(),
            finding.before.get(),
            finding.missing.get()
        ),
        (last - 1, last + 1, 1)
    );
    assert!(segments(&disk.files()).ends_with(&[last - 1, last + 1]));
    let load = report_of(&disk).loads[0];
    assert_eq!(load.records + load.missing, 17);
}

#[test]
fn the_anchor_is_damaged_or_of_another_journal() {
    let files = journal(14).files();
    let mut changed = files.clone();
    changed.get_mut(ANCHOR_NAME).unwrap()[80] ^= 1;
    let (disk, opened) = take_over(&changed);
    assert_eq!(causes(&opened), [FindingCause::AnchorDamaged]);
    let name = segment_name(*segments(&files).last().unwrap());
    let (before, after) = (&files[&name], &disk.files()[&name]);
    assert!(
        after.starts_with(before) && after.len() > before.len(),
        "it goes on in place"
    );

    changed.insert(
        ANCHOR_NAME.to_owned(),
        journal(14).files()[ANCHOR_NAME].clone(),
    );
    let (_, opened) = take_over(&changed);
    assert_eq!(causes(&opened), [FindingCause::AnchorForeign]);
}

#[test]
fn the_head_of_the_last_segment_is_damaged() {
    let files = journal(14).files();
    let last = *segments(&files).last().unwrap();
    for offset in [0, 4, 6, 10, 16, 33, 50, 130, 167] {
        let mut changed = files.clone();
        changed.get_mut(&segment_name(last)).unwrap()[offset] ^= 1;
        let evidence = changed[&segment_name(last)].clone();
        let (disk, opened) = take_over(&changed);
        assert_eq!(causes(&opened), [FindingCause::FramesMissing]);
        let files = disk.files();
        assert_eq!(files[&segment_name(last)], evidence, "nobody touches it");
        assert!(files.contains_key(&segment_name(last + 1)));
        // All its records can be read still, and those behind follow.
        let load = report_of(&disk).loads[0];
        assert_eq!((load.records, load.missing), (17, 0), "byte {offset}");
    }
}

#[test]
fn a_frame_in_the_middle_is_damaged() {
    let disk = Memory::default();
    let (mut writer, _) = Writer::start(disk.clone(), Limits::default(), at(5)).unwrap();
    append(&mut writer, &[(1, 0), (2, 0), (3, 0), (4, 0)]).unwrap();
    drop(writer);
    let mut files = disk.files();
    let name = segment_name(1);
    let second = spans(&files[&name])[3];
    assert_eq!(second.head.sequence, 2);
    files.get_mut(&name).unwrap()[second.end - 1] ^= 1;
    let (disk, opened) = take_over(&files);
    assert_eq!(causes(&opened), [FindingCause::FramesMissing]);
    let finding = opened.findings[0];
    assert_eq!(
        (finding.missing.get(), finding.offset.get()),
        (1, second.start as u64)
    );
    let load = report_of(&disk).loads[0];
    assert_eq!((load.records, load.missing, load.last), (6, 1, 7));
}

#[test]
fn files_that_never_got_their_name_are_removed() {
    let mut files = journal(4).files();
    let foreign = "notes.txt".to_owned();
    files.insert(format!("{}.new", segment_name(9)), vec![1, 2, 3]);
    files.insert("cloneguard.anchor.new".to_owned(), vec![1, 2, 3]);
    files.insert(foreign.clone(), vec![1, 2, 3]);
    let disk = Memory::of(&files);
    assert_eq!(open(&disk).1, Opened::default());
    let left: Vec<String> = disk.files().into_keys().collect();
    assert!(left.contains(&foreign));
    assert!(!left.iter().any(|name| name.ends_with(".new")), "{left:?}");
}
