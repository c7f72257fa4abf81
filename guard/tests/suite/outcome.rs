//! The end of a request, in its record and late.

use crate::common::{Case, Request, STARTED, TIME, encoded, ended, journal};
use guard::{
    Bitness, ControlCode, JOURNAL_SIZE_MIN, LATE_AFTER, LossClass, Outcome, OutcomeKind, RuleId,
    SourceAfter, Verdict,
};
use wire::{BOOT_ID_SIZE, Batch, Body, RecordKind};

const BOOT: [u8; BOOT_ID_SIZE] = [1; BOOT_ID_SIZE];

/// A case of a valid EX request.
fn case() -> Case {
    Case::new(Request::valid(ControlCode::DuplicateEx, Bitness::Bits64).capture())
}

/// A case of a request that is too short.
fn short() -> Case {
    let mut short = Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture();
    short.input_length = 31;
    Case::new(short)
}

/// The batch with the record of a request that ended so.
fn delivered(case: &Case, outcome: &Outcome) -> Vec<u8> {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    let draft = case.draft([&[]; 3]);
    let ticket = journal.reserve(draft.class(), &encoded(&draft));
    journal.complete(ticket, outcome).unwrap();
    let mut out = vec![0; guard::BATCH_SIZE_MIN];
    let filled = journal.fill_batch(&mut reader, BOOT, 0, &mut out).unwrap();
    out.truncate(filled.bytes);
    out
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
    for (kind, status, information) in [
        (OutcomeKind::Completed, Some(0xC000_000D), Some(7)),
        (OutcomeKind::Draining, None, None),
        (OutcomeKind::Refused, Some(0xC000_000D), Some(7)),
    ] {
        let outcome = Outcome {
            kind,
            ..ended(0xC000_000D)
        };
        let bytes = delivered(&case(), &outcome);
        let record = Batch::parse(&bytes).unwrap().records().next().unwrap();
        assert_eq!((record.time(), record.request_number()), (TIME, Some(1)));
        let end = record.request().unwrap().end();
        assert_eq!((end.outcome(), end.duration()), (kind, Some(1234)));
        assert_eq!((end.status(), end.information()), (status, information));
    }
}

#[test]
fn a_clock_that_runs_backward_gives_no_duration() {
    let outcome = Outcome {
        ended: STARTED - 1,
        ..ended(0)
    };
    let bytes = delivered(&case(), &outcome);
    let record = Batch::parse(&bytes).unwrap().records().next().unwrap();
    assert_eq!(record.request().unwrap().end().duration(), Some(0));
}

#[test]
fn a_source_that_changed_is_noted_at_the_end() {
    let changed = Outcome {
        source_after: SourceAfter::Changed,
        ..ended(0)
    };
    let verdict_of = |case: &Case, outcome: &Outcome| {
        let bytes = delivered(case, outcome);
        let record = Batch::parse(&bytes).unwrap().records().next().unwrap();
        let end = record.request().unwrap().end();
        let rules: Vec<u8> = end.rules().iter().map(RuleId::number).collect();
        let deciding = end.deciding_rule().map(RuleId::number);
        (record.class(), end.verdict(), deciding, rules)
    };
    let passed = (LossClass::Routine, Verdict::Passed, None, vec![]);
    assert_eq!(verdict_of(&case(), &ended(0)), passed);
    let flagged = (LossClass::Finding, Verdict::Flagged, Some(45), vec![45]);
    assert_eq!(verdict_of(&case(), &changed), flagged);
    let refused = (
        LossClass::Finding,
        Verdict::WouldRefuse,
        Some(1),
        vec![1, 45],
    );
    assert_eq!(verdict_of(&short(), &changed), refused);
}

/// Two batches: the record of a request that is overdue, and the same with the end told behind it.
fn late(case: &Case) -> [Vec<u8>; 2] {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    let draft = case.draft([&[]; 3]);
    let ticket = journal.reserve(draft.class(), &encoded(&draft));
    let mut out = vec![0; guard::BATCH_SIZE_MIN];
    let mut fill = |now| {
        let filled = journal.fill_batch(&mut reader, BOOT, now, &mut out);
        out[..filled.unwrap().bytes].to_vec()
    };
    let early = fill(STARTED + LATE_AFTER);
    assert_eq!(Batch::parse(&early).unwrap().record_count(), 0);
    let late = fill(STARTED + LATE_AFTER + 1);
    journal.complete(ticket, &ended(0xC000_000D)).unwrap();
    assert!(journal.complete(ticket, &ended(0)).is_err(), "good once");
    [late, fill(0)]
}

#[test]
fn a_late_record_goes_without_its_end_for_good() {
    let [late, both] = late(&case());
    let record = Batch::parse(&late).unwrap().records().next().unwrap();
    assert_eq!((record.kind(), record.sequence()), (RecordKind::Clone, 1));
    let end = record.request().unwrap().end();
    assert_eq!(end.outcome(), OutcomeKind::Pending);
    assert_eq!(end.duration, 0, "the clock is nobody else's");
    let again = Batch::parse(&both).unwrap().records().next().unwrap();
    assert_eq!(again.bytes(), record.bytes());
}

#[test]
fn a_late_end_is_a_record_of_its_own() {
    for (case, class) in [(case(), LossClass::Routine), (short(), LossClass::Finding)] {
        let [_, both] = late(&case);
        let mut records = Batch::parse(&both).unwrap().records();
        let record = records.next().unwrap();
        let end = record.request().unwrap().end();
        let told = records.next().unwrap();
        assert_eq!((told.kind(), told.class()), (RecordKind::Ended, class));
        assert_eq!((told.sequence(), told.time()), (2, TIME + 1234));
        assert_eq!(told.request_number(), record.request_number());
        let Body::Ended(told) = told.body() else {
            panic!("{told:?}");
        };
        let told = told.end();
        assert_eq!((told.verdict(), told.rules()), (end.verdict(), end.rules()));
        assert_eq!(told.deciding_rule(), end.deciding_rule());
        assert_eq!(told.outcome(), OutcomeKind::Completed);
        assert_eq!(told.status(), Some(0xC000_000D));
        assert_eq!((told.information(), told.duration()), (Some(7), Some(1234)));
        assert!(records.next().is_none());
    }
}
