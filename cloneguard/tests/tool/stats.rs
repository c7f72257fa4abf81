//! `cloneguard stats`.

use crate::Place;
use crate::journal::{JOURNAL, damage, write_journal};
use serde_json::Value;

#[test]
fn a_journal_amounts_to_numbers() {
    let place = Place::new("stats");
    write_journal(&place);
    let ran = place.run(&["stats", JOURNAL]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    for line in [
        "requests  3, 0 of them told of in summaries only",
        "lost      9 records, told of in 1 gaps",
    ] {
        assert!(ran.out.contains(line), "{}", ran.out);
    }

    let ran = place.run(&["stats", JOURNAL, "--json", "--top", "1"]);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, ran.out.lines().count()), (Some(0), 1));
    assert_eq!(json["verdicts"][1]["verdict"], "refused");
    assert_eq!(json["loss"]["records"], 9);
    assert_eq!(json["processes"].as_array().unwrap().len(), 1);

    let ran = place.run(&["stats", JOURNAL, "--prometheus"]);
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.out
            .contains("\ncloneguard_requests_total{verdict=\"refused\",told_by=\"record\"} 1\n"),
        "{}",
        ran.out
    );
}

#[test]
fn a_part_of_a_journal_is_selected() {
    let place = Place::new("stats-part");
    write_journal(&place);
    let count = |words: &[&str]| {
        let ran = place.run(&[&["stats", JOURNAL, "--json"], words].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let json: Value = serde_json::from_str(&ran.out).unwrap();
        json["requests"]["count"].as_u64().unwrap()
    };
    assert_eq!(count(&["--filter", "verdict=refused"]), 1);
    assert_eq!(count(&["--since", "2026-11-23T12:34:56.7890125Z"]), 2);
    assert_eq!(count(&["--until", "2026-11-23T12:34:56.7890125Z"]), 1);
    assert_eq!(count(&["--since", "2026-11-24"]), 0);
}

#[test]
fn what_is_wrong_has_its_code() {
    let place = Place::new("stats-wrong");
    write_journal(&place);
    let ran = place.run(&["stats", JOURNAL, "--filter", "verdict=refuse"]);
    let message = "filter, column 9: `verdict` is never `refuse`; \
                   it is one of passed, flagged, would_refuse, refused, not_inspected\n\
                   \x20 verdict=refuse\n\
                   \x20         ^^^^^^\n";
    assert_eq!(
        (ran.code, ran.err.as_str(), ran.out.as_str()),
        (Some(4), message, "")
    );
    for words in [
        &["--json", "--prometheus"][..],
        &["--since", "noon"],
        &["--top", "x"],
        &["more"],
    ] {
        let ran = place.run(&[&["stats", JOURNAL], words].concat());
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{words:?}");
    }
    assert_eq!(place.run(&["stats"]).code, Some(1));
    let ran = place.run(&["stats", "nowhere"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(8), ""));
    assert!(ran.err.starts_with("nowhere: "), "{}", ran.err);
    place.create_directory("empty");
    assert_eq!(place.run(&["stats", "empty"]).code, Some(4));
}

#[test]
fn damage_is_said_and_what_is_left_is_counted() {
    let place = Place::new("stats-damage");
    write_journal(&place);
    damage(&place);
    let ran = place.run(&["stats", JOURNAL, "--json"]);
    assert_eq!(ran.code, Some(5), "{}", ran.err);
    assert!(
        ran.err.contains("damages: `cloneguard verify` says more"),
        "{}",
        ran.err
    );
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["requests"]["count"], 2);
}
