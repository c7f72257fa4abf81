//! The OCSF export against the published schema.
//!
//! `tests/fixtures/ocsf-1.8.0.json` says where it is from. The checker knows nothing of the export: it
//! takes an event apart and holds every attribute against the fixture.

use crate::ecs::{requests, unknown};
use crate::kinds;
use cloneguard::export::{Format as _, Ocsf};
use serde_json::{Map, Value, json};

const FIXTURE: &str = include_str!("../fixtures/ocsf-1.8.0.json");

struct Checker {
    fixture: Value,
    profiles: Vec<Value>,
    wrongs: Vec<String>,
}

/// Everything that an event has against the schema.
fn wrongs(event: &Value) -> Vec<String> {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let profiles = event["metadata"]["profiles"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut checker = Checker {
        fixture,
        profiles,
        wrongs: Vec::new(),
    };
    checker.event(event);
    checker.wrongs
}

impl Checker {
    fn wrong(&mut self, what: String) {
        self.wrongs.push(what);
    }

    fn event(&mut self, event: &Value) {
        let number = event["class_uid"].to_string();
        let class = self.fixture["classes"][&number].clone();
        if class.is_null() {
            self.wrong(format!("there is no class {number}"));
            return;
        }
        for profile in self.profiles.clone() {
            if !class["profiles"].as_array().unwrap().contains(&profile) {
                self.wrong(format!("the class has no profile {profile}"));
            }
        }
        self.object("", event, &class);
        if event["category_uid"] != class["category_uid"] {
            self.wrong("another category".to_owned());
        }
        if event["metadata"]["version"] != self.fixture["version"] {
            self.wrong("another version".to_owned());
        }
        // The type is the class and the activity (schema: `type_uid`).
        let part = |name: &str| event[name].as_u64().unwrap_or_default();
        if part("type_uid") != part("class_uid") * 100 + part("activity_id") {
            self.wrong("type_uid is not class_uid * 100 + activity_id".to_owned());
        }
    }

    /// Holds an object against its attributes, requirements and constraints.
    fn object(&mut self, path: &str, value: &Value, schema: &Value) {
        let Some(members) = value.as_object() else {
            self.wrong(format!("{path} must be an object"));
            return;
        };
        let attributes = schema["attributes"].as_object().unwrap();
        for (name, value) in members {
            let here = format!("{path}{name}");
            match attributes
                .get(name)
                .filter(|attribute| self.applies(attribute))
            {
                Some(attribute) => self.attribute(&here, value, attribute),
                None => self.wrong(format!("{here} is no attribute")),
            }
        }
        for (name, attribute) in attributes {
            let is_required = attribute["requirement"] == "required" && self.applies(attribute);
            if is_required && !members.contains_key(name) {
                self.wrong(format!("{path}{name} is required"));
            }
        }
        self.constraints(path, members, &schema["constraints"]);
    }

    fn constraints(&mut self, path: &str, members: &Map<String, Value>, constraints: &Value) {
        for (name, among) in constraints.as_object().into_iter().flatten() {
            let among = among.as_array().unwrap();
            let there = among
                .iter()
                .filter(|name| members.contains_key(name.as_str().unwrap()))
                .count();
            let holds = match name.as_str() {
                "at_least_one" => there > 0,
                "just_one" => there == 1,
                other => panic!("the checker lacks the constraint {other}"),
            };
            if !holds {
                self.wrong(format!("{path} breaks {name}"));
            }
        }
    }

    /// Whether an attribute is there without a profile, or with one that the event has.
    fn applies(&self, attribute: &Value) -> bool {
        let profiles = attribute["profiles"].as_array();
        profiles.is_none_or(|profiles| {
            profiles
                .iter()
                .any(|profile| self.profiles.contains(profile))
        })
    }

    fn attribute(&mut self, path: &str, value: &Value, attribute: &Value) {
        if attribute["array"] == true {
            match value.as_array() {
                Some(values) => values
                    .iter()
                    .for_each(|value| self.single(path, value, attribute)),
                None => self.wrong(format!("{path} must be a list")),
            }
        } else {
            self.single(path, value, attribute);
        }
    }

    fn single(&mut self, path: &str, value: &Value, attribute: &Value) {
        let kind = attribute["type"].as_str().unwrap();
        if kind == "object_t" {
            let name = attribute["object"].as_str().unwrap();
            if name == "object" {
                // Anything goes there.
                if !value.is_object() {
                    self.wrong(format!("{path} must be an object"));
                }
                return;
            }
            let schema = self.fixture["objects"][name].clone();
            assert!(!schema.is_null(), "the fixture lacks the object {name}");
            self.object(&format!("{path}."), value, &schema);
            return;
        }
        if !self.fits(kind, value) {
            self.wrong(format!("{path} cannot be {value}"));
        }
        let allowed = attribute["enum"].as_array();
        if allowed.is_some_and(|allowed| !allowed.contains(value)) {
            self.wrong(format!("{path} is never {value}"));
        }
    }

    /// Whether a value is of a type, or of the one that it is based on.
    fn fits(&self, kind: &str, value: &Value) -> bool {
        let base = self.fixture["types"][kind]["base"].as_str().unwrap_or(kind);
        match base {
            "string_t" => value.is_string(),
            "integer_t" | "long_t" => value.is_i64(),
            "boolean_t" => value.is_boolean(),
            "float_t" => value.is_number(),
            "json_t" => true,
            other => panic!("the checker lacks the type {other}"),
        }
    }
}

fn export() -> Ocsf {
    Ocsf {
        host: "fileserver.example".to_owned(),
    }
}

#[test]
fn every_kind_of_record_fits() {
    assert_eq!(wrongs(&export().document(&unknown())), Vec::<String>::new());
    for (name, entry) in kinds::all() {
        let event = export().document(&entry);
        assert_eq!(wrongs(&event), Vec::<String>::new(), "{name}: {event:#}");
    }
    for entry in requests() {
        let event = export().document(&entry);
        assert_eq!(wrongs(&event), Vec::<String>::new(), "{event:#}");
    }
}

/// Something that is done to a document.
type Change = fn(&mut Value);

/// What is wrong after each change.
const CHANGES: &[(&str, Change)] = &[
    ("files is no attribute", |e| e["files"] = json!({})),
    ("file.paths is no attribute", |e| {
        e["file"]["paths"] = json!("x")
    }),
    ("cloud is no attribute", |e| {
        e["cloud"] = json!({"provider": "x"})
    }),
    ("actor.process.pid cannot be \"4\"", |e| {
        e["actor"]["process"]["pid"] = json!("4")
    }),
    ("duration cannot be 0.5", |e| e["duration"] = json!(0.5)),
    ("time cannot be \"2026-11-23T00:00:00Z\"", |e| {
        e["time"] = json!("2026-11-23T00:00:00Z")
    }),
    ("severity_id is never 7", |e| e["severity_id"] = json!(7)),
    ("file.type_id is never 50", |e| {
        e["file"]["type_id"] = json!(50)
    }),
    ("device. breaks at_least_one", |e| {
        e["device"] = json!({"type_id": 0})
    }),
    ("metadata.profiles must be a list", |e| {
        e["metadata"]["profiles"] = json!("host")
    }),
    ("type_uid is never 100304", |e| {
        e["type_uid"] = json!(100_304)
    }),
    ("type_uid is not class_uid * 100 + activity_id", |e| {
        e["activity_id"] = json!(1)
    }),
    ("there is no class 1009", |e| e["class_uid"] = json!(1009)),
    ("another version", |e| {
        e["metadata"]["version"] = json!("1.7.0")
    }),
    ("another category", |e| e["category_uid"] = json!(2)),
];

#[test]
fn an_event_that_does_not_fit_is_found() {
    let event = export().document(&kinds::golden("clone"));
    for (expected, change) in CHANGES {
        let mut changed = event.clone();
        change(&mut changed);
        let wrongs = wrongs(&changed);
        assert!(
            wrongs.iter().any(|wrong| wrong == expected),
            "{expected}: {wrongs:?}"
        );
    }
    for name in [
        "file",
        "actor",
        "device",
        "metadata",
        "time",
        "severity_id",
        "type_uid",
        "activity_id",
    ] {
        let mut changed = event.clone();
        changed.as_object_mut().unwrap().remove(name);
        let expected = format!("{name} is required");
        assert!(wrongs(&changed).contains(&expected), "{expected}");
    }
}

#[test]
fn a_refused_request_in_full() {
    let entry = requests().into_iter().find(|entry| {
        let json = serde_json::to_value(entry).unwrap();
        json["verdict"] == "refused" && json["outcome"] == "refused"
    });
    let mut event = export().document(&entry.unwrap());
    let unmapped = event.as_object_mut().unwrap().remove("unmapped").unwrap();
    assert_eq!(unmapped["cloneguard"]["kind"], "clone");
    let expected: Value =
        serde_json::from_str(include_str!("../golden/export/ocsf-refused.json")).unwrap();
    assert_eq!(event, expected, "{event:#}");
}

#[test]
fn a_line_is_an_event() {
    let mut lines = Vec::new();
    let mut format = export();
    format.begin(&mut lines).unwrap();
    for (_, entry) in kinds::all() {
        assert!(format.entry(&entry, &mut lines).unwrap());
    }
    format.end(&mut lines).unwrap();
    let text = String::from_utf8(lines).unwrap();
    assert_eq!(text.lines().count(), kinds::all().len());
    assert!(
        text.lines()
            .all(|line| serde_json::from_str::<Value>(line).unwrap().is_object())
    );
}
