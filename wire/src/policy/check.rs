//! The checks that make bytes a policy. `view.rs` runs them once, in `PolicyBlob::parse`.

use super::path::{check_device, check_path, check_rule_name};
use super::raw::{HEAD_SIZE, MAGIC, RULE_SIZE};
use super::view::Pool;
use super::{
    Effect, OnAuditLoss, POLICY_RULES_MAX, POLICY_SIZE_MAX, PathPatternHead, PolicyError,
    PolicyFault, PolicyHead, PolicyMode, PolicyRuleHead, PoolRef, Remote, STRICT_RULES, VolumeKind,
    VolumeSelectorHead,
};
use crate::VERSION;
use core::mem::offset_of;
use zerocopy::FromBytes as _;
use zerocopy::little_endian::U16;

/// A text's own check: the place of the first wrong unit and what is wrong with it.
type TextCheck = fn(core::iter::Map<core::slice::Iter<'_, U16>, fn(&U16) -> u16>) -> TextResult;
/// What a text's check answers.
type TextResult = Result<(), (usize, PolicyFault)>;

/// The three parts of a policy whose sizes agree with the bytes.
pub(super) struct Parts<'a> {
    pub(super) head: &'a PolicyHead,
    pub(super) rules: &'a [PolicyRuleHead],
    pub(super) pool: Pool<'a>,
}

impl<'a> Parts<'a> {
    /// Cuts the bytes as the head says.
    pub(super) fn split(bytes: &'a [u8]) -> Result<Self, PolicyError> {
        require(bytes.len() <= POLICY_SIZE_MAX, 0, PolicyFault::TooLarge)?;
        let Ok((head, rest)) = PolicyHead::ref_from_prefix(bytes) else {
            return Err(fault(bytes.len(), PolicyFault::Short));
        };
        check_sizes(head)?;
        let wrong = fault(offset_of!(PolicyHead, total_size), PolicyFault::Length);
        let stated = usize::try_from(head.total_size.get()).map_err(|_| wrong)?;
        let count = usize::try_from(head.rule_count.get()).map_err(|_| wrong)?;
        let (rules, pool) =
            <[PolicyRuleHead]>::ref_from_prefix_with_elems(rest, count).map_err(|_| wrong)?;
        let pool_size = usize::try_from(head.pool_size.get()).map_err(|_| wrong)?;
        if stated != bytes.len() || pool_size != pool.len() {
            return Err(wrong);
        }
        let pool = Pool::new(pool);
        Ok(Self { head, rules, pool })
    }

    /// Checks everything that `split` did not look at.
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        check_options(self.head)?;
        let mut offset = size_of::<PolicyHead>();
        for rule in self.rules {
            self.check_rule(rule, offset)?;
            offset = offset.saturating_add(size_of::<PolicyRuleHead>());
        }
        Ok(())
    }

    /// Checks a rule that lies at `offset`.
    fn check_rule(&self, rule: &PolicyRuleHead, offset: usize) -> Result<(), PolicyError> {
        let at = |field: usize| offset.saturating_add(field);
        let effect = Effect::from_raw(rule.effect).is_some();
        require(
            effect,
            at(offset_of!(PolicyRuleHead, effect)),
            PolicyFault::Value,
        )?;
        let remote = Remote::from_raw(rule.remote).is_some();
        require(
            remote,
            at(offset_of!(PolicyRuleHead, remote)),
            PolicyFault::Value,
        )?;
        let zero = rule.reserved == [0; 2];
        require(
            zero,
            at(offset_of!(PolicyRuleHead, reserved)),
            PolicyFault::Reserved,
        )?;
        self.check_text(rule.name, at(offset_of!(PolicyRuleHead, name)), |units| {
            check_rule_name(units)
        })?;
        self.check_user(rule.user, at(offset_of!(PolicyRuleHead, user)))?;
        let image = at(offset_of!(PolicyRuleHead, image));
        self.check_pattern(&rule.image, image)?;
        // The name of an image comes without the GUID of its volume.
        let by_guid = rule.image.volume.kind == VolumeKind::Guid.raw();
        require(!by_guid, image, PolicyFault::Value)?;
        self.check_pattern(&rule.source, at(offset_of!(PolicyRuleHead, source)))?;
        self.check_pattern(&rule.target, at(offset_of!(PolicyRuleHead, target)))?;
        self.check_volume(&rule.volume, at(offset_of!(PolicyRuleHead, volume)))?;
        let count = i64::try_from(rule.byte_count_min.get()).is_ok();
        let field = at(offset_of!(PolicyRuleHead, byte_count_min));
        require(count, field, PolicyFault::ByteCount)
    }

    /// Checks the SID of a user, if there is one (MS-DTYP 2.4.2.2: revision 1, a count of 1 to
    /// 15, six bytes of authority, then four bytes for each of the count).
    fn check_user(&self, user: PoolRef, offset: usize) -> Result<(), PolicyError> {
        if user == PoolRef::default() {
            return Ok(());
        }
        let sid = self.pool.bytes(user, offset)?;
        let is_sid = match sid {
            [1, count @ 1..=15, ..] => {
                sid.len() == usize::from(*count).saturating_mul(4).saturating_add(8)
            }
            [..] => false,
        };
        require(is_sid, offset, PolicyFault::Sid)
    }

    /// Checks a pattern; one without a path is no condition and has no volume either.
    fn check_pattern(&self, pattern: &PathPatternHead, offset: usize) -> Result<(), PolicyError> {
        if pattern.path == PoolRef::default() {
            let empty = *pattern == PathPatternHead::default();
            return require(empty, offset, PolicyFault::Unused);
        }
        self.check_volume(&pattern.volume, offset)?;
        let path = offset.saturating_add(offset_of!(PathPatternHead, path));
        self.check_text(pattern.path, path, |units| check_path(units))
    }

    /// Checks a volume's selector: its kind, and that only what the kind uses is set.
    fn check_volume(&self, volume: &VolumeSelectorHead, offset: usize) -> Result<(), PolicyError> {
        let at = |field: usize| offset.saturating_add(field);
        let kind = at(offset_of!(VolumeSelectorHead, kind));
        let Some(kind) = VolumeKind::from_raw(volume.kind) else {
            return Err(fault(kind, PolicyFault::Value));
        };
        let zero = volume.reserved == [0; 3];
        require(
            zero,
            at(offset_of!(VolumeSelectorHead, reserved)),
            PolicyFault::Reserved,
        )?;
        let device = at(offset_of!(VolumeSelectorHead, device));
        if kind == VolumeKind::Device {
            self.check_text(volume.device, device, |units| check_device(units))?;
        } else {
            let unset = volume.device == PoolRef::default();
            require(unset, device, PolicyFault::Unused)?;
        }
        let unset = kind == VolumeKind::Guid || volume.guid == [0; 16];
        require(
            unset,
            at(offset_of!(VolumeSelectorHead, guid)),
            PolicyFault::Unused,
        )
    }

    /// Checks a text whose reference lies at `offset`; a wrong unit is named by its own offset.
    fn check_text(&self, at: PoolRef, offset: usize, check: TextCheck) -> Result<(), PolicyError> {
        let bytes = self.pool.bytes(at, offset)?;
        let Ok(units) = <[U16]>::ref_from_bytes(bytes) else {
            return Err(fault(offset, PolicyFault::Odd));
        };
        let read: fn(&U16) -> u16 = |unit| unit.get();
        check(units.iter().map(read)).map_err(|(place, reason)| {
            if reason == PolicyFault::TextLength {
                return fault(offset, reason);
            }
            let pool = size_of_val(self.rules).saturating_add(size_of::<PolicyHead>());
            let start = usize::try_from(at.offset.get()).unwrap_or(usize::MAX);
            let text = pool.saturating_add(start);
            fault(text.saturating_add(place.saturating_mul(2)), reason)
        })
    }
}

/// Checks what is needed to cut the bytes.
fn check_sizes(head: &PolicyHead) -> Result<(), PolicyError> {
    let at_magic = offset_of!(PolicyHead, magic);
    require(head.magic == MAGIC, at_magic, PolicyFault::Magic)?;
    let at_version = offset_of!(PolicyHead, version);
    require(head.version == VERSION, at_version, PolicyFault::Version)?;
    let at_head = offset_of!(PolicyHead, head_size);
    require(head.head_size == HEAD_SIZE, at_head, PolicyFault::HeadSize)?;
    let at_rule = offset_of!(PolicyHead, rule_size);
    require(head.rule_size == RULE_SIZE, at_rule, PolicyFault::RuleSize)?;
    let few = usize::try_from(head.rule_count.get()).is_ok_and(|count| count <= POLICY_RULES_MAX);
    require(
        few,
        offset_of!(PolicyHead, rule_count),
        PolicyFault::RuleCount,
    )
}

/// Checks the options of the head.
fn check_options(head: &PolicyHead) -> Result<(), PolicyError> {
    let mode = PolicyMode::from_raw(head.mode);
    require(
        mode.is_some(),
        offset_of!(PolicyHead, mode),
        PolicyFault::Value,
    )?;
    let at_loss = offset_of!(PolicyHead, on_audit_loss);
    let on_loss = OnAuditLoss::from_raw(head.on_audit_loss);
    require(on_loss.is_some(), at_loss, PolicyFault::Value)?;
    let futile = mode == Some(PolicyMode::Observe) && on_loss == Some(OnAuditLoss::Refuse);
    require(!futile, at_loss, PolicyFault::Contradiction)?;
    let at_recheck = offset_of!(PolicyHead, recheck);
    require(head.recheck <= 1, at_recheck, PolicyFault::Value)?;
    let at_lock = offset_of!(PolicyHead, lock_until_reboot);
    require(head.lock_until_reboot <= 1, at_lock, PolicyFault::Value)?;
    let at_reserved = offset_of!(PolicyHead, reserved);
    require(head.reserved == [0; 2], at_reserved, PolicyFault::Reserved)?;
    let strict = head.enforced.get() & !STRICT_RULES.bits() == 0;
    require(
        strict,
        offset_of!(PolicyHead, enforced),
        PolicyFault::Enforced,
    )
}

/// An error unless the condition holds.
fn require(holds: bool, offset: usize, reason: PolicyFault) -> Result<(), PolicyError> {
    if holds {
        Ok(())
    } else {
        Err(fault(offset, reason))
    }
}

/// An error at an offset. No blob is so long that its offsets need more than 32 bits.
pub(super) fn fault(offset: usize, reason: PolicyFault) -> PolicyError {
    PolicyError {
        offset: u32::try_from(offset).unwrap_or(u32::MAX),
        reason,
    }
}
