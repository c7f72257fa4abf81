//! Frames that are not written yet: the order of what a batch becomes.

use super::error::JournalError;
use super::format::{AnchorHead, FRAME_HEAD_SIZE, FRAME_SIZE_MAX, FrameHead, Hash};
use super::note::{FindingCause, FindingNote, FrameKind, LoadNote};
use crate::{BootId, Timestamp};
use wire::Record;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromZeros as _, IntoBytes as _};

/// A record to be written.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Its number within the load.
    pub sequence: u64,
    /// Losses directly below it.
    pub lost_before: u64,
    /// All its bytes.
    pub bytes: &'a [u8],
}

impl<'a> From<&Record<'a>> for Piece<'a> {
    fn from(record: &Record<'a>) -> Self {
        Self {
            sequence: record.sequence(),
            lost_before: record.lost_before(),
            bytes: record.bytes(),
        }
    }
}

/// What became durable with a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Records that are in the journal now.
    pub records: u64,
    /// Records that were in it before and were not written again.
    pub repeats: u64,
    /// Gaps before these records that nobody has explained; each is a frame of the journal.
    pub gaps: Vec<FindingNote>,
}

/// Frames that are not written yet, and what the end of the journal would be with them.
pub(super) struct Draft {
    pub(super) tip: AnchorHead,
    pub(super) chain: Hash,
    pub(super) bytes: Vec<u8>,
    pub(super) now: Timestamp,
}

impl Draft {
    /// No frames yet, behind this end.
    pub(super) const fn new(tip: AnchorHead, chain: Hash, now: Timestamp) -> Self {
        Self {
            tip,
            chain,
            bytes: Vec::new(),
            now,
        }
    }

    /// Adds a record, with what has to be said before it.
    pub(super) fn record(
        &mut self,
        boot_id: BootId,
        piece: &Piece<'_>,
        appended: &mut Appended,
    ) -> Result<(), JournalError> {
        let Piece {
            sequence,
            lost_before,
            bytes,
        } = *piece;
        if let Some(what) = unfit(boot_id, piece) {
            return Err(JournalError::Unfit { sequence, what });
        }
        let last = self.tip.sequence.get();
        let is_known = self.tip.records.get() != 0 && self.tip.boot_id == boot_id;
        if is_known && sequence <= last {
            appended.repeats += 1;
            return Ok(());
        }
        if !is_known {
            let note = LoadNote {
                sequence: sequence.into(),
                lost_before: lost_before.into(),
                earlier: (sequence - 1 - lost_before).into(),
            };
            self.note(FrameKind::Load, boot_id, note.as_bytes());
        }
        // Of the first load of a journal somebody else may have had the beginning, of others nobody.
        let after = if is_known { last } else { 0 };
        let is_begun = self.tip.records.get() != 0;
        if let Some(gap) = gap(after, piece).filter(|_| is_begun) {
            self.note(FrameKind::Finding, boot_id, gap.as_bytes());
            appended.gaps.push(gap);
        }
        let mut head = FrameHead::new_zeroed();
        head.boot_id = boot_id;
        head.sequence = sequence.into();
        head.lost_before = lost_before.into();
        self.frame(FrameKind::Record, head, bytes);
        self.tip.boot_id = boot_id;
        self.tip.sequence = sequence.into();
        // A number that is read is at most 2^63, and what goes beyond is not written: see `Writer::commit`.
        self.tip.records += 1;
        appended.records += 1;
        Ok(())
    }

    /// Adds a frame that is no record.
    pub(super) fn note(&mut self, kind: FrameKind, boot_id: BootId, payload: &[u8]) {
        let mut head = FrameHead::new_zeroed();
        head.boot_id = boot_id;
        self.frame(kind, head, payload);
    }

    /// Adds a frame. Notes are small and records were measured, so its size is in bounds.
    fn frame(&mut self, kind: FrameKind, mut head: FrameHead, payload: &[u8]) {
        let size = size_of::<FrameHead>() + payload.len();
        head.size = U32::new(size as u32);
        head.kind = U16::new(kind.raw());
        head.index = self.tip.frames + 1;
        head.written = U64::new(self.now.filetime());
        head.hash = head.computed_hash(&self.chain, payload);
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(payload);
        self.tip.frames = head.index;
        self.tip.hash = head.hash;
        self.tip.length += size as u64;
        self.chain = head.hash;
    }
}

/// What is missing between a number and the record behind it that it does not explain.
fn gap(after: u64, piece: &Piece<'_>) -> Option<FindingNote> {
    let missing = piece.sequence - after - 1;
    let mut finding = FindingNote::new(FindingCause::Gap);
    finding.after = after.into();
    finding.before = piece.sequence.into();
    finding.missing = missing.into();
    finding.explained = piece.lost_before.into();
    (missing != piece.lost_before).then_some(finding)
}

/// Why a record cannot be written, if it cannot.
fn unfit(boot_id: BootId, piece: &Piece<'_>) -> Option<&'static str> {
    let size_max = (FRAME_SIZE_MAX - FRAME_HEAD_SIZE) as usize;
    if boot_id == BootId::default() {
        Some("it belongs to no load of the driver")
    } else if piece.lost_before >= piece.sequence {
        Some("it tells of more losses than there are numbers below its own")
    } else if piece.bytes.len() > size_max {
        Some("it is larger than any record")
    } else {
        None
    }
}
