//! From a draft to bytes that `wire` reads back.

use crate::common::{Case, Parts, Request, TIME, encoded, numbered, request};
use guard::{
    Bitness, ControlCode, EncodeError, Fact, Facts, FileKind, LossClass, Matter, PolicyMatch,
    RequestorMode, RuleId, Seen, SeenCode, SourceState, Verdict,
};
use wire::{FactState, Record, RecordKind, Ternary};

/// A case of a valid EX request.
fn case() -> Case {
    Case::new(Request::valid(ControlCode::DuplicateEx, Bitness::Bits64).capture())
}

#[test]
fn wire_reads_back_what_the_draft_said() {
    let case = case();
    let bytes = numbered(&case.draft([&[]; 3]));
    let record = Record::parse(&bytes).unwrap();
    assert_eq!((record.sequence(), record.lost_before()), (1, 0));
    assert_eq!((record.kind(), record.time()), (RecordKind::Clone, TIME));
    assert_eq!(
        (record.class(), record.request_number()),
        (LossClass::Routine, Some(1))
    );
    let record = request(&bytes);
    assert_eq!(record.end().verdict(), Verdict::Passed);
    assert_eq!(record.requestor_mode(), wire::Mode::User);
    assert_eq!(record.bitness(), wire::Bitness::Bits64);
    assert_eq!(record.source_state(), wire::SourceState::SameVolume);
    assert_eq!(record.control_code(), 0x983E8);
    assert_eq!((record.input_length(), record.output_length()), (0x30, 0));
    let claim = record.claim().unwrap();
    assert_eq!(
        (claim.source_offset, claim.target_offset),
        (0x1_0000, 0x2_0000)
    );
    assert_eq!(
        (claim.byte_count, claim.ex_size, claim.ex_flags),
        (0x3_0000, 0x30, 0)
    );
}

#[test]
fn a_request_that_has_not_ended_says_nothing_of_its_end() {
    let case = case();
    let bytes = numbered(&case.draft([&[]; 3]));
    let record = request(&bytes);
    let end = record.end();
    assert_eq!(end.outcome(), wire::OutcomeKind::Pending);
    assert_eq!(
        (end.status(), end.information(), end.duration()),
        (None, None, None)
    );
}

#[test]
fn a_finding_without_a_claim_leaves_the_claim_unknown() {
    let mut capture = Request::valid(ControlCode::Duplicate, Bitness::Bits32).capture();
    capture.input_length = 31;
    let case = Case::new(capture);
    let bytes = numbered(&case.draft([&[]; 3]));
    assert_eq!(Record::parse(&bytes).unwrap().class(), LossClass::Finding);
    let record = request(&bytes);
    assert_eq!(record.claim(), None);
    assert_eq!(record.end().verdict(), Verdict::WouldRefuse);
    assert_eq!(record.end().deciding_rule().map(RuleId::number), Some(1));
    assert_eq!(record.end().rules().bits(), 1 << 1);
    assert_eq!(record.bitness(), wire::Bitness::Bits32);
}

#[test]
fn each_source_state_arrives_with_its_status_and_rights() {
    for (source, expected, status, rights) in [
        (SourceState::SameVolume(5), "same_volume", None, Some(5)),
        (SourceState::OtherVolume(6), "other_volume", None, Some(6)),
        (SourceState::Foreign(7), "foreign", None, Some(7)),
        (
            SourceState::HandleRefused(9),
            "handle_refused",
            Some(9),
            None,
        ),
        (SourceState::NotInContext, "not_in_context", None, None),
        (SourceState::NotInspected(3), "not_inspected", None, None),
    ] {
        let mut case = case();
        case.facts = Facts {
            source,
            ..Facts::unknown(RequestorMode::User)
        };
        let bytes = numbered(&case.draft([&[]; 3]));
        let record = request(&bytes);
        assert_eq!(record.source_state().name(), Some(expected));
        assert_eq!(
            (record.source_status(), record.granted_access()),
            (status, rights)
        );
        assert_eq!(record.volume().cluster_size, None);
        let reason = u32::from(expected == "not_inspected") * 3;
        assert_eq!(record.source_reason(), reason);
    }
}

#[test]
fn facts_arrive_with_the_reason_if_unknown() {
    let mut case = case();
    case.facts.source_file = Fact::Refused(0xC000_0022);
    case.facts.same_stream = Some(true);
    let bytes = numbered(&case.draft([&[]; 3]));
    let record = request(&bytes);
    assert_eq!(record.same_stream(), Ternary::Yes);
    assert_eq!(record.volume().attributes, Some(0x0800_0002));
    let source = record.source_file();
    assert_eq!(
        (source.state, source.reason),
        (FactState::Refused, 0xC000_0022)
    );
    let target = record.target_file();
    assert_eq!(
        (target.state, target.kind),
        (FactState::Known, FileKind::Data)
    );
    assert_eq!(
        (
            target.attributes,
            target.end_of_file,
            target.allocation_size
        ),
        (0x20, 0x10_0000, 0x10_0000)
    );
    case.facts = Facts::unknown(RequestorMode::User);
    case.facts.volume = Fact::Refused(0xC000_009A);
    let bytes = numbered(&case.draft([&[]; 3]));
    let record = request(&bytes);
    assert_eq!(record.volume().attributes, None);
    assert_eq!(
        (record.volume().state, record.volume().attributes_reason),
        (FactState::Refused, 0xC000_009A)
    );
    assert_eq!(record.target_file().state, FactState::NotAsked);
    assert_eq!(record.same_stream(), Ternary::Unasked);
}

#[test]
fn a_fact_that_is_known_or_was_not_asked_for_has_no_reason() {
    let mut case = case();
    case.facts.source_file = Fact::NotAsked;
    let bytes = numbered(&case.draft([&[]; 3]));
    let record = request(&bytes);
    let (source, target) = (record.source_file(), record.target_file());
    assert_eq!((source.state, source.reason), (FactState::NotAsked, 0));
    assert_eq!((target.state, target.reason), (FactState::Known, 0));
}

#[test]
fn policy_volumes_files_and_origin_arrive() {
    let case = case();
    let mut draft = case.draft([&[]; 3]);
    let bytes = numbered(&draft);
    let record = request(&bytes);
    assert_eq!(record.policy_revision(), 9);
    assert_eq!(
        (record.policy_match(), record.policy_rule()),
        (PolicyMatch::Allow, Some(3))
    );
    assert_eq!(record.remote(), Ternary::Yes);
    let volume = record.volume();
    assert_eq!((volume.file_system, volume.setup_flags), (28, 0x30));
    assert_eq!(
        (volume.cluster_size, volume.guid),
        (Some(0x1_0000), Some([0xA7; 16]))
    );
    assert_eq!((volume.cluster_reason, volume.guid_reason), (0x11, 0x12));
    let source_volume = record.source_volume();
    assert_eq!(
        (source_volume.guid, source_volume.reason),
        (Some([0xB8; 16]), 0)
    );
    let (source, target) = (record.source_file(), record.target_file());
    assert_eq!(
        (source.id_state, source.id),
        (FactState::Known, Some([0x51; 16]))
    );
    assert_eq!((target.id_state, target.id), (FactState::Refused, None));
    assert_eq!((source.id_reason, target.id_reason), (0, 0xC000_0010));
    draft.places.volume.guid = None;
    draft.places.source_volume = Fact::Refused(5);
    draft.places.source_id = Fact::NotAsked;
    draft.requestor.remote = Some(false);
    let bytes = numbered(&draft);
    let record = request(&bytes);
    assert_eq!((record.volume().guid, record.remote()), (None, Ternary::No));
    let source_volume = record.source_volume();
    assert_eq!((source_volume.guid, source_volume.reason), (None, 5));
    assert_eq!(record.source_file().id_state, FactState::NotAsked);
}

#[test]
fn each_mode_of_the_requestor_arrives() {
    for (mode, expected) in [
        (RequestorMode::Kernel, wire::Mode::Kernel),
        (RequestorMode::User, wire::Mode::User),
    ] {
        let case = case();
        let mut draft = case.draft([&[]; 3]);
        draft.requestor.mode = mode;
        let bytes = numbered(&draft);
        let record = request(&bytes);
        assert_eq!(record.requestor_mode(), expected);
    }
}

#[test]
fn another_code_is_seen_and_nothing_else_is_said() {
    let case = case();
    let draft = Parts {
        matter: Matter::Seen(Seen {
            code: SeenCode::from_raw(0x0009_045C).unwrap(),
            input_length: 0x20,
            output_length: 8,
        }),
        ..case.draft([&[]; 3])
    };
    let bytes = numbered(&draft);
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(
        (record.kind(), record.class()),
        (RecordKind::Seen, LossClass::Routine)
    );
    let record = request(&bytes);
    assert_eq!(record.control_code(), 0x0009_045C);
    assert_eq!((record.input_length(), record.output_length()), (0x20, 8));
    let end = record.end();
    assert_eq!(
        (end.verdict(), end.deciding_rule()),
        (Verdict::Passed, None)
    );
    assert_eq!((record.claim(), record.process().process_id), (None, 4321));
}

#[test]
fn only_what_passed_is_routine() {
    let mut case = case();
    for verdict in Verdict::KNOWN {
        case.judgement.verdict = *verdict;
        let expected = if *verdict == Verdict::Passed {
            LossClass::Routine
        } else {
            LossClass::Finding
        };
        let draft = case.draft([&[]; 3]);
        assert_eq!(draft.as_draft().class(), expected, "{verdict:?}");
        assert_eq!(encoded(&draft)[9], expected.raw(), "{verdict:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "a million codes, one by one")]
fn exactly_three_other_codes_are_seen() {
    let seen = (0..0x10_0000).filter_map(SeenCode::from_raw);
    let codes: Vec<u32> = seen.map(SeenCode::raw).collect();
    assert_eq!(codes, [0x0009_0430, 0x0009_0440, 0x0009_045C]);
    assert!(
        codes
            .iter()
            .all(|code| ControlCode::from_raw(*code).is_none())
    );
}

#[test]
fn a_record_lies_at_the_start_of_its_place_and_a_smaller_one_is_refused() {
    let case = case();
    let parts = case.draft([&[], &[], &[0x61]]);
    let draft = parts.as_draft();
    let size = draft.encoded_size();
    assert_eq!(size, guard::RECORD_SIZE_MIN + 8);
    for smaller in [0, size - 8, size - 1] {
        assert_eq!(
            draft.encode(&mut vec![0; smaller]),
            Err(EncodeError::WrongSize)
        );
    }
    let alone = encoded(&parts);
    for room in [size, size + 1, size + 800] {
        let mut place = vec![0xEE; room];
        assert_eq!(draft.encode(&mut place), Ok(&alone[..]));
        let behind = &place[size..];
        assert!(
            behind.iter().all(|byte| *byte == 0xEE),
            "nothing is touched behind it"
        );
    }
}
