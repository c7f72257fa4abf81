//! Journals to break: small, of several segments, always the same.

use crate::disk::Memory;
use cloneguard::Timestamp;
use cloneguard::journal::{
    Appended, Disk, FrameHead, JournalError, Limits, Opened, Payload, Piece, Report, SegmentHead,
    Step, Walk, Writer, segment_name, verify,
};
use std::collections::BTreeMap;
use std::time::Duration;
use wire::{
    ConsumerBody, Counters, Heading, HeartbeatBody, LossClass, PreviousStop, Record, RecordBody,
    RecordHead, RecordKind, StartedBody,
};
use zerocopy::FromBytes as _;

/// The load that most tests are about.
pub(crate) const BOOT: [u8; 16] = [0xB0; 16];
/// Files by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// 2026-11-26 and so many seconds.
pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_filetime(134_401_248_000_000_000 + seconds * 10_000_000)
}

/// Limits that end a segment after a few records.
pub(crate) fn small() -> Limits {
    Limits {
        segment_size: 600,
        segment_age: Duration::from_secs(1 << 30),
        ..Limits::default()
    }
}

/// A record with this number and these losses: a program wanted the records, and its name is longer or
/// shorter.
pub(crate) fn content(sequence: u64, lost_before: u64) -> Vec<u8> {
    let heading = Heading {
        kind: RecordKind::Consumer,
        class: LossClass::State,
        time: at(sequence).filetime(),
        request: 0,
    };
    let image: Vec<u16> = (0..sequence % 5 * 4)
        .map(|unit| 0x61 + unit as u16)
        .collect();
    written(
        heading,
        &[&image],
        sequence,
        lost_before,
        |body: &mut ConsumerBody| {
            body.event = 1;
            body.process_id = 4711.into();
            body.names[0].full_bytes = u16::try_from(image.len() * 2).unwrap().into();
            body.names[0].state = if image.is_empty() { 0 } else { 3 };
        },
    )
}

/// A heartbeat with these counters.
pub(crate) fn heartbeat(sequence: u64, lost_before: u64, counters: Counters) -> Vec<u8> {
    let heading = Heading {
        kind: RecordKind::Heartbeat,
        class: LossClass::State,
        time: at(sequence).filetime(),
        request: 0,
    };
    written(
        heading,
        &[],
        sequence,
        lost_before,
        |body: &mut HeartbeatBody| {
            body.counters = counters;
            body.interval_seconds = 60.into();
        },
    )
}

/// A start of the driver that says how this load ended.
pub(crate) fn started(
    sequence: u64,
    previous: PreviousStop,
    boot_id: [u8; 16],
    (last, undelivered): (u64, u64),
) -> Vec<u8> {
    let heading = Heading {
        kind: RecordKind::Started,
        class: LossClass::State,
        time: at(sequence).filetime(),
        request: 0,
    };
    written(heading, &[], sequence, 0, |body: &mut StartedBody| {
        body.previous = previous.raw();
        body.policy_mode = 1;
        body.previous_boot_id = boot_id;
        body.previous_sequence = last.into();
        body.previous_undelivered = undelivered.into();
    })
}

/// The bytes of a record with its numbers.
fn written<B: RecordBody>(
    heading: Heading,
    names: &[&[u16]],
    sequence: u64,
    lost_before: u64,
    fill: impl FnOnce(&mut B),
) -> Vec<u8> {
    let mut bytes = vec![0; wire::record_size::<B>(names).unwrap()];
    wire::write_record(&mut bytes, heading, names, fill).unwrap();
    let (head, _) = RecordHead::mut_from_prefix(&mut bytes).unwrap();
    head.sequence = sequence.into();
    head.lost_before = lost_before.into();
    Record::parse(&bytes).unwrap();
    bytes
}

/// Appends records of the usual load with these numbers and losses.
pub(crate) fn append<D: Disk>(
    writer: &mut Writer<D>,
    records: &[(u64, u64)],
) -> Result<Appended, JournalError> {
    append_of(writer, BOOT, records)
}

/// Appends records of a load with these numbers and losses.
pub(crate) fn append_of<D: Disk>(
    writer: &mut Writer<D>,
    boot_id: [u8; 16],
    records: &[(u64, u64)],
) -> Result<Appended, JournalError> {
    let contents: Vec<Vec<u8>> = records
        .iter()
        .map(|(number, lost)| content(*number, *lost))
        .collect();
    let pieces = records.iter().zip(&contents);
    let pieces = pieces.map(|((sequence, lost_before), bytes)| Piece {
        sequence: *sequence,
        lost_before: *lost_before,
        bytes,
    });
    writer.append(at(10), boot_id, pieces, &[])
}

/// A writer on a disk in memory.
pub(crate) fn open(disk: &Memory) -> (Writer<Memory>, Opened) {
    Writer::start(disk.clone(), small(), at(5)).unwrap()
}

/// A journal of this many records in batches of three; each has its number of losses in order.
pub(crate) fn journal(records: u64) -> Memory {
    let disk = Memory::default();
    let (mut writer, opened) = open(&disk);
    assert!(opened.is_new && opened.findings.is_empty() && opened.torn.is_none());
    let numbers: Vec<(u64, u64)> = (1..=records).map(|number| (number, 0)).collect();
    for batch in numbers.chunks(3) {
        append(&mut writer, batch).unwrap();
    }
    disk
}

/// What verify says about files.
pub(crate) fn report(files: &Files) -> Report {
    report_of(&Memory::of(files))
}

/// What verify says about a disk.
pub(crate) fn report_of(disk: &Memory) -> Report {
    verify(Walk::open(disk.clone()).unwrap(), None, |_| {}).unwrap()
}

/// Asserts that nothing is wrong, and says how many records there are.
#[track_caller]
pub(crate) fn assert_sound(disk: &Memory) -> u64 {
    let report = report_of(disk);
    assert!(report.is_sound(), "{report:#?}");
    report.records
}

/// Everything that reading yields.
pub(crate) fn steps(files: &Files) -> Vec<Step> {
    let mut walk = Walk::open(Memory::of(files)).unwrap();
    let mut steps = Vec::new();
    while let Some(step) = walk.step().unwrap() {
        steps.push(step);
    }
    steps
}

/// The records that reading yields, by number.
pub(crate) fn records(files: &Files) -> Vec<u64> {
    let mut numbers = Vec::new();
    for step in steps(files) {
        if let Step::Frame(frame) = step
            && let Payload::Record(bytes) = frame.payload
        {
            let number = frame.head.sequence.get();
            let lost = frame.head.lost_before.get();
            assert_eq!(
                bytes,
                content(number, lost),
                "a record that was never written"
            );
            numbers.push(number);
        }
    }
    numbers
}

/// A frame of a segment: where it begins and ends, and its head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) head: FrameHead,
}

/// The frames of a sound segment, by the sizes in their heads.
pub(crate) fn spans(segment: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = size_of::<SegmentHead>();
    while start < segment.len() {
        let (head, _) = FrameHead::read_from_prefix(&segment[start..]).unwrap();
        let end = start + head.size.get() as usize;
        spans.push(Span { start, end, head });
        start = end;
    }
    spans
}

/// Numbers of the segments among files.
pub(crate) fn segments(files: &Files) -> Vec<u64> {
    (1..100)
        .filter(|number| files.contains_key(&segment_name(*number)))
        .collect()
}
