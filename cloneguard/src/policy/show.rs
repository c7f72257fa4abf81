//! From a policy to TOML.

use super::model::{Pattern, Policy, Rule, Volume};
use super::{decode, notation};
use crate::sid_text;
use wire::RuleId;
use wire::policy::PolicyBlob;

/// Writes a blob as a text that [`super::compile`] turns into the same blob.
///
/// That holds for every blob that came from there. Another one may hold rules that contradict each
/// other, which the driver takes and the compiler does not, or a pool in another order.
#[must_use]
pub fn decompile<S: AsRef<[u8]>>(blob: &PolicyBlob<S>) -> String {
    let policy = decode::decode(blob);
    let mut lines = options(&policy);
    for rule in &policy.rules {
        lines.push(String::new());
        lines.extend(show_rule(rule));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The lines above the rules; an option that has its default is left out.
fn options(policy: &Policy) -> Vec<String> {
    let mut lines = vec![
        format!("mode = \"{}\"", policy.mode.name()),
        format!("revision = {}", policy.revision),
    ];
    let mut line = |is_set: bool, line: String| {
        if is_set {
            lines.push(line);
        }
    };
    let enforced: Vec<String> = policy.enforced.iter().map(rule_name).collect();
    let loss = policy.on_audit_loss;
    line(
        !enforced.is_empty(),
        format!("enforce = [{}]", enforced.join(", ")),
    );
    line(
        loss != wire::policy::OnAuditLoss::Count,
        format!("on-audit-loss = \"{}\"", loss.name()),
    );
    line(policy.recheck, "recheck = true".to_owned());
    line(
        policy.lock_until_reboot,
        "lock-until-reboot = true".to_owned(),
    );
    let seconds = policy.summarise_seconds;
    line(seconds != 0, format!("summarise = {seconds}"));
    let journal = policy.journal_size;
    line(journal != 0, format!("journal-size = {}", size(journal)));
    lines
}

/// The lines of a rule; a condition that is not there is left out.
fn show_rule(rule: &Rule) -> Vec<String> {
    let conditions = &rule.conditions;
    let named = |name: &Option<Pattern>| name.as_ref().map(|name| quote(&pattern(name)));
    let user = conditions.user.as_deref().and_then(sid_text);
    let volume = conditions.volume.as_ref().map(volume_name);
    let count = conditions.byte_count_min;
    let values = [
        ("name", Some(quote(&rule.name))),
        ("effect", Some(quote(rule.effect.name()))),
        ("image", named(&conditions.image)),
        ("user", user.map(|user| quote(&user))),
        ("source", named(&conditions.source)),
        ("target", named(&conditions.target)),
        ("volume", volume.map(|volume| quote(&volume))),
        ("remote", conditions.remote.map(|remote| remote.to_string())),
        ("min-count", (count != 0).then(|| size(count))),
    ];
    let mut lines = vec!["[[rule]]".to_owned()];
    for (key, value) in values {
        lines.extend(value.map(|value| format!("{key} = {value}")));
    }
    lines
}

/// A strict rule by its name.
fn rule_name(id: RuleId) -> String {
    id.name()
        .map_or_else(|| id.to_string(), |name| format!("\"{name}\""))
}

/// A pattern as it is written.
fn pattern(pattern: &Pattern) -> String {
    let volume = pattern.volume.as_ref();
    let volume = volume.map_or_else(|| "*:".to_owned(), volume_name);
    format!("{volume}{}", pattern.path)
}

/// A volume as it is written.
fn volume_name(volume: &Volume) -> String {
    match volume {
        Volume::Device(name) => name.clone(),
        Volume::Guid(guid) => format!(r"\\?\Volume{{{}}}", notation::guid_text(*guid)),
    }
}

/// A number of bytes, with a unit if it has one. TOML integers end at 2^63, strings do not.
fn size(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units
        .iter()
        .find(|(shift, _)| bytes.is_multiple_of(1_u64 << shift));
    unit.map_or_else(
        || format!("\"{bytes}\""),
        |(shift, name)| format!("\"{}{name}\"", bytes >> shift),
    )
}

/// A text as a TOML string: literal where that is possible, since names are full of backslashes.
fn quote(text: &str) -> String {
    if !text.contains('\'') {
        return format!("'{text}'");
    }
    let escaped = text.replace('\\', r"\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}
