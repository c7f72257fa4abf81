//! The cells of a request and of a summary of requests.

use super::text::{brief, byte_size, cut, left, printable};
use crate::{Event, EventEnd, EventName, EventProcess, Summary};
use wire::Verdict;

/// Where there is so much room a status has its number and its name: `0xC0000010 INVALID_DEVICE_REQUEST`.
pub(super) const STATUS_WIDTH: usize = 33;

/// The file name of the image and the process id.
pub(super) fn process(process: &EventProcess, image: &EventName, width: usize) -> String {
    let id = process.process_id;
    left(&program(id, image, width), width)
}

/// The same without padding.
pub(super) fn program(id: Option<u32>, image: &EventName, width: usize) -> String {
    let is_system = id == Some(4);
    let id = id.map_or_else(|| "?".to_owned(), |id| id.to_string());
    let image = match image.text.as_deref() {
        // The System process has no image, and always this id.
        None | Some("") if is_system => "System",
        Some(image) => image,
        None => "?",
    };
    let base = image.rsplit('\\').next().unwrap_or(image);
    let room = width.saturating_sub(id.len() + 1);
    format!("{}:{id}", cut(&printable(base), room))
}

/// A path in its column.
pub(super) fn path(name: &EventName, width: usize) -> String {
    let text = match &name.text {
        Some(text) => printable(&brief(text)),
        None => "(no name)".to_owned(),
    };
    left(&text, width)
}

/// Where and how much: `source>target+count`, or `offset+count` if both offsets are the same.
pub(super) fn range(event: &Event) -> String {
    let Some(claim) = &event.claim else {
        return "-".to_owned();
    };
    let (source, count) = (byte_size(claim.source_offset), byte_size(claim.byte_count));
    if claim.source_offset == claim.target_offset {
        return format!("{source}+{count}");
    }
    format!("{source}>{}+{count}", byte_size(claim.target_offset))
}

/// The verdict in words, or in one where there is no room.
pub(super) fn verdict(verdict: Verdict, width: usize) -> &'static str {
    let (long, short) = match verdict {
        Verdict::Passed => ("passed", "passed"),
        Verdict::Flagged => ("flagged", "flagged"),
        Verdict::WouldRefuse => ("would refuse", "refuse?"),
        Verdict::Refused => ("refused", "REFUSED"),
        Verdict::NotInspected => ("not inspected", "unseen"),
        Verdict::Unknown(_) => ("unknown", "unknown"),
    };
    if width < 12 { short } else { long }
}

/// The rules that fired, the deciding one first.
pub(super) fn rules(end: &EventEnd) -> String {
    let Some(deciding) = &end.deciding_rule else {
        return "-".to_owned();
    };
    let others = end.rules.iter().filter(|rule| rule.id != deciding.id);
    let ids: Vec<String> = core::iter::once(deciding)
        .chain(others)
        .map(|rule| rule.id.to_string())
        .collect();
    ids.join(",")
}

/// The final status without its prefix, or how the end was learned if it has none.
pub(super) fn status(end: &EventEnd, width: usize) -> String {
    let Some(status) = end.status else {
        return end.outcome_name();
    };
    match status.name() {
        Some(_) if width >= STATUS_WIDTH => format!("0x{:08X} {}", status.code(), status.brief()),
        Some(_) | None => status.brief(),
    }
}

/// How many requests, and of how many bytes.
pub(super) fn amount(summary: &Summary) -> String {
    let bytes = i64::try_from(summary.byte_count).unwrap_or(i64::MAX);
    format!("{}\u{d7} {}", summary.count, byte_size(bytes))
}

/// How the requests of a summary ended.
pub(super) fn summary_status(summary: &Summary) -> String {
    match summary.failed.saturating_add(summary.draining) {
        0 => "SUCCESS".to_owned(),
        others => format!("{others} not"),
    }
}
