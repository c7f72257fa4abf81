//! How a request ended, in its own record or in one that came later.

use crate::label::{label, labelled};
use crate::{EntryHead, NtStatus};
use serde::{Serialize, Serializer};
use wire::{EndHead, OutcomeKind, RuleId, Verdict};

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventEnd {
    /// What was decided.
    #[serde(serialize_with = "verdict")]
    pub verdict: Verdict,
    /// The rules that fired, smallest id first.
    pub rules: Vec<EventRule>,
    /// The rule that decided.
    pub deciding_rule: Option<EventRule>,
    /// How the end of the request was learned; `pending` if a later entry of kind `ended` tells it.
    #[serde(serialize_with = "outcome")]
    pub outcome: OutcomeKind,
    /// Final status; none if the end was not seen.
    pub status: Option<NtStatus>,
    /// Final `IoStatus.Information`; none if the end was not seen.
    pub information: Option<u64>,
    /// From the decision to the end, in 100 ns; none if it had not ended.
    pub duration_100ns: Option<u64>,
    /// What the source handle named after the operation: `unasked`, `same`, `changed` or `unseen`.
    pub source_after: String,
}

/// A rule that fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventRule {
    /// Its number.
    pub id: u8,
    /// Its name; left out if this build does not know the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'static str>,
}

/// The end of a request whose own entry came before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// What the entries of all kinds have. `request` says which one ended.
    #[serde(flatten)]
    pub head: EntryHead,
    /// How it ended.
    #[serde(flatten)]
    pub end: EventEnd,
}

impl EventEnd {
    pub(super) fn new(end: &EndHead) -> Self {
        Self {
            verdict: end.verdict(),
            rules: end.rules().iter().map(EventRule::new).collect(),
            deciding_rule: end.deciding_rule().map(EventRule::new),
            outcome: end.outcome(),
            status: end.status().map(NtStatus::new),
            information: end.information(),
            duration_100ns: end.duration(),
            source_after: labelled!(end.source_after()),
        }
    }

    /// The outcome by its name.
    #[must_use]
    pub fn outcome_name(&self) -> String {
        labelled!(self.outcome)
    }
}

impl EventRule {
    /// A rule with its name.
    pub(super) fn new(id: RuleId) -> Self {
        Self {
            id: id.number(),
            name: id.name(),
        }
    }
}

impl Ended {
    pub(crate) fn new(head: EntryHead, ended: &wire::Ended<'_>) -> Self {
        Self {
            head,
            end: EventEnd::new(ended.end()),
        }
    }
}

/// Writes a verdict by its name.
fn verdict<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&label(verdict.name(), verdict.raw()))
}

/// Writes an outcome by its name.
fn outcome<S: Serializer>(outcome: &OutcomeKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&label(outcome.name(), outcome.raw()))
}
