//! What the driver tells of itself, in a sentence each.

use super::cells::program;
use super::text::byte_size;
use crate::{
    ConsumerChange, CounterValues, Ended, Entry, Gap, Heartbeat, NtStatus, PolicyChange, Started,
    VolumeChange,
};
use wire::{PreviousStop, VolumeCause};

/// The longest name of a program in a sentence.
const PROGRAM_WIDTH: usize = 40;

/// The sentence of an entry; empty for one that fills the columns.
pub(super) fn of(entry: &Entry) -> String {
    match entry {
        Entry::Request(_) | Entry::Summary(_) => String::new(),
        Entry::Ended(ended) => end(ended),
        Entry::Policy(change) => policy(change),
        Entry::Started(entry) => started(entry),
        Entry::Stopping(stopping) => format!("driver stops: {}", counts(&stopping.counters)),
        Entry::Volume(change) => volume(change),
        Entry::Consumer(change) => consumer(change),
        Entry::Heartbeat(entry) => heartbeat(entry),
        Entry::Gap(entry) => gap(entry),
        Entry::Unknown(unknown) => {
            let kind = unknown.head.kind.raw();
            format!("a record of kind {kind}, which this build does not know")
        }
    }
}

fn end(ended: &Ended) -> String {
    let request = ended.head.request.unwrap_or(0);
    let end = &ended.end;
    let status = end
        .status
        .map_or_else(|| end.outcome_name(), NtStatus::brief);
    let duration = end.duration_100ns.unwrap_or(0);
    let (seconds, rest) = (duration / 10_000_000, duration % 10_000_000 / 10_000);
    format!("request {request} ended at last: {status} after {seconds}.{rest:03} s")
}

fn policy(change: &PolicyChange) -> String {
    let what = named(change.event.name(), change.event.raw());
    let fault = change.fault.as_ref().map(|fault| {
        let name = fault.name.unwrap_or("fault");
        format!(", {name} ({}) at byte {}", fault.code, fault.offset)
    });
    let status = change.status.map(|status| format!(", {}", status.brief()));
    let why = fault.or(status).unwrap_or_default();
    let (revision, mode) = (change.policy_revision, &change.policy_mode);
    format!("policy {what}{why}; in force: {revision} ({mode})")
}

fn started(started: &Started) -> String {
    let after = match started.previous_stop {
        PreviousStop::FirstStart => " for the first time".to_owned(),
        PreviousStop::Clean => " after a clean stop".to_owned(),
        PreviousStop::Unclean => {
            let gone = started.previous_undelivered;
            format!(" after an unclean stop that took {gone} records or more with it")
        }
        PreviousStop::Shutdown => {
            let gone = started.previous_undelivered;
            format!(" after a shutdown of the machine that took {gone} records or more with it")
        }
        PreviousStop::Unasked | PreviousStop::Unknown(_) => String::new(),
    };
    let version = &started.driver_version;
    let (revision, mode) = (started.policy_revision, &started.policy_mode);
    format!("driver {version} started{after}; policy in force: {revision} ({mode})")
}

fn volume(change: &VolumeChange) -> String {
    let device = change.device.text.as_deref().unwrap_or("(no name)");
    let event = named(change.event.name(), change.event.raw()).replace('_', " ");
    let what = match change.cause {
        VolumeCause::NoCause => kind_of(&change.volume),
        cause => named(cause.name(), cause.raw()).replace('_', " "),
    };
    let status = change.status.map(|status| format!(", {}", status.brief()));
    format!(
        "volume {device} {event}: {what}{}",
        status.unwrap_or_default()
    )
}

/// A volume in a few words.
fn kind_of(volume: &crate::Volume) -> String {
    let file_system = volume.file_system.unwrap_or("unknown file system");
    let clusters = volume.cluster_size.map(|size| {
        let size = byte_size(size.into());
        format!(", clusters of {size}")
    });
    let dev = if volume.is_dev_drive {
        ", Dev Drive"
    } else {
        ""
    };
    format!("{file_system}{}{dev}", clusters.unwrap_or_default())
}

fn consumer(change: &ConsumerChange) -> String {
    let program = program(change.process_id, &change.image, PROGRAM_WIDTH);
    let event = named(change.event.name(), change.event.raw());
    let status = change.status.map(|status| format!(": {}", status.brief()));
    let after = change.after_sequence;
    let status = status.unwrap_or_default();
    format!("consumer {program} {event}{status}; it has records through {after}")
}

fn heartbeat(heartbeat: &Heartbeat) -> String {
    let seconds = heartbeat.uptime_100ns / 10_000_000;
    format!("running for {seconds} s: {}", counts(&heartbeat.counters))
}

/// The counters that matter most.
fn counts(counters: &CounterValues) -> String {
    format!(
        "{} seen, {} completed, {} failed, {} refused, {} in flight; records: {} delivered, {} lost, {} held",
        counters.seen,
        counters.completed,
        counters.failed,
        counters.refused,
        counters.in_flight,
        counters.delivered,
        counters.lost,
        counters.held
    )
}

fn gap(gap: &Gap) -> String {
    let losses = &gap.losses;
    // What a record says is any number.
    let of = |causes: &crate::CauseCounts| {
        let some = causes.quota.saturating_add(causes.full);
        some.saturating_add(causes.fault)
    };
    format!(
        "{} records lost: {} routine, {} findings, {} of the driver itself; {} requests refused for it",
        gap.total,
        of(&losses.routine),
        of(&losses.finding),
        of(&losses.state),
        gap.refused
    )
}

/// The name of a value, or its number.
fn named(name: Option<&str>, raw: u8) -> String {
    name.map_or_else(|| raw.to_string(), str::to_owned)
}
