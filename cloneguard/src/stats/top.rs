//! The most frequent of many texts in little memory.
//!
//! This is the Space-Saving method (Metwally, Agrawal, El Abbadi 2005): as long as there are no more texts
//! than places, every count is exact. After that the text with the smallest count gives its place and its
//! count to a new one, so a count may be too large by what its place had before, and that is kept
//! beside it. Every text that occurs more often than all together divided by the places is among them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Texts whose counts are kept.
const PLACES: usize = 4096;

/// A text and how often it occurred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranked {
    pub(super) text: String,
    /// How often, at most.
    pub(super) count: u64,
    /// By how much that may be too large.
    pub(super) excess: u64,
}

/// The counts of texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Top {
    counts: HashMap<Arc<str>, (u64, u64)>,
    /// The same by count, smallest first.
    order: BTreeSet<(u64, Arc<str>)>,
}

impl Top {
    /// Counts a text so many times.
    pub(super) fn add(&mut self, text: &str, times: u64) {
        let known = self.counts.get_key_value(text);
        let known = known.map(|(text, counts)| (Arc::clone(text), *counts));
        let (text, (count, excess)) = match known {
            Some((text, counts)) => {
                let place = (counts.0, text);
                self.order.remove(&place);
                (place.1, counts)
            }
            None if self.counts.len() < PLACES => (text.into(), (0, 0)),
            None => (text.into(), self.give_way()),
        };
        let count = count.saturating_add(times);
        self.order.insert((count, Arc::clone(&text)));
        self.counts.insert(text, (count, excess));
    }

    /// Takes the place of the text with the smallest count: that count, which is now the excess.
    fn give_way(&mut self) -> (u64, u64) {
        let Some((count, text)) = self.order.pop_first() else {
            return (0, 0);
        };
        self.counts.remove(&text);
        (count, count)
    }

    /// The most frequent texts, the first in the alphabet first among equals.
    pub(super) fn first(&self, number: usize) -> Vec<Ranked> {
        let mut ranked: Vec<Ranked> = self
            .counts
            .iter()
            .map(|(text, (count, excess))| Ranked {
                text: text.to_string(),
                count: *count,
                excess: *excess,
            })
            .collect();
        ranked.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
        ranked.truncate(number);
        ranked
    }
}

#[cfg(test)]
mod tests {
    use super::{PLACES, Ranked, Top};

    #[test]
    fn counts_are_exact_while_there_is_room() {
        let mut top = Top::default();
        for (text, times) in [("b", 2), ("a", 2), ("c", 1), ("c", 4)] {
            top.add(text, times);
        }
        let counts: Vec<_> = top
            .first(9)
            .into_iter()
            .map(|ranked| (ranked.text, ranked.count, ranked.excess))
            .collect();
        let expected = [("c", 5, 0), ("a", 2, 0), ("b", 2, 0)];
        assert_eq!(
            counts,
            expected.map(|(text, count, excess)| (text.to_owned(), count, excess))
        );
        assert_eq!(top.first(1).len(), 1);
    }

    #[test]
    fn what_is_frequent_is_kept_and_the_error_is_told() {
        let mut top = Top::default();
        let rounds = 2 * PLACES as u64;
        for round in 0..rounds {
            top.add("often", 1);
            top.add(&format!("once {round}"), 1);
        }
        let first = top.first(2);
        let Ranked {
            text,
            count,
            excess,
        } = &first[0];
        assert_eq!(text, "often");
        assert_eq!((*count, *excess), (rounds, 0));
        assert!(first[1].count - first[1].excess <= 1, "{:?}", first[1]);
        assert!(first[1].excess <= 2 * rounds / PLACES as u64);
        assert_eq!(top.counts.len(), PLACES);
        assert_eq!(top.order.len(), PLACES);
    }
}
