//! Requests whose record left without their end: what the end needs is kept here until it comes.
//!
//! The one reader keeps, any number of ends take. An entry is its key and the first words of a record;
//! the key is the record's place, or 0 in a free entry. Places are never used twice, so a key
//! that is still there after its words have been read belonged to them all the while.
//!
//! A request for which no entry was free is only counted ([`Unkept`]): its end finds nothing.

use super::{PREFIX_WORDS, Place, Prefix, WORD};
use crate::sync::{AtomicU64, Ordering, take_one};

/// Words of an entry.
pub(crate) const ENTRY_WORDS: usize = 1 + PREFIX_WORDS;

/// The entries, in the storage of the ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LateTable<'a> {
    words: &'a [AtomicU64],
}

impl<'a> LateTable<'a> {
    pub(crate) const fn new(words: &'a [AtomicU64]) -> Self {
        Self { words }
    }

    /// Keeps the first words of the record at a place; `None` if no entry is free. For the reader only.
    pub(crate) fn keep(&self, place: Place, prefix: &Prefix) -> Option<Kept<'a>> {
        let (key, words) = self
            .entries()
            // Acquired, so that the words are not overwritten before their taker has read them.
            .find(|(key, _)| key.load(Ordering::Acquire) == 0)?;
        for (word, bytes) in words.iter().zip(prefix) {
            word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
        }
        key.store(key_of(place), Ordering::Release);
        Some(Kept { key })
    }

    /// Takes what was kept of the record at a place, which only one caller ever gets.
    ///
    /// `is_gone` is asked when the entry has been found, and says whether the record can no longer end
    /// where it lies: until the reader has won the record its entry is only prepared.
    pub(crate) fn take(&self, place: Place, is_gone: impl FnOnce() -> bool) -> Option<Prefix> {
        let wanted = key_of(place);
        let (key, words) = self
            .entries()
            .find(|(key, _)| key.load(Ordering::Acquire) == wanted)?;
        if !is_gone() {
            return None;
        }
        let mut prefix = [[0; WORD]; PREFIX_WORDS];
        for (bytes, word) in prefix.iter_mut().zip(words) {
            *bytes = word.load(Ordering::Relaxed).to_le_bytes();
        }
        key.compare_exchange(wanted, 0, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
            .then_some(prefix)
    }

    fn entries(&self) -> impl Iterator<Item = (&'a AtomicU64, &'a [AtomicU64])> + use<'a> {
        self.words
            .chunks_exact(ENTRY_WORDS)
            .filter_map(<[AtomicU64]>::split_first)
    }
}

/// The key of an entry: odd for routine records, even for findings, and never 0.
const fn key_of(place: Place) -> u64 {
    let key = (place.position << 1) | 1;
    if place.is_finding {
        key.saturating_add(1)
    } else {
        key
    }
}

/// Requests whose record left without their end, and of which nothing is kept.
#[derive(Debug)]
pub(crate) struct Unkept {
    routine: AtomicU64,
    findings: AtomicU64,
}

impl Unkept {
    pub(crate) fn new() -> Self {
        Self {
            routine: AtomicU64::new(0),
            findings: AtomicU64::new(0),
        }
    }

    /// One more. Before its record is taken over, so that its end, which sees that, sees it counted.
    pub(crate) fn add(&self, is_finding: bool) {
        self.of(is_finding).fetch_add(1, Ordering::Relaxed);
    }

    /// One of them has ended; `false` if there is none.
    pub(crate) fn take(&self, is_finding: bool) -> bool {
        take_one(self.of(is_finding))
    }

    /// The end of one came first. If a ticket too many has taken it meanwhile there is nothing left to
    /// take back.
    pub(crate) fn take_back(&self, is_finding: bool) {
        let _was_there = self.take(is_finding);
    }

    const fn of(&self, is_finding: bool) -> &AtomicU64 {
        if is_finding {
            &self.findings
        } else {
            &self.routine
        }
    }
}

/// An entry that the reader has prepared.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    key: &'a AtomicU64,
}

impl Kept<'_> {
    /// Frees it again: the end of the request came first.
    pub(crate) fn drop_again(self) {
        self.key.store(0, Ordering::Release);
    }
}
