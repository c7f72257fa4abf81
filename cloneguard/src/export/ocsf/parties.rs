//! Process, users and file of an event.

use super::super::document::{Document, Parts, base_name, unix_milliseconds};
use crate::{EventFile, EventName, EventProcess, EventUsers, IntegrityLevel, Volume};
use serde_json::{Value, json};

/// In place of a name that a required attribute must have.
const UNKNOWN: &str = "(unknown)";

/// All that a record says of a process.
pub(super) struct Process<'e> {
    pub(super) process: &'e EventProcess,
    pub(super) users: &'e EventUsers,
    pub(super) image: &'e EventName,
    pub(super) parent_image: &'e EventName,
}

impl Process<'_> {
    /// Who did it. The schema wants at least one of several attributes.
    pub(super) fn actor(&self, is_remote: Option<bool>) -> Value {
        let mut actor = Document::default();
        let (effective, primary) = (&self.users.user_sid, &self.users.primary_user_sid);
        actor.put("process", self.process(primary.as_ref()));
        let user = effective.as_ref().or(primary.as_ref());
        actor.put("user.uid", user.cloned());
        let logon = self.process.logon_id.map(|logon| logon.to_string());
        actor.put("session.uid", logon);
        actor.put("session.is_remote", is_remote);
        let unknown = || json!({ "app_name": UNKNOWN });
        actor.into_some().unwrap_or_else(unknown)
    }

    /// The process, if anything tells it from others.
    fn process(&self, user: Option<&String>) -> Option<Value> {
        let facts = self.process;
        let mut process = Document::default();
        let uid = facts.process_start_key.zip(facts.process_create_time);
        let uid = uid.map(|(key, time)| format!("{key}-{:x}", time.filetime()));
        if facts.process_id.is_none() && uid.is_none() {
            return None;
        }
        process.put("pid", facts.process_id);
        process.put("tid", facts.thread_id);
        process.put("uid", uid);
        process.put(
            "created_time",
            facts.process_create_time.map(unix_milliseconds),
        );
        put_image(&mut process, self.image);
        process.put("user.uid", user.cloned());
        if let Some((id, name)) = facts.integrity_level.map(integrity) {
            process.put("integrity_id", id);
            process.put("integrity", name);
        }
        if let Some(parent_id) = facts.parent_process_id {
            let mut parent = Document::default();
            parent.put("pid", parent_id);
            put_image(&mut parent, self.parent_image);
            process.put("parent_process", parent.into_some());
        }
        process.into_some()
    }
}

/// Name and file of a process.
fn put_image(process: &mut Document, image: &EventName) {
    if let Some(path) = image.text.as_deref() {
        process.put("name", base_name(path));
        process.put("file.name", base_name(path));
        process.put("file.path", path);
        process.put("file.type_id", 1);
    }
}

/// The number and caption of an integrity level.
fn integrity(level: IntegrityLevel) -> (u32, String) {
    let (id, caption) = match level.0 {
        0x0000 => (1, "Untrusted"),
        0x1000 => (2, "Low"),
        0x2000 => (3, "Medium"),
        0x3000 => (4, "High"),
        0x4000 => (5, "System"),
        0x5000 => (6, "Protected"),
        other => {
            return (
                99,
                level
                    .name()
                    .map_or_else(|| format!("0x{other:04X}"), str::to_owned),
            );
        }
    };
    (id, caption.to_owned())
}

/// The target of a request.
pub(super) fn file(name: &EventName, facts: &EventFile, volume: &Volume) -> Option<Value> {
    let mut file = Document::default();
    let path = name.text.as_deref();
    let parts = path.map(Parts::of);
    file.put("name", parts.map_or(UNKNOWN, |parts| parts.name));
    file.put("path", path);
    file.put("ext", parts.and_then(|parts| parts.extension));
    file.put("parent_folder", parts.and_then(|parts| parts.directory));
    let (id, kind) = match facts.kind.as_deref() {
        Some("data") => (1, "Regular File"),
        Some("directory") => (2, "Folder"),
        Some("volume") => (99, "Volume"),
        _ => (0, "Unknown"),
    };
    file.put("type_id", id);
    file.put("type", kind);
    file.put("uid", facts.id.clone());
    file.put("size", facts.end_of_file);
    file.put("attributes", facts.attributes);
    file.put("volume", volume.guid.clone());
    file.into_some()
}

/// The directory in which the targets of many requests are.
pub(super) fn directory(name: &EventName, volume: &Volume) -> Option<Value> {
    let mut file = Document::default();
    let path = name.text.as_deref();
    file.put("name", path.map_or(UNKNOWN, base_name));
    file.put("path", path);
    file.put("type_id", 2);
    file.put("type", "Folder");
    file.put("volume", volume.guid.clone());
    file.into_some()
}
