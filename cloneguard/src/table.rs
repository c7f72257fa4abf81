//! Entries for people: a line each, in columns that fit the screen.
//!
//! [`Layout::new`] takes the width of the screen; the two paths share what the other columns leave. A
//! request and a summary of requests fill the columns (`cells.rs`); what the driver tells of itself is a
//! sentence across them (`notice.rs`). Names come from programs that may want to fool the reader, so nothing in them reaches the screen
//! that could move the cursor or turn the text round.

mod cells;
mod notice;
mod text;

pub(crate) use text::{brief, is_hidden};
pub use text::{byte_size, printable, shorten};

use crate::{Entry, Event, Summary, Timestamp};
use std::io;
use text::left;

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

/// A table that grows: a heading, the date where it changes, a line for each entry.
#[derive(Clone, Debug)]
pub struct Table {
    layout: Layout,
    /// The date of the line before; none before the heading.
    date: Option<String>,
}

impl Table {
    /// A table without lines, for a screen of this width.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self {
            layout: Layout::new(width),
            date: None,
        }
    }

    /// Writes the line of an entry, and before it what it needs to be understood.
    ///
    /// # Errors
    ///
    /// What the writer reports.
    pub fn write(&mut self, out: &mut impl io::Write, entry: &Entry) -> io::Result<()> {
        let date = entry.time().date_text();
        if self.date.is_none() {
            writeln!(out, "{}", self.layout.header())?;
        }
        if self.date.as_ref() != Some(&date) {
            writeln!(out, "-- {date} UTC")?;
            self.date = Some(date);
        }
        writeln!(out, "{}", self.layout.row(entry))
    }
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
                status: match width {
                    ..150 => 17,
                    150..170 => 22,
                    _ => cells::STATUS_WIDTH,
                },
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

    /// The line of an entry, without a line feed.
    #[must_use]
    pub fn row(&self, entry: &Entry) -> String {
        match entry {
            Entry::Request(event) => self.request(event),
            Entry::Summary(summary) => self.summary(summary),
            other => self.notice(other, &notice::of(other)),
        }
    }

    /// The line of a request.
    fn request(&self, event: &Event) -> String {
        let files = [
            cells::path(&event.source, self.path),
            cells::path(&event.target, self.path),
        ];
        let cells = [
            format!("{:>1$}", event.head.sequence, self.sequence),
            cells::process(&event.process, &event.image, self.process),
            files.join(ARROW),
            left(&cells::range(event), self.range),
            left(
                cells::verdict(event.end.verdict, self.verdict),
                self.verdict,
            ),
            left(&cells::rules(&event.end), self.rules),
            left(&cells::status(&event.end, self.status), self.status),
            self.time(event.head.time),
        ];
        cells.join(" ").trim_end().to_owned()
    }

    /// The line of a summary: directories for files, a number of requests for a range.
    fn summary(&self, summary: &Summary) -> String {
        let directories = [
            cells::path(&summary.source_directory, self.path),
            cells::path(&summary.target_directory, self.path),
        ];
        let cells = [
            format!("{:>1$}", summary.head.sequence, self.sequence),
            cells::process(&summary.process, &summary.image, self.process),
            directories.join(ARROW),
            left(&cells::amount(summary), self.range),
            left("passed", self.verdict),
            left("-", self.rules),
            left(&cells::summary_status(summary), self.status),
            self.time(summary.head.time),
        ];
        cells.join(" ").trim_end().to_owned()
    }

    /// A line with a sentence across all columns between number and time.
    fn notice(&self, entry: &Entry, text: &str) -> String {
        let files = 2 * self.path + ARROW.len();
        let words = self.verdict + self.rules + self.status;
        let width = self.process + files + self.range + words + 5;
        let cells = [
            format!("{:>1$}", entry.sequence(), self.sequence),
            left(&printable(text), width),
            self.time(entry.time()),
        ];
        cells.join(" ").trim_end().to_owned()
    }

    /// The time of day, as much of it as has room.
    fn time(&self, time: Timestamp) -> String {
        time.time_of_day().chars().take(self.time).collect()
    }
}
