//! Frozen bytes of every kind of message. They were written from the tables of `docs/wire.md` by
//! another program, so that reader and writer cannot be wrong in the same way.

use wire::{
    Ack, Batch, BatchHead, Bitness, Claim, ConnectRequest, Counters, FactState, File, FileKind,
    Mode, NAMES, NameHead, NameState, OutcomeKind, PolicyEvent, PolicyMatch, Record, RecordHead,
    RecordKind, Request, RuleId, SourceAfter, SourceState, Ternary, Verdict,
};
use zerocopy::{FromBytes as _, IntoBytes as _};

const CONNECT: &[u8] = include_bytes!("../golden/connect-watch.bin");
const ACK: &[u8] = include_bytes!("../golden/ack.bin");
const RECORD: &[u8] = include_bytes!("../golden/record-clone.bin");
const BATCH: &[u8] = include_bytes!("../golden/batch.bin");
const HEARTBEAT: &[u8] = include_bytes!("../golden/heartbeat.bin");

/// The boot id of all golden files.
fn boot_id() -> [u8; 16] {
    core::array::from_fn(|index| 0x10 + u8::try_from(index).unwrap())
}

#[test]
fn connect_request() {
    let (boot_id, after_sequence) = (boot_id(), 0x0102_0304_0506_0708);
    let request = Request::Watch {
        boot_id,
        after_sequence,
    };
    assert_eq!(ConnectRequest::parse(CONNECT), Ok(request));
    assert_eq!(
        ConnectRequest::watch(boot_id, after_sequence).as_bytes(),
        CONNECT
    );
}

#[test]
fn acknowledgement() {
    let ack = Ack::parse(ACK).unwrap();
    assert_eq!(
        (ack.boot_id(), ack.through_sequence()),
        (boot_id(), 0x0102_0304_0506_0708)
    );
    assert_eq!(Ack::new(ack.boot_id(), ack.through_sequence()).bytes(), ACK);
}

#[test]
fn record_values() {
    let record = Record::parse(RECORD).unwrap();
    assert_eq!(record.bytes(), RECORD);
    assert_eq!(record.kind(), RecordKind::Clone);
    assert_eq!(record.verdict(), Verdict::WouldRefuse);
    assert_eq!(
        (record.requestor_mode(), record.bitness()),
        (Mode::User, Bitness::Bits64)
    );
    assert_eq!(record.outcome(), OutcomeKind::Completed);
    assert_eq!((record.sequence(), record.lost_before()), (41, 2));
    assert_eq!(
        (record.time(), record.duration()),
        (0x01DC_5C00_1234_5678, 4567)
    );
    assert_eq!(record.control_code(), 0x0009_83E8);
    assert_eq!((record.input_length(), record.output_length()), (0x30, 0));
    let claim = Claim {
        source_offset: 0x1_0000,
        target_offset: 0x7FFF_FFFF_FFFF_0000,
        byte_count: -5,
        ex_size: 0x30,
        ex_flags: 5,
    };
    assert_eq!(record.claim(), Some(claim));
    let rules: Vec<u8> = record.rules().iter().map(RuleId::number).collect();
    assert_eq!(rules, [12, 22, 30, 32]);
    assert_eq!(record.deciding_rule(), Some(RuleId::UNALIGNED_COUNT));
    assert_eq!((record.process_id(), record.thread_id()), (4321, 8765));
    assert_eq!(
        (record.status(), record.information()),
        (Some(0xC000_000D), Some(0))
    );
    assert_eq!(
        (record.source_state(), record.source_status()),
        (SourceState::SameVolume, None)
    );
    assert_eq!((record.file_system(), record.volume_flags()), (28, 0x31));
    assert_eq!(record.cluster_size(), Some(0x1_0000));
    assert_eq!(record.user_sid().map(<[u8]>::len), Some(28));
}

#[test]
fn record_facts() {
    let record = Record::parse(RECORD).unwrap();
    let grounds: Vec<u8> = record.grounds().iter().map(RuleId::number).collect();
    assert_eq!(
        (grounds, record.refusal()),
        (vec![12, 22], Some(0xC000_000D))
    );
    assert_eq!(record.policy_revision(), 0x1112_1314_1516_1718);
    assert_eq!(
        (record.policy_match(), record.policy_rule()),
        (PolicyMatch::Flag, Some(7))
    );
    assert_eq!(
        (record.policy_event(), record.policy_fault()),
        (PolicyEvent::Other, None)
    );
    assert_eq!(record.granted_access(), Some(0x0012_0089));
    assert_eq!(
        (record.remote(), record.same_stream()),
        (Ternary::No, Ternary::Yes)
    );
    assert_eq!(record.volume_attributes(), Some(0x0804_00CE));
    assert_eq!(record.source_after(), SourceAfter::Same);
}

#[test]
fn record_reasons() {
    let record = Record::parse(RECORD).unwrap();
    let reasons = [
        record.source_reason(),
        record.cluster_reason(),
        record.guid_reason(),
        record.user_reason(),
    ];
    assert_eq!(
        reasons,
        [0xC000_0017, 0xC000_000D, 0xC01C_001B, 0xC000_0061]
    );
    let guid = core::array::from_fn(|index| 0xA0 + u8::try_from(index).unwrap());
    assert_eq!(record.volume_guid(), Some(guid));
}

#[test]
fn record_files() {
    let record = Record::parse(RECORD).unwrap();
    let source = File {
        state: FactState::Known,
        reason: 0,
        kind: FileKind::Data,
        attributes: 0x220,
        end_of_file: 0x12_3456,
        allocation_size: 0x13_0000,
    };
    assert_eq!(record.source_file(), source);
    let target = record.target_file();
    assert_eq!(
        (target.state, target.reason),
        (FactState::Refused, 0xC000_009A)
    );
}

#[test]
fn record_names() {
    let record = Record::parse(RECORD).unwrap();
    assert_eq!(
        record.image().text().to_string(),
        r"\Device\HarddiskVolume4\tools\copy.exe"
    );
    assert_eq!(
        (record.image().state(), record.image().reason()),
        (NameState::Image, 0)
    );
    assert_eq!(
        record.source().text().to_string(),
        r"\Device\HarddiskVolume4\data\größe.bin"
    );
    assert!(!record.source().is_truncated());
    let target = record.target();
    assert_eq!(
        (target.state(), target.reason()),
        (NameState::Opened, 0xC01C_0005)
    );
    assert_eq!((target.full_bytes(), target.is_truncated()), (4000, true));
    assert_eq!(target.units().last(), Some(u16::from(b'\\')));
}

#[test]
fn writing_the_parts_gives_the_same_record() {
    let record = Record::parse(RECORD).unwrap();
    let (head, _) = RecordHead::read_from_prefix(RECORD).unwrap();
    let cleared = RecordHead {
        total_size: 0.into(),
        head_size: 0.into(),
        names: head.names.map(|name| NameHead {
            stored_bytes: 0.into(),
            ..name
        }),
        ..head
    };
    let names: [Vec<u16>; NAMES] =
        [record.image(), record.source(), record.target()].map(|name| name.units().collect());
    let names = names.each_ref().map(Vec::as_slice);
    assert_eq!(wire::record_size(&names), Some(RECORD.len()));
    let mut out = vec![0xEE; RECORD.len()];
    assert_eq!(wire::write_record(&cleared, &names, &mut out), Some(()));
    assert_eq!(out, RECORD);
    assert_eq!(
        wire::write_record(&cleared, &names, &mut vec![0; RECORD.len() + 8]),
        None
    );
    assert_eq!(wire::write_record(&cleared, &names, &mut out[8..]), None);
}

#[test]
fn batch_of_two() {
    let batch = Batch::parse(BATCH).unwrap();
    assert_eq!(batch.boot_id(), boot_id());
    assert_eq!(
        (batch.first_sequence(), batch.last_sequence()),
        (Some(41), Some(42))
    );
    assert_eq!(batch.record_count(), 2);
    let records: Vec<Record<'_>> = batch.records().collect();
    assert_eq!(records[0].bytes(), RECORD);
    let second = &records[1];
    assert_eq!((second.sequence(), second.lost_before()), (42, 0));
    assert_eq!((second.claim(), second.deciding_rule()), (None, None));
    assert_eq!(
        (second.outcome(), second.status()),
        (OutcomeKind::Draining, None)
    );
    assert_eq!(second.source_status(), Some(0xC000_0008));
    assert_eq!((second.user_sid(), second.cluster_size()), (None, None));
    assert_eq!(
        (second.image().state(), second.image().reason()),
        (NameState::Absent, 0xC000_0022)
    );
}

#[test]
fn counters_of_a_heartbeat() {
    let batch = Batch::parse(HEARTBEAT).unwrap();
    assert_eq!(
        (batch.first_sequence(), batch.last_sequence()),
        (None, None)
    );
    assert_eq!(batch.records().count(), 0);
    let expected = Counters {
        seen: 50.into(),
        completed: 40.into(),
        failed: 3.into(),
        refused: 0.into(),
        not_inspected: 1.into(),
        in_flight: 6.into(),
        delivered: 38.into(),
        lost: 4.into(),
        held: 7.into(),
    };
    assert_eq!(batch.counters(), &expected);
    assert_eq!(BatchHead::new(boot_id(), expected).as_bytes(), HEARTBEAT);
    assert!(expected.is_balanced());
    assert_eq!(expected.last_sequence(), Some(49));
}

#[test]
fn sums_that_do_not_hold_are_seen() {
    let batch = Batch::parse(HEARTBEAT).unwrap();
    let counters = Counters {
        seen: 51.into(),
        ..*batch.counters()
    };
    assert!(!counters.is_balanced());
    let counters = Counters {
        failed: u64::MAX.into(),
        ..counters
    };
    assert!(!counters.is_balanced());
    let counters = Counters {
        lost: u64::MAX.into(),
        ..counters
    };
    assert_eq!(counters.last_sequence(), None);
}
