//! A journal from its first segment to its last, with everything that is wrong with it in place.
//!
//! Reading never stops at damage. The anchor is read before the segments, so a journal that is
//! written meanwhile is seen as it was then: what the writer is about to finish is [`Torn`].

use super::anchor::{self, Anchor};
use super::damage::{AnchorFault, Damage, Fault, Place};
use super::disk::Disk;
use super::error::JournalError;
use super::format::{AnchorHead, Hash, SegmentHead, segment_name};
use super::listing::{byte_count, newest_head, segment_numbers};
use super::segment::{Found, Frame, SegmentWalk};
use super::unfinished::is_unfinished;
use std::fmt;
use std::io;
use std::iter::Peekable;
use std::vec;

/// What comes next in a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A segment begins.
    Segment(Box<SegmentHead>),
    /// A frame that the chain proves.
    Frame(Frame),
    /// Something is not as it was written.
    Damage(Damage),
    /// The journal ends in a write that was not finished. Nothing of it was acknowledged.
    Torn(Torn),
}

/// The end of a journal whose last write was not finished, or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Where it begins.
    pub place: Place,
    /// Bytes from there to the end of the file.
    pub byte_count: u64,
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, byte {}: the last write is not finished; none of its {} bytes was acknowledged",
            segment_name(self.place.segment),
            self.place.offset,
            self.byte_count
        )
    }
}

/// How a segment ended, for the one behind it.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// Where the next frame would have come.
    place: Place,
    hash: Hash,
    is_sealed: bool,
    is_certain: bool,
}

impl Link {
    /// Behind a segment that has been read.
    fn behind<R: io::Read>(segment: &SegmentWalk<R>) -> Self {
        Self {
            place: segment.place(),
            hash: *segment.hash(),
            is_sealed: segment.is_sealed(),
            is_certain: segment.is_certain(),
        }
    }
}

/// The state of reading a journal.
#[derive(Debug)]
pub struct Walk<D: Disk> {
    disk: D,
    anchor: Anchor,
    numbers: Peekable<vec::IntoIter<u64>>,
    /// Sizes of all files, for a progress bar.
    byte_count: u64,
    /// Of the last sound head.
    removed_through: u64,
    removed_count: u64,
    journal_id: Option<[u8; 16]>,
    current: Option<SegmentWalk<D::Source>>,
    link: Option<Link>,
    /// What was found and not yielded yet, last first.
    pending: Vec<Step>,
    is_over: bool,
}

impl<D: Disk> Walk<D> {
    /// Begins at the oldest segment.
    ///
    /// # Errors
    ///
    /// There is no journal, or the system refuses something.
    pub fn open(disk: D) -> Result<Self, JournalError> {
        let anchor = anchor::read(&disk)?;
        let mut numbers = segment_numbers(&disk)?;
        if numbers.is_empty() && matches!(anchor, Err(AnchorFault::Missing)) {
            return Err(JournalError::NoJournal {
                path: disk.path().to_owned(),
            });
        }
        let newest = newest_head(&disk, &numbers)?;
        let newest = newest.unwrap_or_else(SegmentHead::empty);
        let mut removed = (newest.removed_through.get(), newest.removed_count.get());
        // Retention was interrupted if there are any.
        numbers.retain(|number| *number > removed.0);
        if numbers.last() != Some(&newest.number.get()) {
            // A newer head is damaged, which is said there, and with it what retention did last.
            let first = numbers.first().map_or(0, |first| first.saturating_sub(1));
            removed = (removed.0.max(first), removed.0.max(first));
        }
        let byte_count = byte_count(&disk, &numbers)?;
        let stated = anchor.as_ref().ok().map(|anchor| anchor.journal_id);
        let is_known = newest.number.get() != 0;
        Ok(Self {
            removed_through: removed.0,
            removed_count: removed.1,
            journal_id: stated.or(is_known.then_some(newest.journal_id)),
            disk,
            anchor,
            numbers: numbers.into_iter().peekable(),
            byte_count,
            current: None,
            link: None,
            pending: Vec::new(),
            is_over: false,
        })
    }

    /// The anchor as it was when the walk began.
    pub const fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// Sizes of all segments together when the walk began.
    #[must_use]
    pub const fn byte_count(&self) -> u64 {
        self.byte_count
    }

    /// What comes next; `None` at the end.
    ///
    /// # Errors
    ///
    /// The system refuses something. Damage is no error.
    pub fn step(&mut self) -> Result<Option<Step>, JournalError> {
        loop {
            if let Some(step) = self.pending.pop() {
                return Ok(Some(step));
            }
            if self.is_over {
                return Ok(None);
            }
            if let Some(step) = self.step_in_segment()? {
                return Ok(Some(step));
            }
        }
    }

    /// The next step within the segment; `None` if it is over, and then the next one is opened.
    fn step_in_segment(&mut self) -> Result<Option<Step>, JournalError> {
        let Some(segment) = &mut self.current else {
            self.next_segment()?;
            return Ok(None);
        };
        let number = segment.place().segment;
        let was_certain = segment.is_certain();
        let before = *segment.hash();
        let found = segment.step().map_err(JournalError::io(
            "read",
            self.disk.path().join(segment_name(number)),
        ))?;
        match found {
            None => {
                self.link = Some(Link::behind(segment));
                self.current = None;
                Ok(None)
            }
            Some(Found::Frame(frame)) => {
                // Behind damage, what the anchor could add has been said.
                let fault = self
                    .anchor_fault_at(frame.place, &frame.head.hash)
                    .filter(|_| was_certain);
                self.pending.push(Step::Frame(frame));
                Ok(fault)
            }
            Some(Found::Damage(damage)) => {
                let left = segment.length().saturating_sub(damage.place.offset);
                if was_certain && self.is_torn(&damage, left, &before)? {
                    self.is_over = true;
                    return Ok(Some(Step::Torn(Torn {
                        place: damage.place,
                        byte_count: left,
                    })));
                }
                Ok(Some(Step::Damage(damage)))
            }
        }
    }

    /// Whether bytes at the very end are a write that was not finished, of which nothing was acknowledged.
    fn is_torn(&mut self, damage: &Damage, left: u64, before: &Hash) -> Result<bool, JournalError> {
        let is_behind = |anchor: &AnchorHead| damage.place.frame > anchor.frames.get();
        let is_last = self.numbers.peek().is_none();
        let may_be = is_last
            && damage.fault != Fault::BehindSeal
            && self.anchor.as_ref().is_ok_and(is_behind);
        Ok(may_be && is_unfinished(&self.disk, damage, left, before)?)
    }

    /// Opens the next segment, or ends the walk.
    fn next_segment(&mut self) -> Result<(), JournalError> {
        let Some(number) = self.numbers.next() else {
            self.is_over = true;
            self.end();
            return Ok(());
        };
        let name = segment_name(number);
        let path = self.disk.path().join(&name);
        let (source, length) = match self.disk.read(&name) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.skip(number),
            Err(error) => return Err(JournalError::io("read", path)(error)),
        };
        self.missing_segments(number);
        let frame = self.link.map_or(1, |link| link.place.frame);
        let opened = SegmentWalk::open(source, length, number, frame);
        let (segment, head, fault) = opened.map_err(JournalError::io("read", path))?;
        let fault = fault.or_else(|| head.as_ref().and_then(|head| self.foreign(number, head)));
        if let Some(head) = head {
            self.begin(segment, &head, fault, number);
        } else {
            self.link = Some(lost_link(segment.place()));
        }
        if let Some(fault) = fault {
            self.note_at(head_place(number), fault);
        }
        self.pending.reverse();
        Ok(())
    }

    /// A segment that was there when the walk began. If retention took it, that is no damage.
    fn skip(&mut self, number: u64) -> Result<(), JournalError> {
        let numbers = segment_numbers(&self.disk)?;
        if let Some(newest) = newest_head(&self.disk, &numbers)? {
            self.removed_through = newest.removed_through.get();
            self.removed_count = newest.removed_count.get();
        }
        if number <= self.removed_through {
            self.link = None;
        }
        Ok(())
    }

    /// Takes a segment with a whole head up, unless it is another one than it should be.
    fn begin(
        &mut self,
        segment: SegmentWalk<D::Source>,
        head: &SegmentHead,
        fault: Option<Fault>,
        number: u64,
    ) {
        if matches!(fault, Some(Fault::Number { .. } | Fault::OtherJournal)) {
            let frame = self.link.map_or(1, |link| link.place.frame);
            let place = Place {
                frame,
                ..head_place(number)
            };
            self.link = Some(lost_link(place));
            return;
        }
        if fault.is_none() {
            self.compare_link(number, head);
            self.pending.extend(self.anchor_fault_before(number, head));
            self.pending.push(Step::Segment(Box::new(*head)));
        }
        self.current = Some(segment);
    }

    /// What makes a sound segment one that does not belong here.
    fn foreign(&mut self, number: u64, head: &SegmentHead) -> Option<Fault> {
        let journal_id = *self.journal_id.get_or_insert(head.journal_id);
        if head.journal_id != journal_id {
            return Some(Fault::OtherJournal);
        }
        let stated = head.number.get();
        (stated != number).then_some(Fault::Number { stated })
    }

    /// Names the segments that should stand before this one and are not there.
    fn missing_segments(&mut self, number: u64) {
        let before = self
            .link
            .map_or(self.removed_through, |link| link.place.segment);
        let first = before.saturating_add(1);
        if number > first {
            let through = number - 1;
            self.note_at(head_place(first), Fault::SegmentsMissing { through });
            let frame = self.link.map_or(1, |link| link.place.frame);
            self.link = Some(lost_link(Place {
                frame,
                ..head_place(through)
            }));
        } else if self.link.is_none() && self.removed_count < self.removed_through {
            let count = self.removed_through - self.removed_count;
            self.note_at(head_place(number), Fault::RemovedByOthers { count });
        }
    }

    /// Compares a segment's head with the end of the one before.
    fn compare_link(&mut self, number: u64, head: &SegmentHead) {
        let Some(link) = self.link else {
            return;
        };
        let through = head.frames_before.get();
        if through >= link.place.frame {
            self.note_at(link.place, Fault::FramesMissing { through });
        } else if !link.is_certain {
            // What is wrong with the segment before has been said.
        } else if !link.is_sealed {
            self.note_at(link.place, Fault::NoSeal);
        } else if head.previous_hash != link.hash || through + 1 != link.place.frame {
            self.note_at(head_place(number), Fault::Unchained);
        }
    }

    /// Says so if the anchor names this very frame with another hash.
    fn anchor_fault_at(&self, place: Place, hash: &Hash) -> Option<Step> {
        let anchor = self.anchor.as_ref().ok()?;
        let is_other = anchor.frames.get() == place.frame && anchor.hash != *hash;
        is_other.then(|| Step::Damage(anchor_damage(place, AnchorFault::Foreign)))
    }

    /// The same for the frame before the oldest segment.
    fn anchor_fault_before(&self, number: u64, head: &SegmentHead) -> Option<Step> {
        let frame = head.frames_before.get();
        let place = Place {
            frame,
            ..head_place(number)
        };
        if self.link.is_some() {
            return None;
        }
        self.anchor_fault_at(place, &head.previous_hash)
    }

    /// Compares the end with the anchor.
    fn end(&mut self) {
        let end = self
            .link
            .map_or(head_place(self.removed_through), |link| link.place);
        match self.anchor {
            Err(fault) => self.pending.push(Step::Damage(anchor_damage(end, fault))),
            Ok(anchor) => self.compare_end(end, &anchor),
        }
    }

    /// Names what the anchor has seen and is not there.
    fn compare_end(&mut self, end: Place, anchor: &AnchorHead) {
        let (through, segment) = (anchor.frames.get(), anchor.segment.get());
        let is_removed = self.link.is_none() && self.removed_through >= segment;
        let fault = if is_removed {
            // Retention has taken all that the walk began with.
            None
        } else if segment > end.segment && through > 0 {
            let place = head_place(end.segment.saturating_add(1));
            Some((place, Fault::SegmentsMissing { through: segment }))
        } else if through >= end.frame && through > 0 {
            Some((end, Fault::FramesMissing { through }))
        } else {
            None
        };
        if let Some((place, fault)) = fault {
            self.pending.push(Step::Damage(Damage {
                place,
                fault,
                boot_id: (anchor.boot_id != [0; 16]).then_some(anchor.boot_id),
                sequence: Some(anchor.sequence.get()).filter(|sequence| *sequence != 0),
            }));
        }
    }

    /// Damage that no frame speaks for.
    fn note_at(&mut self, place: Place, fault: Fault) {
        self.pending.push(Step::Damage(Damage {
            place,
            fault,
            boot_id: None,
            sequence: None,
        }));
    }
}

/// The head of a segment.
const fn head_place(segment: u64) -> Place {
    Place {
        segment,
        offset: 0,
        frame: 0,
    }
}

/// The end of a segment of which nothing is known.
const fn lost_link(place: Place) -> Link {
    Link {
        place,
        hash: [0; 32],
        is_sealed: false,
        is_certain: false,
    }
}

/// Something wrong with the anchor.
const fn anchor_damage(place: Place, fault: AnchorFault) -> Damage {
    Damage {
        place,
        fault: Fault::Anchor(fault),
        boot_id: None,
        sequence: None,
    }
}
