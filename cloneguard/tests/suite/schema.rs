//! The JSON Schema against the JSON that is written, by a validator that is not ours.

use cloneguard::filter::Filter;
use cloneguard::schema::{every_field, json_schema};
use jsonschema::Validator;
use serde_json::{Value, json};

/// Every frozen record.
const GOLDEN: &[&str] = &[
    include_str!("../golden/clone.json"),
    include_str!("../golden/clone-pending.json"),
    include_str!("../golden/seen.json"),
    include_str!("../golden/policy.json"),
    include_str!("../golden/policy-unreadable.json"),
    include_str!("../golden/started.json"),
    include_str!("../golden/started-shutdown.json"),
    include_str!("../golden/stopping.json"),
    include_str!("../golden/volume-attached.json"),
    include_str!("../golden/volume-not-attached.json"),
    include_str!("../golden/consumer.json"),
    include_str!("../golden/heartbeat.json"),
    include_str!("../golden/gap.json"),
    include_str!("../golden/summary.json"),
    include_str!("../golden/ended.json"),
];

fn validator() -> Validator {
    let schema = json_schema();
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::validator_for(&schema).unwrap()
}

fn golden() -> Vec<Value> {
    let records = GOLDEN
        .iter()
        .map(|text| serde_json::from_str(text).unwrap());
    records.collect()
}

#[test]
fn every_golden_record_fits() {
    let validator = validator();
    for record in golden() {
        let errors: Vec<String> = validator
            .iter_errors(&record)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn a_record_that_is_changed_anywhere_does_not_fit() {
    let validator = validator();
    for record in golden() {
        for path in paths(&record) {
            let change = |change: &dyn Fn(&mut Value)| {
                let mut record = record.clone();
                change(record.pointer_mut(&path).unwrap());
                validator.is_valid(&record)
            };
            // No member of ours holds a fraction.
            assert!(!change(&|value| *value = json!(0.5)), "{path}");
        }
        for path in paths(&record)
            .iter()
            .filter(|path| record.pointer(path).unwrap().is_object())
        {
            let mut more = record.clone();
            more.pointer_mut(path).unwrap()["more"] = json!(1);
            assert!(!validator.is_valid(&more), "{path}/more");
        }
        let mut more = record.clone();
        more["more"] = json!(1);
        assert!(!validator.is_valid(&more));
        for name in record.as_object().unwrap().keys() {
            let mut less = record.clone();
            less.as_object_mut().unwrap().remove(name);
            assert!(!validator.is_valid(&less), "without {name}");
        }
    }
}

#[test]
fn what_a_field_may_not_say_does_not_fit() {
    let validator = validator();
    let record: Value = serde_json::from_str(include_str!("../golden/clone.json")).unwrap();
    for (path, wrong) in [
        ("/kind", json!("clones")),
        ("/schema_version", json!(99)),
        ("/verdict", json!("allowed")),
        ("/sequence", json!(-1)),
        ("/boot_id", json!("B0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0")),
        ("/time", json!("2026-11-23T12:34:56.789Z")),
        ("/status/code", json!("0xc000000d")),
        (
            "/volume/guid",
            json!("{a7a7a7a7-a7a7-a7a7-a7a7-a7a7a7a7a7a7}"),
        ),
        ("/remote", json!("yes")),
    ] {
        let mut changed = record.clone();
        *changed.pointer_mut(path).unwrap() = wrong;
        assert!(!validator.is_valid(&changed), "{path}");
    }
    let mut unknown = record;
    unknown["verdict"] = json!("unknown-9");
    assert!(validator.is_valid(&unknown));
}

/// The path of every member and element.
fn paths(value: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .collect(),
        Value::Array(elements) => {
            let numbered = elements.iter().enumerate();
            numbered
                .map(|(number, value)| (number.to_string(), value))
                .collect()
        }
        _ => Vec::new(),
    };
    let below = children.into_iter().flat_map(|(name, value)| {
        let below = paths(value)
            .into_iter()
            .map(move |path| format!("/{name}{path}"));
        below.collect::<Vec<_>>()
    });
    let mut all: Vec<String> = below.collect();
    all.push(String::new());
    all
}

#[test]
fn a_filter_finds_every_field_that_the_table_has_and_the_record_says() {
    for record in golden() {
        for (path, _) in every_field() {
            let pointer = format!("/{}", path.replace('.', "/"));
            let said = record
                .pointer(&pointer)
                .filter(|value| value.is_number() || value.is_string());
            if said.is_some() {
                assert!(Filter::parse(&path).unwrap().matches(&record), "{path}");
            }
        }
    }
}
