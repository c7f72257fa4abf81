//! The policy's own rules, evaluated: the first that matches decides, and what is not known is
//! never guessed.
//!
//! [`decide`] compares each rule of a [`PolicyBlob`] with a [`PolicySubject`], of which every fact
//! may be missing. A condition on a missing fact is neither true nor false; a rule with such a
//! condition and no false one is passed over. If a rule that was passed over would have led to
//! another outcome than the one found without it, the answer is [`PolicyDecision::Undecided`]. So
//! an unknown fact never makes a rule fire, and never hides that one might have.
//!
//! Nothing here allocates, recurses or waits. The work is bounded by rules times the length of a
//! pattern times the length of a name. `glob.rs` matches names; `wire::policy` is the format and
//! `docs/policy.md` the description for people.

mod glob;
mod subject;

pub use subject::{PathName, PolicySubject};
pub use wire::policy::{Effect, OnAuditLoss, PolicyBlob, PolicyError, PolicyFault, PolicyMode};

use crate::Powers;
use wire::PolicyMatch;
use wire::policy::PolicyRule;

/// What the policy's rules say about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyDecision {
    /// No rule matches, whatever the unknown facts are; or only an allow rule might.
    NoMatch,
    /// This rule matches, and none before it could change the outcome.
    Matched {
        /// Place of the rule in the policy, from 0.
        index: u32,
        /// What it does.
        effect: Effect,
    },
    /// An unknown fact could change the outcome.
    Undecided {
        /// The first rule that was passed over.
        index: u32,
    },
}

impl PolicyDecision {
    /// What a record says of it.
    #[must_use]
    pub const fn answer(&self) -> PolicyMatch {
        match self {
            Self::NoMatch => PolicyMatch::NoMatch,
            Self::Undecided { .. } => PolicyMatch::Undecided,
            Self::Matched { effect, .. } => match effect {
                Effect::Allow => PolicyMatch::Allow,
                Effect::Flag => PolicyMatch::Flag,
                Effect::Deny => PolicyMatch::Deny,
            },
        }
    }

    /// The number of the rule that is meant, from 1 as records count; 0 for none.
    #[must_use]
    pub const fn number(&self) -> u32 {
        match self {
            Self::NoMatch => 0,
            // A policy has far fewer rules than 2^32.
            Self::Matched { index, .. } | Self::Undecided { index } => index.saturating_add(1),
        }
    }
}

impl Powers {
    /// What a policy allows to be refused.
    #[must_use]
    pub fn of<S: AsRef<[u8]>>(policy: &PolicyBlob<S>) -> Self {
        Self {
            enforce: policy.mode() == PolicyMode::Enforce,
            enforced: policy.enforced(),
            refuse_unaudited: policy.on_audit_loss() == OnAuditLoss::Refuse,
        }
    }
}

/// Evaluates the rules of a policy.
///
/// The outcome of a rule is its effect; the outcome without any is that of an allow rule. The
/// answer is `Undecided` exactly if the rules that were passed over and the first one that matches
/// do not all have one outcome.
#[must_use]
pub fn decide<S: AsRef<[u8]>>(
    policy: &PolicyBlob<S>,
    subject: &PolicySubject<'_>,
) -> PolicyDecision {
    let mut passed_over: Option<(u32, Effect)> = None;
    // Counted by hand: `enumerate` would leave a call to panic in the driver.
    let mut next = 0_u32;
    for rule in policy.rules() {
        let index = next;
        next = next.saturating_add(1);
        let effect = rule.effect();
        match (matches(&rule, subject), passed_over) {
            (Some(false), _) => {}
            (None | Some(true), Some((first, other))) if other != effect => {
                return PolicyDecision::Undecided { index: first };
            }
            (None, Some(_)) => {}
            (None, None) => passed_over = Some((index, effect)),
            (Some(true), _) => return PolicyDecision::Matched { index, effect },
        }
    }
    match passed_over {
        Some((_, Effect::Allow)) | None => PolicyDecision::NoMatch,
        Some((index, Effect::Flag | Effect::Deny)) => PolicyDecision::Undecided { index },
    }
}

/// Whether a rule matches: all its conditions hold. `None` if that depends on an unknown fact.
fn matches(rule: &PolicyRule<'_>, subject: &PolicySubject<'_>) -> Option<bool> {
    let equal = |wanted: Option<bool>, fact: Option<bool>| match wanted {
        Some(wanted) => fact.map(|fact| fact == wanted),
        None => Some(true),
    };
    let user = match rule.user() {
        Some(wanted) => subject.user.map(|user| user == wanted),
        None => Some(true),
    };
    let count = match rule.byte_count_min() {
        Some(minimum) => subject.byte_count.map(|count| count >= minimum),
        None => Some(true),
    };
    let cheap = all([
        equal(rule.remote(), subject.remote),
        user,
        count,
        subject.is_on(rule.volume()),
    ]);
    if cheap == Some(false) {
        return cheap;
    }
    let named = |pattern: Option<_>, name: Option<PathName<'_>>| match pattern {
        Some(pattern) => name.and_then(|name| name.fits(pattern)),
        None => Some(true),
    };
    all([
        cheap,
        named(rule.image(), subject.image),
        named(rule.source(), subject.source),
        named(rule.target(), subject.target),
    ])
}

/// Kleene's conjunction: false if one is false, else unknown if one is unknown.
fn all<const N: usize>(truths: [Option<bool>; N]) -> Option<bool> {
    if truths.contains(&Some(false)) {
        Some(false)
    } else if truths.contains(&None) {
        None
    } else {
        Some(true)
    }
}
