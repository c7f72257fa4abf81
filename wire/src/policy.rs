//! The policy blob: what the driver enforces, as one flat piece of bytes.
//!
//! `cloneguard` compiles a readable policy into it and the driver reads it from the registry. A
//! [`PolicyBlob`] exists only after every byte has been checked, so its accessors cannot fail.
//! A head ([`PolicyHead`]) is followed by rules of one size ([`PolicyRuleHead`]) and a pool that
//! holds their texts and SIDs; a [`PoolRef`] points into the pool, and several may share bytes.
//!
//! `guard::policy` evaluates the rules; `docs/policy.md` says what they mean, `docs/wire.md` has
//! the fields.

mod check;
mod fault;
mod list;
mod path;
mod raw;
mod view;

pub use fault::{PolicyError, PolicyFault};
pub use list::{Effect, OnAuditLoss, PolicyMode, Remote, VolumeKind};
pub use path::{
    QUESTION, SEPARATOR, STAR, TEXT_UNITS_MAX, check_device, check_path, check_rule_name, upcase,
};
pub use raw::{PathPatternHead, PolicyHead, PolicyRuleHead, PoolRef, VolumeSelectorHead};
pub use view::{PathPattern, PolicyBlob, PolicyRule, PolicyRules, VolumeSelector};

use crate::RuleSet;

/// The largest blob: 4 MiB.
pub const POLICY_SIZE_MAX: usize = 0x40_0000;

/// The most rules of a policy.
pub const POLICY_RULES_MAX: usize = 16_384;

/// The rules of class strict, 40 to 43: the only ones that a policy can list as enforced.
/// Definite rules are enforced without being listed, notes never are.
pub const STRICT_RULES: RuleSet = match RuleSet::from_bits(0x0F00_0000_0000) {
    Some(rules) => rules,
    None => RuleSet::EMPTY,
};
