//! Writes a large journal, for measurements: `large_journal DIR RECORDS`.
//!
//! Clones of many programs, users and files, a tenth of them refused, in batches as the driver sends them, with a
//! heartbeat in each batch. The same arguments give the same records.

#[path = "../tests/suite/build.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod build;

use build::{BOOT, Draft, clone, counters, names, numbered, units};
use cloneguard::Timestamp;
use cloneguard::journal::{Limits, Piece, Writer};
use std::error::Error;
use std::path::PathBuf;
use wire::{Heading, HeartbeatBody, LossClass, RecordKind};
use zerocopy::FromZeros as _;

/// Records of a batch: about as many as fit into one.
const BATCH: u64 = 50;
/// Of the first record, a FILETIME; one comes each millisecond.
const BEGIN: u64 = 134_399_108_967_890_123;
const MILLISECOND: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args_os().skip(1);
    let usage = "write a directory and a number of records";
    let (directory, count) = words.next().zip(words.next()).ok_or(usage)?;
    let count: u64 = count.to_str().ok_or(usage)?.parse()?;
    let begin = Timestamp::from_filetime(BEGIN);
    let (mut writer, _) = Writer::open(&PathBuf::from(directory), Limits::default(), begin)?;
    for first in (1..=count).step_by(usize::try_from(BATCH)?) {
        let numbers: Vec<u64> = (first..=count.min(first + BATCH - 1)).collect();
        let records: Vec<Vec<u8>> = numbers.iter().map(|number| record(*number)).collect();
        let pieces = numbers.iter().zip(&records).map(|(number, bytes)| Piece {
            sequence: *number,
            lost_before: 0,
            bytes,
        });
        let now = Timestamp::from_filetime(BEGIN + first * MILLISECOND);
        writer.append(now, BOOT, pieces, &[])?;
    }
    Ok(())
}

/// The record with this number.
fn record(number: u64) -> Vec<u8> {
    let time = BEGIN + number * MILLISECOND;
    if number.is_multiple_of(BATCH) {
        let heading = Heading {
            kind: RecordKind::Heartbeat,
            class: LossClass::State,
            time,
            request: 0,
        };
        let mut body = HeartbeatBody::new_zeroed();
        body.counters = counters(number - 1, 0);
        body.interval_seconds = 60.into();
        return numbered(build::write(heading, &body, &[]), number, 0);
    }
    let (draft, class) = request(number);
    let heading = Heading {
        kind: RecordKind::Clone,
        class,
        time,
        request: number,
    };
    let mut texts = names();
    let (program, target) = (number % 97, target(number));
    texts[0] = units(&format!(
        r"\Device\HarddiskVolume4\tools\program-{program}.exe"
    ));
    texts[3] = units(&format!(
        r"\Device\HarddiskVolume4\copies\{}\{target}.vhdx",
        target % 5000
    ));
    numbered(build::write(heading, &draft.body, &texts), number, 0)
}

/// The file that a request clones into.
const fn target(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 200_000 + 2
}

/// A request, one in ten refused.
fn request(number: u64) -> (Draft, LossClass) {
    let mut draft = clone(number, 0);
    let body = &mut draft.body;
    (body.volume.guid_known, body.source_volume.guid_known) = (1, 1);
    for (file, id) in body
        .files
        .iter_mut()
        .zip([number % 1000 * 200, target(number)])
    {
        (file.state, file.kind, file.id_state) = (1, 1, 1);
        file.id[..8].copy_from_slice(&id.to_le_bytes());
    }
    body.end.duration = (number.wrapping_mul(31) % 100_000).into();
    body.target_offset = 0.into();
    body.byte_count = (4096 * i64::from(number as u8 % 64 + 1)).into();
    if !number.is_multiple_of(10) {
        return (draft, LossClass::Routine);
    }
    (body.end.verdict, body.end.outcome, body.end.deciding_rule) = (4, 3, 22);
    body.end.status = 0xC000_0022.into();
    body.end.rules = (1_u128 << 22).into();
    (draft, LossClass::Finding)
}
