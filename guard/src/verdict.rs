//! What follows from the rules that fired: the one place where a finding becomes a status.
//!
//! [`decide`] is also what the tool asks when it replays recorded requests under another policy, so
//! it takes nothing but what a record holds.

use crate::rules::{Answer, Class, Findings, Rule};
use crate::table::RULES;
use wire::{RuleId, RuleSet, Verdict};

/// What mode and policy allow to be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Powers {
    /// Whether anything is refused at all; otherwise only said.
    pub enforce: bool,
    /// The strict rules that refuse.
    pub enforced: RuleSet,
    /// Whether a request that cannot be audited is refused.
    pub refuse_unaudited: bool,
}

impl Powers {
    /// Observe mode, with every strict rule only noted: what is in force without a policy.
    pub const OBSERVE: Self = Self {
        enforce: false,
        enforced: RuleSet::EMPTY,
        refuse_unaudited: false,
    };

    /// Whether a rule that is a ground to refuse may do so.
    const fn allow(&self, id: RuleId, class: Class) -> bool {
        match class {
            Class::Definite | Class::Policy => true,
            Class::Strict => self.enforced.contains(id),
            Class::Engine => self.refuse_unaudited,
            Class::Note => false,
        }
    }
}

/// What was decided about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The rules that fired.
    pub findings: Findings,
    /// The rule that decides; `None` exactly if none fired.
    pub deciding: Option<RuleId>,
    /// What follows.
    pub verdict: Verdict,
    /// NTSTATUS with which the request is refused, or in enforce mode would be.
    pub refusal: Option<u32>,
}

/// The status for a request that is refused because it cannot be audited: callers that get it copy
/// instead (`STATUS_NOT_SUPPORTED`, MS-ERREF 2.3.1; MS-FSCC 2.3.8 lists it for a clone).
pub const UNAUDITED: u32 = 0xC000_00BB;

/// Decides by the first rule of the table that may refuse, else by the first that fired.
///
/// `source_status` is the NTSTATUS with which the object manager refused the source handle.
#[must_use]
pub fn decide(findings: &Findings, source_status: u32, powers: &Powers) -> Judgement {
    let refusing = first(findings.grounds, |rule| powers.allow(rule.id, rule.class));
    let refusal = refusing.and_then(|rule| match rule.answer {
        Answer::Status(status) => Some(status),
        Answer::ObjectManager => Some(source_status),
        Answer::Never => None,
    });
    let verdict = match (refusal, powers.enforce) {
        (Some(_), true) => Verdict::Refused,
        (Some(_), false) => Verdict::WouldRefuse,
        (None, _) if findings.fired.contains(RuleId::NOT_INSPECTED) => Verdict::NotInspected,
        (None, _) if findings.fired.is_empty() => Verdict::Passed,
        (None, _) => Verdict::Flagged,
    };
    Judgement {
        findings: *findings,
        deciding: refusing
            .or_else(|| first(findings.fired, |_| true))
            .map(|rule| rule.id),
        verdict,
        refusal,
    }
}

/// The first rule of the table that is in the set and may decide. Of most requests the set is empty: then the table is
/// not walked.
fn first(set: RuleSet, may_decide: impl Fn(&Rule) -> bool) -> Option<&'static Rule> {
    if set.is_empty() {
        return None;
    }
    RULES
        .iter()
        .find(|rule| set.contains(rule.id) && may_decide(rule))
}
