//! One request under policies that differ in one thing.

use super::*;
use crate::policy::compile_bytes;

/// A line as `Event` writes it, without what no policy asks for.
const LINE: &str = r#"{"kind":"clone","sequence":7,"verdict":"passed","rules":[],"grounds":[],
    "policy":{"match":"no_match"},"source_status":null,"process_id":42,
    "user_sid":"S-1-5-18","source_state":"same_volume","claim":{"byte_count":4096},
    "image":{"text":"\\Device\\C\\bin\\copy.exe","is_truncated":false},
    "source":{"text":"\\Device\\D\\a\\x","is_truncated":false},
    "target":{"text":"\\Device\\D\\b\\x","is_truncated":false}}"#;

/// The verdict on a line under a policy, and why.
fn verdict(policy: &str, line: &str) -> (Verdict, String) {
    let policy = index(compile_bytes(policy.as_bytes()).unwrap());
    let replayed = replay(&policy, &parsed(line));
    (replayed.after, replayed.because)
}

/// The request of a line about a clone.
fn parsed(line: &str) -> Recorded {
    Recorded::parse(line).unwrap().unwrap()
}

/// The line with rules that fired, those of them that are grounds, and a verdict.
fn fired(rules: &[u8], grounds: &[u8], before: &str) -> String {
    let list = |ids: &[u8]| {
        let ids: Vec<String> = ids.iter().map(|id| format!(r#"{{"id":{id}}}"#)).collect();
        ids.join(",")
    };
    let (rules, grounds) = (list(rules), list(grounds));
    LINE.replace(r#""rules":[]"#, &format!(r#""rules":[{rules}]"#))
        .replace(r#""grounds":[]"#, &format!(r#""grounds":[{grounds}]"#))
        .replace("passed", before)
}

#[test]
fn a_rule_of_the_policy_refuses_in_enforce_mode_alone() {
    let rule = "[[rule]]\nname = 'no'\neffect = 'deny'\nuser = 'S-1-5-18'\n";
    let enforce = format!("mode = 'enforce'\n{rule}");
    let because = "policy \"no\"".to_owned();
    assert_eq!(verdict(&enforce, LINE), (Verdict::Refused, because.clone()));
    let observe = format!("mode = 'observe'\n{rule}");
    assert_eq!(
        verdict(&observe, LINE),
        (Verdict::WouldRefuse, because.clone())
    );
    let flag = enforce.replace("deny", "flag");
    assert_eq!(verdict(&flag, LINE), (Verdict::Flagged, because));
    let allow = enforce.replace("deny", "allow");
    assert_eq!(verdict(&allow, LINE), (Verdict::Passed, String::new()));
}

#[test]
fn a_definite_ground_comes_before_the_policy() {
    let line = fired(&[22, 32], &[22], "would_refuse");
    let policy = "mode = 'enforce'\n[[rule]]\nname = 'yes'\neffect = 'allow'\n";
    let because = "rule 22 unaligned-count".to_owned();
    assert_eq!(verdict(policy, &line), (Verdict::Refused, because));
}

#[test]
fn a_definite_rule_that_only_noted_is_no_ground() {
    let line = fired(&[10, 16], &[], "flagged");
    let because = "rule 10 negative-source".to_owned();
    assert_eq!(
        verdict("mode = 'enforce'", &line),
        (Verdict::Flagged, because)
    );
}

#[test]
fn a_strict_ground_refuses_once_it_is_enforced() {
    let line = fired(&[42], &[42], "flagged");
    let because = "rule 42 other-volume".to_owned();
    let enforced = "mode = 'enforce'\nenforce = ['other-volume']";
    assert_eq!(
        verdict(enforced, &line),
        (Verdict::Refused, because.clone())
    );
    let other = "mode = 'enforce'\nenforce = ['source-kind']";
    assert_eq!(verdict(other, &line), (Verdict::Flagged, because));
    // The record says itself that the rule only noted.
    let noted = fired(&[42], &[], "flagged");
    assert_eq!(verdict(enforced, &noted).0, Verdict::Flagged);
}

#[test]
fn the_policy_of_then_does_not_count() {
    let line = fired(&[60], &[60], "refused");
    assert_eq!(
        verdict("mode = 'enforce'", &line),
        (Verdict::Passed, String::new())
    );
}

#[test]
fn what_was_not_looked_at_stays_so() {
    let line = fired(&[70], &[70], "not_inspected");
    let count = "mode = 'enforce'\n";
    assert_eq!(verdict(count, &line).0, Verdict::NotInspected);
    let refuse = "mode = 'enforce'\non-audit-loss = 'refuse'\n";
    assert_eq!(verdict(refuse, &line).0, Verdict::Refused);
    // Unless it was the policy of then that could not be decided.
    let undecided = line.replace("no_match", "undecided");
    assert_eq!(verdict(refuse, &undecided).0, Verdict::Passed);
}

#[test]
fn what_a_record_does_not_say_applies_no_rule() {
    let deny = "mode = 'enforce'\n[[rule]]\nname = 'no'\neffect = 'deny'\nremote = true\n";
    let policy = index(compile_bytes(deny.as_bytes()).unwrap());
    let replayed = replay(&policy, &parsed(LINE));
    assert_eq!(replayed.decision, PolicyDecision::Undecided { index: 0 });
    assert_eq!(replayed.after, Verdict::NotInspected);
    assert_eq!(replayed.because, "policy \"no\"");
    let remote = LINE.replace(r#""sequence""#, r#""remote":true,"sequence""#);
    assert_eq!(verdict(deny, &remote).0, Verdict::Refused);
}

#[test]
fn facts_of_a_line_reach_the_evaluator() {
    let guid = r#""volume":{"guid":"{01234567-89ab-cdef-0123-456789abcdef}"},"sequence""#;
    let line = LINE.replace(r#""sequence""#, guid);
    for condition in [
        r"image = '*:\bin\copy.exe'",
        r"source = '\Device\D\a\*'",
        r"target = '\\?\Volume{01234567-89AB-CDEF-0123-456789ABCDEF}\b\*'",
        r"source = '\\?\Volume{01234567-89AB-CDEF-0123-456789ABCDEF}\**'",
        r"volume = '\\?\Volume{01234567-89AB-CDEF-0123-456789ABCDEF}'",
        r"volume = '\device\d'",
        "min-count = '4KiB'",
    ] {
        let policy =
            format!("mode = 'enforce'\n[[rule]]\nname = 'no'\neffect = 'deny'\n{condition}");
        assert_eq!(verdict(&policy, &line).0, Verdict::Refused, "{condition}");
    }
    let more = "mode = 'enforce'\n[[rule]]\nname = 'no'\neffect = 'deny'\nmin-count = 4097";
    assert_eq!(verdict(more, &line).0, Verdict::Passed);
}

#[test]
fn a_cut_name_is_unknown_where_its_end_matters() {
    let cut = LINE.replace(
        r#"\\Device\\D\\b\\x","is_truncated":false"#,
        r#"\\Device\\D\\b\\x","is_truncated":true"#,
    );
    assert_ne!(cut, LINE);
    let policy = |pattern: &str| {
        format!("mode = 'enforce'\n[[rule]]\nname = 'no'\neffect = 'deny'\ntarget = '{pattern}'")
    };
    assert_eq!(verdict(&policy(r"\b\**"), &cut).0, Verdict::Refused);
    assert_eq!(verdict(&policy(r"\b\x"), &cut).0, Verdict::NotInspected);
    assert_eq!(verdict(&policy(r"\b\x"), LINE).0, Verdict::Refused);
}

#[test]
fn the_system_process_has_no_image() {
    let system = LINE
        .replace("42", "4")
        .replace(r#""\\Device\\C\\bin\\copy.exe""#, "null");
    let policy = compile_bytes(
        b"mode = 'enforce'\n[[rule]]\nname = 'no'\neffect = 'deny'\nimage = '*:\\**\\a.exe'",
    )
    .unwrap();
    assert_eq!(
        replay(&index(policy), &parsed(&system)).decision,
        PolicyDecision::NoMatch
    );
}

#[test]
fn a_refused_handle_is_answered_with_its_own_status() {
    let line = fired(&[40], &[40], "flagged").replace(
        r#""source_status":null"#,
        r#""source_status":{"code":"0xC0000008"}"#,
    );
    assert_eq!(parsed(&line).source_status, 0xC000_0008);
    let enforced = "mode = 'enforce'\nenforce = [40]";
    let because = "rule 40 source-handle".to_owned();
    assert_eq!(verdict(enforced, &line), (Verdict::Refused, because));
}

#[test]
fn a_record_about_no_clone_is_left_out() {
    for kind in ["seen", "policy", "unknown-9"] {
        let line = LINE.replace(r#""kind":"clone""#, &format!(r#""kind":"{kind}""#));
        assert!(Recorded::parse(&line).unwrap().is_none(), "{kind}");
    }
    let other = r#"{"kind":"heartbeat","sequence":8}"#;
    assert!(Recorded::parse(other).unwrap().is_none());
}

#[test]
fn grounds_that_did_not_fire_are_no_record() {
    let line = fired(&[20], &[21], "would_refuse");
    let error = Recorded::parse(&line).unwrap_err();
    assert!(error.contains("did not fire"), "{error}");
}
