//! The list itself: complete, well-formed, and about every rule from both sides.

use std::collections::BTreeSet;

use conformance::case::{Case, Confidence};
use conformance::cases;
use conformance::expect::{Reach, Verdict};
use conformance::status::BLOCK_TOO_MANY_REFERENCES;

/// Rules that no case of this list can show, and why.
const ELSEWHERE: &[(u8, &str)] = &[(
    45,
    "the handle has to change between two looks of the driver: testbed/tests/driver/recheck.rs",
)];

fn all() -> Vec<&'static Case> {
    cases::all().collect()
}

#[test]
fn ids_are_unique_and_say_family_and_words() {
    let mut seen = BTreeSet::new();
    for case in all() {
        assert!(seen.insert(case.id), "{} stands twice", case.id);
        let (family, words) = case.id.split_once('.').expect("a dot");
        for part in [family, words] {
            let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(
                !part.is_empty() && part.chars().all(is_kebab),
                "{}",
                case.id
            );
        }
    }
    assert!(seen.len() >= 150, "{} cases", seen.len());
}

#[test]
fn every_case_says_who_says_so() {
    for case in all() {
        assert!(case.source.len() > 10, "{} has no source", case.id);
        assert!(!case.codes.is_empty(), "{} has no code", case.id);
    }
    let marks = [
        Confidence::Documented,
        Confidence::Observed,
        Confidence::Inferred,
        Confidence::Undocumented,
        Confidence::Designed,
    ];
    for mark in marks {
        assert!(all().iter().any(|case| case.confidence == mark), "{mark:?}");
    }
    for case in all() {
        let is_ours = case.source.starts_with("docs/");
        let is_designed = case.confidence == Confidence::Designed;
        assert_eq!(is_ours, is_designed, "{}: {}", case.id, case.source);
        let is_unnamed =
            case.source.contains("no status is named") || case.source.contains("no buffer");
        let is_documented = case.confidence == Confidence::Documented;
        let is_failure = !case.expect.status.is_success();
        assert!(!(is_unnamed && is_failure && is_documented), "{}", case.id);
    }
}

#[test]
fn every_rule_fires_somewhere_and_nearly_fires_elsewhere() {
    for (rule, name) in wire::RULE_NAMES {
        let rule = rule.number();
        if let Some((_, why)) = ELSEWHERE.iter().find(|(id, _)| *id == rule) {
            println!("rule {rule} {name}: {why}");
            continue;
        }
        let mut firing = all()
            .into_iter()
            .filter(|case| case.rules().any(|id| id == rule));
        assert!(firing.next().is_some(), "no case fires rule {rule} {name}");
        let mut beside = all().into_iter().filter(|case| case.near.contains(&rule));
        assert!(
            beside.next().is_some(),
            "no case stands beside rule {rule} {name}"
        );
    }
}

#[test]
fn a_case_stands_beside_rules_that_do_not_fire() {
    for case in all() {
        let fires: Vec<u8> = case.rules().collect();
        let both: Vec<_> = case
            .near
            .iter()
            .filter(|rule| fires.contains(rule))
            .collect();
        assert!(both.is_empty(), "{}: {both:?}", case.id);
        if case.expect.reach != Reach::Judged {
            assert!(fires.is_empty(), "{} is not judged", case.id);
        }
    }
}

/// The rules that refuse by themselves although no source names the status, or although a side of a dispute
/// has another one: docs/conformance.md lists them.
#[test]
fn the_document_names_the_definite_rules_that_windows_may_contradict() {
    let is_definite = |case: &&Case| case.expect.verdicts.enforce == Verdict::Refused;
    let is_in_doubt =
        |case: &&Case| case.expect.refusal.is_some() || case.confidence == Confidence::Undocumented;
    let doubted = all().into_iter().filter(is_definite).filter(is_in_doubt);
    let rules: BTreeSet<u8> = doubted
        .filter_map(|case| case.expect.fires.first().copied())
        .collect();
    let names: Vec<String> = rules.iter().map(u8::to_string).collect();
    let (last, others) = names.split_last().expect("some rules are in doubt");
    let sentence = format!("They concern rules {} and {last}.", others.join(", "));
    let document = include_str!("../../docs/conformance.md");
    let text: Vec<&str> = document.split_whitespace().collect();
    assert!(text.join(" ").contains(&sentence), "{sentence}");
}

/// The cases with a small limit on sharing are for the test-bed; the limit of ReFS has a case that any stage
/// can run.
#[test]
fn the_limit_of_refs_itself_has_a_case() {
    let reaches = |case: &&Case| case.expect.status == BLOCK_TOO_MANY_REFERENCES;
    let limited: Vec<&Case> = all().into_iter().filter(reaches).collect();
    assert!(limited.iter().any(|case| case.is_for_the_test_bed()));
    assert!(limited.iter().any(|case| !case.is_for_the_test_bed()));
}
