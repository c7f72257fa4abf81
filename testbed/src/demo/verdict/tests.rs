//! Every field of a record and of the trail, made wrong in turn.

use cloneguard::{
    ControlCode, EntryHead, Event, EventClaim, EventEnd, EventFile, EventName, EventPolicy,
    EventProcess, EventRule, EventUsers, Finding, NtStatus, SourceVolume, Timestamp, Volume,
};
use testbed::io::IoStatus;
use testbed::status::{STATUS_INVALID_HANDLE, STATUS_INVALID_PARAMETER, STATUS_SUCCESS};
use testbed::volume::FILE_ALL_ACCESS;
use wire::Verdict;

use super::super::sent::Form;
use super::*;

/// What the driver tells of itself in a run.
mod own;

const RANGE: Range = Range {
    source: 4096,
    target: 8192,
    count: 512,
};

/// A request of the EX code with an unaligned count.
fn sent() -> Sent {
    Sent {
        what: "a request".to_owned(),
        code: Form::Ex64.code(),
        sender: Sender {
            process_id: 16,
            thread_id: 20,
            image: r"\x\copy.exe".to_owned(),
            start_key: 0x1_0007,
            create_time: 99,
            parent_id: 4,
            user: "S-1-5-18",
            is_32bit: false,
            is_kernel: false,
        },
        input_length: 0x30,
        output_length: 0,
        claim: Some(Form::Ex64.claim(RANGE, 1)),
        source: Source::SameVolume(r"\x\a".to_owned()),
        target: r"\x\b".to_owned(),
        is_seen: true,
        rules: vec![22, 32],
        expected: vec![STATUS_INVALID_PARAMETER],
        answer: IoStatus {
            status: STATUS_INVALID_PARAMETER,
            information: 0,
            output: Vec::new(),
        },
    }
}

fn name(text: &str) -> EventName {
    EventName {
        text: Some(text.to_owned()),
        utf16: None,
        state: "opened".to_owned(),
        reason: None,
        is_truncated: false,
    }
}

fn rule(id: u8) -> EventRule {
    EventRule { id, name: None }
}

fn event_claim() -> EventClaim {
    EventClaim {
        source_offset: RANGE.source,
        target_offset: RANGE.target,
        byte_count: RANGE.count,
        ex_size: Some(0x30),
        ex_flags: Some(1),
    }
}

fn volume() -> Volume {
    Volume {
        file_system_type: 28,
        file_system: Some("refs"),
        cluster_size: Some(4096),
        cluster_reason: None,
        guid: Some("0-0".to_owned()),
        guid_reason: None,
        attributes: None,
        attributes_reason: None,
        setup_flags: 0,
        is_dev_drive: false,
        is_trusted: false,
    }
}

fn policy() -> EventPolicy {
    EventPolicy {
        revision: 0,
        matched: "no_match".to_owned(),
        rule: None,
    }
}

fn file() -> EventFile {
    EventFile {
        state: "known".to_owned(),
        reason: None,
        kind: Some("data".to_owned()),
        attributes: Some(0x20),
        end_of_file: Some(1 << 20),
        allocation_size: Some(1 << 20),
        id: None,
        id_reason: None,
    }
}

fn head() -> EntryHead {
    EntryHead {
        schema_version: cloneguard::SCHEMA_VERSION,
        kind: RecordKind::Clone,
        boot_id: [0; 16],
        sequence: 1,
        lost_before: 0,
        class: LossClass::Finding,
        time: Timestamp::from_filetime(1),
        request: Some(1),
    }
}

fn end() -> EventEnd {
    EventEnd {
        verdict: Verdict::WouldRefuse,
        rules: vec![rule(22), rule(32)],
        deciding_rule: Some(rule(22)),
        outcome: OutcomeKind::Completed,
        status: Some(NtStatus::new(STATUS_INVALID_PARAMETER.0)),
        information: Some(0),
        duration_100ns: Some(1),
        source_after: "unasked".to_owned(),
    }
}

/// What the records say of a process of the user SYSTEM.
fn process() -> EventProcess {
    EventProcess {
        process_id: Some(16),
        thread_id: Some(20),
        process_start_key: Some(Hex64(0x1_0007)),
        process_create_time: Some(Timestamp::from_filetime(99)),
        parent_process_id: Some(4),
        parent_start_key: None,
        session_id: Some(0),
        logon_id: Some(Hex64(0x3E7)),
        integrity_level: Some(IntegrityLevel(0x4000)),
        elevated: Some(true),
        impersonating: Some(false),
        token_reason: None,
    }
}

fn users() -> EventUsers {
    EventUsers {
        user_sid: Some("S-1-5-18".to_owned()),
        user_reason: None,
        primary_user_sid: Some("S-1-5-18".to_owned()),
        primary_user_reason: None,
    }
}

/// The record of [`sent`].
fn event() -> Event {
    Event {
        head: head(),
        end: end(),
        grounds: vec![rule(22)],
        refusal: Some(NtStatus::new(STATUS_INVALID_PARAMETER.0)),
        policy: policy(),
        control_code: ControlCode(Form::Ex64.code()),
        requestor_mode: "user".to_owned(),
        bitness: 64,
        input_length: 0x30,
        output_length: 0,
        claim: Some(event_claim()),
        source_state: "same_volume".to_owned(),
        source_status: None,
        source_reason: None,
        granted_access: Some(FILE_ALL_ACCESS),
        same_stream: Some(false),
        remote: Some(false),
        process: process(),
        users: users(),
        image: name(r"\x\copy.exe"),
        parent_image: name("System"),
        source: name(r"\x\a"),
        target: name(r"\x\b"),
        source_file: file(),
        target_file: file(),
        volume: volume(),
        source_volume: SourceVolume {
            guid: Some("0-0".to_owned()),
            guid_reason: None,
        },
    }
}

/// A machine with one volume.
fn setting() -> Setting {
    Setting {
        volumes: vec![(r"\x".to_owned(), "0-0".to_owned())],
        tool: (24, 0x1_0009, r"\x\cloneguard.exe".to_owned()),
    }
}

/// The records of a run in which these are those of requests.
fn records(mut events: Vec<Event>) -> Records {
    let own = own::of_a_run(events.len() as u64);
    let first = own::BEFORE + 1;
    for (event, sequence) in events.iter_mut().zip(first..) {
        event.head.sequence = sequence;
    }
    Records {
        events,
        own,
        ..Records::default()
    }
}

#[test]
fn a_record_of_what_was_sent_has_no_fault() {
    assert_eq!(
        compare(&setting(), &[sent()], &records(vec![event()])),
        [""; 0]
    );
}

/// Changes one thing of a record.
type Change = fn(&mut Event);

/// What must be found, and the change that brings it about.
const CHANGES: &[(&str, Change)] = &[
    ("records lost before", |event| event.head.lost_before = 1),
    ("kind", |event| event.head.kind = RecordKind::Seen),
    ("class", |event| event.head.class = LossClass::Routine),
    ("control code", |event| event.control_code.0 ^= 4),
    ("input length", |event| event.input_length += 1),
    ("output length", |event| event.output_length += 1),
    ("claim", |event| event.claim = None),
    ("claim", |event| claimed(event).source_offset += 1),
    ("claim", |event| claimed(event).target_offset += 1),
    ("claim", |event| claimed(event).byte_count += 1),
    ("claim", |event| claimed(event).ex_size = None),
    ("claim", |event| claimed(event).ex_flags = Some(0)),
    ("rules", |event| event.end.rules.truncate(1)),
    ("rules", |event| event.end.rules.push(rule(4))),
    ("deciding rule", |event| {
        event.end.deciding_rule = Some(rule(32))
    }),
    ("verdict", |event| event.end.verdict = Verdict::Flagged),
    ("grounds", |event| event.grounds.clear()),
    ("policy", |event| event.policy.matched = "deny".to_owned()),
    ("policy", |event| event.policy.revision = 1),
    ("remote", |event| event.remote = Some(true)),
    ("status", |event| event.end.status = Some(NtStatus::new(0))),
    ("status", |event| event.end.status = None),
    ("information", |event| event.end.information = Some(1)),
    ("outcome", |event| event.end.outcome = OutcomeKind::Draining),
    ("duration", |event| event.end.duration_100ns = None),
    ("mode", |event| event.requestor_mode = "kernel".to_owned()),
    ("bitness", |event| event.bitness = 32),
    ("process", |event| event.process.process_id = Some(4)),
    ("thread", |event| event.process.thread_id = None),
    ("program", |event| event.image = name("")),
    ("start key", |event| event.process.process_start_key = None),
    ("create time", |event| {
        event.process.process_create_time = None
    }),
    ("parent", |event| event.process.parent_process_id = Some(16)),
    ("session", |event| event.process.session_id = Some(1)),
    ("integrity level", |event| {
        event.process.integrity_level = None
    }),
    ("logon", |event| event.process.logon_id = Some(Hex64(1))),
    ("elevated", |event| event.process.elevated = None),
    ("impersonating", |event| {
        event.process.impersonating = Some(true)
    }),
    ("user", |event| event.users.user_sid = None),
    ("user of the process", |event| {
        event.users.primary_user_sid = None
    }),
    ("volume", |event| event.volume.guid = None),
    ("volume of the source", |event| {
        event.source_volume.guid = None
    }),
    ("source handle", |event| {
        event.source_state = "other_volume".to_owned()
    }),
    ("status of the source handle", |event| {
        event.source_status = Some(NtStatus::new(1));
    }),
    ("source", |event| event.source.text = None),
    ("target", |event| event.target = name(r"\x\a")),
];

#[test]
fn every_field_is_compared() {
    for (what, change) in CHANGES {
        let mut wrong = event();
        change(&mut wrong);
        let faults = compare(&setting(), &[sent()], &records(vec![wrong]));
        let [fault] = faults.as_slice() else {
            panic!("{what}: {faults:?}");
        };
        let expected = format!("record 1 (a request): {what}: recorded ");
        assert!(fault.starts_with(&expected), "{what}: {fault}");
    }
}

fn claimed(event: &mut Event) -> &mut EventClaim {
    event.claim.as_mut().expect("the event has a claim")
}

#[test]
fn a_missing_and_a_surplus_record_are_faults() {
    // The driver's own counters, with which it stops, agree with its records and not with what was sent.
    let missing = compare(&setting(), &[sent()], &records(Vec::new()));
    let first = "1 requests passed the driver, 0 records of requests arrived";
    assert_eq!((missing[0].as_str(), missing.len()), (first, 2));
    let surplus = compare(&setting(), &[], &records(vec![event()]));
    let first = "0 requests passed the driver, 1 records of requests arrived";
    assert_eq!((surplus[0].as_str(), surplus.len()), (first, 2));
    let unseen = Sent {
        is_seen: false,
        ..sent()
    };
    assert_eq!(
        compare(&setting(), &[unseen], &records(Vec::new())),
        [""; 0]
    );
}

#[test]
fn an_answer_that_the_sources_do_not_allow_is_a_fault() {
    let wrong = Sent {
        expected: vec![STATUS_SUCCESS, STATUS_INVALID_HANDLE],
        ..sent()
    };
    let faults = compare(&setting(), &[wrong], &records(vec![event()]));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("STATUS_SUCCESS"), "{faults:?}");
}

#[test]
fn whatever_is_wrong_with_the_trail_is_a_fault() {
    type Spoil = fn(&mut Records);
    let spoils: &[Spoil] = &[
        |records| records.totals.lost = 1,
        |records| records.counters.lost = 1.into(),
        |records| records.totals.unexplained = 1,
        |records| records.totals.repeats = 1,
        |records| records.totals.earlier = 1,
        |records| records.totals.loads = 2,
        |records| records.findings.push(Finding::Unbalanced),
        |records| records.failure = Some("no".to_owned()),
    ];
    for (index, spoil) in spoils.iter().enumerate() {
        let mut records = records(vec![event()]);
        spoil(&mut records);
        assert_eq!(
            compare(&setting(), &[sent()], &records).len(),
            1,
            "spoil {index}"
        );
    }
}

#[test]
fn what_the_ex_structure_holds_is_definite_for_64_bit_callers_only() {
    let mut sent = sent();
    for rule in [3, 20] {
        sent.sender.is_32bit = false;
        sent.rules = vec![rule];
        assert_eq!(verdict(&sent), "would_refuse");
        sent.sender.is_32bit = true;
        assert_eq!(verdict(&sent), "flagged");
    }
    sent.rules = vec![1];
    assert_eq!(verdict(&sent), "would_refuse");
    sent.code = Form::Plain32.code();
    sent.rules = vec![20];
    assert_eq!(verdict(&sent), "would_refuse");
    sent.rules.clear();
    assert_eq!(verdict(&sent), "passed");
}
