//! What the driver may refuse at a step of a script.

use wire::RuleSet;
use wire::policy::{OnAuditLoss, PolicyBlob, PolicyMode};

use super::Mode;

/// The rule of a policy's own rules, and that for what could not be looked at (docs/rules.md).
const POLICY: u8 = 60;
const NOT_INSPECTED: u8 = 70;

/// What a policy comes to for the judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setup {
    pub(super) enforces: bool,
    /// Strict rules that refuse.
    enforced: RuleSet,
    /// Whether there are rules of the policy's own.
    has_rules: bool,
    /// Whether what cannot be recorded is refused.
    refuses_on_loss: bool,
    /// Whether requests are synchronised, so that the source can be looked at again.
    pub(super) rechecks: bool,
    /// Whether passed requests may be told of together.
    pub(super) summarises: bool,
    /// Whether no other policy is taken, and nobody may detach or unload the driver.
    pub(super) locks: bool,
}

impl Setup {
    /// Without a policy.
    pub(super) const OBSERVE: Self = Self {
        enforces: false,
        enforced: RuleSet::EMPTY,
        has_rules: false,
        refuses_on_loss: false,
        rechecks: false,
        summarises: false,
        locks: false,
    };

    /// What a stored policy says; `None` if it is not sound.
    pub(super) fn of(blob: &[u8]) -> Option<Self> {
        let policy = PolicyBlob::parse(blob).ok()?;
        Some(Self {
            enforces: policy.mode() == PolicyMode::Enforce,
            enforced: policy.enforced(),
            has_rules: policy.rules().next().is_some(),
            refuses_on_loss: policy.on_audit_loss() == OnAuditLoss::Refuse,
            rechecks: policy.rechecks(),
            summarises: policy.summarise_seconds().is_some(),
            locks: policy.locks_until_reboot(),
        })
    }

    /// Bytes of the journal with which the driver is loaded under a stored policy, where it says so.
    pub(super) fn journal_size(blob: &[u8]) -> Option<u64> {
        PolicyBlob::parse(blob).ok()?.journal_size()
    }

    /// Whether a rule that is not definite may decide to refuse.
    pub(super) fn lets_refuse(&self, rule: u8) -> bool {
        let is_enforced =
            |rule| wire::RuleId::new(rule).is_some_and(|id| self.enforced.contains(id));
        self.enforces
            && match rule {
                POLICY => self.has_rules,
                NOT_INSPECTED => self.refuses_on_loss,
                _ => is_enforced(rule),
            }
    }

    /// Whether anything may be refused that breaks no definite rule.
    pub(super) fn has_own_reasons(&self) -> bool {
        self.enforces && (self.has_rules || self.refuses_on_loss || self.enforced != RuleSet::EMPTY)
    }

    /// Whether each definite finding refuses: no rule of the policy's own comes before it.
    pub(super) const fn is_plain(&self) -> bool {
        !self.has_rules
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::OBSERVE
    }
}

impl From<Mode> for Setup {
    fn from(mode: Mode) -> Self {
        Self {
            enforces: mode == Mode::Enforce,
            ..Self::OBSERVE
        }
    }
}
