//! Run-length maps over cluster numbers: one entry for any number of consecutive clusters.
//!
//! Three things are kept this way: the extents of a stream (file cluster -> disk cluster), the
//! reference counts (disk cluster -> count) and the free list. A hole of any length costs nothing, so
//! a file of many gigabytes is as quick as a small one. Neighbouring runs that continue each other are
//! always one run; [`Runs::insert`] sees to it.

use std::collections::BTreeMap;
use std::ops::Range;

/// What each cluster of a run carries.
pub(super) trait Carried: Copy + Eq {
    /// The value that belongs to the cluster `distance` clusters further into the run.
    fn after(self, distance: u64) -> Self;
}

/// Consecutive clusters; `value` belongs to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run<V> {
    /// The first cluster.
    pub(super) start: u64,
    /// How many clusters, never zero.
    pub(super) length: u64,
    /// What the first cluster carries.
    pub(super) value: V,
}

impl<V: Carried> Run<V> {
    /// The cluster numbers of the run.
    pub(super) fn range(&self) -> Range<u64> {
        self.start..self.start + self.length
    }

    /// The part of the run inside `window`.
    fn clip(self, window: &Range<u64>) -> Option<Self> {
        let start = self.start.max(window.start);
        let end = self.range().end.min(window.end);
        (start < end).then(|| Self {
            start,
            length: end - start,
            value: self.value.after(start - self.start),
        })
    }
}

/// A map from cluster numbers to values, stored as runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Runs<V> {
    /// First cluster -> (length, value of the first cluster).
    map: BTreeMap<u64, (u64, V)>,
}

impl<V: Carried> Runs<V> {
    /// A map without entries.
    pub(super) const fn new() -> Self {
        Self {
            map: BTreeMap::new(),
        }
    }

    /// All runs in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Run<V>> + '_ {
        self.map.iter().map(|(&start, &(length, value))| Run {
            start,
            length,
            value,
        })
    }

    /// The lowest run.
    pub(super) fn first(&self) -> Option<Run<V>> {
        self.iter().next()
    }

    /// How many clusters have a value.
    pub(super) fn clusters(&self) -> u64 {
        self.map.values().map(|&(length, _)| length).sum()
    }

    /// The runs inside `window`, cut to it, in ascending order.
    pub(super) fn view(&self, window: Range<u64>) -> Vec<Run<V>> {
        if window.is_empty() {
            return Vec::new();
        }
        let before = self.map.range(..window.start).next_back();
        let within = self.map.range(window.clone());
        before
            .into_iter()
            .chain(within)
            .filter_map(|(&start, &(length, value))| {
                Run {
                    start,
                    length,
                    value,
                }
                .clip(&window)
            })
            .collect()
    }

    /// The parts of `window` that have no value, in ascending order.
    pub(super) fn gaps(&self, window: Range<u64>) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut next = window.start;
        for run in self.view(window.clone()) {
            if next < run.start {
                gaps.push(next..run.start);
            }
            next = run.range().end;
        }
        if next < window.end {
            gaps.push(next..window.end);
        }
        gaps
    }

    /// Removes what lies inside `window` and returns it, in ascending order.
    pub(super) fn take(&mut self, window: Range<u64>) -> Vec<Run<V>> {
        let taken = self.view(window.clone());
        if taken.is_empty() {
            return taken;
        }
        self.split(window.start);
        self.split(window.end);
        for run in &taken {
            self.map.remove(&run.start);
        }
        taken
    }

    /// Adds a run where there is none, joining it with neighbours that it continues.
    pub(super) fn insert(&mut self, run: Run<V>) {
        if run.length == 0 {
            return;
        }
        debug_assert!(
            self.view(run.range()).is_empty(),
            "two values for one cluster"
        );
        let mut joined = run;
        if let Some((&start, &(length, value))) = self.map.range(..run.start).next_back()
            && start + length == run.start
            && value.after(length) == run.value
        {
            joined = Run {
                start,
                length: length + run.length,
                value,
            };
        }
        if let Some(&(length, value)) = self.map.get(&run.range().end)
            && run.value.after(run.length) == value
        {
            self.map.remove(&run.range().end);
            joined.length += length;
        }
        self.map.insert(joined.start, (joined.length, joined.value));
    }

    /// Makes `at` the start of a run if it lies inside one.
    fn split(&mut self, at: u64) {
        let Some((&start, &(length, value))) = self.map.range(..at).next_back() else {
            return;
        };
        if at < start + length {
            let head = at - start;
            self.map.insert(start, (head, value));
            self.map.insert(at, (length - head, value.after(head)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Carried, Run, Runs};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct At(u64);

    impl Carried for At {
        fn after(self, distance: u64) -> Self {
            Self(self.0 + distance)
        }
    }

    fn run(start: u64, length: u64, value: u64) -> Run<At> {
        Run {
            start,
            length,
            value: At(value),
        }
    }

    #[test]
    fn joins_only_what_continues() {
        let mut runs = Runs::new();
        runs.insert(run(0, 2, 10));
        runs.insert(run(4, 2, 14));
        runs.insert(run(2, 2, 12));
        assert_eq!(runs.iter().collect::<Vec<_>>(), [run(0, 6, 10)]);
        runs.insert(run(6, 1, 99));
        assert_eq!(runs.iter().count(), 2);
    }

    #[test]
    fn a_run_is_cut_at_both_ends_of_what_is_taken() {
        let mut runs = Runs::new();
        runs.insert(run(0, 10, 100));
        assert_eq!(runs.take(3..7), [run(3, 4, 103)]);
        assert_eq!(
            runs.iter().collect::<Vec<_>>(),
            [run(0, 3, 100), run(7, 3, 107)]
        );
        assert_eq!(runs.gaps(0..12), [3..7, 10..12]);
        assert_eq!(runs.clusters(), 6);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// The map agrees with one entry per cluster, and never keeps two runs that could be one.
        #[test]
        fn agrees_with_one_entry_per_cluster(
            steps in prop::collection::vec((any::<bool>(), 0u64..40, 0u64..12, 0u64..40), 1..40),
        ) {
            let mut runs = Runs::new();
            let mut plain = BTreeMap::new();
            for (add, start, length, value) in steps {
                let taken = runs.take(start..start + length);
                let expected: u64 = (start..start + length).filter(|c| plain.remove(c).is_some()).count() as u64;
                prop_assert_eq!(taken.iter().map(|r| r.length).sum::<u64>(), expected);
                if add {
                    runs.insert(run(start, length, value));
                    plain.extend((0..length).map(|i| (start + i, value + i)));
                }
                let spread: BTreeMap<u64, u64> = runs
                    .iter()
                    .flat_map(|r| (0..r.length).map(move |i| (r.start + i, r.value.0 + i)))
                    .collect();
                prop_assert_eq!(&spread, &plain);
                let all: Vec<_> = runs.iter().collect();
                for pair in all.windows(2) {
                    let joinable = pair[0].range().end == pair[1].start
                        && pair[0].value.after(pair[0].length) == pair[1].value;
                    prop_assert!(!joinable, "{:?} should be one run", pair);
                }
            }
        }
    }
}
