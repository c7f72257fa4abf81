//! The end of a request, in its record and late.

use crate::common::{Case, Request, STARTED, TIME, encoded, ended, journal, note};
use core::sync::atomic::AtomicU64;
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
    let ticket = journal.reserve(draft.as_draft().class(), &encoded(&draft));
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
    let ticket = journal.reserve(draft.as_draft().class(), &encoded(&draft));
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

/// A request that passed, and whose record was lost; then a finding of its end, as it is told.
fn found(journal: &guard::Journal<Box<[AtomicU64]>>, class: LossClass, outcome: &Outcome) {
    let case = case();
    let record = encoded(&case.draft([&[]; 3]));
    let ticket = core::iter::repeat_with(|| journal.reserve(class, &record))
        .find(|ticket| ticket.is_lost())
        .unwrap();
    journal.complete(ticket, outcome).unwrap();
}

const CHANGED: Outcome = Outcome {
    source_after: SourceAfter::Changed,
    ..ended(0)
};

/// Losses by class, whatever the cause.
fn losses(journal: &guard::Journal<Box<[AtomicU64]>>) -> [u64; 3] {
    let losses = journal.counters().losses;
    losses.map(|causes| causes.iter().map(|count| count.get()).sum())
}

#[test]
fn what_only_the_end_finds_is_told_though_the_record_was_lost() {
    let (journal, _) = journal(JOURNAL_SIZE_MIN);
    found(&journal, LossClass::Routine, &ended(0));
    let held = journal.counters().held.get();
    assert_eq!(losses(&journal), [1, 0, 0], "nothing was found");
    found(&journal, LossClass::Routine, &CHANGED);
    assert_eq!(
        losses(&journal),
        [2, 0, 0],
        "the routine record, and no finding"
    );
    assert_eq!(journal.counters().held.get(), held + 1);
    // Only without any room it is lost, as what it is.
    found(&journal, LossClass::Finding, &ended(0));
    while journal.offer(LossClass::Finding, &note(1, 0)) {}
    found(&journal, LossClass::Routine, &CHANGED);
    assert_eq!(losses(&journal), [3, 2, 0]);
    // A finding that was lost is counted as one already.
    found(&journal, LossClass::Finding, &CHANGED);
    assert_eq!(losses(&journal), [3, 3, 0]);
    assert!(journal.counters().is_balanced());
}

#[test]
fn a_finding_without_its_request_says_what_it_is() {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    found(&journal, LossClass::Routine, &CHANGED);
    let mut out = vec![0; 0x10000];
    let late = STARTED + LATE_AFTER + 1;
    let filled = journal
        .fill_batch(&mut reader, BOOT, late, &mut out)
        .unwrap();
    let batch = Batch::parse(&out[..filled.bytes]).unwrap();
    let numbers: Vec<_> = batch
        .records()
        .map(|record| record.request_number())
        .collect();
    let mut told = batch
        .records()
        .filter(|record| record.kind() == RecordKind::Ended);
    let record = told.next().expect("it is told");
    assert!(told.next().is_none());
    check_found(&record);
    let number = record.request_number();
    assert!(number.is_some(), "a number of its own");
    assert_eq!(numbers.iter().filter(|other| **other == number).count(), 1);
}

/// A record that tells of a finding, and of nothing that is not known.
fn check_found(record: &wire::Record<'_>) {
    assert_eq!(
        (record.class(), record.time()),
        (LossClass::Finding, TIME + 1234)
    );
    let Body::Ended(told) = record.body() else {
        panic!("{record:?}");
    };
    let end = told.end();
    assert_eq!(end.verdict(), Verdict::Flagged);
    let rules: Vec<u8> = end.rules().iter().map(RuleId::number).collect();
    assert_eq!(
        (rules, end.source_after()),
        (vec![45], SourceAfter::Changed)
    );
    assert_eq!((end.status(), end.information()), (Some(0), Some(7)));
    assert_eq!(end.duration(), Some(0), "not known");
}

/// The record has left, and there was no room to keep anything of it.
#[test]
fn what_the_end_of_an_unkept_request_finds_is_told() {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    let (case, mut out) = (case(), vec![0; 0x10000]);
    let record = encoded(&case.draft([&[]; 3]));
    let late = STARTED + LATE_AFTER + 1;
    // As many as there are entries, and one.
    let tickets = [(); 5].map(|()| journal.reserve(LossClass::Routine, &record));
    let filled = journal
        .fill_batch(&mut reader, BOOT, late, &mut out)
        .unwrap();
    assert_eq!(filled.records, 5);
    let batch = Batch::parse(&out[..filled.bytes]).unwrap();
    let number = batch.records().last().unwrap().request_number();
    journal.acknowledge(&mut reader, 5).unwrap();
    journal.complete(tickets[4], &CHANGED).unwrap();
    assert_eq!(losses(&journal), [0; 3]);
    let filled = journal
        .fill_batch(&mut reader, BOOT, late, &mut out)
        .unwrap();
    let batch = Batch::parse(&out[..filled.bytes]).unwrap();
    let told = batch.records().next().unwrap();
    check_found(&told);
    assert_eq!(told.request_number(), number, "of that request");
}
