//! Evaluation of the policy's rules, by enumerating what the unknown facts could be.

use crate::blob::{Rule, any, blob, device, on_device};
use crate::linear::decide;
use guard::policy::{
    Effect, OnAuditLoss, PathName, PolicyBlob, PolicyDecision, PolicyMode, PolicySubject,
};
use guard::{Class, PolicyMatch, Powers, RULES, RuleId, RuleSet};
use proptest::prelude::*;
use wire::policy::{PolicyHead, STRICT_RULES};
use zerocopy::IntoBytes as _;

/// The units of a text.
pub(crate) fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

const SYSTEM: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
const EVERYONE: [u8; 12] = [1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];

/// Every fact about a request that the tests know, owned.
#[derive(Clone, Debug)]
struct Facts {
    image: Option<&'static str>,
    user: Option<[u8; 12]>,
    source: Option<&'static str>,
    target: Option<&'static str>,
    volume: Option<&'static str>,
    remote: Option<bool>,
    byte_count: Option<i64>,
}

const IMAGES: [&str; 2] = [r"\Device\C\bin\copy.exe", r"\Device\C\bin\evil.exe"];
const FILES: [&str; 3] = [r"\Device\D\a\x", r"\Device\D\b\x", r"\Device\E\a\x"];
const VOLUMES: [&str; 2] = [r"\Device\D", r"\Device\E"];

/// A name that is known, taken apart.
fn name(units: Option<&Vec<u16>>) -> Option<PathName<'_>> {
    units.and_then(|units| PathName::split(units))
}

/// What the rules say about the facts.
fn decision(rules: &[Rule], facts: &Facts) -> PolicyDecision {
    let text = |fact: Option<&str>| fact.map(units);
    let (image, source, target) = (text(facts.image), text(facts.source), text(facts.target));
    let volume = text(facts.volume);
    let subject = PolicySubject {
        image: name(image.as_ref()),
        user: facts.user.as_ref().map(|sid| &sid[..]),
        source: name(source.as_ref()),
        target: name(target.as_ref()),
        volume_device: volume.as_deref(),
        volume_guid: None,
        remote: facts.remote,
        byte_count: facts.byte_count,
    };
    decide(&blob(rules), &subject)
}

/// What happens to a request: the effect, where none is that of an allow rule.
fn outcome(decision: PolicyDecision) -> Option<Effect> {
    match decision {
        PolicyDecision::NoMatch => Some(Effect::Allow),
        PolicyDecision::Matched { effect, .. } => Some(effect),
        PolicyDecision::Undecided { .. } => None,
    }
}

/// Every value of a fact that is unknown, or the one that is known.
fn values<T: Copy>(fact: Option<T>, all: &[T]) -> Vec<Option<T>> {
    match fact {
        Some(_) => vec![fact],
        None => all.iter().copied().map(Some).collect(),
    }
}

/// Every way in which the unknown facts could turn out.
fn completions(facts: &Facts) -> Vec<Facts> {
    let mut all = vec![facts.clone()];
    macro_rules! complete {
        ($field:ident, $values:expr) => {
            all = all
                .iter()
                .flat_map(|facts| {
                    values(facts.$field, &$values).into_iter().map(|value| {
                        let mut completed = facts.clone();
                        completed.$field = value;
                        completed
                    })
                })
                .collect();
        };
    }
    complete!(image, IMAGES);
    complete!(user, [SYSTEM, EVERYONE]);
    complete!(source, FILES);
    complete!(target, FILES);
    complete!(volume, VOLUMES);
    complete!(remote, [true, false]);
    complete!(byte_count, [0, 100]);
    all
}

fn effects() -> impl Strategy<Value = Effect> {
    prop_oneof![Just(Effect::Allow), Just(Effect::Flag), Just(Effect::Deny)]
}

fn files() -> impl Strategy<Value = Option<crate::blob::Pattern>> {
    prop_oneof![
        3 => Just(None),
        1 => Just(Some(any(r"\A\**"))),
        1 => Just(Some(on_device(r"\DEVICE\D", r"\**"))),
        1 => Just(Some(on_device(r"\DEVICE\E", r"\B\*"))),
    ]
}

prop_compose! {
    fn rules()(
        effect in effects(),
        image in proptest::option::weighted(0.2, Just(any(r"\**\COPY.EXE"))),
        user in proptest::option::weighted(0.2, Just(SYSTEM.to_vec())),
        source in files(),
        target in files(),
        volume in proptest::option::weighted(0.2, Just(device(r"\DEVICE\D"))),
        remote in 0_u8..6,
        byte_count_min in prop_oneof![4 => Just(0_u64), 1 => Just(50)],
    ) -> Rule {
        let remote = if remote > 2 { 0 } else { remote };
        Rule { effect, image, user, source, target, volume, remote, byte_count_min }
    }
}

prop_compose! {
    fn facts()(
        image in proptest::option::of(proptest::sample::select(&IMAGES[..])),
        user in proptest::option::of(prop_oneof![Just(SYSTEM), Just(EVERYONE)]),
        source in proptest::option::of(proptest::sample::select(&FILES[..])),
        target in proptest::option::of(proptest::sample::select(&FILES[..])),
        volume in proptest::option::of(proptest::sample::select(&VOLUMES[..])),
        remote in proptest::option::of(proptest::bool::ANY),
        byte_count in proptest::option::of(prop_oneof![Just(0_i64), Just(100), Just(50), Just(49)]),
    ) -> Facts {
        Facts { image, user, source, target, volume, remote, byte_count }
    }
}

proptest! {
    #[test]
    fn a_decision_holds_whatever_the_unknown_facts_turn_out_to_be(
        rules in proptest::collection::vec(rules(), 0..5),
        facts in facts(),
    ) {
        let decided = decision(&rules, &facts);
        let completed: Vec<_> = completions(&facts)
            .iter()
            .map(|facts| decision(&rules, facts))
            .collect();
        for full in &completed {
            prop_assert!(outcome(*full).is_some(), "nothing is unknown: {full:?}");
        }
        if let Some(outcome_now) = outcome(decided) {
            for full in &completed {
                prop_assert_eq!(outcome(*full), Some(outcome_now), "{:?} {:?}", decided, full);
            }
        }
        // A rule that is named as matching does match, however the rest turns out.
        if let PolicyDecision::Matched { index, .. } = decided {
            for facts in completions(&facts) {
                let alone = decision(&rules[index as usize..=index as usize], &facts);
                let first = PolicyDecision::Matched { index: 0, effect: rules[index as usize].effect };
                prop_assert_eq!(alone, first);
            }
        }
    }

    #[test]
    fn undecided_is_said_only_where_one_rule_can_turn_the_outcome(
        rules in proptest::collection::vec(rules(), 1..5),
        facts in facts(),
    ) {
        if let PolicyDecision::Undecided { index } = decision(&rules, &facts) {
            let index = index as usize;
            // The rule that is named is unknown by itself ...
            let alone = Rule { effect: Effect::Deny, ..rules[index].clone() };
            prop_assert_eq!(decision(&[alone], &facts), PolicyDecision::Undecided { index: 0 });
            // ... and if all unknown rules had its effect, only the one that is certain differs.
            let without: Vec<_> = [&rules[..index], &rules[index + 1..]].concat();
            let other = decision(&without, &facts);
            prop_assert_ne!(outcome(other), Some(rules[index].effect));
        }
    }
}

/// A rule with one condition, on where the request comes from, or with none.
fn remote(effect: Effect, remote: u8) -> Rule {
    Rule {
        effect,
        remote,
        ..Rule::new(effect)
    }
}

/// What is said about a request of which nothing is known.
fn unknown(rules: &[Rule]) -> PolicyDecision {
    decide(&blob(rules), &PolicySubject::default())
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = [Rule::new(Effect::Flag), Rule::new(Effect::Deny)];
    let flag = PolicyDecision::Matched {
        index: 0,
        effect: Effect::Flag,
    };
    assert_eq!(unknown(&rules), flag);
    assert_eq!(unknown(&[]), PolicyDecision::NoMatch);
}

#[test]
fn an_unknown_fact_makes_no_rule_fire_and_hides_none() {
    let (allow, deny) = (Rule::new(Effect::Allow), Rule::new(Effect::Deny));
    let undecided = |index| PolicyDecision::Undecided { index };
    // It might deny, and nothing else would.
    assert_eq!(unknown(&[remote(Effect::Deny, 1)]), undecided(0));
    // It might allow, and something else denies.
    assert_eq!(
        unknown(&[remote(Effect::Allow, 1), deny.clone()]),
        undecided(0)
    );
    assert_eq!(
        unknown(&[remote(Effect::Deny, 1), allow.clone()]),
        undecided(0)
    );
    // The first of two that might do different things is named.
    let both = [
        remote(Effect::Flag, 1),
        remote(Effect::Deny, 2),
        deny.clone(),
    ];
    assert_eq!(unknown(&both), undecided(0));
    // All of them lead to the same.
    let denied = PolicyDecision::Matched {
        index: 2,
        effect: Effect::Deny,
    };
    assert_eq!(
        unknown(&[remote(Effect::Deny, 1), remote(Effect::Deny, 2), deny]),
        denied
    );
    assert_eq!(
        unknown(&[remote(Effect::Allow, 1)]),
        PolicyDecision::NoMatch
    );
    let allowed = PolicyDecision::Matched {
        index: 1,
        effect: Effect::Allow,
    };
    assert_eq!(unknown(&[remote(Effect::Allow, 1), allow]), allowed);
}

#[test]
fn a_false_condition_settles_a_rule_whatever_else_is_unknown() {
    let rule = Rule {
        user: Some(SYSTEM.to_vec()),
        image: Some(any(r"\**\COPY.EXE")),
        remote: 1,
        ..Rule::new(Effect::Deny)
    };
    let subject = PolicySubject {
        remote: Some(false),
        ..PolicySubject::default()
    };
    let rules = [rule];
    assert_eq!(decide(&blob(&rules), &subject), PolicyDecision::NoMatch);
    let other = units(IMAGES[1]);
    let subject = PolicySubject {
        image: name(Some(&other)),
        ..PolicySubject::default()
    };
    assert_eq!(decide(&blob(&rules), &subject), PolicyDecision::NoMatch);
    assert_eq!(unknown(&rules), PolicyDecision::Undecided { index: 0 });
}

#[test]
fn each_condition_looks_at_its_own_fact() {
    let facts = Facts {
        image: Some(IMAGES[0]),
        user: Some(SYSTEM),
        source: Some(FILES[0]),
        target: Some(FILES[1]),
        volume: Some(VOLUMES[0]),
        remote: Some(true),
        byte_count: Some(100),
    };
    let rule = Rule::new(Effect::Deny);
    #[rustfmt::skip]
    let holds = [
        Rule { image: Some(any(r"\BIN\COPY.EXE")), ..rule.clone() },
        Rule { user: Some(SYSTEM.to_vec()), ..rule.clone() },
        Rule { source: Some(any(r"\A\X")), ..rule.clone() },
        Rule { target: Some(any(r"\B\X")), ..rule.clone() },
        Rule { volume: Some(device(r"\DEVICE\D")), ..rule.clone() },
        Rule { remote: 1, ..rule.clone() },
        Rule { byte_count_min: 100, ..rule.clone() },
    ];
    #[rustfmt::skip]
    let fails = [
        Rule { image: Some(any(r"\BIN\EVIL.EXE")), ..rule.clone() },
        Rule { user: Some(EVERYONE.to_vec()), ..rule.clone() },
        Rule { source: Some(any(r"\B\X")), ..rule.clone() },
        Rule { target: Some(any(r"\A\X")), ..rule.clone() },
        Rule { volume: Some(device(r"\DEVICE\E")), ..rule.clone() },
        Rule { remote: 2, ..rule.clone() },
        Rule { byte_count_min: 101, ..rule },
    ];
    for rule in holds {
        let said = decision(std::slice::from_ref(&rule), &facts);
        assert_eq!(outcome(said), Some(Effect::Deny), "{rule:?}");
    }
    for rule in fails {
        let said = decision(std::slice::from_ref(&rule), &facts);
        assert_eq!(said, PolicyDecision::NoMatch, "{rule:?}");
    }
}

#[test]
fn a_volume_is_meant_by_its_guid_or_by_its_device() {
    let guid = |guid: u8| Rule {
        volume: Some(crate::blob::guid([guid; 16])),
        ..Rule::new(Effect::Deny)
    };
    let subject = PolicySubject {
        volume_guid: Some([7; 16]),
        ..PolicySubject::default()
    };
    let denied = PolicyDecision::Matched {
        index: 0,
        effect: Effect::Deny,
    };
    assert_eq!(decide(&blob(&[guid(7)]), &subject), denied);
    assert_eq!(decide(&blob(&[guid(8)]), &subject), PolicyDecision::NoMatch);
    assert_eq!(unknown(&[guid(7)]), PolicyDecision::Undecided { index: 0 });
    let by_device = Rule {
        volume: Some(device(r"\DEVICE\D")),
        ..Rule::new(Effect::Deny)
    };
    let name = units(r"\device\d");
    let subject = PolicySubject {
        volume_device: Some(&name),
        ..PolicySubject::default()
    };
    assert_eq!(decide(&blob(&[by_device]), &subject), denied);
}

#[test]
fn strict_rules_of_the_table_are_those_that_a_policy_can_list() {
    for rule in &RULES {
        let is_listed = STRICT_RULES.contains(rule.id);
        assert_eq!(is_listed, rule.class == Class::Strict, "{}", rule.name);
    }
}

#[test]
fn a_record_says_what_was_decided_and_counts_rules_from_one() {
    let matched = |effect| PolicyDecision::Matched { index: 4, effect };
    for (decision, answer, number) in [
        (PolicyDecision::NoMatch, PolicyMatch::NoMatch, 0),
        (matched(Effect::Allow), PolicyMatch::Allow, 5),
        (matched(Effect::Flag), PolicyMatch::Flag, 5),
        (matched(Effect::Deny), PolicyMatch::Deny, 5),
        (
            PolicyDecision::Undecided { index: 6 },
            PolicyMatch::Undecided,
            7,
        ),
    ] {
        assert_eq!((decision.answer(), decision.number()), (answer, number));
    }
}

#[test]
fn the_head_of_a_policy_says_what_may_be_refused() {
    let listed: RuleSet = [RuleId::OTHER_VOLUME].into_iter().collect();
    for (mode, on_audit_loss, enforced) in [
        (PolicyMode::Observe, OnAuditLoss::Count, RuleSet::EMPTY),
        (PolicyMode::Observe, OnAuditLoss::Count, listed),
        (PolicyMode::Enforce, OnAuditLoss::Count, listed),
        (PolicyMode::Enforce, OnAuditLoss::Refuse, RuleSet::EMPTY),
    ] {
        let mut head = PolicyHead::new(0, 0).unwrap();
        head.mode = mode.raw();
        head.on_audit_loss = on_audit_loss.raw();
        head.enforced = enforced.bits().into();
        let policy = PolicyBlob::parse(head.as_bytes()).unwrap();
        let expected = Powers {
            enforce: mode == PolicyMode::Enforce,
            enforced,
            refuse_unaudited: on_audit_loss == OnAuditLoss::Refuse,
        };
        assert_eq!(Powers::of(&policy), expected);
    }
}
