//! Ranges against bytes one by one.

use super::{Labels, Map};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

/// Files and bytes in the model.
const FILES: usize = 4;
const BYTES: u64 = 24;

/// The definition: each byte of each file has a label, or is untouched.
#[derive(Default)]
struct Model {
    bytes: HashMap<(usize, u64), (usize, u64)>,
    ever: HashMap<usize, HashSet<(usize, u64)>>,
}

impl Model {
    fn clone(&mut self, (source, from): (usize, u64), (target, to): (usize, u64), count: u64) {
        let label = |at: u64| *self.bytes.get(&(source, at)).unwrap_or(&(source, at));
        let labels: Vec<_> = (from..from + count).map(label).collect();
        for (at, label) in labels.iter().enumerate() {
            let at = at as u64;
            self.bytes.insert((source, from + at), *label);
            self.ever.entry(source).or_default().insert(*label);
        }
        for (at, label) in labels.iter().enumerate() {
            self.bytes.insert((target, to + at as u64), *label);
            self.ever.entry(target).or_default().insert(*label);
        }
    }

    fn labels(&self, file: usize) -> HashSet<(usize, u64)> {
        let bytes = self.bytes.iter().filter(|((of, _), _)| *of == file);
        bytes.map(|(_, label)| *label).collect()
    }
}

/// A set with the same labels.
fn set(labels: &HashSet<(usize, u64)>) -> Labels {
    let mut set = Labels::default();
    for (origin, at) in labels {
        set.add(*origin, *at, 1);
    }
    set
}

/// Source, target and bytes of a clone.
type Step = ((usize, u64), (usize, u64), u64);

fn clones() -> impl Strategy<Value = Vec<Step>> {
    let place = || (0..FILES, 0..BYTES);
    let clone = (place(), place(), 1..12_u64);
    proptest::collection::vec(clone, 0..30)
}

proptest! {
    #[test]
    fn labels_are_those_of_each_byte(clones in clones()) {
        let mut model = Model::default();
        let mut maps = vec![Map::default(); FILES];
        for (source, target, count) in clones {
            model.clone(source, target, count);
            let pieces = maps[source.0].read(source.0, source.1, count);
            maps[target.0].write(&pieces, (source.1, target.1));
        }
        for (file, map) in maps.iter().enumerate() {
            prop_assert_eq!(map.labels(), set(&model.labels(file)));
            let nothing = HashSet::new();
            let ever = model.ever.get(&file).unwrap_or(&nothing);
            prop_assert_eq!(map.ever(), &set(ever));
            for (other, other_map) in maps.iter().enumerate() {
                let theirs = model.labels(other);
                let bytes = model.bytes.iter().filter(|((of, _), label)| *of == file && theirs.contains(label));
                prop_assert_eq!(map.bytes_in(&other_map.labels()), bytes.count() as u64);
                let common = model.labels(file).intersection(&theirs).count() as u64;
                prop_assert_eq!(map.labels().common(&other_map.labels()), common);
            }
        }
    }

    #[test]
    fn neighbours_are_joined(count in 1..50_u64) {
        let mut map = Map::default();
        for at in 0..count {
            map.read(0, at * 10, 10);
        }
        prop_assert_eq!(map.pieces.len(), 1);
    }
}

#[test]
fn the_last_byte_there_can_be_is_no_trouble() {
    let mut map = Map::default();
    let pieces = map.read(0, u64::MAX - 5, 100);
    assert_eq!(pieces.len(), 1);
    map.write(&pieces, (u64::MAX - 5, u64::MAX - 2));
    map.write(&pieces, (u64::MAX - 5, 0));
    assert_eq!(map.bytes_in(&map.labels()), 5 + 5);
}
