//! Entries as events of the Open Cybersecurity Schema Framework.
//!
//! Requests are of class File System Activity (1001), with the profiles `host` and `security_control`;
//! no activity there is a clone, and what changes is the target, so they are Update. What the driver
//! tells of itself, and ends that come without their files, are of class Event Log Activity (1008).
//! Times and durations are in milliseconds. What the schema has no attribute for stands below
//! `unmapped.cloneguard`, where the entry is as a whole in our own JSON.

mod log;
mod parties;

use super::Format;
use super::document::{Document, base_name, entry_id, later, own, unix_milliseconds};
use crate::{Entry, Event, EventEnd, NtStatus, Summary};
use serde_json::{Value, json};
use std::io;
use wire::{LossClass, RecordKind, Verdict};

/// The version of the schema.
pub const VERSION: &str = "1.8.0";

/// System Activity, the category of both classes.
const SYSTEM_ACTIVITY: u32 = 1;
/// File System Activity.
const FILE_ACTIVITY: Class = Class {
    uid: 1001,
    name: "File System Activity",
};

/// Events, one in each line.
#[derive(Clone, Debug)]
pub struct Ocsf {
    /// Name of the computer that the records are from; class 1001 needs one.
    pub host: String,
}

impl Format for Ocsf {
    fn begin(&mut self, _: &mut dyn io::Write) -> io::Result<()> {
        Ok(())
    }

    fn entry(&mut self, entry: &Entry, out: &mut dyn io::Write) -> io::Result<bool> {
        crate::json::write_line(&mut *out, &self.document(entry))?;
        Ok(true)
    }

    fn end(&mut self, _: &mut dyn io::Write) -> io::Result<()> {
        Ok(())
    }
}

/// A class of events.
struct Class {
    uid: u32,
    name: &'static str,
}

/// A number of the schema and the caption that goes with it.
type Named = (u32, &'static str);

const INFORMATIONAL: Named = (1, "Informational");
const LOW: Named = (2, "Low");
const MEDIUM: Named = (3, "Medium");
const HIGH: Named = (4, "High");

impl Ocsf {
    /// The event of an entry.
    #[must_use]
    pub fn document(&self, entry: &Entry) -> Value {
        let mut document = Document::default();
        self.put_common(&mut document, entry);
        match entry {
            Entry::Request(event) => request(&mut document, event),
            Entry::Summary(summary) => many(&mut document, summary),
            other => log::put(&mut document, other),
        }
        document.into_value()
    }

    /// What all events have.
    fn put_common(&self, document: &mut Document, entry: &Entry) {
        let head = entry.head();
        document.put("time", unix_milliseconds(head.time));
        document.put("category_uid", SYSTEM_ACTIVITY);
        document.put("category_name", "System Activity");
        document.put("device.type_id", 0);
        document.put("device.type", "Unknown");
        document.put("device.hostname", self.host.as_str());
        document.put("metadata.version", VERSION);
        document.put("metadata.product.name", "CloneGuard");
        document.put("metadata.product.vendor_name", "CloneGuard");
        document.put("metadata.profiles", json!(["host", "security_control"]));
        document.put("metadata.uid", entry_id(entry));
        document.put("metadata.sequence", head.sequence);
        document.put("metadata.original_time", head.time.to_string());
        let kind = crate::label::label(head.kind.name(), head.kind.raw());
        document.put("metadata.event_code", kind);
        let load = crate::label::hex(&head.boot_id);
        let request = head
            .request
            .map(|number| format!("{load}-request-{number}"));
        document.put("metadata.correlation_uid", request);
        document.put("is_alert", head.class == LossClass::Finding);
        document.put("unmapped.cloneguard", own(entry));
    }
}

/// Class and activity, which decide the type.
fn put_class(document: &mut Document, class: &Class, (activity, name): Named) {
    document.put("class_uid", class.uid);
    document.put("class_name", class.name);
    document.put("activity_id", activity);
    document.put("activity_name", name);
    document.put("type_uid", class.uid * 100 + activity);
    document.put("type_name", format!("{}: {name}", class.name));
}

fn put_severity(document: &mut Document, (id, name): Named) {
    document.put("severity_id", id);
    document.put("severity", name);
}

/// How it went, by its status.
fn put_status(document: &mut Document, status: Option<NtStatus>) {
    let (id, name) = match status.map(|status| status.code() >> 31) {
        Some(0) => (1, "Success"),
        Some(_) => (2, "Failure"),
        None => (0, "Unknown"),
    };
    document.put("status_id", id);
    document.put("status", name);
    let code = status.map(|status| format!("0x{:08X}", status.code()));
    document.put("status_code", code);
    document.put("status_detail", status.and_then(NtStatus::name));
}

/// How a request ended.
fn put_end(document: &mut Document, end: &EventEnd) {
    put_status(document, end.status);
    let units = end.duration_100ns;
    document.put("duration", units.map(|units| units / 10_000));
    let rule = end.deciding_rule.as_ref();
    let rule = rule.map(|rule| rule.name.map_or_else(|| rule.id.to_string(), str::to_owned));
    if end.status.is_none_or(|status| status.code() != 0) {
        document.put("status_detail", rule);
    }
}

/// What was decided: the action, its disposition, and how grave it is.
const fn decision(verdict: Verdict) -> (Named, Named, Named) {
    const ALLOWED: Named = (1, "Allowed");
    match verdict {
        Verdict::Passed => (ALLOWED, (1, "Allowed"), INFORMATIONAL),
        Verdict::Flagged => (ALLOWED, (15, "Detected"), LOW),
        Verdict::WouldRefuse => (ALLOWED, (15, "Detected"), MEDIUM),
        Verdict::Refused => ((2, "Denied"), (2, "Blocked"), MEDIUM),
        Verdict::NotInspected | Verdict::Unknown(_) => (ALLOWED, (17, "Logged"), MEDIUM),
    }
}

fn put_decision(document: &mut Document, verdict: Verdict) {
    let (action, disposition, severity) = decision(verdict);
    document.put("action_id", action.0);
    document.put("action", action.1);
    document.put("disposition_id", disposition.0);
    document.put("disposition", disposition.1);
    put_severity(document, severity);
}

fn put_policy(document: &mut Document, revision: u64) {
    document.put("policy.name", "CloneGuard policy");
    document.put("policy.version", revision.to_string());
}

fn request(document: &mut Document, event: &Event) {
    put_class(document, &FILE_ACTIVITY, (3, "Update"));
    put_decision(document, event.end.verdict);
    put_end(document, &event.end);
    let start = event.head.time;
    document.put("start_time", unix_milliseconds(start));
    let units = event.end.duration_100ns;
    document.put(
        "end_time",
        units.map(|units| unix_milliseconds(later(start, units))),
    );
    put_policy(document, event.policy.revision);
    let process = parties::Process {
        process: &event.process,
        users: &event.users,
        image: &event.image,
        parent_image: &event.parent_image,
    };
    document.put("actor", process.actor(event.remote));
    document.put(
        "file",
        parties::file(&event.target, &event.target_file, &event.volume),
    );
    document.put("message", message(event));
}

/// What happened, in a sentence.
fn message(event: &Event) -> String {
    let what = if event.head.kind == RecordKind::Seen {
        "another request that shares blocks"
    } else {
        "block clone"
    };
    let name = |text: &Option<String>| text.as_deref().map_or("(unknown)", base_name).to_owned();
    let verdict = crate::label::label(event.end.verdict.name(), event.end.verdict.raw());
    let (source, target) = (name(&event.source.text), name(&event.target.text));
    format!("{what}, {verdict}: {source} into {target}")
}

fn many(document: &mut Document, summary: &Summary) {
    put_class(document, &FILE_ACTIVITY, (3, "Update"));
    put_decision(document, Verdict::Passed);
    let went = match summary.count {
        count if count == summary.completed => Some(NtStatus::new(0)),
        count if count == summary.failed => summary.last_failure,
        _ => None,
    };
    put_status(document, went);
    document.put("count", summary.count);
    document.put("start_time", unix_milliseconds(summary.first_time));
    document.put("end_time", unix_milliseconds(summary.last_time));
    put_policy(document, summary.policy_revision);
    let process = parties::Process {
        process: &summary.process,
        users: &summary.users,
        image: &summary.image,
        parent_image: &summary.parent_image,
    };
    document.put("actor", process.actor(summary.remote));
    let directory = &summary.target_directory;
    document.put("file", parties::directory(directory, &summary.volume));
    document.put("message", format!("{} block clones, passed", summary.count));
}
