//! The reader's side of the ring: walking the records, numbering them, giving them back.

use super::late::LateTable;
use super::storage::{self, Parts};
use super::tag::{State, Tag};
use super::{LOST_WORD, Place, Ring, STARTED_WORD, Words};
use crate::sync::{AtomicU64, Ordering};

/// A place between two records, and what lies before it.
///
/// The number of a record is the records before it, the losses before it, and one. Its producer read
/// the losses before it took its place, but not at the same instant: a record may stand behind one that
/// knows of more. So the losses before a record are the most that it or any before it knows of. Every
/// loss that was over before a record's place was taken lies below its number, and a number once given
/// is the same at every later walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Position of the next record.
    position: u64,
    /// Records before it.
    records: u64,
    /// Losses before it.
    lost: u64,
}

impl Cursor {
    /// Before the first record.
    pub(crate) const START: Self = Self {
        position: 0,
        records: 0,
        lost: 0,
    };

    /// Records before this place.
    pub(crate) const fn records(&self) -> u64 {
        self.records
    }

    /// Numbers before this place: records, and losses before the last of them.
    pub(crate) const fn numbers(&self) -> u64 {
        self.records.saturating_add(self.lost)
    }
}

/// A record that can be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its number.
    pub(crate) sequence: u64,
    /// How many numbers directly below are those of losses.
    pub(crate) lost_before: u64,
    /// Whether it is delivered without the end of its request.
    pub(crate) is_late: bool,
    /// Its words.
    pub(crate) length: usize,
    /// The place behind it.
    pub(crate) next: Cursor,
    position: u64,
}

impl<S: AsRef<[AtomicU64]>> Ring<S> {
    /// The record at the cursor, if it can be delivered: it is whole, or its request was decided before
    /// `overdue` and has not ended, and then it is taken over.
    pub(crate) fn find(&self, cursor: Cursor, overdue: Option<u64>) -> Option<Found> {
        let parts = self.layout.parts(self.storage.as_ref())?;
        let position = cursor.position;
        let tag = Tag::read(parts.tag(position)?.load(Ordering::Acquire), position)?;
        let is_late = match tag.state {
            State::Committed => false,
            State::Late => true,
            State::Ending => return None,
            State::Pending => {
                let limit = overdue?;
                let is_overdue = parts.span(position).get(STARTED_WORD) < limit;
                (is_overdue && self.take_over(&parts, tag)).then_some(true)?
            }
        };
        let lost = cursor.lost.max(parts.span(position).get(LOST_WORD));
        Some(Found {
            sequence: cursor.records.checked_add(lost)?.checked_add(1)?,
            lost_before: lost.checked_sub(cursor.lost)?,
            is_late,
            length: usize::try_from(tag.length).ok()?,
            next: Cursor {
                position: position.checked_add(storage::cells_of(tag.length))?,
                records: cursor.records.checked_add(1)?,
                lost,
            },
            position,
        })
    }

    /// Copies a record that was found.
    pub(crate) fn copy(&self, found: &Found, out: &mut Words) {
        if let Some(parts) = self.layout.parts(self.storage.as_ref()) {
            parts.span(found.position).load(out);
        }
    }

    /// Gives back a record that was found at the oldest place. Its cells are free once the head is moved.
    pub(crate) fn give_back(&self, found: &Found) {
        let parts = self.layout.parts(self.storage.as_ref());
        if let Some(place) = parts.and_then(|parts| parts.tag(found.position)) {
            // Released, so that an end that finds nothing here finds what was kept of a late record.
            place.store(0, Ordering::Release);
        }
    }

    /// Moves the head behind all that was given back.
    pub(crate) fn advance(&self, cursor: Cursor) {
        self.delivered.store(cursor.records, Ordering::Release);
        self.head.0.store(cursor.position, Ordering::Release);
    }

    /// Takes over a record whose request has not ended; `false` if the end came first. What the end will
    /// need is kept if there is room for it.
    fn take_over(&self, parts: &Parts<'_>, tag: Tag) -> bool {
        let Some(at) = parts.tag(tag.position) else {
            return false;
        };
        let place = Place {
            position: tag.position,
            is_finding: tag.is_finding,
        };
        // An end that is under way may tear what is read here, and then the swap fails.
        let prefix = parts.span(tag.position).prefix();
        let kept = LateTable::new(parts.late).keep(place, &prefix);
        if kept.is_none() {
            self.unkept.add(tag.is_finding);
        }
        let late = tag.with(State::Late).pack();
        let swap = at.compare_exchange(tag.pack(), late, Ordering::AcqRel, Ordering::Relaxed);
        if swap.is_ok() {
            return true;
        }
        match kept {
            Some(kept) => kept.drop_again(),
            None => self.unkept.take_back(tag.is_finding),
        }
        false
    }
}
