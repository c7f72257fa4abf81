//! The numbers of each load: everyone once, or told to be lost, or a gap.

use super::damage::Place;
use super::format::hex;
use super::note::LoadNote;
use crate::BootId;
use std::collections::HashMap;
use std::fmt;

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
    /// Whether all its numbers are accounted for, from the first.
    pub is_whole: bool,
    /// What a later load says of its end, if that has come.
    pub end: Option<LoadEnd>,
}

/// The end of a load, as the next one knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadEnd {
    /// The last number that it handed out.
    pub last: u64,
    /// How many records it took with it, undelivered.
    pub undelivered: u64,
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
    /// How many of them the record behind explains as lost.
    pub explained: u64,
}

/// The state of the loads while a journal is read.
#[derive(Clone, Debug, Default)]
pub(super) struct Continuity {
    loads: Vec<LoadReport>,
    places: HashMap<BootId, usize>,
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

    /// What a load says of the end of another one.
    pub(super) fn ended(&mut self, boot_id: BootId, end: LoadEnd) {
        if let Some(place) = self.places.get(&boot_id) {
            self.loads[*place].end = Some(end);
        }
    }

    /// What is known of a load; it is made if it is new.
    pub(super) fn of(&mut self, boot_id: BootId) -> &LoadReport {
        self.load(boot_id)
    }

    /// All loads, in the order in which they came.
    pub(super) fn into_loads(self) -> Vec<LoadReport> {
        self.loads
    }

    /// The report of a load, made if it is new.
    fn load(&mut self, boot_id: BootId) -> &mut LoadReport {
        let next = self.loads.len();
        let place = *self.places.entry(boot_id).or_insert(next);
        if place == next {
            self.loads.push(LoadReport {
                boot_id,
                records: 0,
                first: 0,
                last: 0,
                lost: 0,
                missing: 0,
                earlier: 0,
                is_whole: true,
                end: None,
            });
        }
        &mut self.loads[place]
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
    })
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            after,
            before,
            missing,
            explained,
            ..
        } = self;
        write!(f, "load {}: ", hex(&self.boot_id))?;
        if before <= after {
            return write!(f, "record {before} comes behind record {after}");
        }
        write!(
            f,
            "{missing} numbers missing between {after} and {before}, {explained} of them explained"
        )
    }
}
