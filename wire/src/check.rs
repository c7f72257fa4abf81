//! The checks that make bytes a record: lengths of the names, fields that depend on each other.
//!
//! `view.rs` runs them once, in [`crate::Record::parse`]; nobody checks again.

use crate::record::{FileHead, NAMES, NameHead, RecordHead, SID_SIZE_MAX};
use crate::{DecodeError, FactState, NameState, RuleId, RuleSet};
use zerocopy::FromBytes as _;

/// Cuts the names out of a record and checks that nothing but padding is left.
pub(crate) fn split_names<'a>(
    head: &RecordHead,
    bytes: &'a [u8],
) -> Result<[&'a [u8]; NAMES], DecodeError> {
    let found = bytes.len();
    let (_, mut rest) = RecordHead::ref_from_prefix(bytes).map_err(|_| DecodeError::Short {
        needed: size_of::<RecordHead>(),
        found,
    })?;
    let stated = u64::from(head.total_size.get());
    let mut names: [&[u8]; NAMES] = [&[]; NAMES];
    for ((name, name_head), place) in names.iter_mut().zip(&head.names).zip(0_u8..) {
        check_name(name_head, place)?;
        let length = usize::from(name_head.stored_bytes.get());
        (*name, rest) = rest
            .split_at_checked(length)
            .ok_or(DecodeError::Length { stated, found })?;
    }
    if rest.len() >= 8 || !found.is_multiple_of(8) {
        return Err(DecodeError::Length { stated, found });
    }
    if rest.iter().any(|byte| *byte != 0) {
        return Err(DecodeError::Reserved);
    }
    Ok(names)
}

/// Checks the lengths of one name against each other.
fn check_name(name: &NameHead, place: u8) -> Result<(), DecodeError> {
    let (stored, full) = (name.stored_bytes.get(), name.full_bytes.get());
    let absent = NameState::from_raw(name.state) == NameState::Absent;
    if !stored.is_multiple_of(2) || !full.is_multiple_of(2) || stored > full || (absent && full > 0)
    {
        return Err(DecodeError::Name(place));
    }
    if name.reserved != [0; 3] {
        return Err(DecodeError::Reserved);
    }
    Ok(())
}

/// Checks what depends on other fields of the head.
pub(crate) fn check_fields(head: &RecordHead) -> Result<(), DecodeError> {
    if head.sequence == 0 || head.lost_before >= head.sequence {
        return Err(DecodeError::Sequence(head.sequence.get()));
    }
    if head.reserved != [0; 2] {
        return Err(DecodeError::Reserved);
    }
    let claim_is_zero = head.source_offset == 0
        && head.target_offset == 0
        && head.byte_count == 0
        && head.ex_size == 0
        && head.ex_flags == 0;
    if head.claim_known > 1 || (head.claim_known == 0 && !claim_is_zero) {
        return Err(DecodeError::Claim);
    }
    if !is_sid(&head.user_sid, head.user_sid_size) {
        return Err(DecodeError::Sid(head.user_sid_size));
    }
    check_volume(head)?;
    for (file, place) in head.files.iter().zip(0_u8..) {
        check_file(file, place)?;
    }
    Ok(())
}

/// What is not known of the volume is zero.
fn check_volume(head: &RecordHead) -> Result<(), DecodeError> {
    let guid_agrees = match head.volume_guid_known {
        0 => head.volume_guid == [0; 16],
        1 => true,
        _ => false,
    };
    let answered = FactState::from_raw(head.volume_state) == FactState::Known;
    if guid_agrees && (answered || head.volume_attributes == 0) {
        Ok(())
    } else {
        Err(DecodeError::Volume)
    }
}

/// What is not known of a file is zero.
fn check_file(file: &FileHead, place: u8) -> Result<(), DecodeError> {
    if file.reserved != [0; 2] || file.padding != 0 {
        return Err(DecodeError::Reserved);
    }
    let is_zero = file.kind == 0
        && file.attributes == 0
        && file.end_of_file == 0
        && file.allocation_size == 0;
    if is_zero || FactState::from_raw(file.state) == FactState::Known {
        Ok(())
    } else {
        Err(DecodeError::File(place))
    }
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

/// Checks the rules that fired, those that are grounds to refuse, and the one that decided.
pub(crate) fn check_rules(head: &RecordHead) -> Result<(RuleSet, RuleSet), DecodeError> {
    let rules = RuleSet::from_bits(head.rules.get()).ok_or(DecodeError::Rules)?;
    let grounds = RuleSet::from_bits(head.grounds.get()).ok_or(DecodeError::Rules)?;
    let consistent = match RuleId::new(head.deciding_rule) {
        Some(id) => rules.contains(id),
        None => head.deciding_rule == 0 && rules.is_empty(),
    };
    if consistent && grounds.is_subset(rules) {
        Ok((rules, grounds))
    } else {
        Err(DecodeError::Rules)
    }
}
