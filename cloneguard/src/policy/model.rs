//! A policy between text and blob: values that are right each by itself.

use core::ops::Range;
use wire::RuleSet;
use wire::policy::{Effect, OnAuditLoss, PolicyMode};

/// A policy. Texts in it are in upper case where the blob wants them so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) mode: PolicyMode,
    pub(crate) revision: u64,
    pub(crate) enforced: RuleSet,
    pub(crate) on_audit_loss: OnAuditLoss,
    pub(crate) recheck: bool,
    pub(crate) lock_until_reboot: bool,
    /// 0 for never.
    pub(crate) summarise_seconds: u32,
    /// 0 for the driver's own choice.
    pub(crate) journal_size: u64,
    pub(crate) rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) effect: Effect,
    pub(crate) conditions: Conditions,
}

/// When a rule matches: all that are given hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    pub(crate) image: Option<Pattern>,
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) source: Option<Pattern>,
    pub(crate) target: Option<Pattern>,
    pub(crate) volume: Option<Volume>,
    pub(crate) remote: Option<bool>,
    /// 0 for no condition.
    pub(crate) byte_count_min: u64,
}

/// A pattern for the name of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// None for every volume.
    pub(crate) volume: Option<Volume>,
    /// In upper case.
    pub(crate) path: String,
}

/// One volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Volume {
    /// NT device name in upper case.
    Device(String),
    /// GUID in the byte order of Windows' `GUID` structure.
    Guid([u8; 16]),
}

/// A policy, and where its parts stand in the text.
#[derive(Debug)]
pub(crate) struct Sourced {
    pub(crate) policy: Policy,
    /// The value of `on-audit-loss`.
    pub(crate) on_audit_loss: Option<Range<usize>>,
    /// For each rule its heading and its line.
    pub(crate) rules: Vec<RulePlace>,
}

/// Where a rule stands in the text.
#[derive(Clone, Debug)]
pub(crate) struct RulePlace {
    pub(crate) span: Range<usize>,
    pub(crate) name: Range<usize>,
    pub(crate) line: usize,
}
