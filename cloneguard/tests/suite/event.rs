//! The JSON of a request, field by field where it depends on something.

use crate::build::{NAMELESS, clone, entry, names};
use serde_json::{Value, json};

/// The JSON of an entry, read back.
pub(crate) fn json_of(entry: &cloneguard::Entry) -> Value {
    let mut line = Vec::new();
    entry.write_json_line(&mut line).unwrap();
    assert_eq!(line.pop(), Some(b'\n'));
    assert!(!line.contains(&b'\n'), "one line an event");
    serde_json::from_slice(&line).unwrap()
}

#[test]
fn what_is_unknown_is_null() {
    let mut draft = clone(1, 0);
    draft.body.claim_known = 0;
    draft.body.target_offset = 0.into();
    draft.body.byte_count = 0.into();
    draft.body.end.outcome = 2;
    draft.body.process.process_id = 0.into();
    draft.body.process.thread_id = 0.into();
    draft.body.users[0].size = 0;
    draft.body.users[0].sid = [0; 68];
    draft.body.volume.cluster_size = 0.into();
    draft.body.volume.setup_flags = 1.into();
    draft.body.volume.file_system = 200.into();
    let json = json_of(&entry(&draft, &NAMELESS));
    for field in [
        "claim",
        "status",
        "information",
        "process_id",
        "thread_id",
        "user_sid",
        "refusal",
        "same_stream",
        "remote",
    ] {
        assert_eq!(json[field], Value::Null, "{field}");
    }
    assert_eq!(json["outcome"], "draining");
    assert_eq!(json["volume"]["cluster_size"], Value::Null);
    assert_eq!(json["volume"]["file_system"], Value::Null);
    assert_eq!(json["volume"]["file_system_type"], 200);
    assert_eq!(json["volume"]["is_dev_drive"], false);
    assert_eq!(
        json["image"],
        json!({"text": null, "state": "absent", "is_truncated": false})
    );
}

#[test]
fn what_is_unknown_has_its_reason() {
    let mut draft = clone(1, 0);
    draft.body.source_state = 5;
    draft.body.source_reason = 0xC000_009A.into();
    draft.body.volume.cluster_reason = 0xC000_000D.into();
    draft.body.volume.guid_reason = 0xC000_0022.into();
    draft.body.users[0].reason = 0xC000_0017.into();
    let json = json_of(&entry(&draft, &names()));
    let code = |value: &Value| value["code"].as_str().unwrap_or_default().to_owned();
    assert_eq!(code(&json["source_reason"]), "0xC000009A");
    assert_eq!(code(&json["volume"]["cluster_reason"]), "0xC000000D");
    assert_eq!(code(&json["volume"]["guid_reason"]), "0xC0000022");
    assert_eq!(code(&json["user_reason"]), "0xC0000017");
}

#[test]
fn a_plain_request_has_no_fields_of_the_ex_structure() {
    let json = json_of(&entry(&clone(1, 0), &names()));
    assert_eq!(json["claim"]["ex_size"], Value::Null);
    assert_eq!(json["claim"]["ex_flags"], Value::Null);
    assert_eq!(
        json["control_code"]["name"],
        "FSCTL_DUPLICATE_EXTENTS_TO_FILE"
    );
}

#[test]
fn values_of_a_newer_driver_keep_their_number() {
    let mut draft = clone(1, 0);
    draft.body.end.verdict = 99;
    draft.body.end.outcome = 98;
    draft.body.source_state = 97;
    draft.body.end.rules = (1_u128 << 127).into();
    draft.body.end.deciding_rule = 127;
    let json = json_of(&entry(&draft, &names()));
    assert_eq!(json["verdict"], "unknown-99");
    assert_eq!(json["outcome"], "unknown-98");
    assert_eq!(json["source_state"], "unknown-97");
    assert_eq!(json["rules"], json!([{"id": 127}]));
}

#[test]
fn a_refused_source_handle_has_its_status() {
    let mut draft = clone(1, 0);
    draft.body.source_state = 3;
    draft.body.source_status = 0xC000_0008.into();
    let json = json_of(&entry(&draft, &names()));
    assert_eq!(json["source_status"]["name"], "STATUS_INVALID_HANDLE");
}

#[test]
fn a_name_that_is_no_text_keeps_its_units() {
    let mut names = names();
    names[2] = vec![0x61, 0xD800, 0x62];
    let json = json_of(&entry(&clone(1, 0), &names));
    assert_eq!(json["source"]["text"], "a\u{FFFD}b");
    assert_eq!(json["source"]["utf16"], json!([0x61, 0xD800, 0x62]));
    assert_eq!(json["target"].get("utf16"), None);
}

#[test]
fn large_numbers_stay_whole() {
    let mut draft = clone(u64::MAX, 0);
    draft.body.byte_count = i64::MIN.into();
    draft.body.end.duration = u64::MAX.into();
    let mut line = Vec::new();
    entry(&draft, &names()).write_json_line(&mut line).unwrap();
    let line = String::from_utf8(line).unwrap();
    assert!(line.contains(r#""sequence":18446744073709551615,"#));
    assert!(line.contains(r#""byte_count":-9223372036854775808,"#));
    assert!(line.contains(r#""duration_100ns":18446744073709551615,"#));
}
