//! What came through a port, into a journal.

use crate::journal::{
    Appended, FindingCause, FindingNote, JournalError, Limits, Opened, Piece, Writer,
};
use crate::{Consumer, Delivery, Finding, Timestamp};
use std::path::Path;
use zerocopy::little_endian::U64;

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
        let pieces = delivery.records.iter().map(|record| Piece {
            sequence: record.sequence(),
            lost_before: record.lost_before(),
            bytes: record.bytes(),
        });
        let notes: Vec<_> = delivery.findings.iter().filter_map(note).collect();
        let boot_id = delivery.ack.boot_id();
        self.writer
            .append(Timestamp::now(), boot_id, pieces, &notes)
    }
}

/// What the journal is told of a finding. Gaps it finds by itself.
fn note(finding: &Finding) -> Option<FindingNote> {
    Some(match *finding {
        Finding::Gap { .. } => return None,
        Finding::Unbalanced => FindingNote::new(FindingCause::Unbalanced),
        Finding::Behind { stated, received } => FindingNote {
            after: U64::new(stated),
            before: U64::new(received),
            ..FindingNote::new(FindingCause::Behind)
        },
        Finding::LossesDisagree { stated, told } => FindingNote {
            explained: U64::new(stated),
            missing: U64::new(told),
            ..FindingNote::new(FindingCause::LossesDisagree)
        },
    })
}
