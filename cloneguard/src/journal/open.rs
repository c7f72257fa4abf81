//! Taking a journal over: what is there, what should be, and where to go on.
//!
//! Bytes are cut off only where the anchor proves that they were promised to nobody. In every other
//! case what is there stays as it is, the writer goes on in a new segment behind the numbers that the
//! anchor knows, and a finding says what is missing, so that the hole has its exact size for good.

use super::anchor::{self, ANCHOR_DRAFT, Anchor};
use super::damage::{AnchorFault, Place};
use super::disk::{Disk, Folder, Handle as _};
use super::error::JournalError;
use super::format::{AnchorHead, Hash, SegmentHead, segment_name};
use super::listing::{newest_head, read_head, segment_numbers};
use super::note::{FindingCause, FindingNote, FrameKind, OpenedNote, TornNote};
use super::retention::{Limits, Sealed};
use super::tail::Tail;
use super::walk::Torn;
use super::writer::{Live, Writer};
use crate::Timestamp;
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use zerocopy::IntoBytes as _;

/// What a writer found when it took a journal over. All of it is in the journal, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Whether there was no journal before.
    pub is_new: bool,
    /// What was cut off: bytes that nobody was promised.
    pub torn: Option<Torn>,
    /// Whether they are no write that was not finished, but were changed.
    pub is_changed: bool,
    /// What is missing or wrong.
    pub findings: Vec<FindingNote>,
}

/// Where to go on.
struct Plan {
    base: AnchorHead,
    /// Write on in the segment of the tail; else a new one is begun.
    is_in_place: bool,
    /// Number of the last segment that is or was there.
    last_number: u64,
    opened: Opened,
}

impl Writer<Folder> {
    /// Opens the journal of a directory, or begins one.
    ///
    /// # Errors
    ///
    /// Another process writes it, or the system refuses something. Damage is no error: it is in
    /// [`Opened`].
    pub fn open(
        path: &Path,
        limits: Limits,
        now: Timestamp,
    ) -> Result<(Self, Opened), JournalError> {
        Self::start(Folder::locked(path)?, limits, now)
    }
}

impl<D: Disk> Writer<D> {
    /// Takes over what is on a disk that nobody else writes.
    ///
    /// # Errors
    ///
    /// As [`Writer::open`].
    pub fn start(disk: D, limits: Limits, now: Timestamp) -> Result<(Self, Opened), JournalError> {
        remove_drafts(&disk)?;
        let anchor = anchor::read(&disk)?;
        let numbers = segment_numbers(&disk)?;
        let newest = newest_head(&disk, &numbers)?;
        let tail = newest.map(|head| Tail::read(&disk, head, &anchor));
        let tail = tail.transpose()?;
        let plan = Plan::new(&numbers, &anchor, tail.as_ref());
        if plan.opened.is_new {
            // Segments without an anchor would mean that somebody took it, so its name comes first.
            anchor::replace(&disk, plan.base)?;
        }
        settle(&disk, tail.as_ref())?;
        let newest = newest.unwrap_or_else(SegmentHead::empty);
        let mut writer = Self {
            limits,
            tip: plan.base,
            chain: plan.base.hash,
            live: None,
            sealed: sealed(&disk, &numbers, &plan, now)?,
            removed_through: newest.removed_through.get(),
            removed_count: newest.removed_count.get(),
            overdue: Vec::new(),
            is_stale: false,
            said: Default::default(),
            disk,
        };
        writer.finish_removal(&numbers);
        match tail.filter(|_| plan.is_in_place) {
            Some(tail) => writer.go_on(&tail)?,
            None => {
                writer.tip.segment = plan.last_number.into();
                writer.begin_segment(now)?;
            }
        }
        writer.say(now, &plan.opened)?;
        Ok((writer, plan.opened))
    }

    /// Goes on in the last segment, behind its last good frame.
    fn go_on(&mut self, tail: &Tail) -> Result<(), JournalError> {
        let name = segment_name(tail.tip.segment.get());
        let path = self.disk.path().join(&name);
        let mut handle = self
            .disk
            .reopen(&name)
            .map_err(JournalError::io("write", &path))?;
        if tail.rest != 0 {
            handle
                .cut(tail.tip.length.get())
                .map_err(JournalError::io("cut", &path))?;
        }
        self.chain = tail.chain;
        self.live = Some(Live {
            handle,
            created: tail.head.created.get(),
            frames_before: tail.head.frames_before.get(),
            records_before: tail.head.records_before.get(),
        });
        Ok(())
    }

    /// Writes down that the journal was taken over, and what was found.
    fn say(&mut self, now: Timestamp, opened: &Opened) -> Result<(), JournalError> {
        let mut draft = self.draft(now);
        let note = OpenedNote {
            process_id: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        draft.note(FrameKind::Opened, [0; 16], &note.encode());
        if let Some(torn) = &opened.torn {
            let note = TornNote {
                segment: torn.place.segment.into(),
                offset: torn.place.offset.into(),
                byte_count: torn.byte_count.into(),
            };
            draft.note(FrameKind::Torn, [0; 16], note.as_bytes());
        }
        for finding in &opened.findings {
            draft.note(FrameKind::Finding, [0; 16], finding.as_bytes());
        }
        self.commit(draft)
    }

    /// Removes segments that retention had given up when it was interrupted.
    fn finish_removal(&mut self, numbers: &[u64]) {
        let through = self.removed_through;
        self.sealed.retain(|segment| segment.number > through);
        let rest = numbers.iter().filter(|number| **number <= through);
        self.overdue.extend(rest);
        self.remove_overdue();
    }
}

/// Makes durable what was only read. The writer before us may have died between a write, or a new
/// name, and its wait for the disk; what follows would be durable before what it follows.
fn settle(disk: &impl Disk, tail: Option<&Tail>) -> Result<(), JournalError> {
    const WAIT: &str = "wait for the disk to take";
    if let Some(tail) = tail {
        let name = segment_name(tail.tip.segment.get());
        let synced = disk.reopen(&name).and_then(|mut handle| handle.sync());
        synced.map_err(JournalError::io(WAIT, disk.path().join(name)))?;
    }
    disk.sync().map_err(JournalError::io(WAIT, disk.path()))
}

impl Plan {
    /// Decides where to go on, and finds what is missing.
    fn new(numbers: &[u64], anchor: &Anchor, tail: Option<&Tail>) -> Self {
        let last_number = numbers.last().copied().unwrap_or(0);
        let is_open = |tail: &Tail| tail.tip.segment == last_number && !tail.is_sealed;
        let mut plan = Self {
            base: tail.map_or_else(new_journal, |tail| tail.tip),
            is_in_place: tail.is_some_and(is_open),
            last_number,
            opened: Opened::default(),
        };
        match anchor {
            Err(AnchorFault::Missing) if numbers.is_empty() => plan.opened.is_new = true,
            Err(fault) => plan.distrust(anchor_finding(*fault, None), tail),
            Ok(anchor) if is_foreign(anchor, tail) => {
                let finding = anchor_finding(AnchorFault::Foreign, Some(anchor));
                plan.distrust(finding, tail);
            }
            Ok(anchor) if tail.is_none() || anchor.frames > plan.base.frames => {
                plan.follow(anchor, tail);
                plan.opened.is_new = anchor.frames == 0 && numbers.is_empty();
            }
            Ok(_) if plan.is_in_place => {
                plan.opened.torn = tail.and_then(torn);
                plan.opened.is_changed = tail.is_some_and(|tail| tail.is_changed);
            }
            Ok(_) => {}
        }
        plan
    }

    /// Without an anchor to trust nobody knows what was promised: what is there stays there.
    fn distrust(&mut self, finding: FindingNote, tail: Option<&Tail>) {
        self.opened.findings.push(finding);
        self.is_in_place &= tail.is_some_and(|tail| tail.rest == 0);
    }

    /// The anchor has seen more than there is: goes on behind that.
    fn follow(&mut self, anchor: &AnchorHead, tail: Option<&Tail>) {
        let findings = &mut self.opened.findings;
        findings.extend(missing_segments(self.last_number, anchor));
        findings.extend(missing_frames(anchor, tail));
        self.base = *anchor;
        self.is_in_place = false;
        self.last_number = self.last_number.max(anchor.segment.get());
    }
}

/// The end of a journal that is to be begun.
fn new_journal() -> AnchorHead {
    AnchorHead {
        journal_id: new_journal_id(),
        ..AnchorHead::empty()
    }
}

/// Whether the anchor is about another journal, or about other frames of this one.
fn is_foreign(anchor: &AnchorHead, tail: Option<&Tail>) -> bool {
    tail.is_some_and(|tail| tail.is_foreign_to_anchor || anchor.journal_id != tail.head.journal_id)
}

/// Bytes behind the last good frame, if there are any.
fn torn(tail: &Tail) -> Option<Torn> {
    (tail.rest != 0).then_some(Torn {
        place: Place {
            segment: tail.tip.segment.get(),
            offset: tail.tip.length.get(),
            frame: tail.tip.frames.get() + 1,
        },
        byte_count: tail.rest,
    })
}

/// A finding about the anchor.
fn anchor_finding(fault: AnchorFault, anchor: Option<&AnchorHead>) -> FindingNote {
    let mut finding = FindingNote::new(match fault {
        AnchorFault::Missing => FindingCause::AnchorMissing,
        AnchorFault::Damaged => FindingCause::AnchorDamaged,
        AnchorFault::Foreign => FindingCause::AnchorForeign,
    });
    if let Some(anchor) = anchor {
        finding.before = anchor.frames;
        finding.segment = anchor.segment;
    }
    finding
}

/// Finds that the last segments are not there.
fn missing_segments(last_number: u64, anchor: &AnchorHead) -> Option<FindingNote> {
    let missing = anchor.segment.get().checked_sub(last_number)?;
    let mut finding = FindingNote::new(FindingCause::SegmentsMissing);
    finding.after = last_number.into();
    finding.before = anchor.segment + 1;
    finding.missing = missing.into();
    (missing != 0 && anchor.frames != 0).then_some(finding)
}

/// Finds that frames which the anchor has seen are not there.
fn missing_frames(anchor: &AnchorHead, tail: Option<&Tail>) -> Option<FindingNote> {
    let end = tail.map_or(AnchorHead::empty(), |tail| tail.tip);
    let mut finding = FindingNote::new(FindingCause::FramesMissing);
    finding.after = end.frames;
    finding.before = anchor.frames + 1;
    let readable = tail.map_or(0, |tail| tail.readable);
    finding.missing = (anchor.frames.get() - end.frames.get())
        .saturating_sub(readable)
        .into();
    finding.segment = end.segment;
    finding.offset = end.length;
    (finding.missing != 0).then_some(finding)
}

/// All segments that are not to be written any more, for retention.
fn sealed(
    disk: &impl Disk,
    numbers: &[u64],
    plan: &Plan,
    now: Timestamp,
) -> Result<VecDeque<Sealed>, JournalError> {
    let mut ended = now.filetime();
    let mut sealed = VecDeque::new();
    for number in numbers.iter().rev() {
        let created = read_head(disk, *number)?.map(|head| head.created.get());
        let is_live = plan.is_in_place && *number == plan.last_number;
        if !is_live {
            let name = segment_name(*number);
            let opened = disk.read(&name);
            let (_, byte_count) =
                opened.map_err(JournalError::io("read", disk.path().join(name)))?;
            sealed.push_front(Sealed {
                number: *number,
                byte_count,
                ended,
            });
        }
        ended = created.unwrap_or(ended);
    }
    Ok(sealed)
}

/// Removes files that never got their name.
fn remove_drafts(disk: &impl Disk) -> Result<(), JournalError> {
    let names = disk
        .names()
        .map_err(JournalError::io("read", disk.path()))?;
    for name in names {
        let is_segment = name.starts_with("cloneguard-") && name.ends_with(".cgj.new");
        if is_segment || name == ANCHOR_DRAFT {
            let path = disk.path().join(&name);
            disk.remove(&name)
                .map_err(JournalError::io("remove", path))?;
        }
    }
    Ok(())
}

/// A number that no other journal has, from the keys that the system gives each hash map.
fn new_journal_id() -> [u8; 16] {
    let keys = [RandomState::new(), RandomState::new()].map(|state| state.hash_one(0));
    let digest: Hash =
        Sha256::digest([keys[0].to_le_bytes(), keys[1].to_le_bytes()].concat()).into();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    id
}
