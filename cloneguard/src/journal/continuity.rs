//! The numbers of each load: everyone once, or told to be lost, or a gap.

use super::damage::Place;
use super::format::hex;
use super::note::LoadNote;
use crate::BootId;
use std::collections::{HashMap, VecDeque};
use std::fmt;

/// Loads of which everything is known at once; of older ones only sums stay.
pub(super) const LOADS_MAX: usize = 1000;

/// What a journal has of one load of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadReport {
    /// The load.
    pub boot_id: BootId,
    /// Records that are there.
    pub records: u64,
    /// Number of the first of them; 0 if there is none.
    pub first: u64,
    /// Number of the last of them.
    pub last: u64,
    /// Numbers that the driver says it lost.
    pub lost: u64,
    /// Numbers that are missing and that nobody has explained.
    pub missing: u64,
    /// Numbers before the first record that went to another program before the journal was begun.
    pub earlier: u64,
    /// Numbers behind the last record that it took with it when it was stopped, as the next load says.
    pub undelivered: u64,
    /// Whether all its numbers are accounted for, from the first.
    pub is_whole: bool,
    /// What a later load says of its end, if that has come.
    pub end: Option<LoadEnd>,
}

/// What loads amount to that are not listed one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadSums {
    /// How many loads.
    pub loads: u64,
    /// Numbers that the driver says it lost.
    pub lost: u64,
    /// Numbers that it took with it when it was stopped.
    pub undelivered: u64,
    /// Loads of which nobody has said what they took with them.
    pub open_ends: u64,
}

/// The end of a load, as the next one knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadEnd {
    /// The last number that it handed out.
    pub last: u64,
    /// How many records it took with it, undelivered; 0 if that is not known.
    pub undelivered: u64,
    /// Whether it was stopped in order, so that this is all.
    pub is_in_order: bool,
}

/// Numbers that do not follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The record behind the gap.
    pub place: Place,
    /// The load.
    pub boot_id: BootId,
    /// The last number before; 0 at the start of a load.
    pub after: u64,
    /// The number of the record behind. If it is not above `after`, the record comes again.
    pub before: u64,
    /// Numbers between the two.
    pub missing: u64,
    /// How many of them the record behind explains as lost; at the end of a load, those that it took with it.
    pub explained: u64,
    /// Whether these are the last numbers of the load, of which the next one tells: `before` is the one that
    /// would have followed.
    pub is_end: bool,
}

/// The state of the loads while a journal is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Continuity {
    /// The newest loads in the order in which they came.
    loads: VecDeque<LoadReport>,
    /// Where each of them stands, counted from the first load that there was.
    places: HashMap<BootId, u64>,
    /// Those before them.
    older: LoadSums,
    /// Whether anything came before: then no load may begin in its middle.
    is_begun: bool,
}

impl Continuity {
    /// Takes over what was in segments that are not there any more.
    pub(super) fn begin(&mut self, records: u64, boot_id: BootId, sequence: u64) {
        self.is_begun |= records != 0;
        if records != 0 && !self.places.contains_key(&boot_id) {
            let load = self.load(boot_id);
            load.last = sequence;
            load.is_whole = false;
        }
    }

    /// A note that a load is new. What of it went to somebody else is no gap if nothing came before.
    pub(super) fn announce(&mut self, boot_id: BootId, note: &LoadNote) {
        let is_first = !self.is_begun;
        if is_first && !self.places.contains_key(&boot_id) {
            let earlier = note.earlier.get();
            let load = self.load(boot_id);
            load.earlier = earlier;
            load.last = earlier;
            load.is_whole = earlier == 0;
        }
    }

    /// A record; the gap before it, if there is one.
    pub(super) fn record(
        &mut self,
        place: Place,
        boot_id: BootId,
        sequence: u64,
        lost_before: u64,
    ) -> Option<Gap> {
        self.is_begun = true;
        let load = self.load(boot_id);
        let gap = gap(load, place, sequence, lost_before);
        if load.records == 0 {
            load.first = sequence;
        }
        load.records += 1;
        load.lost = load.lost.saturating_add(lost_before);
        load.last = load.last.max(sequence);
        load.is_whole &= gap.is_none();
        let unexplained = gap.map_or(0, |gap| gap.missing.saturating_sub(gap.explained));
        load.missing = load.missing.saturating_add(unexplained);
        gap
    }

    /// What the load `teller` says of the end of the one before it; the gap that this shows, if there is one.
    pub(super) fn ended(
        &mut self,
        place: Place,
        teller: BootId,
        boot_id: BootId,
        end: LoadEnd,
    ) -> Option<Gap> {
        let is_begun =
            self.older.loads != 0 || self.loads.iter().any(|load| load.boot_id != teller);
        if boot_id == BootId::default() || boot_id == teller || !is_begun {
            // What ended before the journal was begun is none of its business.
            return None;
        }
        let load = self.load(boot_id);
        if load.end.replace(end).is_some() {
            return None;
        }
        let missing = end.last.saturating_sub(load.last);
        load.undelivered = end.undelivered.min(missing);
        let unexplained = missing - load.undelivered;
        load.missing = load.missing.saturating_add(unexplained);
        load.is_whole &= unexplained == 0;
        (unexplained != 0).then_some(Gap {
            place,
            boot_id,
            after: load.last,
            before: end.last.saturating_add(1),
            missing,
            explained: load.undelivered,
            is_end: true,
        })
    }

    /// What is known of a load; it is made if it is new.
    pub(super) fn of(&mut self, boot_id: BootId) -> &LoadReport {
        self.load(boot_id)
    }

    /// The newest loads in the order in which they came, and what those before them amount to.
    pub(super) fn into_loads(self) -> (Vec<LoadReport>, LoadSums) {
        (self.loads.into(), self.older)
    }

    /// The report of a load, made if it is new.
    fn load(&mut self, boot_id: BootId) -> &mut LoadReport {
        let next = self.older.loads + self.loads.len() as u64;
        let place = *self.places.entry(boot_id).or_insert(next);
        if place == next {
            self.make_room();
            self.loads.push_back(LoadReport {
                boot_id,
                records: 0,
                first: 0,
                last: 0,
                lost: 0,
                missing: 0,
                earlier: 0,
                undelivered: 0,
                is_whole: true,
                end: None,
            });
        }
        let index = place.saturating_sub(self.older.loads);
        &mut self.loads[index as usize]
    }

    /// Lets the oldest load go if there are too many.
    fn make_room(&mut self) {
        if self.loads.len() < LOADS_MAX {
            return;
        }
        if let Some(oldest) = self.loads.pop_front() {
            self.places.remove(&oldest.boot_id);
            self.older.add(&oldest);
        }
    }
}

impl LoadReport {
    /// Whether nobody has said, of this load which is not the last, what it took with it.
    #[must_use]
    pub fn has_open_end(&self) -> bool {
        !self.end.is_some_and(|end| end.is_in_order)
    }
}

impl LoadSums {
    /// Takes a load in that others follow.
    pub(super) fn add(&mut self, load: &LoadReport) {
        self.loads += 1;
        self.lost = self.lost.saturating_add(load.lost);
        self.undelivered = self.undelivered.saturating_add(load.undelivered);
        self.open_ends += u64::from(load.has_open_end());
    }
}

/// What is wrong between the last number of a load and this one.
fn gap(load: &LoadReport, place: Place, sequence: u64, lost_before: u64) -> Option<Gap> {
    let missing = sequence.saturating_sub(load.last).saturating_sub(1);
    let is_repeat = sequence <= load.last;
    (is_repeat || missing != lost_before).then_some(Gap {
        place,
        boot_id: load.boot_id,
        after: load.last,
        before: sequence,
        missing,
        explained: lost_before,
        is_end: false,
    })
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            after,
            before,
            missing,
            explained,
            is_end,
            ..
        } = self;
        write!(f, "load {}: ", hex(&self.boot_id))?;
        if *is_end {
            let last = before.saturating_sub(1);
            return write!(
                f,
                "{missing} numbers missing at its end, from behind {after} to {last}; by the word of the next load \
                 it took {explained} of them with it"
            );
        }
        if before <= after {
            return write!(f, "record {before} comes behind record {after}");
        }
        write!(
            f,
            "{missing} numbers missing between {after} and {before}, {explained} of them explained"
        )
    }
}
