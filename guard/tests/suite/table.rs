//! The table of rules, the list of names in `wire` and `docs/rules.md` say the same.

use guard::{Answer, Class, RULES, Rule};
use wire::RULE_NAMES;

const DOCUMENT: &str = include_str!("../../../docs/rules.md");

/// The name of a documented status.
fn status_name(status: u32) -> &'static str {
    match status {
        0xC000_000D => "STATUS_INVALID_PARAMETER",
        0xC000_0022 => "STATUS_ACCESS_DENIED",
        0xC000_0023 => "STATUS_BUFFER_TOO_SMALL",
        0xC000_00BB => "STATUS_NOT_SUPPORTED",
        other => panic!("no name for {other:#x}"),
    }
}

/// What the section of a rule must begin with.
fn section(rule: &Rule) -> String {
    let class = match rule.class {
        Class::Definite => "definite",
        Class::Strict => "strict",
        Class::Note => "note",
        Class::Policy => "policy",
        Class::Engine => "engine",
    };
    let status = match rule.answer {
        Answer::Never => "none".to_owned(),
        Answer::ObjectManager => "the object manager's".to_owned(),
        Answer::Status(status) => {
            format!("{} ({status:#010X})", status_name(status)).replace("0X", "0x")
        }
    };
    format!(
        "## {} {}\n\n- Class: {class}\n- Status: {status}\n- Fires when: {}\n- Source: {}\n",
        rule.id, rule.name, rule.text, rule.source,
    )
}

#[test]
fn names_are_those_of_wire() {
    let mut of_guard: Vec<_> = RULES.iter().map(|rule| (rule.id, rule.name)).collect();
    of_guard.sort();
    assert_eq!(of_guard, RULE_NAMES);
    for rule in &RULES {
        assert_eq!(rule.id.name(), Some(rule.name));
    }
}

#[test]
fn each_rule_has_its_section_in_the_order_of_the_table() {
    let mut rest = DOCUMENT;
    for rule in &RULES {
        let section = section(rule);
        let at = rest.find(&section);
        let at = at.unwrap_or_else(|| panic!("docs/rules.md lacks, or has too early:\n{section}"));
        rest = &rest[at + section.len()..];
    }
}

#[test]
fn the_document_has_no_other_rules() {
    let sections = DOCUMENT.lines().filter(|line| {
        line.strip_prefix("## ")
            .is_some_and(|title| title.as_bytes()[0].is_ascii_digit())
    });
    assert_eq!(sections.count(), RULES.len());
}

#[test]
fn only_notes_have_no_status_and_come_last() {
    for rule in &RULES {
        let never = rule.answer == Answer::Never;
        assert_eq!(never, rule.class == Class::Note, "{}", rule.name);
    }
    let order = |class| match class {
        Class::Definite => 0,
        Class::Strict => 1,
        Class::Policy => 2,
        Class::Engine => 3,
        Class::Note => 4,
    };
    assert!(RULES.is_sorted_by_key(|rule| order(rule.class)));
}
