//! Requests whose record left without their end: what the end needs is kept here until it comes.
//!
//! The one reader keeps, any number of ends take. An entry is its key and the first words of a record;
//! the key is the record's place plus one, or 0 in a free entry. Places are never used twice, so a key
//! that is still there after its words have been read belonged to them all the while.

use super::{PREFIX_WORDS, Prefix, WORD};
use crate::sync::{AtomicU64, Ordering};

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

    /// Keeps the first words of the record at `position`; `None` if no entry is free. For the reader only.
    pub(crate) fn keep(&self, position: u64, prefix: &Prefix) -> Option<Kept<'a>> {
        let (key, words) = self
            .entries()
            // Acquired, so that the words are not overwritten before their taker has read them.
            .find(|(key, _)| key.load(Ordering::Acquire) == 0)?;
        for (word, bytes) in words.iter().zip(prefix) {
            word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
        }
        key.store(position.checked_add(1)?, Ordering::Release);
        Some(Kept { key })
    }

    /// Takes what was kept of the record at `position`, which only one caller ever gets.
    ///
    /// `is_gone` is asked when the entry has been found, and says whether the record can no longer end
    /// where it lies: until the reader has won the record its entry is only prepared.
    pub(crate) fn take(&self, position: u64, is_gone: impl FnOnce() -> bool) -> Option<Prefix> {
        let wanted = position.checked_add(1)?;
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
