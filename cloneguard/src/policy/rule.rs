//! From a `[[rule]]` table to a rule.

use super::model::{Conditions, Rule};
use super::notation::{self, Wrong};
use super::source::{Reader, Value, missing};
use crate::sid::sid_bytes;
use core::ops::Range;
use toml::de::DeTable;
use wire::policy::{Effect, PolicyFault, TEXT_UNITS_MAX, check_rule_name};

/// The keys of a rule, for messages.
const KEYS: &str = "name, effect, image, user, source, target, volume, remote and min-count";

/// Reads a rule, and where its name stands. What is wrong is left out and noted.
pub(super) fn read(
    reader: &mut Reader,
    table: &DeTable<'_>,
    span: &Range<usize>,
) -> (Rule, Range<usize>) {
    let mut conditions = Conditions::default();
    let (mut name, mut effect) = (None, None);
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "name" => name = Some((read_name(reader, value), value.span())),
            "effect" => {
                effect = Some(reader.word(value, "effect", Effect::KNOWN, |effect| effect.name()));
            }
            other if read_condition(reader, other, value, &mut conditions) => {}
            other => reader.unknown(key.span(), other, "a rule", KEYS),
        }
    }
    if name.is_none() {
        let advice = "a text for people, other than those of the other rules";
        reader.wrong(span.clone(), missing("name", "a rule", advice));
    }
    if effect.is_none() {
        reader.wrong(
            span.clone(),
            missing("effect", "a rule", "allow, flag or deny"),
        );
    }
    let (name, name_span) = name.unwrap_or_else(|| (String::new(), span.clone()));
    let effect = effect.flatten().unwrap_or(Effect::Allow);
    let rule = Rule {
        name,
        effect,
        conditions,
    };
    (rule, name_span)
}

/// Reads a condition. False if there is none of that key.
fn read_condition(
    reader: &mut Reader,
    key: &str,
    value: &Value<'_>,
    conditions: &mut Conditions,
) -> bool {
    match key {
        "image" => conditions.image = reader.noted(value, key, notation::image),
        "user" => conditions.user = reader.noted(value, key, user),
        "source" => conditions.source = reader.noted(value, key, notation::pattern),
        "target" => conditions.target = reader.noted(value, key, notation::pattern),
        "volume" => conditions.volume = reader.noted(value, key, notation::volume),
        "remote" => conditions.remote = reader.boolean(value, key),
        "min-count" => {
            let count = reader.size(value, key);
            if count.is_some_and(|count| i64::try_from(count).is_err() || count == 0) {
                let what = "min-count is out of range".to_owned();
                let advice = format!("write 1 to {}, or leave it out", i64::MAX);
                reader.wrong(value.span(), (what, advice));
            }
            conditions.byte_count_min = count.unwrap_or(0);
        }
        _ => return false,
    }
    true
}

/// Reads the name of a rule.
fn read_name(reader: &mut Reader, value: &Value<'_>) -> String {
    let read = |name: &str| {
        check_rule_name(name.encode_utf16()).map_err(|(_, fault)| match fault {
            PolicyFault::TextLength => {
                let what = "it is empty or too long".to_owned();
                (what, format!("write 1 to {TEXT_UNITS_MAX} characters"))
            }
            other => {
                let what = format!("it has a control character ({other})");
                (what, "write one line of text".to_owned())
            }
        })?;
        Ok(name.to_owned())
    };
    reader.noted(value, "name", read).unwrap_or_default()
}

/// Reads a user.
fn user(text: &str) -> Result<Vec<u8>, Wrong> {
    sid_bytes(text).map_err(|place| {
        let what = format!("\"{text}\" is no SID, as character {place} shows");
        let advice = "write it like S-1-5-32-544; whoami /user and whoami /groups list SIDs";
        (what, advice.to_owned())
    })
}
