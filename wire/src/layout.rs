//! The tables of `docs/wire.md` against the types, field by field.

extern crate std;

use crate::policy::{PathPatternHead, PolicyHead, PolicyRuleHead, PoolRef, VolumeSelectorHead};
use crate::{
    Ack, BatchHead, ConnectRequest, ConsumerBody, Counters, EndHead, EndedBody, FileHead, GapBody,
    HeartbeatBody, NameHead, PolicyBody, ProcessHead, RecordHead, RequestBody, SourceVolumeHead,
    StartedBody, StatusReport, StoppingBody, SummaryBody, UserHead, VolumeBody, VolumeHead,
};
use core::mem::offset_of;
use std::format;
use std::vec::Vec;

const DOCUMENT: &str = include_str!("../../docs/wire.md");

/// Offset, size and name of each field of a type, and the size of the type.
type Layout = (&'static str, usize, Vec<(usize, usize, &'static str)>);

/// Size of the field that a function returns.
const fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// The layout of a type whose fields are named in full: a field that is left out does not compile.
macro_rules! layout {
    ($name:ident { $($field:ident),+ $(,)? }) => {{
        let _complete = |value: $name| {
            let $name { $($field: _),+ } = value;
        };
        let fields = Vec::from([$((
            offset_of!($name, $field),
            size_of_field(|value: &$name| &value.$field),
            stringify!($field),
        )),+]);
        (stringify!($name), size_of::<$name>(), fields)
    }};
}

/// Every type of the wire that has a table.
fn layouts() -> Vec<Layout> {
    let mut all = Vec::from(message_layouts());
    all.extend(request_layouts());
    all.extend(part_layouts());
    all.extend(own_layouts());
    all.extend(policy_layouts());
    all
}

/// The layouts of whole messages and of the counters in one.
#[rustfmt::skip]
fn message_layouts() -> [Layout; 5] {
    [
        layout!(ConnectRequest {
            magic, version, kind, reserved, boot_id, after_sequence,
        }),
        layout!(Ack {
            magic, version, reserved, boot_id, through_sequence,
        }),
        layout!(BatchHead {
            magic, version, head_size, byte_count, record_count, boot_id, first_sequence,
            last_sequence, counters,
        }),
        layout!(Counters {
            seen, completed, failed, refused, not_inspected, in_flight, delivered, lost, held,
            losses, summarised, refused_unaudited, memory,
        }),
        layout!(StatusReport {
            magic, version, size, boot_id, started, now, last_sequence, journal_size, journal_used,
            policy_revision, policy_mode, locked, consumer, reserved, volumes_attached,
            volumes_not_attached, padding, driver_version, counters,
        }),
    ]
}

/// The layouts of a record's head and of the bodies about requests.
#[rustfmt::skip]
fn request_layouts() -> [Layout; 5] {
    [
        layout!(RecordHead {
            total_size, head_size, version, kind, class, body_size, reserved, sequence,
            lost_before, time, request,
        }),
        layout!(RequestBody {
            end, grounds, requestor_mode, bitness, source_state, claim_known, remote, same_stream,
            policy_match, reserved, control_code, ex_flags, input_length, output_length,
            source_offset, target_offset, byte_count, ex_size, source_status, source_reason,
            granted_access, refusal, policy_revision, policy_rule, padding, process, users, volume,
            source_volume, files, names,
        }),
        layout!(EndHead {
            verdict, outcome, source_after, deciding_rule, status, information, duration, rules,
        }),
        layout!(EndedBody {
            end,
        }),
        layout!(SummaryBody {
            first_time, last_time, count, completed, failed, draining, byte_count, duration_sum,
            last_failure, window_seconds, control_codes, requestor_mode, bitness, remote, pending,
            policy_revision, process, users, volume, names,
        }),
    ]
}

/// The layouts of the parts that several bodies have.
#[rustfmt::skip]
fn part_layouts() -> [Layout; 6] {
    [
        layout!(ProcessHead {
            process_id, thread_id, start_key, create_time, parent_id, session_id, parent_start_key,
            logon_id, integrity_level, token_reason, elevated, impersonating, parent_known,
            session_known, logon_known, integrity_known, reserved,
        }),
        layout!(UserHead {
            size, reserved, reason, sid,
        }),
        layout!(VolumeHead {
            file_system, cluster_size, cluster_reason, setup_flags, attributes, attributes_reason,
            state, guid_known, reserved, guid_reason, guid,
        }),
        layout!(SourceVolumeHead {
            guid_known, reserved, reason, guid,
        }),
        layout!(FileHead {
            state, kind, id_state, reserved, reason, attributes, id_reason, end_of_file,
            allocation_size, id,
        }),
        layout!(NameHead {
            stored_bytes, full_bytes, state, reserved, reason,
        }),
    ]
}

/// The layouts of the bodies in which the driver tells of itself.
#[rustfmt::skip]
fn own_layouts() -> [Layout; 7] {
    [
        layout!(PolicyBody {
            revision, status, offset, fault, event, mode, reserved,
        }),
        layout!(StartedBody {
            driver_version, previous, image_hash_state, policy_mode, reserved, image_hash_reason,
            previous_boot_id, previous_sequence, previous_undelivered, journal_size,
            policy_revision, image_hash, summarise_seconds, padding,
        }),
        layout!(StoppingBody {
            counters,
        }),
        layout!(VolumeBody {
            event, cause, reserved, status, volume, names,
        }),
        layout!(ConsumerBody {
            event, reserved, status, process_id, padding, start_key, after_sequence, boot_id,
            names,
        }),
        layout!(HeartbeatBody {
            counters, uptime, interval_seconds, untold,
        }),
        layout!(GapBody {
            total, losses, refused,
        }),
    ]
}

/// The layouts of the parts of a policy.
#[rustfmt::skip]
fn policy_layouts() -> [Layout; 5] {
    [
        layout!(PolicyHead {
            magic, version, head_size, total_size, rule_count, rule_size, mode, on_audit_loss,
            recheck, lock_until_reboot, reserved, revision, enforced, journal_size,
            summarise_seconds, pool_size,
        }),
        layout!(PolicyRuleHead {
            effect, remote, reserved, name, user, image, source, target, volume, byte_count_min,
        }),
        layout!(PathPatternHead { volume, path }),
        layout!(VolumeSelectorHead { kind, reserved, device, guid }),
        layout!(PoolRef { offset, byte_length }),
    ]
}

/// The table of a type in the document: the lines between its heading and the next one.
fn table(name: &str) -> Vec<&'static str> {
    let heading = format!("### `{name}`");
    let mut lines = DOCUMENT
        .lines()
        .skip_while(|line| !line.starts_with(&heading));
    assert!(
        lines.next().is_some(),
        "docs/wire.md has no section {heading}"
    );
    lines
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| line.starts_with("| "))
        .collect()
}

#[test]
fn the_document_has_every_field_at_its_place() {
    for (name, size, fields) in layouts() {
        let rows = table(name);
        // Two lines are the heading of the table.
        assert_eq!(rows.len(), fields.len().wrapping_add(2), "rows for {name}");
        let mut end = 0;
        for (row, (offset, size, field)) in rows.iter().skip(2).zip(fields) {
            let expected = format!("| {offset} | {size} | `{field}` |");
            assert!(
                row.starts_with(&expected),
                "{name}: {expected} is not the start of {row}"
            );
            assert_eq!(offset, end, "{name} has a hole before {field}");
            end = offset.wrapping_add(size);
        }
        assert_eq!(end, size, "{name} has bytes behind its last field");
        let heading = format!("### `{name}`, {size} bytes");
        assert!(DOCUMENT.contains(&heading), "docs/wire.md lacks: {heading}");
    }
}

#[test]
fn the_document_has_every_value_of_the_lists() {
    /// Asserts that the table of a list has exactly its values.
    macro_rules! check {
        ($($name:ident),+) => {$(
            let rows = table(stringify!($name));
            assert_eq!(rows.len(), crate::$name::KNOWN.len().wrapping_add(2), stringify!($name));
            for (row, value) in rows.iter().skip(2).zip(crate::$name::KNOWN) {
                let expected = format!("| {} | `{}` |", value.raw(), value.name().unwrap());
                assert!(row.starts_with(&expected), "{expected} is not the start of {row}");
            }
        )+};
    }
    check!(
        RecordKind,
        LossClass,
        LossCause,
        PreviousStop,
        VolumeEvent,
        VolumeCause,
        ConsumerEvent,
        Verdict,
        Mode,
        Bitness,
        OutcomeKind,
        SourceState,
        NameState,
        FactState,
        FileKind,
        Ternary,
        PolicyMatch,
        PolicyEvent,
        SourceAfter
    );
}

#[test]
fn the_document_has_every_value_of_the_closed_lists() {
    use crate::policy::{Effect, OnAuditLoss, PolicyFault, PolicyMode, Remote, VolumeKind};
    /// Asserts that the table of a list has exactly its values, and that no other byte has one.
    macro_rules! check {
        ($($name:ident),+) => {$(
            let rows = table(stringify!($name));
            assert_eq!(rows.len(), $name::KNOWN.len().wrapping_add(2), stringify!($name));
            for (row, value) in rows.iter().skip(2).zip($name::KNOWN) {
                let expected = format!("| {} | `{}` |", value.raw(), value.name());
                assert!(row.starts_with(&expected), "{expected} is not the start of {row}");
                assert_eq!($name::from_raw(value.raw()), Some(*value));
            }
            let named = (0..=u8::MAX).filter_map($name::from_raw).count();
            assert_eq!(named, $name::KNOWN.len(), stringify!($name));
        )+};
    }
    check!(
        PolicyMode,
        Effect,
        OnAuditLoss,
        Remote,
        VolumeKind,
        PolicyFault
    );
    for (row, fault) in table("PolicyFault").iter().skip(2).zip(PolicyFault::KNOWN) {
        assert!(row.ends_with(&format!("| {fault} |")), "{fault}: {row}");
    }
}
