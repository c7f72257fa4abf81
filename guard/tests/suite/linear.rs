//! The policy's rules one after the other: slow, plainly right, and what the index is held against.

use guard::policy::{
    Effect, IndexSlot, IndexedPolicy, PathName, PolicyBlob, PolicyDecision, PolicySubject,
};
use wire::policy::{PathPattern, PolicyRule, VolumeSelector, upcase};

/// What the driver decides, which must be what is decided without an index.
///
/// # Panics
/// If it is not.
pub(crate) fn decide<B: AsRef<[u8]>>(
    policy: &PolicyBlob<B>,
    subject: &PolicySubject<'_>,
) -> PolicyDecision {
    let decision = guard::policy::decide(&index(policy), subject);
    assert_eq!(decision, each_in_turn(policy, subject), "{subject:?}");
    decision
}

/// A policy with its index.
///
/// # Panics
/// If there are as many slots as rules and it says that there are not.
pub(crate) fn index<B: AsRef<[u8]>>(
    policy: &PolicyBlob<B>,
) -> IndexedPolicy<&[u8], Vec<IndexSlot>> {
    let slots = vec![IndexSlot::default(); policy.rules().len()];
    let policy = PolicyBlob::parse(policy.bytes()).unwrap();
    IndexedPolicy::build(policy, slots).unwrap()
}

/// The definition (docs/policy.md): the first rule that matches decides, unless one before it that may match says
/// otherwise.
fn each_in_turn<B: AsRef<[u8]>>(
    policy: &PolicyBlob<B>,
    subject: &PolicySubject<'_>,
) -> PolicyDecision {
    let mut open: Option<(u32, Effect)> = None;
    for (index, rule) in (0..).zip(policy.rules()) {
        let conditions = conditions(&rule, subject);
        if conditions.contains(&Some(false)) {
            continue;
        }
        let effect = rule.effect();
        if let Some((index, _)) = open.filter(|(_, other)| *other != effect) {
            return PolicyDecision::Undecided { index };
        }
        if !conditions.contains(&None) {
            return PolicyDecision::Matched { index, effect };
        }
        open = open.or(Some((index, effect)));
    }
    match open {
        Some((index, Effect::Flag | Effect::Deny)) => PolicyDecision::Undecided { index },
        Some((_, Effect::Allow)) | None => PolicyDecision::NoMatch,
    }
}

/// Each condition, true where there is none.
fn conditions(rule: &PolicyRule<'_>, subject: &PolicySubject<'_>) -> [Option<bool>; 7] {
    let name = |pattern: Option<PathPattern<'_>>, name: Option<PathName<'_>>| match pattern {
        Some(pattern) => name?.fits(pattern),
        None => Some(true),
    };
    [
        rule.remote()
            .map_or(Some(true), |wanted| Some(subject.remote? == wanted)),
        rule.user()
            .map_or(Some(true), |wanted| Some(subject.user? == wanted)),
        rule.byte_count_min()
            .map_or(Some(true), |least| Some(subject.byte_count? >= least)),
        is_on(rule.volume(), subject),
        name(rule.image(), subject.image),
        name(rule.source(), subject.source),
        name(rule.target(), subject.target),
    ]
}

fn is_on(volume: VolumeSelector<'_>, subject: &PolicySubject<'_>) -> Option<bool> {
    match volume {
        VolumeSelector::Any => Some(true),
        VolumeSelector::Guid(wanted) => Some(subject.volume_guid? == wanted),
        VolumeSelector::Device(wanted) => {
            let device = subject.volume_device?.iter().map(|unit| upcase(*unit));
            Some(wanted.iter().map(|unit| unit.get()).eq(device))
        }
    }
}
