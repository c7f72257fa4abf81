//! What this program changed on the machine, on disk, so that it can be undone after any failure.
//!
//! A [`Ledger`] is a file of JSON lines. Before something is changed a line with the [`Change`] is on the disk; when
//! it is undone another line says so. Undoing goes backwards, and goes on after a failure; what could not be
//! undone stays on record for the next try, and with a change of the driver all that it was built on. So [`Undo`] must take a change that was never made, or only half.
//! When nothing is left the file goes away.

mod change;

pub(crate) use change::{Change, Group};

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// This is about to be done.
    Change { number: u32, change: Change },
    /// This was undone.
    Undone { number: u32 },
}

/// Undoes changes.
pub(crate) trait Undo {
    /// Undoes one, also if it was never or only half made.
    ///
    /// # Errors
    /// Why it is still there, and what to do.
    fn undo(&mut self, change: &Change) -> Result<(), String>;
}

/// A change that could not be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stuck {
    pub(crate) change: Change,
    pub(crate) why: String,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    /// Not undone, in the order in which they were made.
    open: Vec<(u32, Change)>,
    next: u32,
}

impl Ledger {
    /// Reads the file; none is an empty one.
    ///
    /// # Errors
    /// What is wrong with the file. A torn last line is not: then the change had not begun. A path outside of its folder
    /// is: this program has never been there, and undoing removes files and folders.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let mut ledger = Self {
            path: path.to_path_buf(),
            open: Vec::new(),
            next: 1,
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ledger),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        for (line, number) in text.split_inclusive('\n').zip(1..) {
            // Without its end it is torn: what it says had not begun.
            if line.ends_with('\n') {
                let damaged = |why: String| format!("{} line {number}: {why}", path.display());
                let line =
                    serde_json::from_str(line).map_err(|error| damaged(error.to_string()))?;
                ledger.check(&line).map_err(damaged)?;
                ledger.take(line);
            }
        }
        Ok(ledger)
    }

    /// Whether a line is about this program's own files.
    fn check(&self, line: &Line) -> Result<(), String> {
        let Line::Change { change, .. } = line else {
            return Ok(());
        };
        let folder = self.path.parent().unwrap_or(Path::new(""));
        match change.path() {
            Some(path) if !is_below(path, folder) => Err(format!(
                "{} is not below {}",
                path.display(),
                folder.display()
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Change { number, change } => {
                self.next = self.next.max(number + 1);
                self.open.push((number, change));
            }
            Line::Undone { number } => self.open.retain(|(open, _)| *open != number),
        }
    }

    /// The changes in force, in the order in which they were made.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Change> {
        self.open.iter().map(|(_, change)| change)
    }

    /// Puts on record that a change is about to be made. When this returns, it is on the disk.
    ///
    /// # Errors
    /// When it cannot be written; then the change must not be made.
    pub(crate) fn record(&mut self, change: Change) -> io::Result<()> {
        let number = self.next;
        let line = Line::Change { number, change };
        self.append(&line)?;
        self.take(line);
        Ok(())
    }

    /// Undoes the changes of a group, the last one first; of every group without one. Once one of the driver is stuck,
    /// the earlier ones of the driver are left alone, and on record.
    ///
    /// # Errors
    /// When the file cannot be written. What is stuck is no error.
    pub(crate) fn undo(
        &mut self,
        group: Option<Group>,
        undo: &mut dyn Undo,
    ) -> io::Result<Vec<Stuck>> {
        let mut stuck = Vec::new();
        let is_meant =
            |(_, change): &&(u32, Change)| group.is_none_or(|group| change.group() == group);
        let meant: Vec<(u32, Change)> = self.open.iter().rev().filter(is_meant).cloned().collect();
        let mut is_driver_stuck = false;
        for (number, change) in meant {
            let is_driver = change.group() == Group::Driver;
            // What is installed can only be removed by the copy that it was installed from, which is on record before it.
            if is_driver && is_driver_stuck {
                continue;
            }
            match undo.undo(&change) {
                Ok(()) => {
                    let line = Line::Undone { number };
                    self.append(&line)?;
                    self.take(line);
                }
                Err(why) => {
                    is_driver_stuck |= is_driver;
                    stuck.push(Stuck { change, why });
                }
            }
        }
        self.remove_if_empty()?;
        Ok(stuck)
    }

    /// Appends a line behind what is whole, and waits until it is on the disk.
    fn append(&mut self, line: &Line) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        self.cut_torn_line()?;
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// What a stop in the middle of a line left would spoil the next one.
    fn cut_torn_line(&self) -> io::Result<()> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        if whole == bytes.len() {
            return Ok(());
        }
        let file: File = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(whole as u64)?;
        file.sync_all()
    }

    fn remove_if_empty(&self) -> io::Result<()> {
        if !self.open.is_empty() {
            return Ok(());
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Whether a path leads to something in a folder, by its words alone.
fn is_below(path: &Path, folder: &Path) -> bool {
    let Ok(rest) = path.strip_prefix(folder) else {
        return false;
    };
    let is_name = |part: Component<'_>| matches!(part, Component::Normal(_));
    rest.components().next().is_some() && rest.components().all(is_name)
}

#[cfg(test)]
mod tests;
