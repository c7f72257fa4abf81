//! Why a journal cannot be opened, written or read at all.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why something with a journal was not done. Damage is none: it is said, and reading goes on.
#[derive(Debug)]
pub enum JournalError {
    /// The system refused something.
    Io {
        /// What was tried, as in "cannot ... it".
        what: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Another process writes this journal.
    Busy {
        /// The journal.
        path: PathBuf,
        /// The process, if it is known.
        holder: Option<u32>,
    },
    /// There is no journal in the directory.
    NoJournal {
        /// The directory.
        path: PathBuf,
    },
    /// A record cannot be written: nothing of its batch was.
    Unfit {
        /// Its number.
        sequence: u64,
        /// Why.
        what: &'static str,
    },
    /// A number of the journal cannot be counted on.
    NumbersUsedUp {
        /// The journal.
        path: PathBuf,
    },
    /// An earlier write failed in a way that leaves unknown what is on the disk. A new writer finds
    /// out.
    Stale,
}

impl JournalError {
    /// For `map_err`: what was tried with which file.
    pub(super) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { what, path, error }
    }

    /// What the system said, if it was the system.
    #[must_use]
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { error, .. } => Some(error.kind()),
            Self::Busy { .. }
            | Self::NoJournal { .. }
            | Self::Unfit { .. }
            | Self::NumbersUsedUp { .. }
            | Self::Stale => None,
        }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, path, error } => {
                write!(f, "{}: cannot {what} it: {error}", path.display())
            }
            Self::Busy { path, holder } => {
                write!(f, "{}: another process writes this journal", path.display())?;
                match holder {
                    Some(process_id) => write!(f, ": process {process_id}"),
                    None => Ok(()),
                }
            }
            Self::NoJournal { path } => {
                write!(f, "{}: there is no journal in it", path.display())
            }
            Self::Unfit { sequence, what } => {
                write!(f, "record {sequence} cannot be written: {what}")
            }
            Self::NumbersUsedUp { path } => write!(
                f,
                "{}: its numbers have come to 2^63, so somebody else has written it: keep it as it is, and begin \
                 a journal in another directory",
                path.display()
            ),
            Self::Stale => f.write_str(
                "a write failed and could not be taken back: the journal has to be opened again",
            ),
        }
    }
}

impl std::error::Error for JournalError {}
