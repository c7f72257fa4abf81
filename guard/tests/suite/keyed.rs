//! The bounded map: what a map does, as long as there is room.

use std::collections::BTreeMap;

use guard::{Keyed, KeyedSlot};
use proptest::prelude::*;

type Map = Keyed<u32, Vec<KeyedSlot<u32>>>;

fn map(slots: usize) -> Map {
    Keyed::new((0..slots).map(|_| None).collect())
}

/// How many entries a map of so many slots takes.
fn most(slots: usize) -> usize {
    slots - (slots / 8).max(1)
}

/// Every entry is found, and nothing else is there.
fn assert_same(map: &Map, model: &BTreeMap<u64, u32>) {
    assert_eq!(map.count(), model.len());
    for key in 0..40 {
        assert_eq!(map.get(key), model.get(&key), "{key}");
    }
}

#[test]
fn a_full_map_lets_one_go_for_each_new_one() {
    let mut map = map(16);
    for key in 0..14 {
        assert_eq!(map.insert(key, 1), None, "{key}");
    }
    for key in 14..1000 {
        assert_eq!(map.insert(key, 1), Some(1), "{key}");
        assert_eq!((map.get(key), map.count()), (Some(&1), 14));
    }
}

#[test]
fn a_map_without_room_gives_the_value_back() {
    for slots in 0..2 {
        let mut map = map(slots);
        let given = (map.insert(7, 1), map.get(7).copied(), map.count());
        assert_eq!(given, (Some(1), None, 0));
        assert_eq!(map.remove(7), None);
    }
}

proptest! {
    /// Few keys in few slots: chains grow, part and wrap round.
    #[test]
    fn it_does_what_a_map_does(
        slots in 2_usize..24,
        steps in prop::collection::vec((0_u64..40, any::<bool>(), any::<u32>()), 0..200),
    ) {
        let (mut map, mut model) = (map(slots), BTreeMap::new());
        for (key, puts_in, value) in steps {
            if !puts_in {
                prop_assert_eq!(map.remove(key), model.remove(&key));
            } else if model.contains_key(&key) || model.len() < most(slots) {
                prop_assert_eq!(map.insert(key, value), model.insert(key, value));
            } else {
                let gone = map.insert(key, value);
                let missing: Vec<u64> = model.keys().copied().filter(|key| map.get(*key).is_none()).collect();
                prop_assert_eq!(missing.len(), 1, "one has made room");
                prop_assert_eq!(model.remove(&missing[0]), gone);
                model.insert(key, value);
            }
            assert_same(&map, &model);
        }
    }
}
