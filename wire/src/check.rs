//! The checks that make bytes a body: fields that depend on each other, zeros where nothing is known.
//!
//! `record.rs` runs them once, in [`crate::Record::parse`]; nobody checks again.

use crate::body::sealed::Checked;
use crate::part::{
    FILE_ID_SIZE, FileHead, GUID_SIZE, ProcessHead, SID_SIZE_MAX, SourceVolumeHead, UserHead,
    VolumeHead,
};
use crate::policy::PolicyMode;
use crate::{
    ConsumerBody, DecodeError, EndHead, EndedBody, FactState, GapBody, HeartbeatBody,
    IMAGE_HASH_SIZE, NameHead, NameState, PolicyBody, PolicyEvent, RequestBody, RuleId, RuleSet,
    StartedBody, StoppingBody, SummaryBody, VolumeBody, loss_total,
};

impl Checked for RequestBody {
    fn check(&self) -> Result<(), DecodeError> {
        let rules = self.end.checked_rules()?;
        let grounds = RuleSet::from_bits(self.grounds.get()).ok_or(DecodeError::Rules)?;
        ensure(grounds.is_subset(rules), DecodeError::Rules)?;
        ensure(
            self.reserved == 0 && self.padding == 0,
            DecodeError::Reserved,
        )?;
        let claim_is_zero = self.source_offset == 0
            && self.target_offset == 0
            && self.byte_count == 0
            && self.ex_size == 0
            && self.ex_flags == 0;
        ensure(
            known_or_zero(self.claim_known, claim_is_zero),
            DecodeError::Claim,
        )?;
        self.process.check()?;
        check_users(&self.users)?;
        self.volume.check()?;
        self.source_volume.check()?;
        for (file, place) in self.files.iter().zip(0_u8..) {
            check_file(file, place)?;
        }
        Ok(())
    }
}

impl Checked for EndedBody {
    fn check(&self) -> Result<(), DecodeError> {
        self.end.checked_rules().map(|_| ())
    }
}

impl Checked for SummaryBody {
    fn check(&self) -> Result<(), DecodeError> {
        let sum = self
            .completed
            .get()
            .checked_add(self.failed.get())
            .and_then(|sum| sum.checked_add(self.draining.get()));
        let in_order = self.first_time.get() <= self.last_time.get();
        ensure(
            sum == Some(self.count.get()) && in_order,
            DecodeError::Summary,
        )?;
        self.process.check()?;
        check_users(&self.users)?;
        self.volume.check()
    }
}

impl Checked for PolicyBody {
    fn check(&self) -> Result<(), DecodeError> {
        ensure(self.reserved == 0, DecodeError::Reserved)?;
        let event = PolicyEvent::from_raw(self.event);
        let fault_is_zero = self.fault == 0 && self.offset == 0;
        let agrees = fault_is_zero || !matches!(event, PolicyEvent::Default | PolicyEvent::Applied);
        ensure(agrees && mode_exists(self.mode), DecodeError::Policy)
    }
}

impl Checked for StartedBody {
    fn check(&self) -> Result<(), DecodeError> {
        ensure(
            self.reserved == 0 && self.padding == 0,
            DecodeError::Reserved,
        )?;
        ensure(mode_exists(self.policy_mode), DecodeError::Policy)?;
        let zero = self.image_hash == [0; IMAGE_HASH_SIZE];
        ensure(
            zero || is_known(self.image_hash_state),
            DecodeError::ImageHash,
        )
    }
}

impl Checked for StoppingBody {
    fn check(&self) -> Result<(), DecodeError> {
        Ok(())
    }
}

impl Checked for VolumeBody {
    fn check(&self) -> Result<(), DecodeError> {
        ensure(self.reserved == [0; 2], DecodeError::Reserved)?;
        self.volume.check()
    }
}

impl Checked for ConsumerBody {
    fn check(&self) -> Result<(), DecodeError> {
        ensure(
            self.reserved == [0; 3] && self.padding == 0,
            DecodeError::Reserved,
        )
    }
}

impl Checked for HeartbeatBody {
    fn check(&self) -> Result<(), DecodeError> {
        Ok(())
    }
}

impl Checked for GapBody {
    fn check(&self) -> Result<(), DecodeError> {
        let sum = loss_total(&self.losses);
        ensure(sum == Some(self.total.get()), DecodeError::Losses)
    }
}

impl EndHead {
    /// The rules that fired, if they agree with the one that decided.
    fn checked_rules(&self) -> Result<RuleSet, DecodeError> {
        let rules = RuleSet::from_bits(self.rules.get()).ok_or(DecodeError::Rules)?;
        let consistent = match RuleId::new(self.deciding_rule) {
            Some(id) => rules.contains(id),
            None => self.deciding_rule == 0 && rules.is_empty(),
        };
        ensure(consistent, DecodeError::Rules).map(|()| rules)
    }
}

impl ProcessHead {
    fn check(&self) -> Result<(), DecodeError> {
        ensure(self.reserved == [0; 2], DecodeError::Reserved)?;
        let no_parent = self.parent_id == 0 && self.parent_start_key == 0;
        let agrees = known_or_zero(self.parent_known, no_parent)
            && known_or_zero(self.session_known, self.session_id == 0)
            && known_or_zero(self.logon_known, self.logon_id == 0)
            && known_or_zero(self.integrity_known, self.integrity_level == 0);
        ensure(agrees, DecodeError::Process)
    }
}

impl VolumeHead {
    fn check(&self) -> Result<(), DecodeError> {
        ensure(self.reserved == [0; 2], DecodeError::Reserved)?;
        let agrees = known_or_zero(self.guid_known, self.guid == [0; GUID_SIZE])
            && (self.attributes == 0 || is_known(self.state));
        ensure(agrees, DecodeError::Volume)
    }
}

impl SourceVolumeHead {
    fn check(&self) -> Result<(), DecodeError> {
        ensure(self.reserved == [0; 3], DecodeError::Reserved)?;
        let agrees = known_or_zero(self.guid_known, self.guid == [0; GUID_SIZE]);
        ensure(agrees, DecodeError::SourceVolume)
    }
}

/// Each user is a SID or unknown.
fn check_users(users: &[UserHead]) -> Result<(), DecodeError> {
    for (user, place) in users.iter().zip(0_u8..) {
        ensure(user.reserved == [0; 3], DecodeError::Reserved)?;
        ensure(is_sid(&user.sid, user.size), DecodeError::User(place))?;
    }
    Ok(())
}

/// What is not known of a file is zero.
fn check_file(file: &FileHead, place: u8) -> Result<(), DecodeError> {
    ensure(file.reserved == 0, DecodeError::Reserved)?;
    let is_zero = file.kind == 0
        && file.attributes == 0
        && file.end_of_file == 0
        && file.allocation_size == 0;
    let agrees = (is_zero || is_known(file.state))
        && (file.id == [0; FILE_ID_SIZE] || is_known(file.id_state));
    ensure(agrees, DecodeError::File(place))
}

/// Checks the lengths of one name against each other.
pub(crate) fn check_name(name: &NameHead, place: u8) -> Result<(), DecodeError> {
    let (stored, full) = (name.stored_bytes.get(), name.full_bytes.get());
    let absent = NameState::from_raw(name.state) == NameState::Absent;
    let even = stored.is_multiple_of(2) && full.is_multiple_of(2);
    ensure(
        even && stored <= full && !(absent && full > 0),
        DecodeError::Name(place),
    )?;
    ensure(name.reserved == [0; 3], DecodeError::Reserved)
}

/// Whether `size` bytes are a SID by their own count and only zeros follow. The layout is that of
/// MS-DTYP 2.4.2.2: revision, count, six bytes of authority, then four bytes for each of `count`.
fn is_sid(sid: &[u8; SID_SIZE_MAX], size: u8) -> bool {
    let [_, count, ..] = *sid;
    let implied = count.checked_mul(4).and_then(|bytes| bytes.checked_add(8));
    let tail = sid.get(usize::from(size)..);
    let clean = tail.is_some_and(|tail| tail.iter().all(|byte| *byte == 0));
    clean && (size == 0 || implied == Some(size))
}

/// Whether a flag is 1, or 0 beside zeros.
const fn known_or_zero(flag: u8, is_zero: bool) -> bool {
    match flag {
        0 => is_zero,
        1 => true,
        _ => false,
    }
}

/// Whether the state of a fact says that it is known.
fn is_known(state: u8) -> bool {
    FactState::from_raw(state) == FactState::Known
}

/// Whether the byte is a mode of a policy. The list is closed.
const fn mode_exists(mode: u8) -> bool {
    PolicyMode::from_raw(mode).is_some()
}

/// The error unless the condition holds.
const fn ensure(condition: bool, error: DecodeError) -> Result<(), DecodeError> {
    if condition { Ok(()) } else { Err(error) }
}
