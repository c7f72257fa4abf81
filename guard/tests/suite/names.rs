//! The names in a record: how much is stored, and what is said of the rest.

use crate::common::{Case, Request, numbered, request, units};
use guard::{Bitness, ControlCode, NAME_UNITS_MAX, Name, NameState, RECORD_SIZE_MAX};

/// A case of a valid EX request.
fn case() -> Case {
    Case::new(Request::valid(ControlCode::DuplicateEx, Bitness::Bits64).capture())
}

#[test]
fn each_name_has_its_place() {
    let case = case();
    let [image, parent, source, target] =
        ["img.exe", "explorer.exe", r"\a\ü", "\\b\\\u{1F980}"].map(units);
    let mut draft = case.draft([&image, &source, &target]);
    draft.names.parent = Name {
        units: &parent,
        more: 0,
        state: NameState::Image,
        reason: 7,
    };
    let bytes = numbered(&draft);
    let record = request(&bytes);
    assert_eq!(record.image().state(), NameState::Image);
    assert_eq!(record.image().text().to_string(), "img.exe");
    assert_eq!(record.parent_image().text().to_string(), "explorer.exe");
    assert_eq!(record.parent_image().reason(), 7);
    assert_eq!(record.source().state(), NameState::Normalized);
    assert_eq!(record.source().text().to_string(), r"\a\ü");
    assert_eq!(record.target().units().collect::<Vec<_>>(), target);
}

#[test]
fn a_long_name_is_cut_but_not_inside_a_surrogate_pair() {
    let case = case();
    let crab = units("\u{1F980}");
    for (lead, stored) in [(NAME_UNITS_MAX, NAME_UNITS_MAX), (1023, 1023), (1022, 1024)] {
        let name = [vec![0x61; lead], crab.clone(), crab.clone()].concat();
        let bytes = numbered(&case.draft([&[], &name, &[]]));
        let record = request(&bytes);
        assert_eq!(record.source().units().count(), stored);
        assert_eq!(usize::from(record.source().full_bytes()), name.len() * 2);
        assert!(record.source().is_truncated());
        assert!(!record.source().text().to_string().contains('\u{FFFD}'));
    }
    let exact = vec![0x61; NAME_UNITS_MAX];
    let mut draft = case.draft([&exact, &exact, &exact]);
    draft.names.parent = draft.names.image;
    let bytes = numbered(&draft);
    assert_eq!(bytes.len(), RECORD_SIZE_MAX);
    assert!(!request(&bytes).target().is_truncated());
}

#[test]
fn a_name_that_was_cut_before_has_its_full_length_all_the_same() {
    let case = case();
    let crab = units("\u{1F980}");
    for lead in [NAME_UNITS_MAX, 1023, 1022] {
        let name = [vec![0x61; lead], crab.clone(), crab.clone()].concat();
        let whole = numbered(&case.draft([&[], &name, &[]]));
        let kept = Name::cut(&name);
        let mut draft = case.draft([&[], kept, &[]]);
        draft.names.source.more = name.len() - kept.len();
        assert_eq!(numbered(&draft), whole, "{lead}");
    }
}

#[test]
fn the_first_and_the_last_pair_are_pairs() {
    let case = case();
    for pair in ["\u{10000}", "\u{103FF}", "\u{10FC00}", "\u{10FFFF}"] {
        let name = [vec![0x61; NAME_UNITS_MAX - 1], units(pair)].concat();
        let bytes = numbered(&case.draft([&[], &name, &[]]));
        let stored = request(&bytes).source().units().count();
        assert_eq!(stored, NAME_UNITS_MAX - 1, "{}", pair.escape_unicode());
    }
}

#[test]
fn a_lone_surrogate_at_the_cut_stays() {
    let case = case();
    let mut name = vec![0x61; NAME_UNITS_MAX + 1];
    name[NAME_UNITS_MAX - 1] = 0xD800;
    let bytes = numbered(&case.draft([&[], &[], &name]));
    assert_eq!(request(&bytes).target().units().count(), NAME_UNITS_MAX);
}

#[test]
fn a_name_beyond_any_unicode_string_still_gives_a_record() {
    let case = case();
    let name = vec![0x61; 40_000];
    let bytes = numbered(&case.draft([&[], &[], &name]));
    assert_eq!(request(&bytes).target().full_bytes(), 0xFFFE);
}

#[test]
fn an_absent_name_has_a_reason_and_no_units() {
    let case = case();
    let stray = units("stray");
    let mut draft = case.draft([&[]; 3]);
    draft.names.source = Name::absent(0xC000_00BB);
    draft.names.target = Name {
        units: &stray,
        more: 0,
        state: NameState::Absent,
        reason: 1,
    };
    let bytes = numbered(&draft);
    let record = request(&bytes);
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
fn a_record_without_names_says_why_and_is_the_smallest() {
    let case = case();
    let name = units("some name");
    let mut draft = case.draft([&name; 3]);
    draft.names = guard::Names::absent(0xC000_009A);
    assert_eq!(draft.as_draft().encoded_size(), guard::RECORD_SIZE_MIN);
    let bytes = numbered(&draft);
    let record = request(&bytes);
    for name in [
        record.image(),
        record.parent_image(),
        record.source(),
        record.target(),
    ] {
        assert_eq!(
            (name.state(), name.reason(), name.full_bytes()),
            (NameState::Absent, 0xC000_009A, 0)
        );
    }
    assert_eq!(record.process().process_id, 4321);
}
