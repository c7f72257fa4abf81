//! What the driver tells of itself, and late ends: Event Log Activity.

use super::super::document::{Document, base_name};
use super::{
    Class, HIGH, INFORMATIONAL, MEDIUM, Named, put_class, put_decision, put_end, put_policy,
    put_severity, put_status,
};
use crate::label::label;
use crate::{ConsumerChange, Entry, Gap, NtStatus, PolicyChange, Started, VolumeChange};
use wire::{ConsumerEvent, PolicyEvent, PreviousStop, VolumeEvent};

/// Event Log Activity.
const LOG_ACTIVITY: Class = Class {
    uid: 1008,
    name: "Event Log Activity",
};

/// What the schema has no number for.
const OTHER: u32 = 99;

/// Puts in what is not about the files of a request.
pub(super) fn put(document: &mut Document, entry: &Entry) {
    document.put("log_name", "CloneGuard");
    document.put("log_provider", "CloneGuard");
    document.put("log_type_id", OTHER);
    document.put("log_type", "Driver");
    match entry {
        Entry::Started(started) => start(document, started),
        Entry::Stopping(_) => fine(document, (7, "Stop")),
        Entry::Policy(change) => policy(document, change),
        Entry::Volume(change) => volume(document, change),
        Entry::Consumer(change) => consumer(document, change),
        Entry::Heartbeat(_) => fine(document, (OTHER, "Heartbeat")),
        Entry::Gap(gap) => lost(document, gap),
        Entry::Ended(ended) => {
            put_class(document, &LOG_ACTIVITY, (OTHER, "Late end of a request"));
            put_decision(document, ended.end.verdict);
            put_end(document, &ended.end);
        }
        Entry::Request(_) | Entry::Summary(_) | Entry::Unknown(_) => {
            put_class(document, &LOG_ACTIVITY, (OTHER, "Unknown record"));
            put_severity(document, INFORMATIONAL);
            put_status(document, None);
        }
    }
}

/// Something as it should be.
fn fine(document: &mut Document, activity: Named) {
    put_class(document, &LOG_ACTIVITY, activity);
    put_severity(document, INFORMATIONAL);
    put_status(document, Some(NtStatus::new(0)));
}

/// Something with a name of its own, which went well or did not.
fn put_other(document: &mut Document, name: String, went_well: bool, severity: Named) {
    put_class(document, &LOG_ACTIVITY, (OTHER, "Other"));
    document.put("activity_name", name.as_str());
    document.put("type_name", format!("{}: {name}", LOG_ACTIVITY.name));
    put_severity(document, severity);
    document.put("status_id", if went_well { 1 } else { 2 });
    document.put("status", if went_well { "Success" } else { "Failure" });
}

/// A status beside what happened, if there is one.
fn put_code(document: &mut Document, status: Option<NtStatus>) {
    let code = status.map(|status| format!("0x{:08X}", status.code()));
    document.put("status_code", code);
    document.put("status_detail", status.and_then(NtStatus::name));
}

fn start(document: &mut Document, started: &Started) {
    fine(document, (6, "Start"));
    document.put("metadata.product.version", started.driver_version.as_str());
    put_policy(document, started.policy_revision);
    if started.previous_stop == PreviousStop::Unclean {
        put_severity(document, MEDIUM);
        document.put(
            "message",
            "the driver before this one stopped without a word",
        );
    }
}

fn policy(document: &mut Document, change: &PolicyChange) {
    let is_in_force = matches!(change.event, PolicyEvent::Applied | PolicyEvent::Default);
    let severity = if is_in_force { INFORMATIONAL } else { MEDIUM };
    let name = format!("Policy {}", label(change.event.name(), change.event.raw()));
    put_other(document, name, is_in_force, severity);
    put_policy(document, change.policy_revision);
    put_code(document, change.status);
    let fault = change.fault.as_ref().and_then(|fault| fault.name);
    document.put("status_detail", fault);
}

fn volume(document: &mut Document, change: &VolumeChange) {
    let is_missed = change.event == VolumeEvent::NotAttached;
    let severity = if is_missed { HIGH } else { INFORMATIONAL };
    let name = format!("Volume {}", label(change.event.name(), change.event.raw()));
    put_other(document, name, !is_missed, severity);
    put_code(document, change.status);
    if is_missed {
        document.put(
            "status_detail",
            label(change.cause.name(), change.cause.raw()),
        );
    }
    document.put("message", change.device.text.clone());
}

fn consumer(document: &mut Document, change: &ConsumerChange) {
    let is_fine = change.event == ConsumerEvent::Connected;
    let severity = if is_fine { INFORMATIONAL } else { MEDIUM };
    let name = format!(
        "Consumer {}",
        label(change.event.name(), change.event.raw())
    );
    put_other(document, name, is_fine, severity);
    put_code(document, change.status);
    document.put("actor.process.pid", change.process_id);
    if change.process_id.is_some() {
        let image = change.image.text.as_deref();
        document.put("actor.process.name", image.map(base_name));
    }
}

fn lost(document: &mut Document, gap: &Gap) {
    let findings = gap.losses.finding.causes();
    let has_findings = findings.iter().any(|(_, count)| *count > 0);
    let severity = if has_findings { HIGH } else { MEDIUM };
    put_other(document, "Records lost".to_owned(), false, severity);
    document.put("count", gap.total);
    document.put("message", format!("{} records were lost", gap.total));
}
