//! The program dies, the power fails or the disk is full, at every single call.

use crate::disk::{Dice, Failing, Memory};
use crate::sample::{BOOT, append, append_of, assert_sound, at, open, records, report_of, small};
use cloneguard::journal::{JournalError, Limits, Writer};
use std::io::ErrorKind;

/// The second load of the driver.
const SECOND: [u8; 16] = [0xB1; 16];
/// Batches as the driver sends them: the load, and numbers with losses below.
type Batch = ([u8; 16], &'static [(u64, u64)]);
const BATCHES: [Batch; 9] = [
    (BOOT, &[(1, 0), (2, 0), (3, 0)]),
    (BOOT, &[(4, 0)]),
    (BOOT, &[(9, 4), (10, 0)]),
    (BOOT, &[(11, 0), (12, 0), (13, 0), (14, 0)]),
    (SECOND, &[(1, 0)]),
    (SECOND, &[(2, 0), (3, 0), (4, 0)]),
    (SECOND, &[(6, 1)]),
    (SECOND, &[(7, 0), (8, 0)]),
    (SECOND, &[(9, 0)]),
];
/// Numbers that are in the batches, and that they tell to be lost.
const RECORDS: u64 = 18;
const LOST: u64 = 5;

/// Sends batches from the first one that is not acknowledged, until all are or a call fails.
fn run(disk: &Memory, limits: Limits, acknowledged: &mut usize) -> Result<(), JournalError> {
    let (mut writer, _) = Writer::start(disk.clone(), limits, at(5))?;
    while let Some((boot_id, records)) = BATCHES.get(*acknowledged) {
        append_of(&mut writer, *boot_id, records)?;
        *acknowledged += 1;
    }
    Ok(())
}

/// Calls of a run in which nothing fails.
fn calls(limits: Limits) -> u64 {
    let disk = Memory::default();
    run(&disk, limits, &mut 0).unwrap();
    disk.calls()
}

/// What survived verifies, and after it went on every number is there once or told to be lost.
fn check(disk: &Memory, limits: Limits, mut acknowledged: usize, what: &str) {
    // Before anybody goes on, if anything is there at all: what was acknowledged is there.
    let is_journal = |name: &String| !name.ends_with(".new");
    if disk.files().keys().any(is_journal) {
        let report = report_of(disk);
        assert!(report.is_sound(), "{what}: {report:#?}");
        let promised: usize = BATCHES[..acknowledged]
            .iter()
            .map(|(_, batch)| batch.len())
            .sum();
        let there = report.records + report.removed_records;
        assert!(there >= promised as u64, "{what}: {there} of {promised}");
    }
    run(disk, limits, &mut acknowledged).unwrap();
    let report = report_of(disk);
    assert!(report.is_sound(), "{what}: {report:#?}");
    assert_eq!(report.records + report.removed_records, RECORDS, "{what}");
    if report.removed_records == 0 {
        assert_eq!(report.lost(), LOST, "{what}");
        let numbers: Vec<u64> = (1..=14)
            .filter(|number| !(5..=8).contains(number))
            .collect();
        let second = [1, 2, 3, 4, 6, 7, 8, 9];
        let expected: Vec<u64> = numbers.into_iter().chain(second).collect();
        assert_eq!(records(&disk.files()).len(), expected.len(), "{what}");
    }
}

/// Everything is kept, or only two segments are.
fn both_limits() -> [Limits; 2] {
    let keep_count = Some(2);
    [
        small(),
        Limits {
            keep_count,
            ..small()
        },
    ]
}

#[test]
fn the_program_dies_at_every_call() {
    for limits in both_limits() {
        for call in 0..calls(limits) {
            for written in [0, 1, 87, 88, 200] {
                let (disk, mut acknowledged) = (Memory::default(), 0);
                disk.fail(Failing {
                    call,
                    written,
                    is_forever: true,
                });
                run(&disk, limits, &mut acknowledged).unwrap_err();
                disk.heal();
                check(
                    &disk,
                    limits,
                    acknowledged,
                    &format!("call {call}, {written} bytes"),
                );
            }
        }
    }
}

#[test]
fn the_power_fails_at_every_call() {
    for limits in both_limits() {
        for call in 0..calls(limits) {
            for seed in 0..12 {
                let (disk, mut acknowledged) = (Memory::default(), 0);
                let mut dice = Dice(call * 1000 + seed);
                let written = dice.below(400);
                disk.fail(Failing {
                    call,
                    written,
                    is_forever: true,
                });
                run(&disk, limits, &mut acknowledged).unwrap_err();
                let survived = disk.after_power_failure(&mut dice);
                check(
                    &survived,
                    limits,
                    acknowledged,
                    &format!("call {call}, seed {seed}"),
                );
            }
        }
    }
}

#[test]
fn crashes_follow_each_other() {
    for seed in 0..300 {
        let mut dice = Dice(seed << 32);
        let (mut disk, mut acknowledged) = (Memory::default(), 0);
        for _ in 0..6 {
            let failing = Failing {
                call: disk.calls() + dice.below(12) as u64,
                written: dice.below(300),
                is_forever: true,
            };
            disk.fail(failing);
            if run(&disk, small(), &mut acknowledged).is_ok() {
                break;
            }
            disk.heal();
            if dice.below(2) == 0 {
                disk = disk.after_power_failure(&mut dice);
            }
        }
        disk.heal();
        check(&disk, small(), acknowledged, &format!("seed {seed}"));
    }
}

#[test]
fn a_call_that_fails_once_leaves_nothing_of_its_batch() {
    for call in 0..calls(small()) {
        for written in [0, 50, 300] {
            let disk = Memory::default();
            disk.fail(Failing {
                call,
                written,
                is_forever: false,
            });
            let mut writer = match Writer::start(disk.clone(), small(), at(5)) {
                Ok((writer, _)) => writer,
                Err(error) => {
                    assert_eq!(error.io_kind(), Some(ErrorKind::StorageFull));
                    open(&disk).0
                }
            };
            for batch in BATCHES {
                writer = append_stubbornly(&disk, writer, batch);
            }
            assert_eq!(assert_sound(&disk), RECORDS, "call {call}");
        }
    }
}

/// Appends a batch, again if that fails, with a new writer if it has to be one.
fn append_stubbornly(
    disk: &Memory,
    mut writer: Writer<Memory>,
    (boot_id, records): Batch,
) -> Writer<Memory> {
    let before = writer.resume();
    let Err(error) = append_of(&mut writer, boot_id, records) else {
        return writer;
    };
    assert_eq!(error.io_kind(), Some(ErrorKind::StorageFull), "{error}");
    assert_eq!(writer.resume(), before);
    if let Err(error) = append_of(&mut writer, boot_id, records) {
        assert!(matches!(error, JournalError::Stale), "{error}");
        drop(writer);
        writer = open(disk).0;
        append_of(&mut writer, boot_id, records).unwrap();
    }
    writer
}

#[test]
fn after_a_failed_wait_for_the_disk_the_writer_is_done() {
    let disk = Memory::default();
    let mut writer = open(&disk).0;
    append(&mut writer, &[(1, 0)]).unwrap();
    // The write is one call, the wait the next.
    disk.fail(Failing {
        call: disk.calls() + 1,
        written: 0,
        is_forever: false,
    });
    let error = append(&mut writer, &[(2, 0)]).unwrap_err();
    assert!(error.to_string().contains("wait for the disk"), "{error}");
    assert!(matches!(
        append(&mut writer, &[(2, 0)]),
        Err(JournalError::Stale)
    ));
    assert!(matches!(writer.tend(at(9)), Err(JournalError::Stale)));
    assert_eq!(assert_sound(&disk), 1);
}
