//! Entries as documents of the Elastic Common Schema.
//!
//! The fields are those of [`VERSION`], each with the meaning that it has there; durations are in
//! nanoseconds. What it has no field for stands below `cloneguard`, where the entry is as a whole in
//! our own JSON. `parties.rs` has who and what, this file what happened.

mod parties;

use super::Format;
use super::document::{Document, entry_id, later, own};
use crate::{Ended, Entry, Event, EventEnd, Gap, NtStatus, PolicyChange, Summary, VolumeChange};
use serde_json::{Value, json};
use std::io;
use wire::{ConsumerEvent, LossClass, OutcomeKind, PolicyEvent, RecordKind, Verdict, VolumeEvent};

/// The version of the schema.
pub const VERSION: &str = "9.4.0";

/// Documents, one in each line.
#[derive(Clone, Debug, Default)]
pub struct Ecs {
    /// Name of the computer that the records are from, if somebody knows it.
    pub host: Option<String>,
}

impl Format for Ecs {
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

/// What happened: kind of the event, its categories, types, what was done, and how it went.
struct What {
    kind: &'static str,
    categories: &'static [&'static str],
    types: &'static [&'static str],
    action: String,
    outcome: &'static str,
}

impl Ecs {
    /// The document of an entry.
    #[must_use]
    pub fn document(&self, entry: &Entry) -> Value {
        let mut document = Document::default();
        let time = entry.time();
        document.put("@timestamp", time.to_string());
        document.put("ecs.version", VERSION);
        document.put("host.name", self.host.clone());
        document.put("observer.product", "CloneGuard");
        document.put("observer.type", "file-system-filter");
        document.put("event.module", "cloneguard");
        document.put("event.provider", "CloneGuard");
        document.put("event.id", entry_id(entry));
        document.put("event.sequence", entry.sequence());
        let kind = entry.kind();
        document.put("event.code", crate::label::label(kind.name(), kind.raw()));
        let is_about_files = matches!(
            entry,
            Entry::Request(_) | Entry::Ended(_) | Entry::Summary(_)
        );
        let dataset = if is_about_files {
            "cloneguard.clone"
        } else {
            "cloneguard.driver"
        };
        document.put("event.dataset", dataset);
        match entry {
            Entry::Request(event) => request(&mut document, event),
            Entry::Ended(ended) => late_end(&mut document, ended),
            Entry::Summary(summary) => many(&mut document, summary),
            other => own_doings(other).put(&mut document),
        }
        document.put("cloneguard", own(entry));
        document.into_value()
    }
}

impl What {
    /// What happened to files.
    fn file(action: impl Into<String>, outcome: &'static str) -> Self {
        Self {
            kind: "event",
            categories: &["file"],
            types: &["change"],
            action: action.into(),
            outcome,
        }
    }

    /// What the driver tells of itself.
    fn driver(
        types: &'static [&'static str],
        action: impl Into<String>,
        outcome: &'static str,
    ) -> Self {
        Self {
            kind: "event",
            categories: &["driver"],
            types,
            action: action.into(),
            outcome,
        }
    }

    fn put(self, document: &mut Document) {
        document.put("event.kind", self.kind);
        document.put("event.category", json!(self.categories));
        document.put("event.type", json!(self.types));
        document.put("event.action", self.action);
        document.put("event.outcome", self.outcome);
    }
}

fn request(document: &mut Document, event: &Event) {
    let outcome = outcome(event.end.status);
    let mut what = What::file(action(event), outcome);
    if event.head.class == LossClass::Finding {
        what.kind = "alert";
    }
    if event.end.verdict == Verdict::Refused {
        // Only there `denied` is a type that the schema expects.
        what.categories = &["file", "intrusion_detection"];
        what.types = &["denied"];
    }
    what.put(document);
    end(document, &event.end);
    let duration = event.end.duration_100ns;
    document.put("event.start", event.head.time.to_string());
    let ended = duration.map(|duration| later(event.head.time, duration).to_string());
    document.put("event.end", ended);
    document.put("rule.version", event.policy.revision.to_string());
    parties::process(
        document,
        &event.process,
        [&event.image, &event.parent_image],
    );
    parties::users(document, &event.process, &event.users);
    parties::file(document, &event.target, &event.target_file);
    parties::volume(document, &event.target, &event.volume);
}

/// What was done, or was not.
fn action(event: &Event) -> &'static str {
    if event.head.kind == RecordKind::Seen {
        return "file-blocks-shared";
    }
    match event.end.verdict {
        Verdict::Passed => "file-cloned",
        Verdict::Flagged => "file-clone-flagged",
        Verdict::WouldRefuse => "file-clone-would-be-refused",
        Verdict::Refused => "file-clone-refused",
        Verdict::NotInspected | Verdict::Unknown(_) => "file-clone-not-inspected",
    }
}

/// How a request ended.
fn end(document: &mut Document, end: &EventEnd) {
    let duration = end.duration_100ns.map(|units| units.saturating_mul(100));
    // The schema has a signed number there; more than 292 years is no duration.
    document.put(
        "event.duration",
        duration.and_then(|duration| i64::try_from(duration).ok()),
    );
    let rule = end.deciding_rule.as_ref();
    document.put("rule.id", rule.map(|rule| rule.id.to_string()));
    document.put("rule.name", rule.and_then(|rule| rule.name));
    document.put("event.reason", rule.and_then(|rule| rule.name));
    failure(document, end.status);
}

/// A status that says what went wrong.
fn failure(document: &mut Document, status: Option<NtStatus>) {
    if let Some(status) = status.filter(|status| outcome(Some(*status)) == "failure") {
        document.put("error.code", format!("0x{:08X}", status.code()));
        document.put("error.message", status.name());
    }
}

/// How something went, by its status.
fn outcome(status: Option<NtStatus>) -> &'static str {
    match status.map(|status| status.code() >> 31) {
        Some(0) => "success",
        Some(_) => "failure",
        None => "unknown",
    }
}

fn late_end(document: &mut Document, ended: &Ended) {
    let mut what = What::file("file-clone-ended", outcome(ended.end.status));
    what.types = &["info"];
    if ended.end.outcome == OutcomeKind::Draining {
        what.outcome = "unknown";
    }
    what.put(document);
    end(document, &ended.end);
}

fn many(document: &mut Document, summary: &Summary) {
    let outcome = match summary.count {
        count if count == summary.completed => "success",
        count if count == summary.failed => "failure",
        _ => "unknown",
    };
    What::file("files-cloned", outcome).put(document);
    document.put("event.start", summary.first_time.to_string());
    document.put("event.end", summary.last_time.to_string());
    document.put("rule.version", summary.policy_revision.to_string());
    failure(document, summary.last_failure);
    parties::process(
        document,
        &summary.process,
        [&summary.image, &summary.parent_image],
    );
    parties::users(document, &summary.process, &summary.users);
    let directory = &summary.target_directory;
    document.put("file.directory", directory.text.clone());
    parties::volume(document, directory, &summary.volume);
}

/// What the driver tells of itself.
fn own_doings(entry: &Entry) -> What {
    match entry {
        Entry::Started(_) => What::driver(&["start"], "driver-started", "success"),
        Entry::Stopping(_) => What::driver(&["end"], "driver-stopping", "success"),
        Entry::Policy(change) => policy(change),
        Entry::Volume(change) => volume(change),
        Entry::Consumer(change) => {
            let is_fine = change.event == ConsumerEvent::Connected;
            let name = crate::label::label(change.event.name(), change.event.raw());
            What::driver(&["info"], format!("consumer-{name}"), went(is_fine))
        }
        Entry::Heartbeat(_) => What {
            kind: "metric",
            ..What::driver(&["info"], "heartbeat", "success")
        },
        Entry::Gap(gap) => lost(gap),
        Entry::Request(_) | Entry::Ended(_) | Entry::Summary(_) | Entry::Unknown(_) => {
            What::driver(&["info"], "unknown", "unknown")
        }
    }
}

fn policy(change: &PolicyChange) -> What {
    let is_in_force = matches!(change.event, PolicyEvent::Applied | PolicyEvent::Default);
    let name = crate::label::label(change.event.name(), change.event.raw());
    What {
        kind: "event",
        categories: &["configuration"],
        types: if is_in_force { &["change"] } else { &["info"] },
        action: format!("policy-{name}"),
        outcome: went(is_in_force),
    }
}

fn volume(change: &VolumeChange) -> What {
    let is_missed = change.event == VolumeEvent::NotAttached;
    let name = crate::label::label(change.event.name(), change.event.raw());
    What {
        kind: if is_missed { "alert" } else { "event" },
        ..What::driver(&["info"], format!("volume-{name}"), went(!is_missed))
    }
}

fn lost(gap: &Gap) -> What {
    let findings = gap.losses.finding.causes();
    let has_findings = findings.iter().any(|(_, count)| *count > 0);
    What {
        kind: if has_findings { "alert" } else { "event" },
        ..What::driver(&["info"], "records-lost", "failure")
    }
}

const fn went(well: bool) -> &'static str {
    if well { "success" } else { "failure" }
}
