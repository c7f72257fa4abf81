//! Which ranges of guarded memory there are and were.

use std::collections::{BTreeMap, VecDeque};

use super::{Range, no_block};
use crate::verifier::{Rule, Violation};

#[derive(Default)]
pub(super) struct Map {
    /// Keyed by the first byte of the first page: a lookup by address finds blocks and their slack.
    pub(super) ranges: BTreeMap<u64, Range>,
    /// Freed blocks, keyed alike.
    pub(super) gone: BTreeMap<u64, Range>,
    /// Bytes of the arena given out so far. Address space is never given out twice.
    pub(super) used: u64,
    /// Keys of freed blocks, oldest first.
    pub(super) freed: VecDeque<u64>,
    /// Pages of freed blocks that the host has not got back: first byte and end.
    pub(super) discarded: Vec<(u64, u64)>,
}

impl Map {
    /// The last range of either kind that begins at or before `address`.
    pub(super) fn before(&self, address: u64) -> Option<&Range> {
        let [live, gone] = [&self.ranges, &self.gone].map(|map| map.range(..=address).next_back());
        let later = live.into_iter().chain(gone).max_by_key(|(key, _)| **key);
        later.map(|(_, range)| range)
    }

    /// The first range of either kind that begins at or after `address`.
    pub(super) fn after(&self, address: u64) -> Option<&Range> {
        let [live, gone] = [&self.ranges, &self.gone].map(|map| map.range(address..).next());
        let earlier = live.into_iter().chain(gone).min_by_key(|(key, _)| **key);
        earlier.map(|(_, range)| range)
    }

    /// The key of the live block that starts at `address`.
    ///
    /// # Errors
    ///
    /// [`Rule::BadPointer`] when none ever did, [`Rule::UseAfterFree`] when it is freed.
    pub(super) fn block_key(&self, address: u64) -> Result<u64, Violation> {
        // A block without bytes starts where its page ends.
        let at = |map: &BTreeMap<u64, Range>| {
            let (key, range) = map.range(..=address).next_back()?;
            (range.address == address).then(|| (*key, range.clone()))
        };
        if let Some((key, _)) = at(&self.ranges) {
            return Ok(key);
        }
        let Some((_, range)) = at(&self.gone) else {
            return Err(no_block(address));
        };
        let by = range.freed.unwrap_or_default();
        Err(Violation::new(
            Rule::UseAfterFree,
            format!("{} at {address:#x} was freed before, by {by}", range.label),
        ))
    }
}
