//! What the end of a request adds to its record, and the record of an end that comes late or alone.

use crate::record::class_of;
use crate::ring::{LOST_WORD, PREFIX_WORDS, Prefix, REQUEST_WORD, STARTED_WORD, WORD};
use core::mem::offset_of;
use wire::{
    EndHead, EndedBody, Heading, LossClass, OutcomeKind, RecordHead, RecordKind, RuleId, RuleSet,
    SourceAfter, Verdict,
};
use zerocopy::little_endian::{U16, U32, U64, U128};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The first words of the record of a request, and all of a record of kind `ended`.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Opening {
    head: RecordHead,
    end: EndHead,
}

/// Bytes of an `ended` record, and those of its body, as they stand in its head.
const ENDED_BYTES: u32 = 88;
const ENDED_BODY_BYTES: u16 = 40;
const _: () = assert!(
    size_of::<EndedBody>() == 40 && size_of::<RecordHead>() + size_of::<EndedBody>() == 88,
    "an ended record is not what its head says"
);

// What the ring writes into a record, and what it reads there, is where wire has it.
const _: () = assert!(
    size_of::<Opening>() == PREFIX_WORDS * WORD,
    "the first words are not what the end of a request changes"
);
const _: () = assert!(
    offset_of!(RecordHead, lost_before) == LOST_WORD * WORD
        && offset_of!(RecordHead, request) == REQUEST_WORD * WORD
        && offset_of!(Opening, end.duration) == STARTED_WORD * WORD,
    "the ring's words are not wire's fields"
);

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Final NTSTATUS, or the one that the driver gave. Not looked at unless `kind` is `Completed` or
    /// `Refused`.
    pub status: u32,
    /// `IoStatus.Information`. Not looked at unless `kind` is `Completed`.
    pub information: u64,
    /// The end on the clock of [`crate::Requestor::started`].
    pub ended: u64,
    /// The end on the clock of the wall: FILETIME. Looked at only if the record of the request is gone.
    pub time: u64,
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

    /// Adds the end of the request to the first words of its record.
    pub(crate) fn patch(&self, prefix: &mut Prefix) {
        let Ok(Opening { head, end }) = Opening::mut_from_bytes(prefix.as_flattened_mut()) else {
            return;
        };
        let started = end.duration.get();
        end.duration = U64::new(self.ended.saturating_sub(started));
        self.put(end);
        if self.makes_a_finding() {
            head.class = class_of(Verdict::from_raw(end.verdict)).raw();
        }
    }

    /// Whether a request that had passed is a finding now.
    pub(crate) fn makes_a_finding(&self) -> bool {
        self.source_after == SourceAfter::Changed
    }

    /// Writes all but the duration.
    fn put(&self, end: &mut EndHead) {
        end.outcome = self.kind.raw();
        if matches!(self.kind, OutcomeKind::Completed | OutcomeKind::Refused) {
            end.status = U32::new(self.status);
            end.information = U64::new(self.information);
        }
        end.source_after = self.source_after.raw();
        if self.makes_a_finding() {
            note_source_changed(end);
        }
    }
}

/// A record of kind `ended` of a request that had passed and whose end makes it a finding, when nothing else
/// of it is left: neither when it began nor, without a record before, its number.
pub(crate) fn found_at_end(request: u64, outcome: &Outcome) -> Option<Prefix> {
    let heading = Heading {
        kind: RecordKind::Ended,
        class: LossClass::Finding,
        time: outcome.time,
        request,
    };
    let mut record = [[0; WORD]; PREFIX_WORDS];
    let fill = |body: &mut EndedBody| {
        body.end.verdict = Verdict::Passed.raw();
        outcome.put(&mut body.end);
    };
    wire::write_record(record.as_flattened_mut(), heading, &[], fill)?;
    Some(record)
}

/// Makes the first words of a record, with the end in them, a record of kind `ended`. Its time is that
/// of the end. Answers with its class: that of the request.
pub(crate) fn into_ended(prefix: &mut Prefix) -> LossClass {
    let Ok(Opening { head, end }) = Opening::mut_from_bytes(prefix.as_flattened_mut()) else {
        return LossClass::Finding;
    };
    head.total_size = U32::new(ENDED_BYTES);
    head.body_size = U16::new(ENDED_BODY_BYTES);
    head.kind = RecordKind::Ended.raw();
    head.time = U64::new(head.time.get().saturating_add(end.duration.get()));
    LossClass::from_raw(head.class)
}

/// Adds rule 45 to a record, a note that decides only if no other rule fired.
fn note_source_changed(end: &mut EndHead) {
    let mut fired = RuleSet::from_bits(end.rules.get()).unwrap_or(RuleSet::EMPTY);
    fired.insert(RuleId::SOURCE_CHANGED);
    end.rules = U128::new(fired.bits());
    if end.deciding_rule == 0 {
        end.deciding_rule = RuleId::SOURCE_CHANGED.number();
    }
    if end.verdict == Verdict::Passed.raw() {
        end.verdict = Verdict::Flagged.raw();
    }
}
