//! Rules that contradict each other, and options that cannot have an effect.
//!
//! Only what is certain is reported: a rule is called idle if every request that it could match is
//! matched by one earlier rule. Two patterns are compared by their text, so some idle rules are not
//! found; none is found by mistake.

use super::model::{Conditions, Pattern, Policy, Rule, Sourced, Volume};
use super::problem::Finding;
use core::ops::Range;
use std::collections::HashMap;
use wire::policy::{OnAuditLoss, PolicyMode};

/// Everything that contradicts itself.
pub(super) fn find(sourced: &Sourced) -> Vec<Finding> {
    let mut findings = names(sourced);
    findings.extend(options(sourced));
    for (index, rule) in sourced.policy.rules.iter().enumerate() {
        let Some(place) = sourced.rules.get(index) else {
            continue;
        };
        findings.extend(volumes(rule, place.span.clone()));
        findings.extend(idle(sourced, index, rule, place.span.clone()));
    }
    findings
}

/// An option that cannot have an effect.
fn options(sourced: &Sourced) -> Option<Finding> {
    let Policy {
        mode,
        on_audit_loss,
        ..
    } = &sourced.policy;
    let is_futile = *mode == PolicyMode::Observe && *on_audit_loss == OnAuditLoss::Refuse;
    is_futile.then(|| Finding {
        span: sourced.on_audit_loss.clone().unwrap_or(0..0),
        what: "on-audit-loss is refuse, but observe mode refuses nothing".to_owned(),
        advice: "write count, or set mode = \"enforce\"".to_owned(),
    })
}

/// Names that two rules have.
fn names(sourced: &Sourced) -> Vec<Finding> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut findings = Vec::new();
    for (rule, place) in sourced.policy.rules.iter().zip(&sourced.rules) {
        if let Some(first) = seen.get(rule.name.as_str()) {
            findings.push(Finding {
                span: place.name.clone(),
                what: format!(
                    "the name \"{}\" is that of the rule in line {first} too",
                    rule.name
                ),
                advice: "give each rule its own name, which the audit shows".to_owned(),
            });
        } else {
            seen.insert(&rule.name, place.line);
        }
    }
    findings
}

/// A volume condition that the pattern for the target contradicts.
fn volumes(rule: &Rule, span: Range<usize>) -> Option<Finding> {
    let target = rule.conditions.target.as_ref()?.volume.as_ref()?;
    let volume = rule.conditions.volume.as_ref()?;
    let is_contradiction = match (target, volume) {
        (Volume::Guid(one), Volume::Guid(other)) => one != other,
        (Volume::Device(one), Volume::Device(other)) => one != other,
        (Volume::Guid(_), Volume::Device(_)) | (Volume::Device(_), Volume::Guid(_)) => false,
    };
    is_contradiction.then(|| Finding {
        span,
        what: format!(
            "rule \"{}\" names one volume in volume and another in target",
            rule.name
        ),
        advice: "volume is that of the target: name the same one, or leave volume out".to_owned(),
    })
}

/// A rule that an earlier one never lets have its turn.
fn idle(sourced: &Sourced, index: usize, rule: &Rule, span: Range<usize>) -> Option<Finding> {
    let earlier = sourced
        .policy
        .rules
        .get(..index)?
        .iter()
        .zip(&sourced.rules);
    let (winner, place) = earlier
        .into_iter()
        .find(|(earlier, _)| covers(&earlier.conditions, &rule.conditions))?;
    let (name, other, line) = (&rule.name, &winner.name, place.line);
    let (effect, won) = (rule.effect.name(), winner.effect.name());
    if winner.conditions == rule.conditions && winner.effect != rule.effect {
        return Some(Finding {
            span,
            what: format!(
                "rule \"{name}\" says {effect} where rule \"{other}\" in line {line} says {won} \
                 under the same conditions"
            ),
            advice: "keep one of them".to_owned(),
        });
    }
    Some(Finding {
        span,
        what: format!(
            "rule \"{name}\" never matches: rule \"{other}\" in line {line} matches all that it would"
        ),
        advice: "put the narrower rule first, or drop it".to_owned(),
    })
}

/// Whether every request that meets the narrow conditions meets the wide ones too.
pub(super) fn covers(wide: &Conditions, narrow: &Conditions) -> bool {
    is_implied(wide.remote.as_ref(), narrow.remote.as_ref(), PartialEq::eq)
        && wide.byte_count_min <= narrow.byte_count_min
        && is_implied(wide.user.as_ref(), narrow.user.as_ref(), PartialEq::eq)
        && is_implied(wide.volume.as_ref(), narrow.volume.as_ref(), PartialEq::eq)
        && is_implied(wide.image.as_ref(), narrow.image.as_ref(), pattern_covers)
        && is_implied(wide.source.as_ref(), narrow.source.as_ref(), pattern_covers)
        && is_implied(wide.target.as_ref(), narrow.target.as_ref(), pattern_covers)
}

/// Whether the wide condition is absent, or follows from the narrow one.
fn is_implied<T>(wide: Option<&T>, narrow: Option<&T>, covers: fn(&T, &T) -> bool) -> bool {
    match (wide, narrow) {
        (None, _) => true,
        (Some(wide), Some(narrow)) => covers(wide, narrow),
        (Some(_), None) => false,
    }
}

/// Whether a pattern certainly fits every name that the narrow one fits: it is the same, or it ends
/// with `**` and the narrow one begins with the same text.
pub(super) fn pattern_covers(wide: &Pattern, narrow: &Pattern) -> bool {
    let start = wide.path.strip_suffix("**");
    let begins = start.is_some_and(|start| narrow.path.starts_with(start));
    (wide.volume.is_none() || wide.volume == narrow.volume) && (begins || wide.path == narrow.path)
}
