//! Journals for the tests of commands that read them.

use crate::Place;
use crate::build::{self, BOOT, Draft, clone, names, numbered, units};
use cloneguard::Timestamp;
use cloneguard::journal::{Limits, Piece, Writer};
use wire::{Heading, LossClass, RecordKind};

/// The journal's directory.
pub(crate) const JOURNAL: &str = "journal";
/// The id of the file that is cloned.
pub(crate) const SOURCE_ID: &str = "00000000000000000000000000000001";

/// A journal of three clones, the last of them refused, and a record that says that nine were lost.
pub(crate) fn write_journal(place: &Place) {
    let mut records = Vec::new();
    for (number, target) in [(1, 2), (2, 3), (3, 4)] {
        records.push(request(number, target));
    }
    let gap = include_bytes!("../../../wire/tests/golden/record-gap.bin");
    records.push(numbered(gap.to_vec(), 13, 9));
    write(place, &[(1, 0), (2, 0), (3, 0), (13, 9)], &records);
}

/// A journal in which one file is cloned into so many others.
pub(crate) fn write_copies(place: &Place, count: u8) {
    let numbers = || (0..u64::from(count)).map(|number| number + 10);
    let targets = (0..count).map(|number| number + 2);
    let records: Vec<_> = numbers()
        .zip(targets)
        .map(|(number, target)| request(number, target))
        .collect();
    let numbers: Vec<_> = numbers()
        .map(|number| (number, u64::from(number == 10) * 9))
        .collect();
    write(place, &numbers, &records);
}

/// Writes records with these numbers and losses before them.
fn write(place: &Place, numbers: &[(u64, u64)], records: &[Vec<u8>]) {
    let directory = place.path().join(JOURNAL);
    let now = Timestamp::from_filetime(134_399_108_967_890_123);
    let (mut writer, _) = Writer::open(&directory, Limits::default(), now).unwrap();
    let pieces = numbers.iter().zip(records);
    let pieces = pieces.map(|((sequence, lost_before), bytes)| Piece {
        sequence: *sequence,
        lost_before: *lost_before,
        bytes,
    });
    let appended = writer.append(now, BOOT, pieces, &[]).unwrap();
    assert_eq!(appended.records, records.len() as u64);
}

/// A clone of the first file into another one.
fn request(number: u64, target: u8) -> Vec<u8> {
    let mut draft: Draft = clone(number, 0);
    let body = &mut draft.body;
    for volume in [
        &mut body.volume.guid_known,
        &mut body.source_volume.guid_known,
    ] {
        *volume = 1;
    }
    for (file, id) in body.files.iter_mut().zip([1, target]) {
        (file.state, file.kind, file.id_state) = (1, 1, 1);
        file.id[0] = id;
    }
    body.target_offset = 0.into();
    let is_refused = number == 3;
    if is_refused {
        (body.end.verdict, body.end.outcome, body.end.deciding_rule) = (4, 3, 22);
        body.end.status = 0xC000_0022.into();
        body.end.rules = (1_u128 << 22).into();
    }
    let class = if is_refused {
        LossClass::Finding
    } else {
        LossClass::Routine
    };
    let time = 134_399_108_967_890_123 + number;
    let heading = Heading {
        kind: RecordKind::Clone,
        class,
        time,
        request: number,
    };
    let mut texts = names();
    texts[3] = units(&format!(r"\Device\HarddiskVolume4\copies\{target}.vhdx"));
    numbered(build::write(heading, &draft.body, &texts), number, 0)
}

/// Flips a byte in the middle of the journal's first segment.
pub(crate) fn damage(place: &Place) {
    let directory = place.path().join(JOURNAL);
    let names = std::fs::read_dir(&directory).unwrap();
    let names = names.map(|entry| entry.unwrap().path());
    let is_segment = |path: &std::path::PathBuf| std::fs::metadata(path).unwrap().len() > 1000;
    let segment = names.filter(is_segment).min().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(segment, bytes).unwrap();
}
