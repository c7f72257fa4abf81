//! The one writer of a journal.
//!
//! A batch is one write, one wait for the disk, one new anchor; only then [`Writer::append`] answers
//! and the batch may be acknowledged. If any of that fails the batch is taken back, and the state is
//! as it was before. Which records are new, and what is missing between them, the writer knows from
//! the journal itself.

use super::anchor;
use super::disk::{Disk, Folder, Handle as _};
use super::draft::{Appended, Draft, Piece};
use super::error::JournalError;
use super::format::{AnchorHead, Hash, NUMBER_MAX, SegmentHead, segment_name};
use super::note::{FindingCause, FindingNote, FrameKind, SealNote, SealReason};
use super::retention::{Limits, Sealed, age, count_to_remove};
use crate::{BootId, Delivery, Timestamp};
use std::collections::VecDeque;
use zerocopy::IntoBytes as _;

/// Where a program goes on: the last durable record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Its load.
    pub boot_id: BootId,
    /// Its number.
    pub sequence: u64,
}

/// The writer of a journal.
#[derive(Debug)]
pub struct Writer<D: Disk = Folder> {
    pub(super) disk: D,
    pub(super) limits: Limits,
    /// The end of the journal, as the anchor has it.
    pub(super) tip: AnchorHead,
    /// The hash that the next frame follows.
    pub(super) chain: Hash,
    /// The segment that is written; `None` if the last one is sealed or must not be touched.
    pub(super) live: Option<Live<D::Handle>>,
    pub(super) sealed: VecDeque<Sealed>,
    pub(super) removed_through: u64,
    pub(super) removed_count: u64,
    /// Segments that retention has given up and that could not be removed yet.
    pub(super) overdue: Vec<u64>,
    pub(super) is_stale: bool,
    /// The load about which these findings of the consumer are in the journal.
    pub(super) said: (BootId, Vec<FindingCause>),
}

/// The segment that is written.
#[derive(Debug)]
pub(super) struct Live<H> {
    pub(super) handle: H,
    pub(super) created: u64,
    pub(super) frames_before: u64,
    pub(super) records_before: u64,
}

impl<D: Disk> Writer<D> {
    /// The last durable record; `None` if there never was one.
    #[must_use]
    pub fn resume(&self) -> Option<Resume> {
        (self.tip.records.get() != 0).then(|| Resume {
            boot_id: self.tip.boot_id,
            sequence: self.tip.sequence.get(),
        })
    }

    /// The last durable frame and its hash, for somebody to note elsewhere.
    #[must_use]
    pub const fn end(&self) -> (u64, Hash) {
        (self.tip.frames.get(), self.tip.hash)
    }

    /// Segments that retention has given up and that could not be removed yet. Each rotation tries
    /// again.
    #[must_use]
    pub fn overdue(&self) -> &[u64] {
        &self.overdue
    }

    /// Makes durable what a consumer took in. What it found out about a load is written once.
    ///
    /// # Errors
    ///
    /// As [`Writer::append`]. The consumer has taken the batch in all the same, so it cannot be fed the
    /// records again: go on with a new one that resumes where the journal does.
    pub fn keep(
        &mut self,
        now: Timestamp,
        delivery: &Delivery<'_>,
    ) -> Result<Appended, JournalError> {
        let boot_id = delivery.ack.boot_id();
        if self.said.0 != boot_id {
            self.said = (boot_id, Vec::new());
        }
        let notes = delivery.findings.iter().filter_map(FindingNote::of);
        let is_new = |note: &FindingNote| {
            !note
                .cause()
                .is_some_and(|cause| self.said.1.contains(&cause))
        };
        let notes: Vec<FindingNote> = notes.filter(is_new).collect();
        let pieces = delivery.records.iter().map(Piece::from);
        let appended = self.append(now, boot_id, pieces, &notes)?;
        self.said
            .1
            .extend(notes.iter().filter_map(FindingNote::cause));
        Ok(appended)
    }

    /// Makes records of a load durable, with what somebody found out about them. Records that are in
    /// the journal are not written again.
    ///
    /// # Errors
    ///
    /// Nothing of the batch is in the journal then, and it must not be acknowledged. The same batch
    /// may be tried again, after [`JournalError::Stale`] with a new writer.
    pub fn append<'a>(
        &mut self,
        now: Timestamp,
        boot_id: BootId,
        pieces: impl IntoIterator<Item = Piece<'a>>,
        findings: &[FindingNote],
    ) -> Result<Appended, JournalError> {
        self.tend(now)?;
        let mut draft = self.draft(now);
        let mut appended = Appended::default();
        for piece in pieces {
            draft.record(boot_id, &piece, &mut appended)?;
        }
        for finding in findings {
            draft.note(FrameKind::Finding, boot_id, finding.as_bytes());
        }
        self.commit(draft)?;
        Ok(appended)
    }

    /// Ends the segment if it is large or old enough, and lets old segments go. [`Writer::append`]
    /// does so too; a program calls this when nothing has come for a while.
    ///
    /// # Errors
    ///
    /// What the system says. Nothing is lost.
    pub fn tend(&mut self, now: Timestamp) -> Result<(), JournalError> {
        if self.is_stale {
            return Err(JournalError::Stale);
        }
        if let Some(reason) = self.seal_reason(now) {
            self.seal(now, reason)?;
        }
        if self.live.is_none() {
            self.begin_segment(now)?;
        }
        Ok(())
    }

    /// Frames to come, behind the end.
    pub(super) fn draft(&self, now: Timestamp) -> Draft {
        Draft::new(self.tip, self.chain, now)
    }

    /// Makes a draft durable, or nothing of it.
    pub(super) fn commit(&mut self, draft: Draft) -> Result<(), JournalError> {
        if draft.bytes.is_empty() {
            return Ok(());
        }
        if draft.tip.frames.get() > NUMBER_MAX || draft.tip.records.get() > NUMBER_MAX {
            return Err(self.numbers_used_up());
        }
        let path = self.disk.path().join(segment_name(self.tip.segment.get()));
        let live = self.live.as_mut().ok_or(JournalError::Stale)?;
        let written = live
            .handle
            .append(&draft.bytes)
            .map_err(JournalError::io("write", path.clone()));
        // After a failed wait nobody knows what is on the disk: see `Handle::sync`.
        let (mut is_known, mut result) = (true, written);
        if result.is_ok() {
            result = live
                .handle
                .sync()
                .map_err(JournalError::io("wait for the disk to take", path));
            is_known = result.is_ok();
        }
        let mut tip = draft.tip;
        tip.written = draft.now.filetime().into();
        if result.is_ok() {
            result = anchor::replace(&self.disk, tip);
        }
        match result {
            Ok(()) => {
                self.tip = tip;
                self.chain = draft.chain;
                Ok(())
            }
            Err(error) => {
                let is_cut = live.handle.cut(self.tip.length.get()).is_ok();
                self.is_stale = !is_known || !is_cut;
                Err(error)
            }
        }
    }

    /// Number of the next segment.
    fn next_number(&self) -> Result<u64, JournalError> {
        let number = self.tip.segment.get().saturating_add(1);
        let is_possible = number <= NUMBER_MAX;
        is_possible
            .then_some(number)
            .ok_or_else(|| self.numbers_used_up())
    }

    /// The error of a journal whose numbers are at their end.
    fn numbers_used_up(&self) -> JournalError {
        JournalError::NumbersUsedUp {
            path: self.disk.path().to_owned(),
        }
    }

    /// Why the segment has to end now, if it has to.
    fn seal_reason(&self, now: Timestamp) -> Option<SealReason> {
        let live = self.live.as_ref()?;
        let has_records = self.tip.records.get() > live.records_before;
        if self.tip.length.get() >= self.limits.segment_size && has_records {
            Some(SealReason::Size)
        } else if has_records && age(live.created, now.filetime()) >= self.limits.segment_age {
            Some(SealReason::Age)
        } else {
            None
        }
    }

    /// Ends the segment.
    fn seal(&mut self, now: Timestamp, reason: SealReason) -> Result<(), JournalError> {
        let Some(live) = &self.live else {
            return Ok(());
        };
        let frames = self.tip.frames.get() - live.frames_before + 1;
        let note = SealNote {
            frames: frames.into(),
            records: (self.tip.records.get() - live.records_before).into(),
            reason: reason.raw(),
            reserved: [0; 7],
        };
        let mut draft = self.draft(now);
        draft.note(FrameKind::Seal, BootId::default(), note.as_bytes());
        self.commit(draft)?;
        self.live = None;
        self.sealed.push_back(Sealed {
            number: self.tip.segment.get(),
            byte_count: self.tip.length.get(),
            ended: now.filetime(),
        });
        Ok(())
    }

    /// Begins the next segment and lets old ones go. The file gets its name when its head is durable,
    /// so no crash leaves a part of a head behind.
    pub(super) fn begin_segment(&mut self, now: Timestamp) -> Result<(), JournalError> {
        let number = self.next_number()?;
        let count = count_to_remove(&self.sealed, &self.limits, now.filetime());
        let through = self.sealed.iter().take(count).next_back();
        let removed_through = through.map_or(self.removed_through, |segment| segment.number);
        let removed_count = self.removed_count.saturating_add(count as u64);
        let mut head = SegmentHead {
            number: number.into(),
            created: now.filetime().into(),
            journal_id: self.tip.journal_id,
            frames_before: self.tip.frames,
            records_before: self.tip.records,
            removed_through: removed_through.into(),
            removed_count: removed_count.into(),
            boot_id: self.tip.boot_id,
            sequence: self.tip.sequence,
            previous_hash: self.tip.hash,
            ..SegmentHead::empty()
        };
        head.hash = head.computed_hash();
        let name = segment_name(number);
        let handle = self
            .create_segment(&name, &head)
            .map_err(JournalError::io("create", self.disk.path().join(&name)))?;
        self.tip.segment = number.into();
        self.tip.length = (size_of::<SegmentHead>() as u64).into();
        self.chain = head.hash;
        self.live = Some(Live {
            handle,
            created: head.created.get(),
            frames_before: head.frames_before.get(),
            records_before: head.records_before.get(),
        });
        self.removed_through = removed_through;
        self.removed_count = removed_count;
        let gone = self.sealed.drain(..count).map(|segment| segment.number);
        self.overdue.extend(gone);
        self.remove_overdue();
        Ok(())
    }

    /// A segment file with its head, durable with its name.
    fn create_segment(&self, name: &str, head: &SegmentHead) -> std::io::Result<D::Handle> {
        let draft = format!("{name}.new");
        let mut handle = self.disk.create(&draft)?;
        handle.append(head.as_bytes())?;
        handle.sync()?;
        drop(handle);
        self.disk.rename(&draft, name)?;
        self.disk.sync()?;
        self.disk.reopen(name)
    }

    /// Removes what retention has given up; what the system keeps stays on the list.
    pub(super) fn remove_overdue(&mut self) {
        let disk = &self.disk;
        self.overdue
            .retain(|number| match disk.remove(&segment_name(*number)) {
                Ok(()) => false,
                Err(error) => error.kind() != std::io::ErrorKind::NotFound,
            });
    }
}
