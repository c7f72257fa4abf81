//! `cloneguard export` in the formats of others. What they say is tested with the library.

use crate::Place;
use crate::journal::{JOURNAL, write_journal};
use serde_json::Value;

#[test]
fn ecs_and_ocsf_are_a_document_in_each_line() {
    let place = Place::new("export-published");
    write_journal(&place);
    let lines = |words: &[&str]| -> Vec<Value> {
        let ran = place.run(&[&["export", JOURNAL, "--format"], words].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        let lines = ran.out.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().unwrap()
    };
    let documents = lines(&["ecs", "--host", "here.example"]);
    assert_eq!(documents.len(), 4);
    assert_eq!(documents[2]["event"]["action"], "file-clone-refused");
    assert_eq!(documents[2]["host"]["name"], "here.example");
    let documents = lines(&["ecs", "--filter", "verdict=refused"]);
    assert_eq!((documents.len(), &documents[0]["host"]), (1, &Value::Null));
    let events = lines(&["ocsf", "--host", "here.example"]);
    assert_eq!(events[2]["disposition"], "Blocked");
    assert_eq!(events[3]["class_uid"], 1008);
    assert_eq!(events[3]["device"]["hostname"], "here.example");
}

#[test]
fn ocsf_needs_a_host() {
    let place = Place::new("export-host");
    write_journal(&place);
    let ran = place.run(&["export", JOURNAL, "--format", "ocsf"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains("--host <NAME>"), "{}", ran.err);
}
