//! From a draft to bytes that `wire` reads back.

use crate::common::{Case, Request, STARTED, encoded, ended};
use guard::{
    Bitness, ControlCode, EncodeError, Fact, Facts, FileKind, Journal, Matter, NAME_UNITS_MAX,
    Name, NameState, Outcome, OutcomeKind, PolicyEvent, PolicyMatch, PolicyNote, RECORD_SIZE_MAX,
    RequestorMode, RuleId, Seen, SeenCode, SourceAfter, SourceState, Verdict,
};
use wire::{BOOT_ID_SIZE, Batch, FactState, Record, RecordKind, Ternary};

/// The units of a text.
fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// A case of a valid EX request.
fn case() -> Case {
    Case::new(Request::valid(ControlCode::DuplicateEx, Bitness::Bits64).capture())
}

/// Encodes a draft and numbers it, which a record needs before it can be read.
fn numbered(draft: &guard::Draft<'_>) -> Vec<u8> {
    let mut bytes = encoded(draft);
    bytes[16] = 1;
    bytes
}

#[test]
fn wire_reads_back_what_the_draft_said() {
    let case = case();
    let (image, source, target) = (units("img.exe"), units(r"\a\ü"), units("\\b\\\u{1F980}"));
    let sid = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
    let mut draft = case.draft([&image, &source, &target]);
    draft.requestor.user_sid = Some(&sid);
    let bytes = numbered(&draft);
    let record = Record::parse(&bytes).unwrap();
    assert_eq!((record.sequence(), record.lost_before()), (1, 0));
    assert_eq!(record.verdict(), Verdict::Passed);
    assert_eq!(record.outcome(), OutcomeKind::Pending);
    assert_eq!(record.requestor_mode(), wire::Mode::User);
    assert_eq!(record.bitness(), wire::Bitness::Bits64);
    assert_eq!(record.source_state(), wire::SourceState::SameVolume);
    assert_eq!(
        (record.time(), record.duration()),
        (draft.requestor.time, STARTED)
    );
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
    assert_eq!((record.process_id(), record.thread_id()), (4321, 8765));
    assert_eq!((record.status(), record.information()), (None, None));
    assert_eq!((record.file_system(), record.volume_flags()), (28, 0x30));
    assert_eq!(record.cluster_size(), Some(0x1_0000));
    assert_eq!(record.user_sid(), Some(&sid[..]));
    assert_eq!(record.image().state(), NameState::Image);
    assert_eq!(record.image().text().to_string(), "img.exe");
    assert_eq!(record.source().text().to_string(), r"\a\ü");
    assert_eq!(record.target().units().collect::<Vec<_>>(), target);
}

#[test]
fn a_finding_without_a_claim_leaves_the_claim_unknown() {
    let mut request = Request::valid(ControlCode::Duplicate, Bitness::Bits32).capture();
    request.input_length = 31;
    let case = Case::new(request);
    let bytes = numbered(&case.draft([&[]; 3]));
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(record.claim(), None);
    assert_eq!(record.verdict(), Verdict::WouldRefuse);
    assert_eq!(record.deciding_rule().map(RuleId::number), Some(1));
    assert_eq!(record.rules().bits(), 1 << 1);
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
        let record = Record::parse(&bytes).unwrap();
        assert_eq!(record.source_state().name(), Some(expected));
        assert_eq!(
            (record.source_status(), record.granted_access()),
            (status, rights)
        );
        assert_eq!(record.cluster_size(), None);
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
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(record.same_stream(), Ternary::Yes);
    assert_eq!(record.volume_attributes(), Some(0x0800_0002));
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
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(record.volume_attributes(), None);
    assert_eq!(
        (record.volume_state(), record.volume_reason()),
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
    let record = Record::parse(&bytes).unwrap();
    let (source, target) = (record.source_file(), record.target_file());
    assert_eq!((source.state, source.reason), (FactState::NotAsked, 0));
    assert_eq!((target.state, target.reason), (FactState::Known, 0));
}

#[test]
fn policy_volume_and_origin_arrive() {
    let case = case();
    let mut draft = case.draft([&[]; 3]);
    let bytes = numbered(&draft);
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(record.policy_revision(), 9);
    assert_eq!(
        (record.policy_match(), record.policy_rule()),
        (PolicyMatch::Allow, Some(3))
    );
    assert_eq!(record.volume_guid(), Some([0xA7; 16]));
    assert_eq!(record.remote(), Ternary::Yes);
    let reasons = [
        record.cluster_reason(),
        record.guid_reason(),
        record.user_reason(),
    ];
    assert_eq!(reasons, [0x11, 0x12, 0x13]);
    draft.volume.guid = None;
    draft.requestor.remote = Some(false);
    let bytes = numbered(&draft);
    let record = Record::parse(&bytes).unwrap();
    assert_eq!((record.volume_guid(), record.remote()), (None, Ternary::No));
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
        let record = Record::parse(&bytes).unwrap();
        assert_eq!(record.requestor_mode(), expected);
    }
}

#[test]
fn another_code_is_seen_and_nothing_else_is_said() {
    let case = case();
    let draft = guard::Draft {
        matter: Matter::Seen(Seen {
            code: SeenCode::from_raw(0x0009_045C).unwrap(),
            input_length: 0x20,
            output_length: 8,
        }),
        ..case.draft([&[]; 3])
    };
    let bytes = numbered(&draft);
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(record.kind(), RecordKind::Seen);
    assert_eq!(record.control_code(), 0x0009_045C);
    assert_eq!((record.input_length(), record.output_length()), (0x20, 8));
    assert_eq!(
        (record.verdict(), record.deciding_rule()),
        (Verdict::Passed, None)
    );
    assert_eq!((record.claim(), record.process_id()), (None, 4321));
}

#[test]
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
fn a_note_on_a_policy_is_delivered_with_its_fault() {
    let mut journal = Journal::new(vec![0xEE; guard::JOURNAL_SIZE_MIN]).unwrap();
    let mut bytes = [0; guard::RECORD_SIZE_MIN];
    let note = PolicyNote {
        event: PolicyEvent::Faulty,
        revision: 4,
        fault: Some((77, 12)),
        status: 0,
        time: 5,
    };
    note.encode(&mut bytes).unwrap();
    journal.note(&bytes);
    let counters = journal.counters();
    assert_eq!((counters.seen.get(), counters.held.get()), (0, 1));
    let mut out = vec![0; guard::BATCH_SIZE_MIN];
    let filled = journal.fill_batch([1; BOOT_ID_SIZE], &mut out).unwrap();
    let batch = Batch::parse(&out[..filled.bytes]).unwrap();
    let record = batch.records().next().unwrap();
    assert_eq!((record.kind(), record.sequence()), (RecordKind::Policy, 1));
    assert_eq!(record.policy_event(), PolicyEvent::Faulty);
    assert_eq!(record.policy_fault(), Some((77, 12)));
    assert_eq!((record.policy_revision(), record.time()), (4, 5));
}

#[test]
fn a_source_that_changed_is_noted_at_the_end() {
    let changed = Outcome {
        source_after: SourceAfter::Changed,
        ..ended(0)
    };
    let ended_with = |case: &Case, outcome: &Outcome| {
        let mut journal = Journal::new(vec![0xEE; guard::JOURNAL_SIZE_MIN]).unwrap();
        let ticket = journal.reserve(&encoded(&case.draft([&[]; 3])));
        journal.complete(ticket, outcome).unwrap();
        let mut out = vec![0; guard::BATCH_SIZE_MIN];
        let filled = journal.fill_batch([1; BOOT_ID_SIZE], &mut out).unwrap();
        let batch = Batch::parse(&out[..filled.bytes]).unwrap();
        let record = batch.records().next().unwrap();
        let rules: Vec<u8> = record.rules().iter().map(RuleId::number).collect();
        (
            record.verdict(),
            record.deciding_rule().map(RuleId::number),
            rules,
        )
    };
    let passed = case();
    assert_eq!(
        ended_with(&passed, &ended(0)),
        (Verdict::Passed, None, vec![])
    );
    assert_eq!(
        ended_with(&passed, &changed),
        (Verdict::Flagged, Some(45), vec![45])
    );
    let mut short = Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture();
    short.input_length = 31;
    let refused = Case::new(short);
    let expected = (Verdict::WouldRefuse, Some(1), vec![1, 45]);
    assert_eq!(ended_with(&refused, &changed), expected);
}

#[test]
fn a_long_name_is_cut_but_not_inside_a_surrogate_pair() {
    let case = case();
    let crab = units("\u{1F980}");
    for (lead, stored) in [(NAME_UNITS_MAX, NAME_UNITS_MAX), (1023, 1023), (1022, 1024)] {
        let name = [vec![0x61; lead], crab.clone(), crab.clone()].concat();
        let bytes = numbered(&case.draft([&[], &name, &[]]));
        let record = Record::parse(&bytes).unwrap();
        assert_eq!(record.source().units().count(), stored);
        assert_eq!(usize::from(record.source().full_bytes()), name.len() * 2);
        assert!(record.source().is_truncated());
        assert!(!record.source().text().to_string().contains('\u{FFFD}'));
    }
    let exact = vec![0x61; NAME_UNITS_MAX];
    let bytes = numbered(&case.draft([&exact, &exact, &exact]));
    assert_eq!(bytes.len(), RECORD_SIZE_MAX);
    assert!(!Record::parse(&bytes).unwrap().target().is_truncated());
}

#[test]
fn the_first_and_the_last_pair_are_pairs() {
    let case = case();
    for pair in ["\u{10000}", "\u{103FF}", "\u{10FC00}", "\u{10FFFF}"] {
        let name = [vec![0x61; NAME_UNITS_MAX - 1], units(pair)].concat();
        let bytes = numbered(&case.draft([&[], &name, &[]]));
        let stored = Record::parse(&bytes).unwrap().source().units().count();
        assert_eq!(stored, NAME_UNITS_MAX - 1, "{}", pair.escape_unicode());
    }
}

#[test]
fn a_lone_surrogate_at_the_cut_stays() {
    let case = case();
    let mut name = vec![0x61; NAME_UNITS_MAX + 1];
    name[NAME_UNITS_MAX - 1] = 0xD800;
    let bytes = numbered(&case.draft([&[], &[], &name]));
    assert_eq!(
        Record::parse(&bytes).unwrap().target().units().count(),
        NAME_UNITS_MAX
    );
}

#[test]
fn a_name_beyond_any_unicode_string_still_gives_a_record() {
    let case = case();
    let name = vec![0x61; 40_000];
    let bytes = numbered(&case.draft([&[], &[], &name]));
    assert_eq!(Record::parse(&bytes).unwrap().target().full_bytes(), 0xFFFE);
}

#[test]
fn an_absent_name_has_a_reason_and_no_units() {
    let case = case();
    let stray = units("stray");
    let mut draft = case.draft([&[]; 3]);
    draft.names.source = Name::absent(0xC000_00BB);
    draft.names.target = Name {
        units: &stray,
        state: NameState::Absent,
        reason: 1,
    };
    let bytes = numbered(&draft);
    let record = Record::parse(&bytes).unwrap();
    assert_eq!(record.source().state(), NameState::Absent);
    assert_eq!(record.source().reason(), 0xC000_00BB);
    assert_eq!(
        (
            record.target().units().count(),
            record.target().full_bytes()
        ),
        (0, 0)
    );
}

#[test]
fn bytes_that_are_no_sid_are_an_unknown_user() {
    let case = case();
    let mut whole = [0; 68];
    (whole[0], whole[1]) = (1, 15);
    let mut beyond = [0; 72];
    (beyond[0], beyond[1]) = (1, 16);
    for (sid, known) in [
        (&[][..], false),
        (&[1][..], false),
        (&whole[..], true),
        (&whole[..67], false),
        (&beyond[..], false),
        (&[1, 0, 0, 0, 0, 0, 0, 5][..], true),
    ] {
        let mut draft = case.draft([&[]; 3]);
        draft.requestor.user_sid = Some(sid);
        let bytes = numbered(&draft);
        assert_eq!(
            Record::parse(&bytes).unwrap().user_sid(),
            known.then_some(sid)
        );
    }
}

#[test]
fn a_place_of_another_size_is_refused() {
    let case = case();
    let draft = case.draft([&[], &[], &[0x61]]);
    let size = draft.encoded_size();
    assert_eq!(size, 416);
    for other in [0, size - 1, size + 1, size + 8] {
        assert_eq!(
            draft.encode(&mut vec![0; other]),
            Err(EncodeError::WrongSize)
        );
    }
    let mut place = vec![0; size];
    assert_eq!(draft.encode(&mut place), Ok(()));
}

#[test]
fn success_is_a_completed_non_error_status() {
    for (status, success) in [
        (0, true),
        (0x103, true),
        (0x7FFF_FFFF, true),
        (0x8000_0005, false),
        (u32::MAX, false),
    ] {
        assert_eq!(ended(status).is_success(), success, "{status:#x}");
        assert!(
            !Outcome {
                kind: OutcomeKind::Draining,
                ..ended(status)
            }
            .is_success()
        );
    }
}

#[test]
fn the_end_of_a_request_joins_its_record() {
    let case = case();
    for (kind, status, information) in [
        (OutcomeKind::Completed, Some(0xC000_000D), Some(7)),
        (OutcomeKind::Draining, None, None),
        (OutcomeKind::Refused, Some(0xC000_000D), Some(7)),
    ] {
        let mut journal = Journal::new(vec![0xEE; guard::JOURNAL_SIZE_MIN]).unwrap();
        let ticket = journal.reserve(&encoded(&case.draft([&[]; 3])));
        journal
            .complete(
                ticket,
                &Outcome {
                    kind,
                    ..ended(0xC000_000D)
                },
            )
            .unwrap();
        let mut out = vec![0; guard::BATCH_SIZE_MIN];
        let filled = journal.fill_batch([1; BOOT_ID_SIZE], &mut out).unwrap();
        let batch = Batch::parse(&out[..filled.bytes]).unwrap();
        let record = batch.records().next().unwrap();
        assert_eq!((record.outcome(), record.duration()), (kind, 1234));
        assert_eq!(
            (record.status(), record.information()),
            (status, information)
        );
    }
}

#[test]
fn a_record_without_names_says_why_and_is_the_smallest() {
    let case = case();
    let name = units("some name");
    let draft = case.draft([&name; 3]).without_names(0xC000_009A);
    assert_eq!(draft.encoded_size(), guard::RECORD_SIZE_MIN);
    let bytes = numbered(&draft);
    let record = Record::parse(&bytes).unwrap();
    for name in [record.image(), record.source(), record.target()] {
        assert_eq!(
            (name.state(), name.reason(), name.full_bytes()),
            (NameState::Absent, 0xC000_009A, 0)
        );
    }
    assert_eq!(record.process_id(), 4321);
}

#[test]
fn a_clock_that_runs_backward_gives_no_duration() {
    let case = case();
    let mut journal = Journal::new(vec![0xEE; guard::JOURNAL_SIZE_MIN]).unwrap();
    let ticket = journal.reserve(&encoded(&case.draft([&[]; 3])));
    journal
        .complete(
            ticket,
            &Outcome {
                ended: STARTED - 1,
                ..ended(0)
            },
        )
        .unwrap();
    let mut out = vec![0; guard::BATCH_SIZE_MIN];
    let filled = journal.fill_batch([1; BOOT_ID_SIZE], &mut out).unwrap();
    let batch = Batch::parse(&out[..filled.bytes]).unwrap();
    assert_eq!(batch.records().next().unwrap().duration(), 0);
}
