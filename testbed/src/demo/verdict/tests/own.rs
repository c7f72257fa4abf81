//! Every record in which the driver tells of itself, left out, doubled and made wrong in turn.

use cloneguard::{
    ConsumerChange, CounterValues, Ended, Entry, EntryHead, Gap, Hex64, PolicyChange, Started,
    Stopping, VolumeChange,
};
use wire::{
    ConsumerEvent, LossClass, PolicyEvent, PreviousStop, RecordKind, VolumeCause, VolumeEvent,
};

use super::{end, event, head, name, records, sent, setting, volume};
use crate::demo::verdict::{Records, compare};

/// How many of them come before the requests.
pub(super) const BEFORE: u64 = 3;

fn state(kind: RecordKind, sequence: u64) -> EntryHead {
    EntryHead {
        kind,
        sequence,
        class: LossClass::State,
        request: None,
        ..head()
    }
}

fn started() -> Entry {
    Entry::Started(Started {
        head: state(RecordKind::Started, 1),
        driver_version: "0.1.0.0".to_owned(),
        previous_stop: PreviousStop::FirstStart,
        previous_boot_id: None,
        previous_sequence: 0,
        previous_undelivered: 0,
        image_hash: Some("00".repeat(32)),
        image_hash_reason: None,
        journal_size: 1 << 20,
        policy_mode: "observe".to_owned(),
        policy_revision: 0,
        summarise_seconds: 0,
    })
}

fn policy() -> Entry {
    Entry::Policy(PolicyChange {
        head: state(RecordKind::Policy, 4),
        event: PolicyEvent::Applied,
        policy_mode: "observe".to_owned(),
        policy_revision: 0,
        fault: None,
        status: None,
    })
}

fn attached() -> Entry {
    Entry::Volume(VolumeChange {
        head: state(RecordKind::Volume, 2),
        event: VolumeEvent::Attached,
        cause: VolumeCause::NoCause,
        status: None,
        device: name(r"\x"),
        volume: volume(),
    })
}

fn connected() -> Entry {
    Entry::Consumer(ConsumerChange {
        head: state(RecordKind::Consumer, BEFORE),
        event: ConsumerEvent::Connected,
        status: None,
        process_id: Some(24),
        process_start_key: Some(Hex64(0x1_0009)),
        image: name(r"\x\cloneguard.exe"),
        after_sequence: 0,
        after_boot_id: None,
    })
}

fn stopping(requests: u64) -> Entry {
    Entry::Stopping(Stopping {
        head: state(RecordKind::Stopping, BEFORE + requests + 1),
        counters: CounterValues {
            seen: requests,
            failed: requests,
            delivered: BEFORE + requests,
            ..CounterValues::default()
        },
    })
}

/// What the driver tells of itself in a run with so many requests.
pub(super) fn of_a_run(requests: u64) -> Vec<Entry> {
    vec![started(), attached(), connected(), stopping(requests)]
}

fn run() -> Records {
    records(vec![event()])
}

/// What is wrong with a run after a change.
fn faults(change: impl FnOnce(&mut Records)) -> Vec<String> {
    let mut records = run();
    change(&mut records);
    compare(&setting(), &[sent()], &records)
}

#[test]
fn a_run_as_it_should_be_has_no_fault() {
    assert_eq!(faults(|_| ()), [""; 0]);
}

#[test]
fn each_is_there_and_each_once() {
    for index in 0..run().own.len() {
        let missing = faults(|records| drop(records.own.remove(index)));
        assert!(!missing.is_empty(), "record {index} is missing");
        let twice = faults(|records| records.own.insert(index, records.own[index].clone()));
        // The number comes twice as well.
        assert_eq!(twice.len(), 2, "record {index}: {twice:?}");
    }
}

/// The record of a kind in a run.
macro_rules! own {
    ($records:ident, $kind:ident) => {
        $records
            .own
            .iter_mut()
            .find_map(|entry| match entry {
                Entry::$kind(entry) => Some(entry),
                _ => None,
            })
            .expect("the run has one")
    };
}

#[test]
fn what_is_wrong_in_one_is_a_fault() {
    type Spoil = fn(&mut Records);
    let spoils: &[Spoil] = &[
        |r| own!(r, Started).previous_stop = PreviousStop::Unclean,
        |r| own!(r, Started).policy_mode = "enforce".to_owned(),
        |r| own!(r, Started).policy_revision = 1,
        |r| own!(r, Started).image_hash = None,
        |r| own!(r, Volume).event = VolumeEvent::NotAttached,
        |r| own!(r, Volume).device.text = None,
        |r| own!(r, Volume).volume.guid = None,
        |r| own!(r, Consumer).event = ConsumerEvent::Refused,
        |r| own!(r, Consumer).process_id = None,
        |r| own!(r, Consumer).process_start_key = None,
        |r| own!(r, Consumer).image.text = None,
        |r| own!(r, Stopping).counters.seen = 2,
        |r| own!(r, Stopping).counters.completed = 1,
        |r| own!(r, Stopping).counters.refused = 1,
        |r| own!(r, Stopping).counters.not_inspected = 1,
        |r| own!(r, Stopping).counters.in_flight = 1,
        |r| own!(r, Stopping).counters.lost = 1,
        |r| own!(r, Stopping).counters.summarised = 1,
        |r| own!(r, Stopping).counters.refused_unaudited = 1,
    ];
    for (index, spoil) in spoils.iter().enumerate() {
        let faults = faults(spoil);
        assert_eq!(faults.len(), 1, "spoil {index}: {faults:?}");
    }
}

#[test]
fn the_last_record_is_the_last() {
    let faults = faults(|records| {
        let last = own!(records, Stopping).head.sequence;
        own!(records, Stopping).head.sequence = last - 1;
        records.events[0].head.sequence = last;
    });
    assert_eq!(faults, ["records come behind the last one of the driver"]);
}

#[test]
fn the_first_record_is_the_first() {
    let faults = faults(|records| {
        own!(records, Started).head.sequence = 2;
        own!(records, Volume).head.sequence = 1;
    });
    assert_eq!(faults.len(), 1, "{faults:?}");
}

#[test]
fn what_nothing_is_the_reason_of_is_a_fault() {
    let gap = Entry::Gap(Gap {
        head: state(RecordKind::Gap, 4),
        total: 0,
        losses: Default::default(),
        refused: 0,
    });
    let ended = Entry::Ended(Ended {
        head: EntryHead {
            kind: RecordKind::Ended,
            sequence: 4,
            ..head()
        },
        end: end(),
    });
    for entry in [gap, ended, policy()] {
        let faults = faults(|records| {
            records.events[0].head.sequence = 5;
            own!(records, Stopping).head.sequence = 6;
            records.own.insert(3, entry);
        });
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains(" tells of "), "{faults:?}");
    }
}
