//! What filters let through, and what is said of filters that are wrong.

use super::{DEPTH_MAX, Filter, TEXT_MAX};
use crate::schema;
use proptest::prelude::*;
use serde_json::Value;

/// The record that the filters are tried on.
fn record() -> Value {
    serde_json::from_str(include_str!("record.json")).unwrap()
}

/// The paths of all members, but for those that are there only sometimes.
fn members(value: &Value, path: &str) -> Vec<String> {
    let Some(object) = value.as_object() else {
        return vec![path.to_owned()];
    };
    let is_sometimes = |name: &str| matches!(name, "name" | "reason" | "id_reason");
    let object = object.iter().filter(|(name, _)| !is_sometimes(name));
    object
        .flat_map(|(name, value)| members(value, &format!("{path}.{name}")))
        .collect()
}

#[test]
fn the_record_is_one_as_they_are_today() {
    let golden = include_str!("../../tests/golden/clone.json");
    let golden: Value = serde_json::from_str(golden).unwrap();
    let is_whole = |path: &String| !path.contains("status") && !path.contains("reason");
    let paths = |value| {
        members(value, "")
            .into_iter()
            .filter(is_whole)
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(&record()), paths(&golden));
    assert_eq!(record()["schema_version"], crate::SCHEMA_VERSION);
}

fn matches(filter: &str) -> bool {
    let filter = Filter::parse(filter).unwrap_or_else(|error| panic!("{error}"));
    filter.matches(&record())
}

#[test]
fn what_the_record_says_passes() {
    for filter in [
        // Words, names of more than one part, aliases.
        "verdict=would_refuse",
        "verdict == would_refuse",
        "claim.byte_count=1073741824",
        "bytes=1G && pid=4321 && tid=8765",
        "user=S-1-5-18",
        // Order, units, bases.
        "bytes>=1GiB and bytes<2G",
        "pid=0x10e1",
        "duration>456us && duration<1ms",
        "lost_before>0",
        // Texts: in any case, with patterns, in quotes.
        r"source=\A",
        r#"image~"*\copy.exe""#,
        r"image~*\COPY.EXE",
        r"target='\b\GRÖSSE' || target='\b\GRÖßE'",
        r#"image!~"*.dll" && image!="x""#,
        // Codes by number, name, and name without prefix.
        "status=0xC000000D",
        "status=STATUS_INVALID_PARAMETER",
        "status=invalid_parameter",
        "status!=0",
        "status>=0xC0000000",
        "code~*_EX",
        // Lists: one is enough.
        "rules=22 && rules=32",
        "rules=unaligned-count",
        "grounds.id=22 && grounds!=32",
        "rule in (1, 2, 32)",
        // Yes, no and unknown.
        "remote",
        "remote=true && !same_stream && same_stream=false",
        "claim && !source_status",
        "volume.is_dev_drive",
        // Time.
        "time>=2026-11-23 && time<2026-11-24",
        "time=2026-11-23T13:34:56.7890123+01:00",
        // Precedence and nesting.
        "pid=1 && pid=2 || pid=4321",
        "pid=4321 || pid=1 && pid=2",
        "!(pid=1 || pid=2) && not (verdict=refused)",
        "!!remote",
        "verdict in (refused, would_refuse)",
        // A name that is a keyword to others.
        "boot=b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    ] {
        assert!(matches(filter), "{filter}");
    }
}

#[test]
fn what_the_record_does_not_say_does_not_pass() {
    for filter in [
        "verdict=refused",
        "verdict!=would_refuse",
        "bytes>1G",
        "bytes<1G",
        "duration>1ms",
        r"source=\a\b",
        r"image~copy.exe",
        "status=0",
        "status!=0xC000000D",
        "status<0xC0000000",
        "rules=21",
        "grounds=32",
        "rules!=22",
        "same_stream",
        "!remote",
        // What is unknown is neither so nor otherwise.
        "source_status=0",
        "source_status!=0",
        "source_status",
        "target_file.kind=data || target_file.kind!=data",
        "target_file.end_of_file<1",
        "time>2026-11-23T12:34:56.7890123Z",
        "time<2026-11-23",
        "(pid=4321 || pid=1) && pid=2",
        "!pid=4321",
    ] {
        assert!(!matches(filter), "{filter}");
    }
}

/// What is said of a filter, and in which column.
fn error(filter: &str) -> (usize, String) {
    let error = Filter::parse(filter).expect_err(filter);
    (error.column(), error.what().to_owned())
}

/// Wrong filters, the column of what is wrong first, and what is said of it.
const WRONG: &[(&str, usize, &str)] = &[
    (
        "",
        1,
        "the filter ends here; expected the name of a field, for example verdict=refused",
    ),
    (
        "pid=",
        5,
        "the filter ends here; expected a value: write a number: 42, 0x2A, 1M (bytes: K, M, G, T) or 10ms (in 100 ns: us, ms, s)",
    ),
    (
        "pid=4 pid=5",
        7,
        "`pid` cannot stand here; expected `&&`, `||` or the end",
    ),
    (
        "pid=4 &&",
        9,
        "the filter ends here; expected the name of a field, for example verdict=refused",
    ),
    ("(pid=4", 7, "the filter ends here; expected `)`"),
    (
        "pid=4)",
        6,
        "`)` cannot stand here; expected `&&`, `||` or the end",
    ),
    (
        "pid=x",
        5,
        "`pid` is never `x`; write a number: 42, 0x2A, 1M (bytes: K, M, G, T) or 10ms (in 100 ns: us, ms, s)",
    ),
    (
        "pid=\"4\"",
        5,
        "`pid` is never `4`; write a number: 42, 0x2A, 1M (bytes: K, M, G, T) or 10ms (in 100 ns: us, ms, s)",
    ),
    (
        "größe=1 && pidd=4",
        1,
        "no record has a field `größe`; `cloneguard schema --fields` lists all",
    ),
    (
        "remote && pidd=4",
        11,
        "no record has a field `pidd`; is it `pid`?",
    ),
    (
        "claim.bytecount=4",
        1,
        "no record has a field `claim.bytecount`; is it `claim.byte_count`?",
    ),
    (
        "claim=4",
        6,
        "`claim` has parts: compare one of claim.source_offset, claim.target_offset, claim.byte_count, claim.ex_size, claim.ex_flags",
    ),
    (
        "verdict=refuse",
        9,
        "`verdict` is never `refuse`; it is one of passed, flagged, would_refuse, refused, not_inspected",
    ),
    (
        "verdict<refused",
        8,
        "`verdict` is a text and has no order; use = != ~ !~",
    ),
    (
        "pid~4*",
        4,
        "`pid` is no text and fits no pattern; use = != < <= > >=",
    ),
    (
        "remote=yes",
        8,
        "`remote` is never `yes`; write true or false",
    ),
    ("remote>true", 7, "`remote` is true or false; use = or !="),
    (
        "time>noon",
        6,
        "`time` is never `noon`; write a time: 2026-11-24 or 2026-11-24T09:30:00Z",
    ),
    (
        "status>STATUS_SUCCESS",
        8,
        "`status` is never `STATUS_SUCCESS`; write its number or its name",
    ),
    (
        "pid in 4",
        8,
        "`4` cannot stand here; expected a list, for example pid in (4, 42)",
    ),
    (
        "pid in (4,)",
        11,
        "`)` cannot stand here; expected a value: write a number: 42, 0x2A, 1M (bytes: K, M, G, T) or 10ms (in 100 ns: us, ms, s)",
    ),
    (
        "image=\"x",
        7,
        "the quote is never closed; end the text with \"",
    ),
    (
        "image='ü' && target=^",
        21,
        "`^` has no meaning here; put a text with it in quotes",
    ),
    (
        "=4",
        1,
        "`=` cannot stand here; expected the name of a field, for example verdict=refused",
    ),
    (
        "pid=&&",
        5,
        "`&&` cannot stand here; expected a value: write a number: 42, 0x2A, 1M (bytes: K, M, G, T) or 10ms (in 100 ns: us, ms, s)",
    ),
];

#[test]
fn what_is_wrong_is_said_with_its_column() {
    for (filter, column, what) in WRONG {
        assert_eq!(error(filter), (*column, (*what).to_owned()), "{filter}");
    }
}

#[test]
fn the_message_shows_the_place() {
    let error = Filter::parse("image='ü' && verdict=refuse && pid=4").unwrap_err();
    assert_eq!(
        error.to_string(),
        "filter, column 22: `verdict` is never `refuse`; \
         it is one of passed, flagged, would_refuse, refused, not_inspected\n\
         \x20 image='ü' && verdict=refuse && pid=4\n\
         \x20                      ^^^^^^"
    );
    let long = format!("{}pid=x", "pid=1 || ".repeat(100));
    let [_, text, carets] = Filter::parse(&long).unwrap_err().lines();
    assert!(text.len() < 130, "{text}");
    assert_eq!(text.chars().nth(carets.find('^').unwrap()), Some('x'));
}

#[test]
fn depth_and_length_are_bounded() {
    let nested = |depth| format!("{}remote{}", "(".repeat(depth), ")".repeat(depth));
    assert!(matches(&nested(DEPTH_MAX)));
    let what = format!("more than {DEPTH_MAX} parentheses and negations within each other");
    assert_eq!(error(&nested(DEPTH_MAX + 1)), (DEPTH_MAX + 1, what.clone()));
    assert_eq!(
        error(&format!("{}remote", "!".repeat(5000))),
        (DEPTH_MAX + 1, what)
    );
    let side_by_side = vec!["(!remote)"; 1000].join("||");
    assert!(Filter::parse(&side_by_side).is_ok());
    assert!(Filter::parse(&format!("remote{}", " ".repeat(TEXT_MAX - 6))).is_ok());
    let what = format!(
        "the filter has {} bytes; at most {TEXT_MAX} are read",
        TEXT_MAX + 1
    );
    assert_eq!(
        error(&format!("remote{}", " ".repeat(TEXT_MAX - 5))).1,
        what
    );
}

#[test]
fn every_field_can_be_asked_for() {
    for (path, _) in schema::every_field() {
        assert!(Filter::parse(&path).is_ok(), "{path}");
    }
    for (alias, full) in super::field::ALIASES {
        assert_eq!(Filter::parse(alias), Filter::parse(full), "{alias}");
    }
}

/// Pieces of which filters, right and wrong ones, are made.
const PIECES: &[&str] = &[
    "pid",
    "verdict",
    "target",
    "status",
    "claim",
    "rules",
    "time",
    "remote",
    "x.y",
    "=",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "~",
    "!~",
    "!",
    "&&",
    "||",
    "and",
    "or",
    "not",
    "in",
    "(",
    ")",
    ",",
    "4",
    "1M",
    "refused",
    "\"*.exe\"",
    "'",
    "\"",
    "2026-11-24",
    "ü",
    "\u{0}",
    " ",
];

proptest! {
    #[test]
    fn any_text_is_a_filter_or_an_error_in_its_place(text in "\\PC{0,60}") {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(error.column() <= text.chars().count() + 1);
            prop_assert_eq!(error.lines().len(), 3);
        }
    }

    #[test]
    fn any_row_of_pieces_is_a_filter_or_an_error_in_its_place(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..20),
        blank in proptest::sample::select(&["", " "][..]),
    ) {
        let text = pieces.join(blank);
        match Filter::parse(&text) {
            Ok(filter) => drop(filter.matches(&record())),
            Err(error) => prop_assert!(error.column() <= text.chars().count() + 1),
        }
    }

    #[test]
    fn not_turns_every_answer_round(number in 0..5000_u32, order in proptest::sample::select(&["=", "<", ">="][..])) {
        let test = format!("pid{order}{number}");
        prop_assert_eq!(matches(&test), !matches(&format!("!({test})")));
        let (either, both) = (format!("{test} || !{test}"), format!("{test} && !{test}"));
        prop_assert!(matches(&either) && !matches(&both));
    }
}
