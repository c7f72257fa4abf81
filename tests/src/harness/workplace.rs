//! Where this program keeps its things on the machine.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use super::ledger::Ledger;
use super::sys::folders;

/// Below `%ProgramFiles%`, where only administrators make anything. In `%ProgramData%` every user does (Windows' own
/// access list there): the record could be somebody's, and an administrator would undo what it says.
const FOLDER: &str = r"CloneGuard\conformance";

/// Paths of this program's own.
#[derive(Clone, Debug)]
pub(crate) struct Workplace(PathBuf);

impl Workplace {
    /// That of this machine.
    pub(crate) fn of_machine() -> Result<Self, String> {
        let programs = folders::program_files();
        let programs = programs.map_err(|error| format!("where programs are: {error}"))?;
        Ok(Self(programs.join(FOLDER)))
    }

    /// Bytes that virtual disks may take: what is free, and what those that there are have taken already.
    pub(crate) fn room(&self, disks: &[&str]) -> io::Result<u64> {
        // The folder itself need not be there yet.
        let existing = self.0.ancestors().find(|folder| folder.is_dir());
        let existing = existing.ok_or(io::ErrorKind::NotFound)?;
        let taken = |name: &&str| fs::metadata(self.disk(name)).map_or(0, |file| file.len());
        let taken: u64 = disks.iter().map(taken).sum();
        Ok(folders::free_space(existing)?.saturating_add(taken))
    }

    /// What is changed on the machine.
    pub(crate) fn ledger(&self) -> Result<Ledger, String> {
        Ledger::read(&self.0.join("ledger.jsonl"))
    }

    /// The file of a virtual disk.
    pub(crate) fn disk(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.vhdx"))
    }

    /// The copy of the package that is installed from.
    pub(crate) fn package(&self) -> PathBuf {
        self.0.join("package")
    }

    /// The results of the last run.
    pub(crate) fn results(&self) -> PathBuf {
        self.0.join("results.json")
    }

    /// Keeps every other instance of this program out until the file is closed.
    pub(crate) fn lock(&self) -> Result<File, String> {
        let path = self.0.join("lock");
        let wrong = |error: io::Error| format!("{}: {error}", path.display());
        fs::create_dir_all(&self.0).map_err(wrong)?;
        let file = File::create(&path).map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => {
                Err("another conformance.exe is at work".to_owned())
            }
            Err(fs::TryLockError::Error(error)) => Err(wrong(error)),
        }
    }

    /// Removes what is not on record because it changes nothing: results, the lock, empty folders.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for path in [self.results(), self.0.join("lock")] {
            absent(fs::remove_file(path))?;
        }
        absent(fs::remove_dir(&self.0))?;
        // Another part of CloneGuard may keep something beside it.
        match self.0.parent().map(fs::remove_dir) {
            Some(Err(error)) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            Some(removed) => absent(removed),
            None => Ok(()),
        }
    }
}

/// What is not there need not be removed.
pub(crate) fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
