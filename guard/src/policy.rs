//! The policy's own rules, evaluated: the first that matches decides, and what is not known is
//! never guessed.
//!
//! [`decide`] compares the rules of an [`IndexedPolicy`] with a [`PolicySubject`], of which every fact
//! may be missing. A condition on a missing fact is neither true nor false; a rule with such a
//! condition and no false one is passed over. If a rule that was passed over would have led to
//! another outcome than the one found without it, the answer is [`PolicyDecision::Undecided`]. So
//! an unknown fact never makes a rule fire, and never hides that one might have.
//!
//! Nothing here allocates, recurses or waits. The work is bounded by rules times the length of a
//! pattern times the length of a name; the index (`index.rs`) leaves out most rules, and no answer depends
//! on it. `glob.rs` matches names; `wire::policy` is the format and `docs/policy.md` the
//! description for people.

mod candidates;
mod glob;
mod index;
mod key;
mod slots;
mod subject;

pub use candidates::Candidates;
pub use index::{IndexedPolicy, SlotCount};
pub use slots::IndexSlot;
pub use subject::{PathName, PolicySubject};
pub use wire::policy::{Effect, OnAuditLoss, PolicyBlob, PolicyError, PolicyFault, PolicyMode};

use crate::Powers;
use wire::PolicyMatch;
use wire::policy::{PathPattern, PolicyRule};

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
// Not inlined: a request under a policy without rules does not pay for the room of the candidates.
#[must_use]
#[inline(never)]
pub fn decide<B: AsRef<[u8]>, S: AsRef<[IndexSlot]>>(
    policy: &IndexedPolicy<B, S>,
    subject: &PolicySubject<'_>,
) -> PolicyDecision {
    let rules = policy.policy().rules();
    let mut passed_over: Option<(u32, Effect)> = None;
    let mut candidates = policy.candidates(subject);
    while let Some(number) = candidates.next() {
        let Some(rule) = rules.clone().nth(usize::from(number)) else {
            continue;
        };
        let index = u32::from(number);
        let effect = rule.effect();
        match (matches(&rule, subject), passed_over) {
            (Some(false), _) => {}
            (None | Some(true), Some((first, other))) if other != effect => {
                return PolicyDecision::Undecided { index: first };
            }
            (None, Some(_)) => {}
            (None, None) => {
                passed_over = Some((index, effect));
                candidates.pass_over(effect);
            }
            (Some(true), _) => return PolicyDecision::Matched { index, effect },
        }
    }
    match passed_over {
        Some((_, Effect::Allow)) | None => PolicyDecision::NoMatch,
        Some((index, Effect::Flag | Effect::Deny)) => PolicyDecision::Undecided { index },
    }
}

/// Whether a rule matches: all its conditions hold. `None` if that depends on an unknown fact. What is
/// cheap to compare comes first.
fn matches(rule: &PolicyRule<'_>, subject: &PolicySubject<'_>) -> Option<bool> {
    let truth = holds(rule.remote(), subject.remote, |wanted, fact| wanted == fact);
    let truth = and(truth, || {
        holds(
            rule.byte_count_min(),
            subject.byte_count,
            |minimum, count| count >= minimum,
        )
    });
    let truth = and(truth, || {
        holds(rule.user(), subject.user, |wanted, user| wanted == user)
    });
    let truth = and(truth, || subject.is_on(rule.volume()));
    let truth = and(truth, || named(rule.image(), subject.image));
    let truth = and(truth, || named(rule.source(), subject.source));
    and(truth, || named(rule.target(), subject.target))
}

/// Whether a fact is as wanted, if anything is.
fn holds<T>(wanted: Option<T>, fact: Option<T>, is_met: impl FnOnce(T, T) -> bool) -> Option<bool> {
    match wanted {
        Some(wanted) => fact.map(|fact| is_met(wanted, fact)),
        None => Some(true),
    }
}

/// Whether a name fits a pattern, if there is one.
fn named(pattern: Option<PathPattern<'_>>, name: Option<PathName<'_>>) -> Option<bool> {
    match pattern {
        Some(pattern) => name.and_then(|name| name.fits(pattern)),
        None => Some(true),
    }
}

/// Kleene's conjunction: false if one is false, else unknown if one is unknown. The second is not asked for
/// if the first is false.
fn and(first: Option<bool>, second: impl FnOnce() -> Option<bool>) -> Option<bool> {
    match first {
        Some(true) => second(),
        Some(false) => Some(false),
        None => second().filter(|second| !second),
    }
}
