//! The rules that a request may fulfil, from several lists, in the order of the policy.
//!
//! Each [`Run`] is a part of one of the lists of an index in which the numbers of the rules rise. The next
//! candidate is the least of those at which the runs stand. There is room for so many runs that only
//! a policy made for it has more; then every rule is a candidate.

use super::slots::{IndexSlot, bucket_range, by_kind, by_tag};
use core::ops::Range;
use wire::policy::Effect;

/// Runs that are merged: the three of each kind of condition, and two more.
const RUNS_MAX: usize = 32;
/// Behind the number of every rule.
const NONE: u16 = u16::MAX;

/// The numbers of the rules that a request may fulfil, in the order of the policy.
#[derive(Debug)]
pub struct Candidates<'a> {
    slots: &'a [IndexSlot],
    runs: [Run; RUNS_MAX],
    count: usize,
}

/// A part of a list.
#[derive(Clone, Copy, Debug)]
struct Run {
    list: List,
    /// The place that is looked at next.
    place: u16,
    /// Behind the last place.
    end: u16,
    /// The number of the rule at which it stands; `NONE` behind the last.
    number: u16,
}

/// Which list.
#[derive(Clone, Copy, Debug)]
pub(super) enum List {
    /// The rules with this tag.
    Tag(u32),
    /// Those of a kind.
    Kind,
    /// Those of a kind and with this effect, of whose condition nothing is known: no such rule matches
    /// for certain.
    Unknown(Effect),
    /// All, by their numbers.
    All,
}

impl<'a> Candidates<'a> {
    /// None of these.
    pub(super) const fn new(slots: &'a [IndexSlot]) -> Self {
        let run = Run {
            list: List::All,
            place: 0,
            end: 0,
            number: NONE,
        };
        Self {
            slots,
            runs: [run; RUNS_MAX],
            count: 0,
        }
    }

    /// Adds the rules that are filed under this tag.
    pub(super) fn add_tag(&mut self, tag: u32) {
        self.add(List::Tag(tag), bucket_range(self.slots, tag));
    }

    /// Adds the rules of a part of a list.
    pub(super) fn add(&mut self, list: List, part: Range<u16>) {
        let mut run = Run {
            list,
            place: part.start,
            end: part.end,
            number: NONE,
        };
        run.advance(self.slots);
        if run.number == NONE {
            return;
        }
        match self.runs.get_mut(self.count) {
            Some(place) => {
                *place = run;
                self.count = self.count.saturating_add(1);
            }
            None => self.take_all(),
        }
    }

    /// Leaves out the rules that cannot match for certain and have this effect: once such a rule was passed
    /// over, others change nothing.
    pub fn pass_over(&mut self, effect: Effect) {
        for run in self.runs.iter_mut().take(self.count) {
            if let List::Unknown(of) = run.list
                && of == effect
            {
                run.number = NONE;
            }
        }
    }

    /// Makes every rule a candidate. What is added afterwards is yielded twice, which changes nothing.
    fn take_all(&mut self) {
        let mut run = Run {
            list: List::All,
            place: 0,
            end: u16::try_from(self.slots.len()).unwrap_or(NONE),
            number: NONE,
        };
        run.advance(self.slots);
        if let Some(first) = self.runs.first_mut() {
            *first = run;
            self.count = 1;
        }
    }
}

impl Iterator for Candidates<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let runs = self.runs.get_mut(..self.count)?;
        let run = runs.iter_mut().min_by_key(|run| run.number)?;
        let number = Some(run.number).filter(|number| *number != NONE)?;
        run.advance(self.slots);
        Some(number)
    }
}

impl Run {
    /// Goes to the next rule.
    fn advance(&mut self, slots: &[IndexSlot]) {
        while self.place < self.end {
            let place = self.place;
            self.place = place.saturating_add(1);
            let number = match self.list {
                List::Tag(tag) => by_tag(slots, place, tag),
                List::Kind | List::Unknown(_) => by_kind(slots, place),
                List::All => Some(place),
            };
            if let Some(number) = number {
                self.number = number;
                return;
            }
        }
        self.number = NONE;
    }
}
