//! Frozen bytes of the records about requests: every field of each.

use crate::common::{CLONE, ENDED, PENDING, SEEN, SUMMARY, rising};
use wire::{
    Bitness, Body, Claim, FactState, File, FileKind, LossClass, Mode, Name, NameState, OutcomeKind,
    PolicyMatch, Process, Record, RecordKind, Request, RuleId, RuleSet, SourceAfter, SourceState,
    SourceVolume, Summary, Ternary, Verdict, Volume,
};

/// What all golden records say of the process.
const PROCESS: Process = Process {
    process_id: 4321,
    thread_id: 8765,
    start_key: Some(0x0001_0000_0000_0A2B),
    create_time: Some(0x01DC_5BFF_0000_0001),
    parent_id: Some(1234),
    parent_start_key: Some(0x0001_0000_0000_0912),
    session_id: Some(2),
    logon_id: Some(0x3_E7A1),
    integrity_level: Some(0x2000),
    token_reason: 0,
    elevated: Ternary::No,
    impersonating: Ternary::Yes,
};

/// What all golden records say of the volume.
fn volume() -> Volume {
    Volume {
        file_system: 28,
        setup_flags: 0x31,
        cluster_size: Some(0x1_0000),
        cluster_reason: 0,
        state: FactState::Known,
        attributes: Some(0x0804_00CE),
        attributes_reason: 0,
        guid: Some(rising(0xA0)),
        guid_reason: 0,
    }
}

fn request(bytes: &[u8]) -> Request<'_> {
    Record::parse(bytes).unwrap().request().unwrap()
}

fn summary() -> Summary<'static> {
    let Body::Summary(summary) = Record::parse(SUMMARY).unwrap().body() else {
        panic!("no summary");
    };
    summary
}

fn numbers(rules: RuleSet) -> Vec<u8> {
    rules.iter().map(RuleId::number).collect()
}

fn texts<const N: usize>(names: [Name<'_>; N]) -> [String; N] {
    names.map(|name| name.text().to_string())
}

#[test]
fn a_clone_and_its_end() {
    let record = Record::parse(CLONE).unwrap();
    assert_eq!(record.bytes(), CLONE);
    assert_eq!(
        (record.kind(), record.class()),
        (RecordKind::Clone, LossClass::Finding)
    );
    assert_eq!((record.sequence(), record.lost_before()), (41, 2));
    assert_eq!(record.time(), 0x01DC_5C00_1234_5678);
    assert_eq!(record.request_number(), Some(0x2122_2324_2526_2728));
    let end = request(CLONE).end();
    assert_eq!(end.verdict(), Verdict::WouldRefuse);
    assert_eq!(end.outcome(), OutcomeKind::Completed);
    assert_eq!(end.source_after(), SourceAfter::Same);
    assert_eq!(end.deciding_rule(), Some(RuleId::UNALIGNED_COUNT));
    assert_eq!(numbers(end.rules()), [12, 22, 30, 32]);
    assert_eq!(end.status(), Some(0xC000_000D));
    assert_eq!(end.information(), Some(0x1122_3344_5566_7788));
    assert_eq!(end.duration(), Some(4567));
}

#[test]
fn what_a_clone_asked_for() {
    let request = request(CLONE);
    assert_eq!(
        (request.requestor_mode(), request.bitness()),
        (Mode::User, Bitness::Bits64)
    );
    assert_eq!(request.control_code(), 0x0009_83E8);
    assert_eq!((request.input_length(), request.output_length()), (0x30, 0));
    let claim = Claim {
        source_offset: 0x1_0000,
        target_offset: 0x7FFF_FFFF_FFFF_0000,
        byte_count: -5,
        ex_size: 0x30,
        ex_flags: 5,
    };
    assert_eq!(request.claim(), Some(claim));
    assert_eq!(
        (request.remote(), request.same_stream()),
        (Ternary::No, Ternary::Yes)
    );
    assert_eq!(request.source_state(), SourceState::SameVolume);
    assert_eq!(
        (request.source_status(), request.source_reason()),
        (None, 0xC000_0017)
    );
    assert_eq!(request.granted_access(), Some(0x0012_0089));
    assert_eq!(
        (numbers(request.grounds()), request.refusal()),
        (vec![12, 22], Some(0xC000_000D))
    );
    assert_eq!(request.policy_revision(), 0x1112_1314_1516_1718);
    assert_eq!(
        (request.policy_match(), request.policy_rule()),
        (PolicyMatch::Flag, Some(7))
    );
}

#[test]
fn who_asked_for_a_clone_and_where() {
    let request = request(CLONE);
    assert_eq!(request.process(), PROCESS);
    let users = [request.effective_user(), request.primary_user()];
    let last = users.map(|user| user.sid.unwrap()[24..].to_vec());
    assert_eq!(last, [[0xE9, 3, 0, 0], [0xEA, 3, 0, 0]]);
    assert_eq!(users.map(|user| user.sid.unwrap().len()), [28, 28]);
    assert_eq!(request.volume(), volume());
    let source = SourceVolume {
        guid: Some(rising(0xB0)),
        reason: 0,
    };
    assert_eq!(request.source_volume(), source);
}

#[test]
fn the_files_of_a_clone() {
    let request = request(CLONE);
    let source = File {
        state: FactState::Known,
        reason: 0,
        kind: FileKind::Data,
        attributes: 0x220,
        end_of_file: 0x12_3456,
        allocation_size: 0x13_0000,
        id_state: FactState::Known,
        id: Some(rising(0x40)),
        id_reason: 0,
    };
    assert_eq!(request.source_file(), source);
    let target = request.target_file();
    assert_eq!(
        (target.state, target.reason),
        (FactState::Refused, 0xC000_009A)
    );
    assert_eq!(
        (target.id_state, target.id, target.id_reason),
        (FactState::Refused, None, 0xC000_0010)
    );
}

#[test]
fn the_names_of_a_clone() {
    let request = request(CLONE);
    let (image, parent) = (request.image(), request.parent_image());
    let (source, target) = (request.source(), request.target());
    let expected = [
        r"\Device\HarddiskVolume4\tools\copy.exe",
        r"\Device\HarddiskVolume4\Windows\explorer.exe",
        r"\Device\HarddiskVolume4\data\größe.bin",
        "\\Device\\HarddiskVolume4\\data\\",
    ];
    assert_eq!(texts([image, parent, source, target]), expected);
    let states = [image, parent, source, target].map(|name| name.state());
    let of_files = [NameState::Normalized, NameState::Opened];
    assert_eq!(states[..2], [NameState::Image, NameState::Image]);
    assert_eq!(states[2..], of_files);
    assert!(!source.is_truncated());
    assert_eq!((source.reason(), target.reason()), (0, 0xC01C_0005));
    assert_eq!((target.full_bytes(), target.is_truncated()), (4000, true));
    assert_eq!(target.units().last(), Some(u16::from(b'\\')));
}

#[test]
fn a_clone_that_has_not_ended_and_of_which_little_is_known() {
    let record = Record::parse(PENDING).unwrap();
    assert_eq!(record.class(), LossClass::Routine);
    let request = request(PENDING);
    let end = request.end();
    assert_eq!(end.outcome(), OutcomeKind::Pending);
    assert_eq!(
        (end.status(), end.information(), end.duration()),
        (None, None, None)
    );
    assert_eq!((end.deciding_rule(), request.claim()), (None, None));
    assert_eq!(request.source_status(), Some(0xC000_0008));
    assert_eq!(request.granted_access(), None);
    let process = request.process();
    assert_eq!((process.process_id, process.token_reason), (4, 0xC000_0022));
    assert_eq!((process.start_key, process.create_time), (None, None));
    assert_eq!((process.parent_id, process.parent_start_key), (None, None));
    assert_eq!((process.session_id, process.logon_id), (None, None));
    assert_eq!(process.integrity_level, None);
    let user = request.effective_user();
    assert_eq!((user.sid, user.reason), (None, 0xC000_0061));
    let volume = request.volume();
    assert_eq!(
        (volume.cluster_size, volume.cluster_reason),
        (None, 0xC000_000D)
    );
    assert_eq!(
        (volume.attributes, volume.attributes_reason),
        (None, 0xC000_009A)
    );
    assert_eq!((volume.guid, volume.guid_reason), (None, 0xC01C_001B));
    let source = request.source_volume();
    assert_eq!((source.guid, source.reason), (None, 0xC000_0001));
    assert_eq!(request.source_file().state, FactState::NotAsked);
    let image = request.image();
    assert_eq!(
        (image.state(), image.reason()),
        (NameState::Absent, 0xC000_0022)
    );
}

#[test]
fn a_request_that_was_only_seen() {
    let record = Record::parse(SEEN).unwrap();
    assert_eq!(record.kind(), RecordKind::Seen);
    let request = request(SEEN);
    assert_eq!(request.control_code(), 0x0009_0500);
    assert_eq!((request.input_length(), request.output_length()), (24, 8));
    assert_eq!(
        (request.bitness(), request.remote()),
        (Bitness::Bits32, Ternary::Yes)
    );
    let end = request.end();
    assert_eq!((end.outcome(), end.status()), (OutcomeKind::Draining, None));
    assert_eq!(end.duration(), Some(12));
}

#[test]
fn a_late_end() {
    let record = Record::parse(ENDED).unwrap();
    let pending = Record::parse(PENDING).unwrap();
    assert_eq!(record.request_number(), pending.request_number());
    let Body::Ended(ended) = record.body() else {
        panic!("{:?} is no end", record.body());
    };
    let end = ended.end();
    assert_eq!(
        (end.verdict(), end.outcome()),
        (Verdict::Flagged, OutcomeKind::Completed)
    );
    assert_eq!(end.source_after(), SourceAfter::Changed);
    assert_eq!(end.deciding_rule(), Some(RuleId::SOURCE_CHANGED));
    assert_eq!(numbers(end.rules()), [45]);
    assert_eq!((end.status(), end.information()), (Some(0x103), Some(7)));
    assert_eq!(end.duration(), Some(123_456_789));
}

#[test]
fn a_summary() {
    let summary = summary();
    let body = summary.body();
    assert_eq!(body.first_time, 0x01DC_5C00_0000_0001);
    assert_eq!(body.last_time, 0x01DC_5C00_0000_0902);
    assert_eq!((body.count.get(), body.completed.get()), (11, 8));
    assert_eq!((body.failed.get(), body.draining.get()), (2, 1));
    assert_eq!(
        (body.byte_count.get(), body.duration_sum.get()),
        (0x80_0000, 98_765)
    );
    assert_eq!(body.last_failure, 0xC000_048C);
    assert_eq!((body.window_seconds.get(), body.control_codes), (60, 3));
    assert_eq!((body.requestor_mode, body.bitness, body.remote), (1, 64, 1));
    assert_eq!(body.policy_revision, 0x1112_1314_1516_1718);
    assert_eq!(summary.process(), PROCESS);
    assert_eq!(summary.volume(), volume());
    assert_ne!(summary.effective_user(), summary.primary_user());
    let names = [
        summary.image(),
        summary.parent_image(),
        summary.source(),
        summary.target(),
    ];
    let expected = [
        r"\Device\HarddiskVolume4\tools\copy.exe",
        r"\Device\HarddiskVolume4\Windows\explorer.exe",
        r"\Device\HarddiskVolume4\data",
        r"\Device\HarddiskVolume4\copy",
    ];
    assert_eq!(texts(names), expected);
}
