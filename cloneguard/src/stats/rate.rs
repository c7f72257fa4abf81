//! How fast things came, and in which minute fastest.

use crate::Timestamp;
use std::collections::BTreeMap;

/// A minute in 100 ns.
const MINUTE: u64 = 600_000_000;
/// Minutes that are open at once. Records are in the order of their numbers, and their times almost.
const OPEN: usize = 64;

/// Counts by minute, of which the largest is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Rate {
    open: BTreeMap<u64, u64>,
    busiest: Option<(u64, u64)>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Rate {
    /// Counts so many at a time.
    pub(super) fn add(&mut self, time: Timestamp, times: u64) {
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
        let minute = time.filetime() / MINUTE;
        let count = self.open.entry(minute).or_default();
        *count = count.saturating_add(times);
        let candidate = (*count, minute);
        if self.busiest.is_none_or(|(most, _)| candidate.0 > most) {
            self.busiest = Some(candidate);
        }
        if self.open.len() > OPEN {
            self.open.pop_first();
        }
    }

    /// The first and last time.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.first.zip(self.last)
    }

    /// When the busiest minute began, and how many came in it.
    pub(super) fn busiest(&self) -> Option<(Timestamp, u64)> {
        let (count, minute) = self.busiest?;
        Some((Timestamp::from_filetime(minute * MINUTE), count))
    }
}

#[cfg(test)]
mod tests {
    use super::{MINUTE, OPEN, Rate};
    use crate::Timestamp;

    #[test]
    fn the_busiest_minute_is_found_though_times_are_not_in_order() {
        let mut rate = Rate::default();
        let at = |minute: u64, rest: u64| Timestamp::from_filetime(minute * MINUTE + rest);
        for (time, times) in [
            (at(10, 5), 1),
            (at(12, 0), 2),
            (at(11, 9), 2),
            (at(12, 1), 1),
            (at(11, 0), 2),
        ] {
            rate.add(time, times);
        }
        assert_eq!(rate.span(), Some((at(10, 5), at(12, 1))));
        assert_eq!(rate.busiest(), Some((at(11, 0), 4)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut rate = Rate::default();
        for minute in 0..10_000 {
            rate.add(Timestamp::from_filetime(minute * MINUTE), 1);
        }
        assert_eq!(rate.open.len(), OPEN);
        assert_eq!(rate.busiest().map(|(_, count)| count), Some(1));
    }
}
