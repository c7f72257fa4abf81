//! What came through a port, into a journal.

use crate::journal::{Appended, JournalError, Limits, Opened, Writer};
use crate::{Consumer, Delivery, Timestamp};
use std::path::Path;

/// A journal that a session fills.
#[derive(Debug)]
pub struct Store {
    writer: Writer,
}

impl Store {
    /// Opens the journal of a directory, or begins one.
    ///
    /// # Errors
    ///
    /// Another process writes it, or the system refuses something. Damage is no error: it is in
    /// [`Opened`].
    pub fn open(path: &Path, limits: Limits) -> Result<(Self, Opened), JournalError> {
        let (writer, opened) = Writer::open(path, limits, Timestamp::now())?;
        Ok((Self { writer }, opened))
    }

    /// A consumer that goes on where the journal ends.
    #[must_use]
    pub fn consumer(&self) -> Consumer {
        self.writer.resume().map_or_else(Consumer::new, |end| {
            Consumer::resume(end.boot_id, end.sequence)
        })
    }

    /// Makes durable what a batch brought: when this returns it may be acknowledged.
    ///
    /// # Errors
    ///
    /// Nothing of the batch is in the journal then.
    pub fn keep(&mut self, delivery: &Delivery<'_>) -> Result<Appended, JournalError> {
        self.writer.keep(Timestamp::now(), delivery)
    }
}
