//! From the blob back to a policy.

use super::model::{Conditions, Pattern, Policy, Rule, Volume};
use wire::policy::{PathPattern, PolicyBlob, PolicyRule, VolumeSelector};
use zerocopy::little_endian::U16;

/// The policy of a blob.
pub(super) fn decode<S: AsRef<[u8]>>(blob: &PolicyBlob<S>) -> Policy {
    Policy {
        mode: blob.mode(),
        revision: blob.revision(),
        enforced: blob.enforced(),
        on_audit_loss: blob.on_audit_loss(),
        recheck: blob.rechecks(),
        lock_until_reboot: blob.locks_until_reboot(),
        summarise_seconds: blob.summarise_seconds().unwrap_or(0),
        journal_size: blob.journal_size().unwrap_or(0),
        rules: blob.rules().map(|rule| decode_rule(&rule)).collect(),
    }
}

fn decode_rule(rule: &PolicyRule<'_>) -> Rule {
    let minimum = rule.byte_count_min().unwrap_or(0);
    Rule {
        name: text(rule.name()),
        effect: rule.effect(),
        conditions: Conditions {
            image: rule.image().map(pattern),
            user: rule.user().map(<[u8]>::to_vec),
            source: rule.source().map(pattern),
            target: rule.target().map(pattern),
            volume: volume(rule.volume()),
            remote: rule.remote(),
            byte_count_min: minimum.unsigned_abs(),
        },
    }
}

fn pattern(pattern: PathPattern<'_>) -> Pattern {
    Pattern {
        volume: volume(pattern.volume),
        path: text(pattern.path),
    }
}

fn volume(volume: VolumeSelector<'_>) -> Option<Volume> {
    match volume {
        VolumeSelector::Any => None,
        VolumeSelector::Device(name) => Some(Volume::Device(text(name))),
        VolumeSelector::Guid(guid) => Some(Volume::Guid(guid)),
    }
}

/// The text of units, which a blob's check has found well-formed.
pub(super) fn text(units: &[U16]) -> String {
    let units = units.iter().map(|unit| unit.get());
    char::decode_utf16(units)
        .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}
