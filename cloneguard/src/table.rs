//! Events for people: a line each, in columns that fit the screen.
//!
//! [`Layout::new`] takes the width of the screen; the two paths share what the other columns leave.
//! Names come from programs that may want to fool the reader, so nothing in them reaches the screen
//! that could move the cursor or turn the text round.

use crate::{Event, EventName};
use wire::Verdict;

/// Columns for one width of screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    sequence: usize,
    process: usize,
    path: usize,
    range: usize,
    verdict: usize,
    rules: usize,
    status: usize,
    time: usize,
}

/// The narrowest table; a narrower screen gets this one.
pub const WIDTH_MIN: usize = 100;

/// Between source and target.
const ARROW: &str = " -> ";

impl Layout {
    /// Columns that fill `width` characters, at least [`WIDTH_MIN`].
    #[must_use]
    pub const fn new(width: usize) -> Self {
        let width = if width < WIDTH_MIN { WIDTH_MIN } else { width };
        let mut layout = if width < 130 {
            let (sequence, process, range) = (6, 12, 13);
            Self {
                sequence,
                process,
                path: 0,
                range,
                verdict: 7,
                rules: 6,
                status: 9,
                time: 8,
            }
        } else {
            let (sequence, process, range) = (7, 18, 18);
            Self {
                sequence,
                process,
                path: 0,
                range,
                verdict: 12,
                rules: 9,
                // The longest usual name, INVALID_DEVICE_REQUEST, where there is room for it.
                status: if width < 150 { 17 } else { 22 },
                time: 12,
            }
        };
        layout.path = width.saturating_sub(layout.fixed()) / 2;
        layout
    }

    /// Characters that the columns beside the paths take, with the spaces between all.
    const fn fixed(self) -> usize {
        let numbers = self.sequence + self.process + self.range;
        let words = self.verdict + self.rules + self.status + self.time;
        numbers + words + ARROW.len() + 7
    }

    /// The heading, without a line feed.
    #[must_use]
    pub fn header(&self) -> String {
        let files = 2 * self.path + ARROW.len();
        let cells = [
            format!("{:>1$}", "SEQ", self.sequence),
            left("PROCESS", self.process),
            left("SOURCE -> TARGET", files),
            left("RANGE", self.range),
            left("VERDICT", self.verdict),
            left("RULES", self.rules),
            left("STATUS", self.status),
            left("TIME", self.time),
        ];
        cells.join(" ").trim_end().to_owned()
    }

    /// The line of an event, without a line feed.
    #[must_use]
    pub fn row(&self, event: &Event) -> String {
        let time = event.time.time_of_day();
        let files = match policy(event) {
            Some(text) => left(&text, 2 * self.path + ARROW.len()),
            None => [
                path(&event.source, self.path),
                path(&event.target, self.path),
            ]
            .join(ARROW),
        };
        let cells = [
            format!("{:>1$}", event.sequence, self.sequence),
            left(&process(event, self.process), self.process),
            files,
            left(&range(event), self.range),
            left(&verdict(event, self.verdict), self.verdict),
            left(&rules(event), self.rules),
            left(&status(event), self.status),
            time.chars().take(self.time).collect(),
        ];
        cells.join(" ").trim_end().to_owned()
    }
}

/// What an event about a policy says in place of two files.
fn policy(event: &Event) -> Option<String> {
    let what = event.policy.event.as_deref()?;
    let revision = event.policy.revision;
    let fault = event.policy.fault.as_ref();
    let fault = fault.map(|fault| format!(", fault {} at byte {}", fault.code, fault.offset));
    let fault = fault.unwrap_or_default();
    Some(format!("policy {what}{fault}; in force: {revision}"))
}

/// Shortens a text to `width` characters by an ellipsis in its middle; the end, which tells files
/// apart, keeps the larger part.
#[must_use]
pub fn shorten(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(1) else {
        return String::new();
    };
    let front = room / 3;
    let back = count - (room - front);
    let head = text.chars().take(front);
    head.chain(['…']).chain(text.chars().skip(back)).collect()
}

/// The text with U+FFFD for what a terminal would not print as a character of its own: controls,
/// and marks that are invisible or change the direction of writing.
#[must_use]
pub fn printable(text: &str) -> String {
    let is_hidden = |character: char| {
        character.is_control()
            || matches!(character, '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
    };
    text.chars()
        .map(|c| {
            if is_hidden(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// A number of bytes: in the largest unit that divides it, up to GiB.
#[must_use]
pub fn byte_size(value: i64) -> String {
    // Beyond a pebibyte nobody means a size: the bits tell more.
    if value.unsigned_abs() >= 1 << 50 {
        let sign = if value < 0 { "-" } else { "" };
        return format!("{sign}{:#x}", value.unsigned_abs());
    }
    let units = [(1_i64 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    let unit = units
        .iter()
        .find(|(size, _)| value != 0 && value % size == 0);
    unit.map_or_else(
        || value.to_string(),
        |(size, name)| format!("{}{name}", value / size),
    )
}

/// Cuts a text to `width` characters, with an ellipsis at its end.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain(['…']).take(width).collect()
}

/// The path with `\Device\HarddiskVolume4` as `V4:`, which leaves room for the rest.
pub(crate) fn brief(path: &str) -> String {
    let Some(rest) = path.strip_prefix(r"\Device\HarddiskVolume") else {
        return path.to_owned();
    };
    match rest.find('\\') {
        Some(end) if end > 0 && rest[..end].bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("V{}:{}", &rest[..end], &rest[end..])
        }
        Some(_) | None => path.to_owned(),
    }
}

/// A cell: the text, cut or padded to its width.
fn left(text: &str, width: usize) -> String {
    format!("{:<width$}", shorten(text, width))
}

/// The file name of the image and the process id.
fn process(event: &Event, width: usize) -> String {
    let id = event
        .process_id
        .map_or_else(|| "?".to_owned(), |id| id.to_string());
    let image = match event.image.text.as_deref() {
        // The System process has no image, and always this id.
        None | Some("") if event.process_id == Some(4) => "System",
        Some(image) => image,
        None => "?",
    };
    let base = image.rsplit('\\').next().unwrap_or(image);
    let room = width.saturating_sub(id.len() + 1);
    format!("{}:{id}", cut(&printable(base), room))
}

/// A path in its column.
fn path(name: &EventName, width: usize) -> String {
    let text = match &name.text {
        Some(text) => printable(&brief(text)),
        None => "(no name)".to_owned(),
    };
    left(&text, width)
}

/// Where and how much: `source>target+count`, or `offset+count` if both offsets are the same.
fn range(event: &Event) -> String {
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
fn verdict(event: &Event, width: usize) -> String {
    let (long, short) = match event.verdict {
        Verdict::Passed => ("passed", "passed"),
        Verdict::Flagged => ("flagged", "flagged"),
        Verdict::WouldRefuse => ("would refuse", "refuse?"),
        Verdict::Refused => ("refused", "REFUSED"),
        Verdict::NotInspected => ("not inspected", "unseen"),
        Verdict::Unknown(_) => ("unknown", "unknown"),
    };
    let text = if width < 12 { short } else { long };
    text.to_owned()
}

/// The rules that fired, the deciding one first.
fn rules(event: &Event) -> String {
    let Some(deciding) = &event.deciding_rule else {
        return "-".to_owned();
    };
    let others = event.rules.iter().filter(|rule| rule.id != deciding.id);
    let ids: Vec<String> = core::iter::once(deciding)
        .chain(others)
        .map(|rule| rule.id.to_string())
        .collect();
    ids.join(",")
}

/// The final status without its prefix.
fn status(event: &Event) -> String {
    let Some(status) = event.status else {
        return event.outcome.clone();
    };
    let text = status.to_string();
    text.strip_prefix("STATUS_").unwrap_or(&text).to_owned()
}
