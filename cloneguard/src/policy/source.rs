//! From TOML to a policy: keys and values, each with its place in the text.
//!
//! The reader goes on after an error, so that a person sees all of them at once.

use super::model::{Policy, RulePlace, Sourced};
use super::notation::{self, Wrong};
use super::problem::{Finding, Places, Problems};
use super::{rule, strict};
use core::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use wire::RuleSet;
use wire::policy::{OnAuditLoss, POLICY_RULES_MAX, PolicyMode};

/// The keys of a policy, for messages.
const KEYS: &str = "mode, revision, enforce, on-audit-loss, recheck, lock-until-reboot, summarise, \
                    journal-size and [[rule]]";

/// A value and its place.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// Reads a policy.
pub(super) fn read(text: &str, places: &Places<'_>) -> Result<Sourced, Problems> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        findings: errors.iter().map(syntax).collect(),
    };
    if !reader.findings.is_empty() {
        return Err(places.problems(reader.findings));
    }
    let sourced = reader.policy(table.get_ref(), places);
    if reader.findings.is_empty() {
        Ok(sourced)
    } else {
        Err(places.problems(reader.findings))
    }
}

/// What the parser of TOML says.
fn syntax(error: &toml::de::Error) -> Finding {
    let message = error.message().replace('\n', ", ");
    let advice = if message.contains("escape") || message.contains("unicode value") {
        notation::SINGLE_QUOTES
    } else {
        "correct the TOML; docs/policy.md has examples"
    };
    Finding {
        span: error.span().unwrap_or(0..0),
        what: message,
        advice: advice.to_owned(),
    }
}

/// Collects what is wrong.
pub(super) struct Reader {
    findings: Vec<Finding>,
}

impl Reader {
    /// Reads the keys of the whole file.
    fn policy(&mut self, table: &DeTable<'_>, places: &Places<'_>) -> Sourced {
        let mut sourced = nothing();
        let policy = &mut sourced.policy;
        let mut mode = None;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "mode" => mode = Some(self.word(value, "mode", PolicyMode::KNOWN, |m| m.name())),
                "revision" => policy.revision = self.integer(value, "revision").unwrap_or(0),
                "enforce" => policy.enforced = self.enforced(value),
                "on-audit-loss" => {
                    sourced.on_audit_loss = Some(value.span());
                    let known = OnAuditLoss::KNOWN;
                    let word = self.word(value, "on-audit-loss", known, |loss| loss.name());
                    policy.on_audit_loss = word.unwrap_or(OnAuditLoss::Count);
                }
                "recheck" => policy.recheck = self.boolean(value, "recheck").unwrap_or(false),
                "lock-until-reboot" => {
                    let lock = self.boolean(value, "lock-until-reboot");
                    policy.lock_until_reboot = lock.unwrap_or(false);
                }
                "summarise" => {
                    let seconds = self.integer(value, "summarise");
                    policy.summarise_seconds = seconds.unwrap_or(0);
                }
                "journal-size" => {
                    policy.journal_size = self.size(value, "journal-size").unwrap_or(0);
                }
                "rule" => sourced.rules = self.rules(value, policy, places),
                other => self.unknown(key.span(), other, "a policy", KEYS),
            }
        }
        match mode {
            None => self.wrong(0..0, missing("mode", "the policy", "observe or enforce")),
            Some(mode) => policy.mode = mode.unwrap_or(PolicyMode::Observe),
        }
        sourced
    }

    /// Reads the array of rules.
    fn rules(
        &mut self,
        value: &Value<'_>,
        policy: &mut Policy,
        places: &Places<'_>,
    ) -> Vec<RulePlace> {
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(value.span(), kind("rule", "a list of tables", value));
            return Vec::new();
        };
        let mut found = Vec::new();
        for (index, value) in array.iter().enumerate() {
            if index == POLICY_RULES_MAX {
                let what = format!("there are {} rules", array.len());
                let advice = format!("at most {POLICY_RULES_MAX} fit: merge or drop some");
                self.wrong(value.span(), (what, advice));
                break;
            }
            let Some(table) = value.get_ref().as_table() else {
                self.wrong(value.span(), kind("rule", "a table, [[rule]]", value));
                continue;
            };
            let (rule, name) = rule::read(self, table, &value.span());
            found.push(RulePlace {
                span: value.span(),
                name,
                line: places.line(value.span().start),
            });
            policy.rules.push(rule);
        }
        found
    }

    /// Reads the list of strict rules that are enforced.
    fn enforced(&mut self, value: &Value<'_>) -> RuleSet {
        let mut set = RuleSet::EMPTY;
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(value.span(), kind("enforce", "a list of rules", value));
            return set;
        };
        for value in array.iter() {
            let id = match value.get_ref() {
                DeValue::String(name) => strict::by_name(name),
                DeValue::Integer(digits) => {
                    match i128::from_str_radix(digits.as_str(), digits.radix()) {
                        Ok(number) => strict::by_number(number),
                        Err(_) => Err(kind("enforce", "a list of rules", value)),
                    }
                }
                _ => Err(kind("a rule in enforce", "a name or a number", value)),
            };
            match id {
                Ok(id) if set.contains(id) => {
                    let what = format!("rule {id} is listed twice");
                    self.wrong(value.span(), (what, "leave one of them out".to_owned()));
                }
                Ok(id) => set.insert(id),
                Err(wrong) => self.wrong(value.span(), wrong),
            }
        }
        set
    }

    /// Notes something that is wrong.
    pub(super) fn wrong(&mut self, span: Range<usize>, (what, advice): Wrong) {
        self.findings.push(Finding { span, what, advice });
    }

    /// Notes a key that does not exist.
    pub(super) fn unknown(&mut self, span: Range<usize>, key: &str, place: &str, keys: &str) {
        let what = format!("unknown key \"{key}\" in {place}");
        self.wrong(span, (what, format!("the keys are {keys}")));
    }

    /// Reads a string.
    pub(super) fn string<'v>(&mut self, value: &'v Value<'_>, key: &str) -> Option<&'v str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong(value.span(), kind(key, "a string", value));
        }
        text
    }

    /// Reads a string by a function that knows its notation.
    pub(super) fn noted<T>(
        &mut self,
        value: &Value<'_>,
        key: &str,
        read: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let text = self.string(value, key)?;
        match read(text) {
            Ok(read) => Some(read),
            Err((what, advice)) => {
                self.wrong(value.span(), (format!("{key}: {what}"), advice));
                None
            }
        }
    }

    /// Reads one of some words.
    pub(super) fn word<T: Copy>(
        &mut self,
        value: &Value<'_>,
        key: &str,
        known: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<T> {
        let text = self.string(value, key)?;
        let found = known.iter().find(|known| name(**known) == text);
        if found.is_none() {
            let words: Vec<&str> = known.iter().map(|known| name(*known)).collect();
            let what = format!("{key} is \"{text}\"");
            self.wrong(
                value.span(),
                (what, format!("write {}", words.join(" or "))),
            );
        }
        found.copied()
    }

    /// Reads a truth.
    pub(super) fn boolean(&mut self, value: &Value<'_>, key: &str) -> Option<bool> {
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            self.wrong(value.span(), kind(key, "true or false", value));
        }
        truth
    }

    /// Reads a number that is not negative and fits its field.
    pub(super) fn integer<T: TryFrom<u64>>(&mut self, value: &Value<'_>, key: &str) -> Option<T> {
        let Some(digits) = value.get_ref().as_integer() else {
            self.wrong(value.span(), kind(key, "a whole number", value));
            return None;
        };
        let number = u64::from_str_radix(digits.as_str(), digits.radix()).ok();
        let fitting = number.and_then(|number| T::try_from(number).ok());
        if fitting.is_none() {
            let what = format!("{key} is {digits}");
            let most = u64::MAX >> (64 - 8 * size_of::<T>());
            self.wrong(value.span(), (what, format!("write 0 to {most}")));
        }
        fitting
    }

    /// Reads a number of bytes: an integer, or a string with a unit.
    pub(super) fn size(&mut self, value: &Value<'_>, key: &str) -> Option<u64> {
        match value.get_ref() {
            DeValue::String(_) => self.noted(value, key, notation::size),
            _ => self.integer(value, key),
        }
    }
}

/// A value of the wrong type.
fn kind(key: &str, wanted: &str, value: &Value<'_>) -> Wrong {
    let what = format!("{key} is a TOML {}", value.get_ref().type_str());
    (what, format!("write {wanted}"))
}

/// A key that is not there.
pub(super) fn missing(key: &str, place: &str, values: &str) -> Wrong {
    let what = format!("{place} has no {key}");
    (what, format!("add {key} = ..., {values}"))
}

/// The policy that says nothing.
const fn nothing() -> Sourced {
    Sourced {
        policy: Policy {
            mode: PolicyMode::Observe,
            revision: 0,
            enforced: RuleSet::EMPTY,
            on_audit_loss: OnAuditLoss::Count,
            recheck: false,
            lock_until_reboot: false,
            summarise_seconds: 0,
            journal_size: 0,
            rules: Vec::new(),
        },
        on_audit_loss: None,
        rules: Vec::new(),
    }
}
