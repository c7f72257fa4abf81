//! What follows from findings under each mode and policy.

use crate::common::{Request, facts, judged};
use guard::{
    Answer, Bitness, Class, ControlCode, Facts, Findings, PolicyMatch, Powers, RULES, RuleId,
    RuleSet, SourceState, Subject, Verdict, decide, find,
};

/// Findings in which these rules fire, all as grounds.
fn grounds(ids: &[RuleId]) -> Findings {
    let set: RuleSet = ids.iter().copied().collect();
    Findings {
        fired: set,
        grounds: set,
    }
}

/// Findings in which these rules fire and none is a ground.
fn notes(ids: &[RuleId]) -> Findings {
    Findings {
        grounds: RuleSet::EMPTY,
        ..grounds(ids)
    }
}

const ENFORCE: Powers = Powers {
    enforce: true,
    ..Powers::OBSERVE
};

#[test]
fn a_definite_ground_refuses_with_its_status_and_only_in_enforce_mode() {
    for rule in RULES.iter().filter(|rule| rule.class == Class::Definite) {
        let Answer::Status(status) = rule.answer else {
            panic!("{} has no status", rule.name);
        };
        let refused = decide(&grounds(&[rule.id]), 0, &ENFORCE);
        assert_eq!(refused.verdict, Verdict::Refused, "{}", rule.name);
        assert_eq!(
            (refused.refusal, refused.deciding),
            (Some(status), Some(rule.id))
        );
        let observed = decide(&grounds(&[rule.id]), 0, &Powers::OBSERVE);
        assert_eq!(observed.verdict, Verdict::WouldRefuse);
        assert_eq!(observed.refusal, Some(status));
        let noted = decide(&notes(&[rule.id]), 0, &ENFORCE);
        assert_eq!((noted.verdict, noted.refusal), (Verdict::Flagged, None));
        assert_eq!(noted.deciding, Some(rule.id));
    }
}

#[test]
fn a_strict_ground_refuses_only_when_it_is_listed() {
    let strict: Vec<RuleId> = RULES
        .iter()
        .filter(|rule| rule.class == Class::Strict)
        .map(|rule| rule.id)
        .collect();
    assert_eq!(strict.len(), 4);
    for id in &strict {
        for listed in &strict {
            let powers = Powers {
                enforced: [*listed].into_iter().collect(),
                ..ENFORCE
            };
            let judgement = decide(&grounds(&[*id]), 0xC000_0008, &powers);
            let expected = if id == listed {
                Verdict::Refused
            } else {
                Verdict::Flagged
            };
            assert_eq!(judgement.verdict, expected);
        }
    }
}

#[test]
fn a_refused_handle_is_answered_with_the_object_managers_status() {
    let powers = Powers {
        enforced: [RuleId::SOURCE_HANDLE].into_iter().collect(),
        ..ENFORCE
    };
    let judgement = decide(&grounds(&[RuleId::SOURCE_HANDLE]), 0xC000_0008, &powers);
    assert_eq!(judgement.refusal, Some(0xC000_0008));
}

#[test]
fn a_denial_refuses_and_a_gap_in_the_audit_does_if_the_policy_says_so() {
    let denied = decide(&grounds(&[RuleId::POLICY]), 0, &ENFORCE);
    assert_eq!(
        (denied.verdict, denied.refusal),
        (Verdict::Refused, Some(0xC000_0022))
    );
    let unseen = grounds(&[RuleId::NOT_INSPECTED]);
    let counted = decide(&unseen, 0, &ENFORCE);
    assert_eq!(
        (counted.verdict, counted.refusal),
        (Verdict::NotInspected, None)
    );
    let strict = Powers {
        refuse_unaudited: true,
        ..ENFORCE
    };
    let refused = decide(&unseen, 0, &strict);
    assert_eq!(
        (refused.verdict, refused.refusal),
        (Verdict::Refused, Some(guard::UNAUDITED))
    );
}

#[test]
fn the_first_rule_that_may_refuse_decides_over_every_other() {
    let findings = Findings {
        fired: [RuleId::EX_SIZE, RuleId::OTHER_VOLUME, RuleId::POLICY]
            .into_iter()
            .collect(),
        grounds: [RuleId::OTHER_VOLUME, RuleId::POLICY].into_iter().collect(),
    };
    let judgement = decide(&findings, 0, &ENFORCE);
    assert_eq!(judgement.deciding, Some(RuleId::POLICY));
    let listed = Powers {
        enforced: [RuleId::OTHER_VOLUME].into_iter().collect(),
        ..ENFORCE
    };
    let judgement = decide(&findings, 0, &listed);
    assert_eq!(judgement.deciding, Some(RuleId::OTHER_VOLUME));
    assert_eq!(judgement.refusal, Some(0xC000_000D));
}

#[test]
fn the_answer_of_the_policy_becomes_rule_60_or_70() {
    let capture = Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture();
    let none = judged(&capture, &facts()).findings;
    for (policy, fired, ground) in [
        (PolicyMatch::NoMatch, None, false),
        (PolicyMatch::Allow, None, false),
        (PolicyMatch::Flag, Some(RuleId::POLICY), false),
        (PolicyMatch::Deny, Some(RuleId::POLICY), true),
        (PolicyMatch::Undecided, Some(RuleId::NOT_INSPECTED), true),
    ] {
        let findings = find(&Subject {
            capture: &capture,
            claim: &capture.read(),
            facts: &facts(),
            policy,
        });
        assert_eq!(findings.fired, fired.into_iter().collect());
        let expected = if ground {
            findings.fired
        } else {
            RuleSet::EMPTY
        };
        assert_eq!(findings.grounds, expected);
        // A replay comes to the same, whatever the policy said before.
        assert_eq!(none.under(false, policy), findings);
        for before in [PolicyMatch::Deny, PolicyMatch::Flag, PolicyMatch::Undecided] {
            let undecided = before == PolicyMatch::Undecided;
            assert_eq!(none.under(false, before).under(undecided, policy), findings);
        }
    }
}

#[test]
fn a_replay_keeps_what_the_driver_could_not_see() {
    let unseen = Facts {
        source: SourceState::NotInspected(0),
        ..facts()
    };
    let capture = Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture();
    let findings = judged(&capture, &unseen).findings;
    assert_eq!(findings.under(false, PolicyMatch::Allow), findings);
}

#[test]
fn a_note_refuses_nothing_even_where_it_is_called_a_ground() {
    let findings = Findings {
        fired: [RuleId::OTHER_VOLUME, RuleId::ZERO_COUNT]
            .into_iter()
            .collect(),
        grounds: [RuleId::ZERO_COUNT].into_iter().collect(),
    };
    let judgement = decide(&findings, 0, &ENFORCE);
    assert_eq!(judgement.deciding, Some(RuleId::OTHER_VOLUME));
    assert_eq!(judgement.refusal, None);
}
