//! The JSON of every kind of record, from the frozen bytes of `wire`.
//!
//! The objects in `tests/golden` are what programs of others rely on: a field may be added with a new
//! schema version, nothing else may change.

use crate::event::json_of;
use cloneguard::{Entry, SCHEMA_VERSION};
use serde_json::Value;
use wire::{LossClass, Record, RecordKind};

/// The load of the driver in all frozen bytes.
const BOOT: [u8; 16] = [
    0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F,
];

/// The frozen bytes of a record and the object of its entry.
macro_rules! golden {
    ($($name:literal),+) => {
        [$((
            $name,
            include_bytes!(concat!("../../../wire/tests/golden/record-", $name, ".bin")).as_slice(),
            include_str!(concat!("../golden/", $name, ".json")),
        )),+]
    };
}

const GOLDEN: [(&str, &[u8], &str); 16] = golden!(
    "clone",
    "clone-pending",
    "seen",
    "policy",
    "policy-unreadable",
    "started",
    "started-shutdown",
    "stopping",
    "volume-attached",
    "volume-not-attached",
    "consumer",
    "heartbeat",
    "gap",
    "summary",
    "ended",
    "unknown"
);

/// All entries of frozen bytes by name.
pub(crate) fn all() -> Vec<(&'static str, Entry)> {
    let all = GOLDEN.iter();
    all.map(|(name, bytes, _)| (*name, entry(bytes))).collect()
}

/// The entry of frozen bytes.
pub(crate) fn golden(name: &str) -> Entry {
    let mut all = GOLDEN.iter();
    let (_, bytes, _) = all.find(|(known, ..)| *known == name).unwrap();
    entry(bytes)
}

fn entry(bytes: &[u8]) -> Entry {
    Entry::new(BOOT, &Record::parse(bytes).unwrap())
}

#[test]
fn every_kind_has_its_object() {
    for (name, bytes, json) in GOLDEN {
        let expected: Value = serde_json::from_str(json).unwrap();
        let found = json_of(&entry(bytes));
        assert_eq!(found, expected, "{name}: {found:#}");
    }
    for kind in RecordKind::KNOWN {
        let has = GOLDEN
            .iter()
            .any(|(_, bytes, _)| entry(bytes).kind() == *kind);
        assert!(has, "no object of kind {kind:?}");
    }
}

#[test]
fn all_objects_begin_alike() {
    let fields = [
        "schema_version",
        "kind",
        "boot_id",
        "sequence",
        "lost_before",
        "class",
        "time",
        "request",
    ];
    for (name, bytes, _) in GOLDEN {
        let mut line = Vec::new();
        entry(bytes).write_json_line(&mut line).unwrap();
        let line = String::from_utf8(line).unwrap();
        let places = fields.map(|field| line.find(&format!("\"{field}\":")));
        assert_eq!(places[0], Some(1), "{name}");
        assert!(
            places.is_sorted() && places.iter().all(Option::is_some),
            "{name}: {line}"
        );
        assert!(line.starts_with(&format!("{{\"schema_version\":{SCHEMA_VERSION},")));
    }
}

#[test]
fn no_object_has_a_field_twice() {
    for (name, bytes, json) in GOLDEN {
        let mut line = Vec::new();
        entry(bytes).write_json_line(&mut line).unwrap();
        let written = String::from_utf8(line).unwrap().matches("\":").count();
        let expected: Value = serde_json::from_str(json).unwrap();
        assert_eq!(written, count(&expected), "{name}");
    }
}

/// The fields of an object and of those in it.
fn count(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields.values().map(|value| 1 + count(value)).sum(),
        Value::Array(values) => values.iter().map(count).sum(),
        _ => 0,
    }
}

#[test]
fn the_head_of_an_entry_is_that_of_its_record() {
    for (name, bytes, _) in GOLDEN {
        let record = Record::parse(bytes).unwrap();
        let entry = Entry::new(BOOT, &record);
        assert_eq!(entry.boot_id(), BOOT, "{name}");
        assert_eq!(entry.sequence(), record.sequence(), "{name}");
        assert_eq!(entry.lost_before(), record.lost_before(), "{name}");
        assert_eq!(entry.time().filetime(), record.time(), "{name}");
        assert_eq!(entry.head().request, record.request_number(), "{name}");
        assert_eq!(entry.class(), record.class(), "{name}");
        let is_request = record.request().is_some();
        assert_eq!(entry.request().is_some(), is_request, "{name}");
    }
    assert_eq!(entry(GOLDEN[0].1).class(), LossClass::Finding);
}
