//! Which files share blocks with a file, as far as records tell.
//!
//! A clone that went well makes a range of the target the blocks of a range of the source. The records
//! are read twice. [`Relatives`] finds the files that any chain of clones joins to the one that is
//! asked for. [`Lineage`] then plays the clones of those through: for each range of a file it keeps
//! in which file, and where in it, those blocks were first seen ([`ranges`]). Two files share what comes
//! from the same place, through however many clones; what was cloned over later is no longer shared.
//!
//! Records tell nothing of writes, and [`Limits`] counts what else they leave open.

mod clone;
mod dot;
mod query;
mod ranges;
mod relatives;
mod report;
mod text;
mod tree;

pub use clone::FileKey;
pub use query::{NoQuery, Query};
pub use relatives::Relatives;
pub use report::{CloneReport, FileReport, LineageReport, Relation, RootReport};

use crate::{BootId, Entry, Timestamp};
use clone::{Cloned, Told};
use ranges::{Labels, Map, Piece};
use relatives::Files;
use serde::Serialize;
use std::collections::HashMap;

/// What the records leave open, from the first clone that matters to their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Since when the others are counted; none if no clone matters.
    pub since: Option<Timestamp>,
    /// Records that were lost.
    pub lost_records: u64,
    /// Times that the driver told of losses.
    pub gaps: u64,
    /// Requests that only summaries tell of, which name no files.
    pub summarised: u64,
    /// Clones whose end no record tells.
    pub unknown_ends: u64,
    /// Clones between files of which one has no id in its record.
    pub without_id: u64,
    /// Requests with other codes that share blocks; their ranges are not known.
    pub other_codes: u64,
}

/// The clones between two files, one direction.
#[derive(Clone, Debug)]
struct Edge {
    clones: u64,
    byte_count: u64,
    first: (Timestamp, BootId, u64),
    last_time: Timestamp,
    /// Image of the process of the last one.
    image: Option<String>,
    labels: Labels,
}

/// The clones among the relatives, played through.
#[derive(Clone, Debug)]
pub struct Lineage {
    files: Files,
    /// The files that were asked for.
    roots: Vec<usize>,
    /// The relatives: what is in them now, and what ever was.
    maps: HashMap<usize, Map>,
    edges: HashMap<(usize, usize), Edge>,
    /// Clones that have not ended.
    pending: HashMap<(BootId, u64), Cloned>,
    limits: Limits,
}

impl Lineage {
    /// Takes a record in, in the order of the journal.
    pub fn add(&mut self, entry: &Entry) {
        let limits = &mut self.limits;
        if limits.since.is_some() {
            limits.lost_records = limits.lost_records.saturating_add(entry.lost_before());
        }
        match Told::by(entry) {
            Told::Clone(cloned) => self.play(&cloned),
            Told::Pending(number, cloned) => {
                if self.ends(&cloned).is_some() {
                    self.limits.since.get_or_insert(cloned.time);
                    self.limits.unknown_ends += 1;
                    self.pending.insert((cloned.boot_id, number), cloned);
                }
            }
            Told::Ended(number, has_succeeded) => {
                if let Some(cloned) = self.pending.remove(&(entry.boot_id(), number)) {
                    self.limits.unknown_ends -= 1;
                    if has_succeeded {
                        self.play(&cloned);
                    }
                }
            }
            told => self.leave_open(&told),
        }
    }

    /// Counts what a record leaves open, once something matters.
    fn leave_open(&mut self, told: &Told) {
        let limits = &mut self.limits;
        if limits.since.is_none() {
            return;
        }
        match told {
            Told::UnknownEnd => limits.unknown_ends += 1,
            Told::WithoutId => limits.without_id += 1,
            Told::OtherCode => limits.other_codes += 1,
            Told::Summary(count) => limits.summarised = limits.summarised.saturating_add(*count),
            Told::Gap => limits.gaps += 1,
            Told::Clone(_) | Told::Pending(..) | Told::Ended(..) | Told::Nothing => {}
        }
    }

    /// The two files, if they matter.
    fn ends(&self, cloned: &Cloned) -> Option<(usize, usize)> {
        let source = self.files.known(&cloned.source)?;
        let target = self.files.known(&cloned.target)?;
        self.maps.contains_key(&source).then_some((source, target))
    }

    /// Plays a clone.
    fn play(&mut self, cloned: &Cloned) {
        let Some((source, target)) = self.ends(cloned) else {
            return;
        };
        self.limits.since.get_or_insert(cloned.time);
        self.files.name(source, cloned.source_name.as_ref());
        self.files.name(target, cloned.target_name.as_ref());
        let Some(map) = self.maps.get_mut(&source) else {
            return;
        };
        let pieces = map.read(source, cloned.source_offset, cloned.byte_count);
        let shift = (cloned.source_offset, cloned.target_offset);
        if let Some(map) = self.maps.get_mut(&target) {
            map.write(&pieces, shift);
        }
        let edge = self.edges.entry((source, target));
        edge.or_insert_with(|| Edge::new(cloned))
            .add(cloned, &pieces);
    }
}

impl Edge {
    fn new(cloned: &Cloned) -> Self {
        Self {
            clones: 0,
            byte_count: 0,
            first: (cloned.time, cloned.boot_id, cloned.sequence),
            last_time: cloned.time,
            image: None,
            labels: Labels::default(),
        }
    }

    fn add(&mut self, cloned: &Cloned, pieces: &[Piece]) {
        self.clones += 1;
        self.byte_count = self.byte_count.saturating_add(cloned.byte_count);
        self.last_time = cloned.time;
        self.image.clone_from(&cloned.image);
        for piece in pieces {
            let (origin, start) = (piece.origin, piece.origin_start);
            self.labels.add(origin, start, piece.length());
        }
    }
}
