//! The strict rules by the names that people write, and why the other rules are not among them.

use guard::{Class, RULES};
use wire::policy::STRICT_RULES;
use wire::{RULE_NAMES, RuleId};

/// The strict rule with a name.
pub(crate) fn by_name(name: &str) -> Result<RuleId, (String, String)> {
    match RULE_NAMES.iter().find(|(_, known)| *known == name) {
        Some((id, _)) => by_number(i128::from(id.number())),
        None => Err((format!("there is no rule \"{name}\""), list())),
    }
}

/// The strict rule with a number.
pub(crate) fn by_number(number: i128) -> Result<RuleId, (String, String)> {
    let id = u8::try_from(number).ok().and_then(RuleId::new);
    match id {
        Some(id) if STRICT_RULES.contains(id) => Ok(id),
        Some(id) if id.name().is_some() => Err(not_strict(id)),
        Some(_) | None => Err((format!("there is no rule {number}"), list())),
    }
}

/// Why a rule that exists cannot be listed.
fn not_strict(id: RuleId) -> (String, String) {
    let name = id.name().unwrap_or_default();
    let class = RULES
        .iter()
        .find(|rule| rule.id == id)
        .map(|rule| rule.class);
    let why = match class {
        Some(Class::Definite) => "it is definite, and refuses in enforce mode without being listed",
        Some(Class::Note) => "it only notes, and never refuses",
        Some(Class::Strict | Class::Policy | Class::Engine) | None => "it cannot be chosen",
    };
    (
        format!("rule {id}, {name}, is not strict: {why}"),
        format!("leave it out; {}", list()),
    )
}

/// What can be listed.
fn list() -> String {
    let names: Vec<String> = STRICT_RULES
        .iter()
        .map(|id| format!("{} ({id})", id.name().unwrap_or_default()))
        .collect();
    format!("strict rules are {}", names.join(", "))
}
