//! Which requests can be told of in a summary, and which of them together.

use std::sync::LazyLock;

use crate::common::{Case, IDENTITY, Parts, Request, STARTED, journal, units};
use guard::{
    Begun, Bitness, ControlCode, EncodeError, Fact, Flight, JOURNAL_SIZE_MIN, Matter,
    NAME_UNITS_MAX, Name, Process, Seen, SeenCode, Summaries, SummaryEntry, SummaryTicket,
    TokenFacts, Verdict,
};

const SOURCE: &str = r"\Device\Volume1\from\file:stream";
const TARGET: &str = r"\Device\Volume1\to\file";
const OTHER_PROCESS: Process = Process {
    start_key: 1,
    ..*IDENTITY.process
};
const OTHER_TOKEN: TokenFacts = TokenFacts {
    logon_id: None,
    ..*IDENTITY.token
};

fn case() -> Case {
    Case::new(Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture())
}

/// Runs a check on the draft of a passed clone between two directories.
fn with_draft<R>(case: &Case, check: impl FnOnce(Parts<'_>) -> R) -> R {
    let [image, source, target] = ["image", SOURCE, TARGET].map(units);
    check(case.draft([&image, &source, &target]))
}

/// Whether a draft can be told of in a summary. Both ways to ask agree.
fn can(parts: &Parts<'_>) -> bool {
    let draft = parts.as_draft();
    let size = draft.passed_size();
    let passed = draft.pass(60, vec![0; size.unwrap_or(500)]);
    assert_eq!(passed.is_ok(), size.is_some());
    size.is_some()
}

#[test]
fn only_passed_clones_with_whole_directories() {
    let mut case = case();
    assert!(with_draft(&case, |draft| can(&draft)));
    with_draft(&case, |mut draft| {
        draft.matter = Matter::Seen(Seen {
            code: SeenCode::from_raw(0x0009_045C).unwrap(),
            input_length: 0,
            output_length: 0,
        });
        assert!(!can(&draft), "another code");
    });
    for side in 0..2 {
        let long = [vec![0x61; NAME_UNITS_MAX], units(r"\file")].concat();
        let longer = [vec![0x61; NAME_UNITS_MAX + 1], units(r"\file")].concat();
        for (name, whole) in [(long, true), (longer, false), (units("file"), false)] {
            let mut names = ["image", SOURCE, TARGET].map(units);
            names[1 + side] = name;
            let draft = case.draft(names.each_ref().map(Vec::as_slice));
            assert_eq!(can(&draft), whole, "{:?}", names.each_ref().map(Vec::len));
        }
        with_draft(&case, |mut draft| {
            let names = &mut draft.names;
            *[&mut names.source, &mut names.target][side] = Name::absent(1);
            assert!(!can(&draft), "no name");
        });
    }
    for verdict in Verdict::KNOWN {
        case.judgement.verdict = *verdict;
        let passed = *verdict == Verdict::Passed;
        assert_eq!(
            with_draft(&case, |draft| can(&draft)),
            passed,
            "{verdict:?}"
        );
    }
}

#[test]
fn a_buffer_of_another_size_is_refused() {
    with_draft(&case(), |parts| {
        let draft = parts.as_draft();
        let size = draft.passed_size().unwrap();
        for other in [0, size - 1, size + 8] {
            let wrong = draft.pass(60, vec![0; other]).err();
            assert_eq!(wrong, Some(EncodeError::WrongSize));
        }
    });
}

/// Whether a request that differs so joins the plain one.
fn joins(change: impl FnOnce(&mut Parts<'_>)) -> bool {
    let (journal, _) = journal(JOURNAL_SIZE_MIN);
    let entries: Vec<_> = (0..64).map(|_| SummaryEntry::default()).collect();
    let mut table = Summaries::new(entries, vec![Flight::default(); 8]);
    let case = case();
    with_draft(&case, |mut draft| {
        let mut begin = |parts: &Parts<'_>| {
            let draft = parts.as_draft();
            let record = vec![0; draft.passed_size().unwrap()];
            table.begin(&journal, draft.pass(60, record).unwrap())
        };
        assert!(matches!(begin(&draft), Begun::Opened(_)));
        change(&mut draft);
        match begin(&draft) {
            Begun::Opened(_) => false,
            Begun::Joined(..) => true,
            Begun::Full(_) => panic!("there is room"),
        }
    })
}

#[test]
fn what_is_told_together_is_of_one_kind() {
    static FILE: LazyLock<Vec<u16>> = LazyLock::new(|| units(r"\Device\Volume1\from\another"));
    static ELSEWHERE: LazyLock<Vec<u16>> =
        LazyLock::new(|| units(r"\Device\Volume1\elsewhere\file"));
    assert!(joins(|_| {}));
    assert!(
        joins(|draft| draft.names.source.units = &FILE),
        "another file of the directory"
    );
    assert!(joins(|draft| draft.requestor.identity.thread_id = 1));
    assert!(joins(|draft| draft.requestor.time += 5));
    assert!(joins(
        |draft| draft.requestor.started = STARTED + 60 * 10_000_000 - 1
    ));
    assert!(joins(|draft| draft.places.source_id = Fact::NotAsked));
    assert!(!joins(
        |draft| draft.requestor.started = STARTED + 60 * 10_000_000
    ));
    assert!(!joins(|draft| draft.names.source.units = &ELSEWHERE));
    assert!(!joins(|draft| draft.names.target.units = &ELSEWHERE));
    assert!(!joins(|draft| draft.names.image.reason = 1));
    assert!(!joins(
        |draft| draft.requestor.identity.process = &OTHER_PROCESS
    ));
    assert!(!joins(|draft| draft.requestor.identity.primary.reason = 1));
    assert!(!joins(|draft| draft.requestor.identity.effective.sid = None));
    assert!(!joins(|draft| draft.requestor.identity.token = &OTHER_TOKEN));
    assert!(!joins(
        |draft| draft.requestor.mode = guard::RequestorMode::Kernel
    ));
    assert!(!joins(|draft| draft.requestor.remote = None));
    assert!(!joins(|draft| draft.places.volume.guid = None));
}

#[test]
fn no_number_of_the_journal_is_a_ticket_of_a_summary() {
    for raw in [0, 1, usize::MAX >> 2, (1 << 62) - 1, 1 << 63, usize::MAX] {
        assert_eq!(SummaryTicket::from_raw(raw), None, "{raw:#x}");
    }
    let largest = SummaryTicket::from_raw(usize::MAX >> 1).unwrap();
    assert_eq!(largest.into_raw(), usize::MAX >> 1);
    let (journal, _) = journal(JOURNAL_SIZE_MIN);
    let entries: Vec<SummaryEntry<Vec<u8>>> = Vec::new();
    let mut table = Summaries::new(entries, vec![Flight::default(); 2]);
    for index in 0..3 {
        let free = SummaryTicket::from_raw(1 << 62 | index).unwrap();
        assert!(table.end(&journal, free, &crate::common::ended(0)).is_err());
    }
    assert_eq!(journal.counters().completed, 0);
}
