//! What the end of a request adds to its record.

use crate::EncodeError;
use wire::{OutcomeKind, RecordHead, RuleId, RuleSet, SourceAfter, Verdict};
use zerocopy::FromBytes as _;
use zerocopy::little_endian::{U32, U64, U128};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Final NTSTATUS, or the one that the driver gave. Not looked at unless `kind` is `Completed` or
    /// `Refused`.
    pub status: u32,
    /// `IoStatus.Information`. Not looked at unless `kind` is `Completed`.
    pub information: u64,
    /// The end on the clock of [`Draft::started`].
    pub ended: u64,
    /// How the end was learned.
    pub kind: OutcomeKind,
    /// What the source handle then named.
    pub source_after: SourceAfter,
}

impl Outcome {
    /// Whether the request is known to have succeeded: `NT_SUCCESS` of a final status.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.kind == OutcomeKind::Completed && self.status < 0x8000_0000
    }

    /// Adds the end of the request to its record.
    ///
    /// # Errors
    ///
    /// `WrongSize` if the bytes are too few for a record.
    pub(crate) fn patch(&self, record: &mut [u8]) -> Result<(), EncodeError> {
        let (head, _) = RecordHead::mut_from_prefix(record).map_err(|_| EncodeError::WrongSize)?;
        head.outcome = self.kind.raw();
        let started = head.duration.get();
        head.duration = U64::new(self.ended.saturating_sub(started));
        if matches!(self.kind, OutcomeKind::Completed | OutcomeKind::Refused) {
            head.status = U32::new(self.status);
            head.information = U64::new(self.information);
        }
        head.source_after = self.source_after.raw();
        if self.source_after == SourceAfter::Changed {
            note_source_changed(head);
        }
        Ok(())
    }
}

/// Adds rule 45 to a record, a note that decides only if no other rule fired.
fn note_source_changed(head: &mut RecordHead) {
    let mut fired = RuleSet::from_bits(head.rules.get()).unwrap_or(RuleSet::EMPTY);
    fired.insert(RuleId::SOURCE_CHANGED);
    head.rules = U128::new(fired.bits());
    if head.deciding_rule == 0 {
        head.deciding_rule = RuleId::SOURCE_CHANGED.number();
    }
    if head.verdict == Verdict::Passed.raw() {
        head.verdict = Verdict::Flagged.raw();
    }
}
