//! The ECS export against the published fields.
//!
//! `tests/fixtures/ecs-9.4.0.json` says where they are from. The checker knows nothing of the export: it
//! takes a document apart and holds every field against the fixture.

use crate::build::{BOOT, clone, names, numbered, write};
use crate::kinds;
use cloneguard::Entry;
use cloneguard::export::{Ecs, Format as _};
use serde_json::{Map, Value, json};
use wire::{Heading, LossClass, Record, RecordKind};

const FIXTURE: &str = include_str!("../fixtures/ecs-9.4.0.json");

/// The fields of our own.
const OWN: &str = "cloneguard";

/// Everything that a document has against the schema.
fn wrongs(document: &Value) -> Vec<String> {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let fields = fixture["fields"].as_object().unwrap();
    let mut wrongs = Vec::new();
    for (name, value) in document.as_object().unwrap() {
        if name != OWN {
            check(name, value, fields, &mut wrongs);
        }
    }
    for (name, field) in fields {
        let pointer = format!("/{}", name.replace('.', "/"));
        if field["required"] == true && document.pointer(&pointer).is_none() {
            wrongs.push(format!("{name} is required"));
        }
    }
    if document["ecs"]["version"] != fixture["version"] {
        wrongs.push("another version".to_owned());
    }
    check_types(document, fields, &mut wrongs);
    wrongs
}

/// Holds a field, or those within an object, against the schema.
fn check(name: &str, value: &Value, fields: &Map<String, Value>, wrongs: &mut Vec<String>) {
    let Some(field) = fields.get(name) else {
        match value.as_object() {
            Some(members) => {
                for (member, value) in members {
                    check(&format!("{name}.{member}"), value, fields, wrongs);
                }
            }
            None => wrongs.push(format!("{name} is no field")),
        }
        return;
    };
    let is_list = field["array"] == true;
    let values = match value {
        Value::Array(values) if is_list => values.clone(),
        _ if is_list => {
            wrongs.push(format!("{name} must be a list"));
            return;
        }
        value => vec![value.clone()],
    };
    for value in values {
        if !fits(field["type"].as_str().unwrap(), &value) {
            wrongs.push(format!("{name} cannot be {value}"));
        }
        let allowed = match &field["values"] {
            Value::Array(words) => words.contains(&value),
            Value::Object(words) => words.contains_key(value.as_str().unwrap_or_default()),
            _ => true,
        };
        if !allowed {
            wrongs.push(format!("{name} is never {value}"));
        }
    }
}

/// Whether a value is of a type of Elasticsearch.
fn fits(kind: &str, value: &Value) -> bool {
    match kind {
        "keyword" | "match_only_text" | "wildcard" | "constant_keyword" => value.is_string(),
        "long" => value.is_i64(),
        "date" => value.as_str().is_some_and(is_date),
        "boolean" => value.is_boolean(),
        "object" | "flattened" => value.is_object(),
        "float" => value.is_number(),
        other => panic!("the checker lacks the type {other}"),
    }
}

/// RFC 3339 in UTC with at most nine digits, as `strict_date_optional_time_nanos` reads it.
fn is_date(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let Some((start, fraction)) = shape.split_once('.') else {
        return shape == "0000-00-00T00:00:00Z";
    };
    let digits = fraction.trim_end_matches('Z');
    start == "0000-00-00T00:00:00"
        && fraction.ends_with('Z')
        && (1..=9).contains(&digits.len())
        && !digits.contains(|c| c != '0')
}

/// Every type must be one that the schema expects with one of the categories.
fn check_types(document: &Value, fields: &Map<String, Value>, wrongs: &mut Vec<String>) {
    let list = |name: &str| {
        document["event"][name]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    let categories = &fields["event.category"]["values"];
    for kind in list("type") {
        let expected = |category: &Value| {
            let types = &categories[category.as_str().unwrap_or_default()];
            types.as_array().is_some_and(|types| types.contains(&kind))
        };
        if !list("category").iter().any(expected) {
            wrongs.push(format!(
                "event.type {kind} goes with none of the categories"
            ));
        }
    }
    for name in ["kind", "category", "type", "outcome"] {
        if document["event"][name].is_null() {
            wrongs.push(format!(
                "event.{name} is one of the four that categorise an event"
            ));
        }
    }
}

fn export() -> Ecs {
    Ecs {
        host: Some("fileserver.example".to_owned()),
    }
}

/// A request with another verdict, status and outcome.
pub(crate) fn requests() -> Vec<Entry> {
    let mut entries = Vec::new();
    for verdict in 1..=5_u8 {
        for (outcome, status) in [
            (0, 0),
            (1, 0),
            (1, 0xC000_0022_u32),
            (2, 0),
            (3, 0xC000_00BB),
        ] {
            let mut draft = clone(entries.len() as u64 + 1, 0);
            let end = &mut draft.body.end;
            (end.verdict, end.outcome, end.status) = (verdict, outcome, status.into());
            if verdict != 1 {
                (end.deciding_rule, end.rules) = (22, (1_u128 << 22).into());
            }
            let class = if verdict == 1 {
                LossClass::Routine
            } else {
                LossClass::Finding
            };
            let time = 134_399_108_967_890_123;
            let heading = Heading {
                kind: RecordKind::Clone,
                class,
                time,
                request: 9,
            };
            let bytes = numbered(write(heading, &draft.body, &names()), draft.sequence, 0);
            entries.push(Entry::new(BOOT, &Record::parse(&bytes).unwrap()));
        }
    }
    entries
}

/// A request of which nothing is known that need not be.
pub(crate) fn unknown() -> Entry {
    let mut draft = clone(1, 0);
    let body = &mut draft.body;
    body.process.process_id = 0.into();
    body.process.thread_id = 0.into();
    body.users[0].size = 0;
    body.users[0].sid = [0; 68];
    body.volume.file_system = 200.into();
    body.claim_known = 0;
    body.target_offset = 0.into();
    body.byte_count = 0.into();
    crate::build::entry(&draft, &crate::build::NAMELESS)
}

#[test]
fn every_kind_of_record_fits() {
    assert_eq!(wrongs(&export().document(&unknown())), Vec::<String>::new());
    for (name, entry) in kinds::all() {
        let document = export().document(&entry);
        assert_eq!(
            wrongs(&document),
            Vec::<String>::new(),
            "{name}: {document:#}"
        );
    }
    for entry in requests() {
        let document = export().document(&entry);
        assert_eq!(wrongs(&document), Vec::<String>::new(), "{document:#}");
    }
}

/// Something that is done to a document.
type Change = fn(&mut Value);

/// What is wrong after each change.
const CHANGES: &[(&str, Change)] = &[
    ("file.paths is no field", |d| {
        d["file"]["paths"] = json!("x")
    }),
    ("clone is no field", |d| d["clone"] = json!(1)),
    ("process.pid cannot be \"4\"", |d| {
        d["process"]["pid"] = json!("4")
    }),
    ("event.duration cannot be 1.5", |d| {
        d["event"]["duration"] = json!(1.5)
    }),
    ("event.start cannot be \"2026-11-23\"", |d| {
        d["event"]["start"] = json!("2026-11-23")
    }),
    ("event.kind is never \"alarm\"", |d| {
        d["event"]["kind"] = json!("alarm")
    }),
    ("event.category is never \"clone\"", |d| {
        d["event"]["category"][0] = json!("clone")
    }),
    ("event.category must be a list", |d| {
        d["event"]["category"] = json!("file")
    }),
    (
        "event.type \"denied\" goes with none of the categories",
        |d| {
            d["event"]["category"] = json!(["file"]);
            d["event"]["type"] = json!(["denied"]);
        },
    ),
    ("@timestamp is required", |d| {
        d.as_object_mut().unwrap().remove("@timestamp");
    }),
    ("another version", |d| d["ecs"]["version"] = json!("8.0.0")),
    (
        "event.outcome is one of the four that categorise an event",
        |d| {
            d["event"].as_object_mut().unwrap().remove("outcome");
        },
    ),
];

#[test]
fn a_document_that_does_not_fit_is_found() {
    let document = export().document(&kinds::golden("clone"));
    for (expected, change) in CHANGES {
        let mut changed = document.clone();
        change(&mut changed);
        let wrongs = wrongs(&changed);
        assert!(
            wrongs.iter().any(|wrong| wrong == expected),
            "{expected}: {wrongs:?}"
        );
    }
}

#[test]
fn a_refused_request_in_full() {
    let entry = requests().into_iter().find(|entry| {
        let json = serde_json::to_value(entry).unwrap();
        json["verdict"] == "refused" && json["outcome"] == "refused"
    });
    let mut document = export().document(&entry.unwrap());
    let own = document.as_object_mut().unwrap().remove(OWN).unwrap();
    assert_eq!(own["kind"], "clone");
    let expected: Value =
        serde_json::from_str(include_str!("../golden/export/ecs-refused.json")).unwrap();
    assert_eq!(document, expected, "{document:#}");
}

#[test]
fn a_line_is_a_document_and_a_host_that_is_not_known_is_left_out() {
    let mut lines = Vec::new();
    let mut format = Ecs::default();
    format.begin(&mut lines).unwrap();
    for (_, entry) in kinds::all() {
        assert!(format.entry(&entry, &mut lines).unwrap());
    }
    format.end(&mut lines).unwrap();
    let text = String::from_utf8(lines).unwrap();
    assert_eq!(text.lines().count(), kinds::all().len());
    for line in text.lines() {
        let document: Value = serde_json::from_str(line).unwrap();
        assert_eq!(document["host"], Value::Null);
        assert_eq!(document["cloneguard"]["schema_version"], 1);
    }
}
