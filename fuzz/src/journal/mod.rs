//! The journal's files with anything in them: read, taken over, written on, read again.
//!
//! Input: how many records a sound journal has; whether checksums are mended, so that what lies behind them is reached;
//! then edits of 5 bytes each (file, kind, place, value), or, for the other kind of input, the bytes of a segment and
//! an anchor.

mod disk;

use std::time::Duration;

use cloneguard::Timestamp;
use cloneguard::journal::{
    ANCHOR_NAME, AnchorHead, FrameHead, JournalError, Limits, Payload, Piece, Report, SegmentHead,
    Step, Walk, Writer, segment_name, verify,
};
use wire::{ConsumerBody, Heading, RecordHead, RecordKind, record_size, write_record};
use zerocopy::FromBytes as _;

use crate::take;
use disk::{Files, Memory};

/// The load that is written.
const BOOT: [u8; 16] = [0xB0; 16];
/// Bytes of a file that is still doubled.
const FILE_MAX: usize = 8 << 10;
/// The load that is written after the edits.
const NEXT: [u8; 16] = [0x4E; 16];

/// Edits a journal and goes on with it.
///
/// # Panics
/// If a change is not seen, or what is written on is not there afterwards.
pub fn body(mut bytes: &[u8]) {
    let [choice] = take(&mut bytes);
    if choice & 1 == 1 {
        go_on(&raw(bytes));
        return;
    }
    let base = sound(u64::from(choice >> 2 & 15));
    let mut files = base.clone();
    for _ in 0..64 {
        if bytes.is_empty() {
            break;
        }
        edit(&mut files, take(&mut bytes));
    }
    if choice & 2 == 2 {
        mend(&mut files);
    }
    let report = read(&files);
    if choice & 2 == 0 {
        assert_eq!(
            report.is_sound() && report.torn.is_none(),
            files == base,
            "{report:#?}"
        );
    }
    go_on(&files);
}

/// Files of any content: the first half is a segment, the rest the anchor.
fn raw(bytes: &[u8]) -> Files {
    let (segment, anchor) = bytes.split_at(bytes.len().saturating_sub(size_of::<AnchorHead>()));
    Files::from([
        (segment_name(1), segment.to_vec()),
        (ANCHOR_NAME.to_owned(), anchor.to_vec()),
    ])
}

/// A sound journal of so many records, in segments of a few.
fn sound(records: u64) -> Files {
    let disk = Memory::default();
    write(&disk, BOOT, records).expect("a new journal takes records");
    let files = disk.0.borrow().clone();
    assert!(read(&files).is_sound());
    files
}

/// Takes the journal of a disk over and appends records. Which of them are in it now: an anchor may say of some
/// that they were before.
fn write(disk: &Memory, boot_id: [u8; 16], records: u64) -> Result<Vec<u64>, JournalError> {
    let limits = Limits {
        segment_size: 600,
        segment_age: Duration::from_secs(1 << 30),
        ..Limits::default()
    };
    let now = Timestamp::from_filetime(134_401_248_000_000_000);
    let (mut writer, _) = Writer::start(disk.clone(), limits, now)?;
    let mut appended = Vec::new();
    for sequence in 1..=records {
        let bytes = record(sequence);
        let piece = Piece {
            sequence,
            lost_before: 0,
            bytes: &bytes,
        };
        if writer.append(now, boot_id, [piece], &[])?.records == 1 {
            appended.push(sequence);
        }
    }
    Ok(appended)
}

/// A small record with this number.
fn record(sequence: u64) -> Vec<u8> {
    let heading = Heading::state(RecordKind::Consumer, 134_401_248_000_000_000);
    let names: [&[u16]; 1] = [&[0x61; 4]];
    let mut bytes = vec![0; record_size::<ConsumerBody>(&names).expect("one short name")];
    let fill = |body: &mut ConsumerBody| {
        body.event = 1;
        body.names[0].full_bytes = 8.into();
        body.names[0].state = 3;
    };
    write_record(&mut bytes, heading, &names, fill).expect("a record of its size");
    let (head, _) = RecordHead::mut_from_prefix(&mut bytes).expect("a head");
    head.sequence = sequence.into();
    bytes
}

/// Changes one thing in one file.
fn edit(files: &mut Files, [file, kind, low, high, value]: [u8; 5]) {
    let names: Vec<String> = files.keys().cloned().collect();
    let Some(name) = names.get(usize::from(file) % names.len().max(1)) else {
        return;
    };
    let Some(bytes) = files.get_mut(name) else {
        return;
    };
    let at = usize::from(u16::from_le_bytes([low, high]));
    let at = at % (bytes.len() + 1);
    match kind % 8 {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, value),
        2 if bytes.len() <= FILE_MAX => bytes.extend_from_within(at..),
        3 if at + 8 <= bytes.len() => bytes[at..at + 8].fill(value),
        4 => {
            let moved = files.remove(name).unwrap_or_default();
            files.insert(segment_name(u64::from(value) + 1), moved);
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
    }
}

/// Makes hashes and checksums fit again, as somebody does who knows the format.
fn mend(files: &mut Files) {
    let mut chain = None;
    for (name, bytes) in files.iter_mut() {
        if name == ANCHOR_NAME {
            if let Ok(anchor) = AnchorHead::mut_from_bytes(bytes) {
                anchor.checksum = anchor.computed_checksum();
            }
            continue;
        }
        let Ok((head, mut rest)) = SegmentHead::mut_from_prefix(bytes) else {
            continue;
        };
        head.previous_hash = chain.unwrap_or(head.previous_hash);
        head.hash = head.computed_hash();
        let mut last = head.hash;
        while let Ok((frame, behind)) = FrameHead::mut_from_prefix(rest) {
            let length = (frame.size.get() as usize).saturating_sub(size_of::<FrameHead>());
            let Some((payload, next)) = behind.split_at_mut_checked(length) else {
                break;
            };
            frame.hash = frame.computed_hash(&last, payload);
            last = frame.hash;
            rest = next;
        }
        chain = Some(last);
    }
}

/// Reads everything. Damage is no error of the system, which has none here.
fn read(files: &Files) -> Report {
    let walk = Walk::open(Memory::of(files)).expect("memory does not fail");
    let report = verify(walk, None, |_| {}).expect("memory does not fail");
    assert!(report.segments as usize <= files.len());
    report
}

/// Takes the files over, writes three records, and finds them again.
fn go_on(files: &Files) {
    read(files);
    let disk = Memory::of(files);
    let written = write(&disk, NEXT, 3);
    let after = disk.0.borrow().clone();
    read(&after);
    if let Ok(expected) = written {
        let found = records(&after);
        let report = read(&after);
        assert!(
            found.ends_with(&expected),
            "{found:?}, not {expected:?}: {report:#?}"
        );
    }
}

/// Numbers of the records of the next load that can be read.
fn records(files: &Files) -> Vec<u64> {
    let mut walk = Walk::open(Memory::of(files)).expect("memory does not fail");
    let mut numbers = Vec::new();
    while let Some(step) = walk.step().expect("memory does not fail") {
        if let Step::Frame(frame) = step
            && frame.head.boot_id == NEXT
            && let Payload::Record(bytes) = frame.payload
        {
            let number = frame.head.sequence.get();
            assert_eq!(bytes, record(number));
            numbers.push(number);
        }
    }
    numbers
}
