//! The newest segment as a writer finds it.

use super::anchor::Anchor;
use super::disk::Disk;
use super::error::JournalError;
use super::format::{AnchorHead, Hash, SegmentHead, segment_name};
use super::segment::{Found, Frame, Payload, SegmentWalk};
use super::unfinished::is_unfinished;

/// The last readable segment and the end of the journal by it.
pub(super) struct Tail {
    /// As an anchor behind its last good frame would be.
    pub(super) tip: AnchorHead,
    pub(super) chain: Hash,
    pub(super) head: SegmentHead,
    pub(super) is_sealed: bool,
    /// Bytes behind the last good frame before any damage.
    pub(super) rest: u64,
    /// Frames behind that damage which the anchor has seen and which can be read still.
    pub(super) readable: u64,
    /// Whether that damage is one which the anchor has not seen, and no write that was not finished.
    pub(super) is_changed: bool,
    /// Whether the frame that the anchor names is here with another hash.
    pub(super) is_foreign_to_anchor: bool,
}

impl Tail {
    /// Reads a segment.
    pub(super) fn read(
        disk: &impl Disk,
        head: SegmentHead,
        anchor: &Anchor,
    ) -> Result<Self, JournalError> {
        let name = segment_name(head.number.get());
        let path = disk.path().join(&name);
        let failed = || JournalError::io("read", path.clone());
        let (source, length) = disk.read(&name).map_err(failed())?;
        let opened = SegmentWalk::open(source, length, head.number.get(), 1);
        let (mut segment, ..) = opened.map_err(failed())?;
        let mut tail = Self::behind(head);
        tail.compare(anchor);
        loop {
            let was_certain = segment.is_certain();
            let Some(found) = segment.step().map_err(failed())? else {
                break;
            };
            match found {
                Found::Frame(frame) if segment.is_certain() => {
                    tail.take(&frame, segment.place().offset);
                    tail.is_sealed = segment.is_sealed();
                    tail.compare(anchor);
                }
                Found::Frame(frame) => {
                    let is_seen = |anchor: &AnchorHead| frame.head.index <= anchor.frames;
                    tail.readable += u64::from(anchor.as_ref().is_ok_and(is_seen));
                }
                Found::Damage(damage) if was_certain => {
                    let is_behind = |anchor: &AnchorHead| damage.place.frame > anchor.frames.get();
                    let left = segment.length().saturating_sub(damage.place.offset);
                    tail.is_changed = anchor.as_ref().is_ok_and(is_behind)
                        && !is_unfinished(disk, &damage, left, &tail.chain)?;
                }
                Found::Damage(_) => {}
            }
        }
        tail.rest = segment.length().saturating_sub(tail.tip.length.get());
        Ok(tail)
    }

    /// The end of a segment that has only its head.
    fn behind(head: SegmentHead) -> Self {
        Self {
            tip: AnchorHead {
                journal_id: head.journal_id,
                segment: head.number,
                length: (size_of::<SegmentHead>() as u64).into(),
                frames: head.frames_before,
                records: head.records_before,
                boot_id: head.boot_id,
                sequence: head.sequence,
                hash: head.previous_hash,
                ..AnchorHead::empty()
            },
            chain: head.hash,
            head,
            is_sealed: false,
            rest: 0,
            readable: 0,
            is_changed: false,
            is_foreign_to_anchor: false,
        }
    }

    /// Goes on to behind a frame.
    fn take(&mut self, frame: &Frame, end: u64) {
        self.tip.frames = frame.head.index;
        self.tip.hash = frame.head.hash;
        self.tip.length = end.into();
        self.chain = frame.head.hash;
        if matches!(frame.payload, Payload::Record(_)) {
            self.tip.records += 1;
            self.tip.boot_id = frame.head.boot_id;
            self.tip.sequence = frame.head.sequence;
        }
    }

    /// Compares the frame that was read last with the anchor, if that names this one.
    fn compare(&mut self, anchor: &Anchor) {
        if let Ok(anchor) = anchor {
            self.is_foreign_to_anchor |=
                anchor.frames == self.tip.frames && anchor.hash != self.tip.hash;
        }
    }
}
