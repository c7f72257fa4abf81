//! The records of a journal, one after the other, for commands that look at all of them.

use super::exit::{End, Trouble};
use super::screen;
use cloneguard::journal::{Folder, Frame, JournalError, Payload, Step, Walk};
use cloneguard::{Entry, Timestamp};
use indicatif::ProgressBar;
use std::io::{self, IsTerminal as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use wire::Record;

/// The most damages that are printed.
const DAMAGES_MAX: u64 = 20;

/// Which records are looked at.
#[derive(clap::Args)]
pub(super) struct Selection {
    /// Only records that pass this filter: see docs/tool.md
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// Only records from this time on: 2026-11-24 or 2026-11-24T09:30:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only records before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

/// The same, with the filter read.
pub(super) struct Selected {
    filter: Option<cloneguard::filter::Filter>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Selection {
    /// Reads the filter.
    pub(super) fn read(&self) -> Result<Selected, Trouble> {
        let filter = self
            .filter
            .as_deref()
            .map(cloneguard::filter::Filter::parse);
        let filter = filter.transpose();
        Ok(Selected {
            filter: filter.map_err(|error| Trouble::Wrong(error.lines().to_vec()))?,
            since: self.since,
            until: self.until,
        })
    }
}

impl Selected {
    /// Whether a record is looked at.
    pub(super) fn has(&self, entry: &Entry) -> bool {
        self.since.is_none_or(|since| entry.time() >= since)
            && self.until.is_none_or(|until| entry.time() < until)
            && self
                .filter
                .as_ref()
                .is_none_or(|filter| filter.matches(entry))
    }
}

/// Which reading of a journal this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Another one follows, and damage is its business.
    First,
    /// The last or only one.
    Last,
}

/// Gives all records of a journal to somebody. Damage is printed and does not stop it.
pub(super) fn read(
    directory: &Path,
    reading: Reading,
    mut take: impl FnMut(&Entry) -> Result<(), Trouble>,
) -> Result<End, Trouble> {
    let walk = Walk::open(Folder::new(directory)).map_err(trouble)?;
    let bar = screen::bytes_bar(walk.byte_count());
    let mut damages = Damages::new(directory, reading, bar);
    walk_through(walk, &mut damages, |entry| {
        take(entry).map(ControlFlow::Continue)
    })?;
    Ok(damages.end())
}

/// Gives the records of a journal to somebody who prints them, until he has enough. Damage is printed and
/// does not stop it.
pub(super) fn print(
    directory: &Path,
    take: impl FnMut(&Entry) -> Result<ControlFlow<()>, Trouble>,
) -> Result<End, Trouble> {
    let walk = Walk::open(Folder::new(directory)).map_err(trouble)?;
    // Records that run over the same screen would tear a bar.
    let bar = if io::stdout().is_terminal() {
        ProgressBar::hidden()
    } else {
        screen::bytes_bar(walk.byte_count())
    };
    let mut damages = Damages::new(directory, Reading::Last, bar);
    walk_through(walk, &mut damages, take)?;
    Ok(damages.end())
}

/// Bytes that a reader hands over at a time, or a little more: enough that to hand over costs nothing beside it.
const BATCH: u64 = 256 * 1024;
/// So many times as much may wait: a reader that is faster than the one who looks waits for him.
const WAITING: usize = 4;

/// One step, or why there is none.
type Found = Result<Step, JournalError>;

/// Goes through a journal. A thread of its own reads and proves the next records while these are looked at.
fn walk_through(
    walk: Walk<Folder>,
    damages: &mut Damages<'_>,
    mut take: impl FnMut(&Entry) -> Result<ControlFlow<()>, Trouble>,
) -> Result<(), Trouble> {
    thread::scope(|scope| {
        // Whoever has enough drops his end, and the reader stops.
        let (found, batches) = sync_channel(WAITING);
        scope.spawn(move || read_ahead(walk, &found));
        for step in batches.into_iter().flatten() {
            if look(step.map_err(trouble)?, damages, &mut take)?.is_break() {
                break;
            }
        }
        damages.bar.finish_and_clear();
        Ok(())
    })
}

/// Reads until the end, an error, or until nobody listens.
fn read_ahead(mut walk: Walk<Folder>, found: &SyncSender<Vec<Found>>) {
    let mut is_over = false;
    while !is_over {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH && !is_over {
            let step = walk.step().transpose();
            is_over = step.as_ref().is_none_or(Result::is_err);
            bytes += step.as_ref().map_or(0, size);
            batch.extend(step);
        }
        if found.send(batch).is_err() {
            return;
        }
    }
}

/// Bytes of a step, more or less.
fn size(step: &Found) -> u64 {
    match step {
        Ok(Step::Frame(frame)) => u64::from(frame.head.size.get()),
        _ => 64,
    }
}

/// Looks at one step.
fn look(
    step: Step,
    damages: &mut Damages<'_>,
    take: &mut impl FnMut(&Entry) -> Result<ControlFlow<()>, Trouble>,
) -> Result<ControlFlow<()>, Trouble> {
    match step {
        Step::Frame(frame) => {
            damages.bar.inc(u64::from(frame.head.size.get()));
            match entry(&frame) {
                Ok(None) => {}
                Ok(Some(entry)) => return take(&entry),
                Err(what) => damages.add(&what),
            }
        }
        Step::Damage(damage) => damages.add(&damage.to_string()),
        // The end of a write that nobody was promised.
        Step::Segment(_) | Step::Torn(_) => {}
    }
    Ok(ControlFlow::Continue(()))
}

/// What was found to be damaged, beside the bar of the work.
struct Damages<'a> {
    directory: &'a Path,
    reading: Reading,
    bar: ProgressBar,
    count: u64,
}

impl<'a> Damages<'a> {
    const fn new(directory: &'a Path, reading: Reading, bar: ProgressBar) -> Self {
        Self {
            directory,
            reading,
            bar,
            count: 0,
        }
    }

    /// Counts a damage and prints it, if not too many were.
    fn add(&mut self, damage: &str) {
        self.count += 1;
        if self.count <= DAMAGES_MAX && self.reading == Reading::Last {
            let line = format!("{}: {damage}", self.directory.display());
            self.bar.suspend(|| screen::say(&line));
        }
    }

    /// How the command ends.
    fn end(&self) -> End {
        let count = self.count;
        if count == 0 || self.reading == Reading::First {
            return End::Done;
        }
        screen::say(&format!(
            "{count} damages: `cloneguard verify` says more; what is printed leaves them out"
        ));
        End::Missing
    }
}

/// The record in a frame, if it has one.
fn entry(frame: &Frame) -> Result<Option<Entry>, String> {
    let Payload::Record(bytes) = &frame.payload else {
        return Ok(None);
    };
    match Record::parse(bytes) {
        Ok(record) => Ok(Some(Entry::new(frame.head.boot_id, &record))),
        Err(error) => {
            let number = frame.head.sequence;
            Err(format!(
                "record {number} cannot be read by this version: {error}"
            ))
        }
    }
}

/// Why a journal cannot be read.
pub(super) fn trouble(error: JournalError) -> Trouble {
    let line = error.to_string();
    if matches!(error, JournalError::NoJournal { .. }) {
        Trouble::Wrong(vec![line])
    } else if error.io_kind() == Some(io::ErrorKind::PermissionDenied) {
        Trouble::Denied(line)
    } else {
        Trouble::File(line)
    }
}
