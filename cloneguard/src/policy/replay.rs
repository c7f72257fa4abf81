//! What a policy would have done to requests that were recorded.
//!
//! [`Recorded::parse`] reads one line of JSON as `Event` writes it; [`replay`] judges it by the
//! rules that fired then and by the policy, with the evaluator that the driver runs. What a record
//! does not say is unknown, and an unknown fact never makes a rule of the policy fire.

mod recorded;
mod table;

pub use recorded::{Recorded, RecordedName};
pub use table::{header, row, summary};

use super::{Compiled, decode};
use guard::Powers;
use guard::policy::{IndexSlot, IndexedPolicy, PolicyDecision, SlotCount, decide};
use std::collections::BTreeMap;
use wire::policy::PolicyBlob;
use wire::{RuleId, Verdict};

/// A request under the policy.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What the record says was decided.
    pub before: Verdict,
    /// What the policy would decide.
    pub after: Verdict,
    /// The rule that decides, and whose it is; empty if none does.
    pub because: String,
    /// What the policy's own rules say.
    pub decision: PolicyDecision,
}

impl Replayed {
    /// Whether the policy would decide otherwise than was decided.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.before != self.after
    }
}

/// What became of many requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests looked at.
    pub requests: u64,
    /// How many changed from one verdict to another.
    pub changes: BTreeMap<(u8, u8), u64>,
    /// Requests for which an unknown fact could have mattered.
    pub undecided: u64,
    /// How many requests each rule of the policy matched.
    pub matches: BTreeMap<u32, u64>,
}

impl Totals {
    /// Takes a request into account.
    pub fn add(&mut self, replayed: &Replayed) {
        self.requests += 1;
        if replayed.is_changed() {
            let change = (replayed.before.raw(), replayed.after.raw());
            *self.changes.entry(change).or_default() += 1;
        }
        match replayed.decision {
            PolicyDecision::NoMatch => {}
            PolicyDecision::Matched { index, .. } => *self.matches.entry(index).or_default() += 1,
            PolicyDecision::Undecided { .. } => self.undecided += 1,
        }
    }

    /// Requests that the policy would decide otherwise.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.changes.values().sum()
    }
}

/// A policy as the driver holds it, with the index of its rules.
pub type Indexed = IndexedPolicy<Vec<u8>, Vec<IndexSlot>>;

/// Makes the index, once for all requests.
///
/// # Panics
///
/// Never: as many slots are given as the policy has rules.
#[must_use]
pub fn index(policy: Compiled) -> Indexed {
    let slots = vec![IndexSlot::default(); policy.rules().len()];
    IndexedPolicy::build(policy, slots)
        .unwrap_or_else(|SlotCount { needed }| unreachable!("{needed} slots were given"))
}

/// Judges a recorded request under a policy.
#[must_use]
pub fn replay(policy: &Indexed, recorded: &Recorded) -> Replayed {
    let decision = decide(policy, &recorded.subject());
    let (after, because) = judge(policy.policy(), recorded, decision);
    Replayed {
        before: recorded.verdict,
        after,
        because,
        decision,
    }
}

/// The verdict and the rule behind it, by the same functions that the driver calls.
fn judge<S: AsRef<[u8]>>(
    policy: &PolicyBlob<S>,
    recorded: &Recorded,
    decision: PolicyDecision,
) -> (Verdict, String) {
    let findings = recorded
        .findings
        .under(recorded.was_undecided, decision.answer());
    let judgement = guard::decide(&findings, recorded.source_status, &Powers::of(policy));
    let because = match (judgement.deciding, decision) {
        (Some(RuleId::POLICY), PolicyDecision::Matched { index, .. })
        | (Some(RuleId::NOT_INSPECTED), PolicyDecision::Undecided { index }) => {
            policy_text(policy, index)
        }
        (Some(id), _) => rule_text(id),
        (None, _) => String::new(),
    };
    (judgement.verdict, because)
}

/// A rule of ours for people.
fn rule_text(id: RuleId) -> String {
    match id.name() {
        Some(name) => format!("rule {id} {name}"),
        None => format!("rule {id}"),
    }
}

/// A rule of the policy for people.
fn policy_text<S: AsRef<[u8]>>(policy: &PolicyBlob<S>, index: u32) -> String {
    let rule = usize::try_from(index)
        .ok()
        .and_then(|index| policy.rules().nth(index));
    let name = rule.map(|rule| decode::text(rule.name()));
    format!("policy \"{}\"", name.unwrap_or_default())
}

#[cfg(test)]
mod tests;
