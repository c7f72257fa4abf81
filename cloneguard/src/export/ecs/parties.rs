//! Process, users, file and volume of a document.

use super::super::document::{Document, Parts, base_name};
use crate::{EventFile, EventName, EventProcess, EventUsers, Volume};
use serde_json::json;

/// The process and its parent, with their images.
pub(super) fn process(document: &mut Document, process: &EventProcess, images: [&EventName; 2]) {
    let [image, parent_image] = images.map(|image| image.text.as_deref());
    document.put("process.pid", process.process_id);
    document.put("process.thread.id", process.thread_id);
    document.put("process.entity_id", entity_id(process));
    let created = process.process_create_time;
    document.put("process.start", created.map(|time| time.to_string()));
    document.put("process.executable", image);
    document.put("process.name", image.map(base_name));
    document.put("process.parent.pid", process.parent_process_id);
    document.put("process.parent.executable", parent_image);
    document.put("process.parent.name", parent_image.map(base_name));
}

/// What no other process ever had: its start key, which is unique within a boot of Windows, and its time.
fn entity_id(process: &EventProcess) -> Option<String> {
    let (key, time) = (process.process_start_key?, process.process_create_time?);
    Some(format!("{key}-{:x}", time.filetime()))
}

/// The user of the process, and the one that the thread acts for if that is another.
pub(super) fn users(document: &mut Document, process: &EventProcess, users: &EventUsers) {
    let (effective, primary) = (users.user_sid.as_deref(), users.primary_user_sid.as_deref());
    document.put("user.id", primary.or(effective));
    if process.impersonating == Some(true) {
        document.put("user.effective.id", effective);
    }
    document.put("process.user.id", effective.or(primary));
    document.put("process.real_user.id", primary);
}

/// The target of the request.
pub(super) fn file(document: &mut Document, name: &EventName, file: &EventFile) {
    if let Some(path) = name.text.as_deref() {
        let parts = Parts::of(path);
        document.put("file.path", path);
        document.put("file.directory", parts.directory);
        document.put("file.name", parts.name);
        document.put("file.extension", parts.extension);
        document.put("file.fork_name", parts.stream);
    }
    document.put("file.inode", file.id.clone());
    document.put("file.size", file.end_of_file);
    let kind = match file.kind.as_deref() {
        Some("data") => Some("file"),
        Some("directory") => Some("dir"),
        _ => None,
    };
    document.put("file.type", kind);
    document.put(
        "file.attributes",
        file.attributes.map(|bits| json!(attributes(bits))),
    );
}

/// The words that the schema has for bits of `FILE_ATTRIBUTE_*` (MS-FSCC 2.6).
fn attributes(bits: u32) -> Vec<&'static str> {
    let words = [
        (0x0001, "readonly"),
        (0x0002, "hidden"),
        (0x0004, "system"),
        (0x0010, "directory"),
        (0x0020, "archive"),
        (0x0800, "compressed"),
        (0x4000, "encrypted"),
    ];
    let set = words.into_iter().filter(|(bit, _)| bits & bit != 0);
    set.map(|(_, word)| word).collect()
}

/// The volume of the target.
pub(super) fn volume(document: &mut Document, name: &EventName, volume: &Volume) {
    let path = name.text.as_deref().unwrap_or_default();
    document.put("volume.nt_name", Parts::of(path).device);
    document.put("volume.file_system_type", volume.file_system);
}
