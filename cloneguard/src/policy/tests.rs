//! Random policies: what is written is read back, and what is called idle is.

use super::model::{Conditions, Pattern, Policy, Rule, Volume};
use super::*;
use guard::policy::PathName;
use proptest::prelude::*;
use wire::RuleSet;
use wire::policy::{Effect, OnAuditLoss, PathPattern, PolicyMode, STRICT_RULES, VolumeSelector};
use zerocopy::little_endian::U16;

fn volumes() -> impl Strategy<Value = Volume> {
    prop_oneof![
        "[A-Z]{1,4}".prop_map(|name| Volume::Device(format!(r"\DEVICE\{name}"))),
        any::<[u8; 16]>().prop_map(Volume::Guid),
    ]
}

/// Patterns of many shapes over few letters, so that one often covers another.
fn patterns() -> impl Strategy<Value = Pattern> {
    let component = proptest::sample::select(&["A", "B", "*", "**", "A*", "?", "É😀", "it's"][..]);
    let path = proptest::collection::vec(component, 1..4)
        .prop_map(|parts| notation::upper(&format!(r"\{}", parts.join(r"\"))));
    let volume = proptest::option::weighted(0.3, volumes());
    (volume, path).prop_map(|(volume, path)| Pattern { volume, path })
}

fn images() -> impl Strategy<Value = Pattern> {
    patterns().prop_map(|pattern| Pattern {
        volume: pattern
            .volume
            .filter(|volume| matches!(volume, Volume::Device(_))),
        path: pattern.path,
    })
}

prop_compose! {
    fn conditions()(
        image in proptest::option::weighted(0.4, images()),
        user in proptest::option::weighted(0.3, proptest::collection::vec(any::<u32>(), 1..=15)),
        source in proptest::option::weighted(0.4, patterns()),
        target in proptest::option::weighted(0.4, patterns()),
        volume in proptest::option::weighted(0.3, volumes()),
        remote in proptest::option::of(any::<bool>()),
        byte_count_min in prop_oneof![Just(0), 1_u64..100, Just(i64::MAX.unsigned_abs())],
    ) -> Conditions {
        let user = user.map(|subs| {
            let head = [1, u8::try_from(subs.len()).unwrap(), 0, 0, 0, 0, 0, 5];
            let subs = subs.into_iter().flat_map(u32::to_le_bytes);
            head.into_iter().chain(subs).collect()
        });
        Conditions { image, user, source, target, volume, remote, byte_count_min }
    }
}

fn effects() -> impl Strategy<Value = Effect> {
    proptest::sample::select(Effect::KNOWN)
}

prop_compose! {
    fn policies()(
        mode in proptest::sample::select(PolicyMode::KNOWN),
        loss in proptest::sample::select(OnAuditLoss::KNOWN),
        revision in any::<u64>(),
        enforced in proptest::collection::vec(any::<bool>(), 4),
        recheck in any::<bool>(),
        lock_until_reboot in any::<bool>(),
        summarise_seconds in prop_oneof![Just(0), any::<u32>()],
        journal_size in prop_oneof![Just(0), any::<u64>(), (0_u64..64).prop_map(|shift| 1 << shift)],
        rules in proptest::collection::vec((r#"[a-z'"\\é😀 ]{1,6}"#, effects(), conditions()), 0..6),
    ) -> Policy {
        let chosen = STRICT_RULES.iter().zip(&enforced).filter(|(_, is_in)| **is_in);
        let is_observing = mode == PolicyMode::Observe;
        let rules = rules.into_iter().enumerate().map(|(at, (name, effect, conditions))| Rule {
            // Names differ; a falling count keeps an earlier rule from covering a later one.
            name: format!("{at}{name}"),
            effect,
            conditions: Conditions { byte_count_min: 100 - at as u64, ..conditions },
        });
        Policy {
            mode,
            revision,
            enforced: chosen.map(|(id, _)| id).collect::<RuleSet>(),
            on_audit_loss: if is_observing { OnAuditLoss::Count } else { loss },
            recheck,
            lock_until_reboot,
            summarise_seconds,
            journal_size,
            rules: rules.filter(|rule| !is_contradictory(&rule.conditions)).collect(),
        }
    }
}

/// Two volumes for one target: the compiler refuses that.
fn is_contradictory(conditions: &Conditions) -> bool {
    let target = conditions
        .target
        .as_ref()
        .and_then(|target| target.volume.as_ref());
    conditions.volume.is_some() && target.is_some()
}

/// Whether a path of any volume fits, as the driver's evaluator says.
fn fits(pattern: &Pattern, path: &[u16]) -> bool {
    let units: Vec<U16> = pattern.path.encode_utf16().map(U16::new).collect();
    let name = PathName {
        device: &[],
        rest: path,
        volume_guid: None,
        is_cut: false,
    };
    let pattern = PathPattern {
        volume: VolumeSelector::Any,
        path: &units,
    };
    name.fits(pattern) == Some(true)
}

fn paths() -> impl Strategy<Value = Vec<u16>> {
    let name = proptest::sample::select(&[r"\a", r"\b", r"\ab", r"\it's", r"\é😀"][..]);
    proptest::collection::vec(name, 0..4).prop_map(|names| names.concat().encode_utf16().collect())
}

proptest! {
    #[test]
    fn a_policy_that_is_shown_compiles_to_the_same_bytes(policy in policies()) {
        let blob = encode::encode(&policy).unwrap();
        prop_assert_eq!(&decode::decode(&blob), &policy);
        let text = decompile(&blob);
        match compile(&text) {
            Ok(again) => prop_assert_eq!(again, blob.bytes()),
            Err(problems) => prop_assert!(false, "{problems}\n{text}"),
        }
    }

    #[test]
    fn a_pattern_that_covers_another_fits_whatever_that_fits(
        wide in patterns(),
        narrow in patterns(),
        path in paths(),
    ) {
        // Volumes are compared by equality alone, so only the paths matter here.
        let on_any = |pattern: Pattern| Pattern { volume: None, ..pattern };
        let (wide, narrow) = (on_any(wide), on_any(narrow));
        if conflict::pattern_covers(&wide, &narrow) && fits(&narrow, &path) {
            prop_assert!(fits(&wide, &path), "{wide:?} {narrow:?}");
        }
    }
}

#[test]
fn what_is_wider() {
    let pattern = |path: &str| notation::pattern(path).unwrap();
    for (wide, narrow, expected) in [
        (r"\a\**", r"\A\b", true),
        (r"\a\**", r"\a\*\b", true),
        (r"\**", r"\Device\X\a", true),
        (r"\*", r"\*", true),
        (r"\a*\**", r"\ab\c", false),
        (r"\a*\**", r"\a*\c", true),
        (r"\a\**", r"\ab", false),
        (r"\Device\X\**", r"\**", false),
        (r"\Device\X\**", r"\Device\Y\a", false),
        (r"\*", r"\a", false),
    ] {
        let found = conflict::pattern_covers(&pattern(wide), &pattern(narrow));
        assert_eq!(found, expected, "{wide} {narrow}");
    }
}

#[test]
fn a_narrow_rule_has_every_condition_of_a_wide_one() {
    let conditions = |lines: &str| {
        let text = format!("mode = 'enforce'\n[[rule]]\nname = 'r'\neffect = 'deny'\n{lines}");
        let blob = compile_bytes(text.as_bytes()).unwrap();
        let policy = decode::decode(&blob);
        policy.rules.into_iter().next().unwrap().conditions
    };
    for line in [
        "remote = true",
        "min-count = 5",
        "user = 'S-1-5-18'",
        r"volume = '\Device\X'",
        r"image = '\a'",
        r"source = '\a'",
        r"target = '\a'",
    ] {
        let (none, one) = (conditions(""), conditions(line));
        assert!(conflict::covers(&none, &one), "{line}");
        assert!(conflict::covers(&one, &one), "{line}");
        assert!(!conflict::covers(&one, &none), "{line}");
    }
    assert!(!conflict::covers(
        &conditions("remote = true"),
        &conditions("remote = false")
    ));
    assert!(!conflict::covers(
        &conditions("min-count = 6"),
        &conditions("min-count = 5")
    ));
}
