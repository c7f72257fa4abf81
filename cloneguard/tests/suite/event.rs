//! Events and their JSON.

use crate::build::{BOOT, event, head, names, units};
use serde_json::{Value, json};

/// The object of the first test: what every field is called and looks like.
const GOLDEN: &str = include_str!("../golden/event.json");

/// The JSON of an event, read back.
fn json_of(event: &cloneguard::Event) -> Value {
    let mut line = Vec::new();
    event.write_json_line(&mut line).unwrap();
    assert_eq!(line.pop(), Some(b'\n'));
    assert!(!line.contains(&b'\n'), "one line an event");
    serde_json::from_slice(&line).unwrap()
}

#[test]
fn the_whole_object() {
    let mut head = head(41, 2);
    head.control_code = 0x0009_83E8.into();
    head.verdict = 3;
    head.rules = ((1_u128 << 22) | (1 << 32)).into();
    head.deciding_rule = 22;
    head.grounds = (1_u128 << 22).into();
    head.refusal = 0xC000_000D.into();
    head.policy_revision = 12.into();
    (head.policy_match, head.policy_rule) = (2, 4.into());
    head.source_after = 1;
    head.granted_access = 0x0012_0089.into();
    (head.same_stream, head.remote) = (1, 2);
    (head.volume_state, head.volume_attributes) = (1, 0x0800_00EE.into());
    (head.volume_guid_known, head.volume_guid) = (1, [0xA7; 16]);
    let [source, target] = &mut head.files;
    (source.state, source.kind, source.attributes) = (1, 1, 0x220.into());
    source.end_of_file = 70_000.into();
    source.allocation_size = 73_728.into();
    (target.state, target.reason) = (2, 0xC000_0022.into());
    head.status = 0xC000_000D.into();
    head.ex_size = 0x30.into();
    head.ex_flags = 1.into();
    head.input_length = 0x30.into();
    head.names[2].state = 2;
    head.names[2].reason = 0xC01C_0005.into();
    head.names[2].full_bytes = 4000.into();
    let names = [units(r"\x\copy.exe"), units(r"\a"), units(r"\b\größe")];
    let expected: Value = serde_json::from_str(GOLDEN).unwrap();
    assert_eq!(json_of(&event(head, &names)), expected);
}

#[test]
fn what_is_unknown_is_null() {
    let mut head = head(1, 0);
    head.claim_known = 0;
    head.target_offset = 0.into();
    head.byte_count = 0.into();
    head.outcome = 2;
    head.process_id = 0.into();
    head.thread_id = 0.into();
    head.user_sid_size = 0;
    head.user_sid = [0; 68];
    head.cluster_size = 0.into();
    head.volume_flags = 1.into();
    head.file_system = 200.into();
    let json = json_of(&event(head, &[const { Vec::new() }; 3]));
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
fn a_policy_that_was_refused_says_where_and_why() {
    let mut head = head(1, 0);
    head.kind = 3;
    head.policy_revision = 5.into();
    head.policy_event = 3;
    (head.policy_offset, head.policy_fault) = (77.into(), 12.into());
    let json = json_of(&event(head, &[const { Vec::new() }; 3]));
    assert_eq!(json["kind"], "policy");
    let expected = json!({
        "revision": 5, "match": "no_match", "rule": null,
        "event": "faulty", "fault": {"offset": 77, "code": 12},
    });
    assert_eq!(json["policy"], expected);
    head.policy_event = 2;
    let json = json_of(&event(head, &[const { Vec::new() }; 3]));
    assert_eq!(json["policy"].get("fault"), None);
}

#[test]
fn what_is_unknown_has_its_reason() {
    let mut head = head(1, 0);
    head.source_state = 5;
    head.source_reason = 0xC000_009A.into();
    head.cluster_reason = 0xC000_000D.into();
    head.guid_reason = 0xC000_0022.into();
    head.user_reason = 0xC000_0017.into();
    let json = json_of(&event(head, &names()));
    let code = |value: &Value| value["code"].as_str().unwrap_or_default().to_owned();
    assert_eq!(code(&json["source_reason"]), "0xC000009A");
    assert_eq!(code(&json["volume"]["cluster_reason"]), "0xC000000D");
    assert_eq!(code(&json["volume"]["guid_reason"]), "0xC0000022");
    assert_eq!(code(&json["user_reason"]), "0xC0000017");
}

#[test]
fn a_plain_request_has_no_fields_of_the_ex_structure() {
    let json = json_of(&event(head(1, 0), &names()));
    assert_eq!(json["claim"]["ex_size"], Value::Null);
    assert_eq!(json["claim"]["ex_flags"], Value::Null);
    assert_eq!(
        json["control_code"]["name"],
        "FSCTL_DUPLICATE_EXTENTS_TO_FILE"
    );
}

#[test]
fn values_of_a_newer_driver_keep_their_number() {
    let mut head = head(1, 0);
    head.verdict = 99;
    head.outcome = 98;
    head.source_state = 97;
    head.rules = (1_u128 << 127).into();
    head.deciding_rule = 127;
    let json = json_of(&event(head, &names()));
    assert_eq!(json["verdict"], "unknown-99");
    assert_eq!(json["outcome"], "unknown-98");
    assert_eq!(json["source_state"], "unknown-97");
    assert_eq!(json["rules"], json!([{"id": 127}]));
}

#[test]
fn a_refused_source_handle_has_its_status() {
    let mut head = head(1, 0);
    head.source_state = 3;
    head.source_status = 0xC000_0008.into();
    let json = json_of(&event(head, &names()));
    assert_eq!(json["source_status"]["name"], "STATUS_INVALID_HANDLE");
}

#[test]
fn a_name_that_is_no_text_keeps_its_units() {
    let mut names = names();
    names[1] = vec![0x61, 0xD800, 0x62];
    let json = json_of(&event(head(1, 0), &names));
    assert_eq!(json["source"]["text"], "a\u{FFFD}b");
    assert_eq!(json["source"]["utf16"], json!([0x61, 0xD800, 0x62]));
    assert_eq!(json["target"].get("utf16"), None);
}

#[test]
fn large_numbers_stay_whole() {
    let mut head = head(u64::MAX, 0);
    head.byte_count = i64::MIN.into();
    head.duration = u64::MAX.into();
    let event = event(head, &names());
    let mut line = Vec::new();
    event.write_json_line(&mut line).unwrap();
    let line = String::from_utf8(line).unwrap();
    assert!(line.contains(r#""sequence":18446744073709551615,"#));
    assert!(line.contains(r#""byte_count":-9223372036854775808,"#));
    assert_eq!(event.boot_id.len(), BOOT.len() * 2);
}
