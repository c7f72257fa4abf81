//! The policy blob: frozen bytes, one field wrong at a time, bytes from anywhere.
//!
//! The golden file was written from the tables of `docs/wire.md` by another program.

use crate::common::places;
use core::mem::offset_of;
use proptest::prelude::*;
use wire::policy::{
    Effect, OnAuditLoss, PathPattern, PathPatternHead, PolicyBlob, PolicyFault, PolicyHead,
    PolicyMode, PolicyRule, PolicyRuleHead, PoolRef, STRICT_RULES, VolumeSelector,
    VolumeSelectorHead,
};
use wire::{RULE_NAMES, RuleId};
use zerocopy::FromBytes as _;
use zerocopy::little_endian::U16;

const POLICY: &[u8] = include_bytes!("../golden/policy.bin");
const HEAD: usize = size_of::<PolicyHead>();
const POOL: usize = HEAD + 2 * size_of::<PolicyRuleHead>();

/// What is wrong with a policy: the offset and the reason.
type Wrong = Option<(usize, PolicyFault)>;

fn error_of(bytes: &[u8]) -> Wrong {
    let error = PolicyBlob::parse(bytes).err()?;
    Some((error.offset as usize, error.reason))
}

/// The error of the golden policy with a changed head.
fn head(change: impl Fn(&mut PolicyHead)) -> Wrong {
    let mut bytes = POLICY.to_vec();
    change(PolicyHead::mut_from_prefix(&mut bytes).unwrap().0);
    error_of(&bytes)
}

/// The error of the golden policy with a changed first rule, its offset from the rule's start.
fn rule(change: impl Fn(&mut PolicyRuleHead)) -> Wrong {
    let mut bytes = POLICY.to_vec();
    change(
        PolicyRuleHead::mut_from_prefix(&mut bytes[HEAD..])
            .unwrap()
            .0,
    );
    error_of(&bytes).map(|(offset, reason)| (offset - HEAD, reason))
}

fn first_rule() -> &'static PolicyRuleHead {
    PolicyRuleHead::ref_from_prefix(&POLICY[HEAD..]).unwrap().0
}

fn text(units: &[U16]) -> String {
    String::from_utf16(&units.iter().map(|unit| unit.get()).collect::<Vec<_>>()).unwrap()
}

/// The golden GUID.
const GUID: [u8; 16] = [4, 3, 2, 1, 6, 5, 8, 7, 9, 10, 11, 12, 13, 14, 15, 16];

#[test]
fn golden_options() {
    let policy = PolicyBlob::parse(POLICY).unwrap();
    assert_eq!(policy.bytes(), POLICY);
    assert_eq!(policy.revision(), 0x0102_0304_0506_0708);
    assert_eq!(policy.mode(), PolicyMode::Enforce);
    assert_eq!(policy.on_audit_loss(), OnAuditLoss::Refuse);
    assert!(policy.rechecks() && policy.locks_until_reboot());
    let enforced: Vec<u8> = policy.enforced().iter().map(RuleId::number).collect();
    assert_eq!(enforced, [41, 43]);
    assert_eq!(policy.journal_size(), Some(1 << 20));
    assert_eq!(policy.summarise_seconds(), Some(60));
}

#[test]
fn golden_rules() {
    let policy = PolicyBlob::parse(POLICY.to_vec()).unwrap();
    let rules: Vec<PolicyRule<'_>> = policy.rules().collect();
    assert_eq!((rules.len(), policy.rules().len()), (2, 2));
    let first = rules[0];
    assert_eq!(text(first.name()), "no remote copies of größe");
    assert_eq!((first.effect(), first.remote()), (Effect::Deny, Some(true)));
    assert_eq!(first.user().map(<[u8]>::len), Some(16));
    let image = first.image().unwrap();
    assert_eq!(image.volume, VolumeSelector::Any);
    assert_eq!(text(image.path), r"\**\COPY.EXE");
    let PathPattern { volume, path } = first.source().unwrap();
    assert_eq!(text(path), r"\DATA\GRÖSSE?.BIN");
    let VolumeSelector::Device(device) = volume else {
        panic!("{volume:?} is no device");
    };
    assert_eq!(text(device), r"\DEVICE\HARDDISKVOLUME4");
    assert_eq!(first.target().unwrap().volume, VolumeSelector::Guid(GUID));
    assert_eq!(first.volume(), VolumeSelector::Guid(GUID));
    assert_eq!(first.byte_count_min(), Some(65536));
    let second = rules[1];
    assert_eq!(
        (second.effect(), second.remote(), second.user()),
        (Effect::Allow, None, None)
    );
    assert_eq!((second.image(), second.source()), (None, None));
    assert_eq!(
        (second.target(), second.volume()),
        (None, VolumeSelector::Any)
    );
    assert_eq!(second.byte_count_min(), None);
}

#[test]
fn zero_options_mean_none() {
    let policy = PolicyHead::new(0, 0).unwrap();
    let bytes = zerocopy::IntoBytes::as_bytes(&policy);
    let policy = PolicyBlob::parse(bytes).unwrap();
    assert_eq!(
        (policy.journal_size(), policy.summarise_seconds()),
        (None, None)
    );
    assert_eq!(
        (policy.mode(), policy.on_audit_loss()),
        (PolicyMode::Observe, OnAuditLoss::Count)
    );
    assert!(policy.enforced().is_empty() && policy.rules().next().is_none());
    assert!(!policy.rechecks() && !policy.locks_until_reboot());
}

#[test]
fn strict_rules_have_their_numbers() {
    let numbers: Vec<u8> = STRICT_RULES.iter().map(RuleId::number).collect();
    assert_eq!(numbers, [40, 41, 42, 43]);
    assert!(RULE_NAMES.iter().any(|(id, _)| !STRICT_RULES.contains(*id)));
}

/// The offset of a field of the head.
macro_rules! at {
    ($field:ident) => {
        offset_of!(PolicyHead, $field)
    };
}

#[test]
fn head_fields() {
    type Change = fn(&mut PolicyHead);
    let cases: [(usize, PolicyFault, Change); 13] = [
        (at!(magic), PolicyFault::Magic, |h| h.magic = 7.into()),
        (at!(version), PolicyFault::Version, |h| h.version = 0.into()),
        (at!(head_size), PolicyFault::HeadSize, |h| {
            h.head_size = 65.into()
        }),
        (at!(rule_size), PolicyFault::RuleSize, |h| {
            h.rule_size = 163.into()
        }),
        (at!(rule_count), PolicyFault::RuleCount, |h| {
            h.rule_count = 16_385.into()
        }),
        (at!(mode), PolicyFault::Value, |h| h.mode = 0),
        (at!(mode), PolicyFault::Value, |h| h.mode = 3),
        (at!(on_audit_loss), PolicyFault::Value, |h| {
            h.on_audit_loss = 0
        }),
        (at!(on_audit_loss), PolicyFault::Value, |h| {
            h.on_audit_loss = 3
        }),
        (at!(on_audit_loss), PolicyFault::Contradiction, |h| {
            h.mode = 1
        }),
        (at!(recheck), PolicyFault::Value, |h| h.recheck = 2),
        (at!(lock_until_reboot), PolicyFault::Value, |h| {
            h.lock_until_reboot = 2
        }),
        (at!(reserved), PolicyFault::Reserved, |h| h.reserved[1] = 1),
    ];
    assert_eq!(head(|_| ()), None);
    for (offset, reason, change) in cases {
        assert_eq!(head(change), Some((offset, reason)));
    }
    for bit in [0, 1, 22, 39, 44, 127] {
        let found = head(|h| h.enforced = (1_u128 << bit).into());
        assert_eq!(found, Some((at!(enforced), PolicyFault::Enforced)));
    }
}

#[test]
fn sizes_agree_in_both_directions() {
    let length = Some((offset_of!(PolicyHead, total_size), PolicyFault::Length));
    for size in [0, 64, POLICY.len() - 1, POLICY.len() + 1, u32::MAX as usize] {
        assert_eq!(head(|h| h.total_size = (size as u32).into()), length);
    }
    for count in [0, 1, 3, 16_384] {
        assert_eq!(head(|h| h.rule_count = count.into()), length);
    }
    for size in [0, 2, u32::MAX] {
        assert_eq!(head(|h| h.pool_size = size.into()), length);
    }
    for end in HEAD..POLICY.len() {
        assert_eq!(error_of(&POLICY[..end]), length, "{end}");
    }
    for end in places(HEAD) {
        assert_eq!(error_of(&POLICY[..end]), Some((end, PolicyFault::Short)));
    }
    assert_eq!(error_of(&[POLICY, &[0]].concat()), length);
    let large = vec![0; wire::policy::POLICY_SIZE_MAX + 1];
    assert_eq!(error_of(&large), Some((0, PolicyFault::TooLarge)));
}

#[test]
fn rule_fields() {
    let at = |field, reason| Some((field, reason));
    assert_eq!(rule(|_| ()), None);
    for effect in [0, 4, 255] {
        assert_eq!(
            rule(|r| r.effect = effect),
            at(offset_of!(PolicyRuleHead, effect), PolicyFault::Value)
        );
    }
    assert_eq!(
        rule(|r| r.remote = 3),
        at(offset_of!(PolicyRuleHead, remote), PolicyFault::Value)
    );
    assert_eq!(
        rule(|r| r.reserved[0] = 1),
        at(offset_of!(PolicyRuleHead, reserved), PolicyFault::Reserved)
    );
    let count = offset_of!(PolicyRuleHead, byte_count_min);
    assert_eq!(rule(|r| r.byte_count_min = (i64::MAX as u64).into()), None);
    assert_eq!(
        rule(|r| r.byte_count_min = (1 << 63).into()),
        at(count, PolicyFault::ByteCount)
    );
    let image = offset_of!(PolicyRuleHead, image);
    assert_eq!(
        rule(|r| r.image.volume.kind = 2),
        at(image, PolicyFault::Value)
    );
}

#[test]
fn references_stay_inside_the_pool() {
    let pool = u32::try_from(POLICY.len() - POOL).unwrap();
    type Reference = fn(&mut PolicyRuleHead) -> &mut PoolRef;
    let changes: [(usize, Reference); 6] = [
        (offset_of!(PolicyRuleHead, name), |r| &mut r.name),
        (offset_of!(PolicyRuleHead, user), |r| &mut r.user),
        (offset_of!(PolicyRuleHead, image.path), |r| {
            &mut r.image.path
        }),
        (offset_of!(PolicyRuleHead, source.path), |r| {
            &mut r.source.path
        }),
        (offset_of!(PolicyRuleHead, source.volume.device), |r| {
            &mut r.source.volume.device
        }),
        (offset_of!(PolicyRuleHead, target.path), |r| {
            &mut r.target.path
        }),
    ];
    for (field, reference) in changes {
        for (offset, length, reason) in [
            (pool, 2, PolicyFault::Reference),
            (0, pool + 2, PolicyFault::Reference),
            (u32::MAX - 1, 4, PolicyFault::Reference),
            (2, u32::MAX - 1, PolicyFault::Reference),
            (1, 2, PolicyFault::Odd),
            (0, 3, PolicyFault::Odd),
        ] {
            let found = rule(|r| {
                *reference(r) = PoolRef {
                    offset: offset.into(),
                    byte_length: length.into(),
                };
            });
            assert_eq!(found, Some((field, reason)), "{offset} {length}");
        }
    }
}

#[test]
fn volumes_have_what_their_kind_uses_and_no_more() {
    let volume = offset_of!(PolicyRuleHead, volume);
    let device = volume + offset_of!(VolumeSelectorHead, device);
    let guid = volume + offset_of!(VolumeSelectorHead, guid);
    let set = PoolRef {
        offset: 0.into(),
        byte_length: 2.into(),
    };
    assert_eq!(
        rule(|r| r.volume.kind = 3),
        Some((volume, PolicyFault::Value))
    );
    let reserved = volume + offset_of!(VolumeSelectorHead, reserved);
    assert_eq!(
        rule(|r| r.volume.reserved[2] = 1),
        Some((reserved, PolicyFault::Reserved))
    );
    assert_eq!(
        rule(|r| r.volume.device = set),
        Some((device, PolicyFault::Unused))
    );
    assert_eq!(
        rule(|r| r.volume.kind = 0),
        Some((guid, PolicyFault::Unused))
    );
    let empty = rule(|r| r.volume.kind = 1);
    assert_eq!(empty, Some((device, PolicyFault::TextLength)));
    let not_a_device = rule(|r| {
        r.volume.kind = 1;
        r.volume.device = r.name;
    });
    let name = first_rule().name.offset.get() as usize;
    assert_eq!(
        not_a_device,
        Some((POOL - HEAD + name, PolicyFault::Device))
    );
}

#[test]
fn a_pattern_without_a_path_is_all_zero() {
    let target = offset_of!(PolicyRuleHead, target);
    let found = rule(|r| r.target.path = PoolRef::default());
    assert_eq!(found, Some((target, PolicyFault::Unused)));
    assert_eq!(rule(|r| r.target = PathPatternHead::default()), None);
}

#[test]
fn texts_are_checked_unit_by_unit() {
    let policy = first_rule();
    let at = |reference: PoolRef, unit: usize| POOL + reference.offset.get() as usize + 2 * unit;
    let device = policy.source.volume.device;
    let changes = [
        (policy.name, 3, 0x0A, PolicyFault::Character),
        (policy.name, 3, 0xDC00, PolicyFault::Encoding),
        (policy.image.path, 0, 0x41, PolicyFault::PathStart),
        (policy.image.path, 3, 0x2A, PolicyFault::Stars),
        (policy.image.path, 4, 0x5C, PolicyFault::Separator),
        (policy.image.path, 5, 0x2F, PolicyFault::Character),
        (policy.image.path, 5, 0x61, PolicyFault::Case),
        (device, 1, 0x45, PolicyFault::Device),
        (device, 12, 0x5C, PolicyFault::Device),
        (device, 12, 0x2A, PolicyFault::Character),
        (device, 12, 0x3F, PolicyFault::Character),
        (device, 12, 0x61, PolicyFault::Case),
    ];
    for (reference, unit, value, reason) in changes {
        let mut bytes = POLICY.to_vec();
        let place = at(reference, unit);
        bytes[place..place + 2].copy_from_slice(&u16::to_le_bytes(value));
        assert_eq!(error_of(&bytes), Some((place, reason)), "{value:#x}");
    }
}

#[test]
fn users_are_sids() {
    let user = offset_of!(PolicyRuleHead, user);
    let start = POOL + first_rule().user.offset.get() as usize;
    for (place, value) in [(0, 0), (0, 2), (1, 1), (1, 3), (1, 255)] {
        let mut bytes = POLICY.to_vec();
        bytes[start + place] = value;
        assert_eq!(error_of(&bytes), Some((HEAD + user, PolicyFault::Sid)));
    }
    for length in [2, 8, 14, 18, 60] {
        let found = rule(|r| r.user.byte_length = length.into());
        assert_eq!(found, Some((user, PolicyFault::Sid)), "{length}");
    }
}

#[test]
fn an_error_says_where_and_what() {
    let error = PolicyBlob::parse(&POLICY[..10]).unwrap_err();
    assert_eq!(error.to_string(), "byte 10: the bytes end inside the head");
}

/// Reads everything a policy has to say, so that a panic in an accessor shows.
fn read_all(policy: &PolicyBlob<&[u8]>) -> usize {
    let options = format!("{:?} {:?}", policy.enforced(), policy.mode());
    let rules = policy.rules().map(|rule| {
        let parts = format!("{:?} {:?} {:?}", rule.effect(), rule.volume(), rule.user());
        let patterns = [rule.image(), rule.source(), rule.target()];
        let paths = patterns
            .into_iter()
            .flatten()
            .map(|pattern| pattern.path.len());
        parts.len() + paths.sum::<usize>() + text(rule.name()).len()
    });
    options.len() + rules.sum::<usize>()
}

proptest! {
    #[test]
    fn no_bytes_make_the_check_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(PolicyBlob::parse(&bytes).is_err());
    }

    #[test]
    fn a_changed_policy_is_refused_or_read_whole(
        changes in proptest::collection::vec((0..POLICY.len(), any::<u8>()), 1..4),
    ) {
        let mut bytes = POLICY.to_vec();
        for (at, value) in changes {
            bytes[at] = value;
        }
        match PolicyBlob::parse(&bytes[..]) {
            Ok(policy) => prop_assert!(read_all(&policy) > 0),
            Err(error) => prop_assert!((error.offset as usize) < bytes.len()),
        }
    }
}
