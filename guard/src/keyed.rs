//! A map of bounded size from 64-bit keys, in storage of the caller's.
//!
//! [`Keyed`] is what a cache wants: looking up, putting in and taking out cost a few steps, nothing is allocated, and
//! when it is full a new entry takes the place of an old one. The driver keeps what it knows of processes in one.
//!
//! Open addressing: an entry lies in the slot that its key's hash names, its home, or in one after it with no free slot
//! between the two. Taking one out moves later entries up, so there are no tombstones.

use core::marker::PhantomData;

/// An entry, or none.
pub type KeyedSlot<V> = Option<(u64, V)>;

/// The map.
///
/// # Invariants
///
/// At least one slot is free, unless there is none. From the home of an entry to the entry no slot is free.
#[derive(Debug)]
pub struct Keyed<V, S> {
    slots: S,
    count: usize,
    values: PhantomData<V>,
}

impl<V, S> Keyed<V, S> {
    /// How many entries there are.
    pub const fn count(&self) -> usize {
        self.count
    }
}

impl<V, S: AsRef<[KeyedSlot<V>]> + AsMut<[KeyedSlot<V>]>> Keyed<V, S> {
    /// An empty map. What the slots hold is dropped. One in eight of them stays free.
    pub fn new(mut slots: S) -> Self {
        for slot in slots.as_mut() {
            *slot = None;
        }
        Self {
            slots,
            count: 0,
            values: PhantomData,
        }
    }

    /// What was put in under this key.
    pub fn get(&self, key: u64) -> Option<&V> {
        let slot = self.slots.as_ref().get(self.find(key)?)?;
        slot.as_ref().map(|(_, value)| value)
    }

    /// Puts a value in under a key, and answers with what had to go for it: the value that had this key, or an entry
    /// of another key if the map was full. A map of no use, with fewer than two slots, answers with the value itself.
    pub fn insert(&mut self, key: u64, value: V) -> Option<V> {
        if let Some(place) = self.find(key) {
            let slot = self.slots.as_mut().get_mut(place)?;
            return slot.replace((key, value)).map(|(_, value)| value);
        }
        let home = self.home(key);
        let gone = if self.count < self.most() {
            None
        } else {
            self.next(home, Option::is_some)
                .and_then(|place| self.take_out(place))
        };
        let free = self.next(home, Option::is_none);
        let room = free.filter(|_| self.most() > 0);
        let Some(slot) = room.and_then(|place| self.slots.as_mut().get_mut(place)) else {
            return Some(value);
        };
        *slot = Some((key, value));
        self.count = self.count.saturating_add(1);
        gone
    }

    /// Takes out what was put in under this key.
    pub fn remove(&mut self, key: u64) -> Option<V> {
        let place = self.find(key)?;
        self.take_out(place)
    }

    /// How many entries there may be: seven in eight of the slots, and never all.
    fn most(&self) -> usize {
        let slots = self.slots.as_ref().len();
        let reserve = slots.checked_div(8).unwrap_or(0).max(1);
        slots.saturating_sub(reserve)
    }

    /// Where the entry with this key lies.
    fn find(&self, key: u64) -> Option<usize> {
        let place = self.next(self.home(key), |slot| {
            slot.as_ref().is_none_or(|(other, _)| *other == key)
        })?;
        self.slots.as_ref().get(place)?.as_ref().map(|_| place)
    }

    /// The slot in which the search for a key begins. Keys that follow each other get slots that do not: the factor
    /// is that of Fibonacci hashing, 2^64 divided by the golden ratio.
    fn home(&self, key: u64) -> usize {
        let mixed = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32_u32;
        let slots = self.slots.as_ref().len();
        let hash = usize::try_from(mixed).unwrap_or(0);
        hash.checked_rem(slots).unwrap_or(0)
    }

    /// The first slot from `start` on, and round the end, that is as wanted.
    fn next(&self, start: usize, wanted: impl Fn(&KeyedSlot<V>) -> bool) -> Option<usize> {
        let slots = self.slots.as_ref();
        let (before, behind) = slots.split_at_checked(start)?;
        let found = behind.iter().position(&wanted);
        match found {
            Some(distance) => start.checked_add(distance),
            None => before.iter().position(&wanted),
        }
    }

    /// Empties a slot, and moves up every entry behind it that the free slot would part from its home.
    fn take_out(&mut self, place: usize) -> Option<V> {
        let (_, value) = self.slots.as_mut().get_mut(place)?.take()?;
        self.count = self.count.saturating_sub(1);
        let mut hole = place;
        let mut place = self.after(hole);
        while let Some(Some((key, _))) = self.slots.as_ref().get(place) {
            if self.distance(self.home(*key), place) >= self.distance(hole, place) {
                // Not `swap`, which would leave a call to panic in the driver.
                let entry = self.slots.as_mut().get_mut(place)?.take();
                *self.slots.as_mut().get_mut(hole)? = entry;
                hole = place;
            }
            place = self.after(place);
        }
        Some(value)
    }

    fn after(&self, place: usize) -> usize {
        let next = place.saturating_add(1);
        if next < self.slots.as_ref().len() {
            next
        } else {
            0
        }
    }

    /// How many steps it is from one slot forward to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        let round = if to < from {
            self.slots.as_ref().len()
        } else {
            0
        };
        to.saturating_add(round).saturating_sub(from)
    }
}
