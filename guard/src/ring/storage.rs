//! How the words of the storage are shared out: tags, cells, the table of late requests.

use super::late::ENTRY_WORDS;
use super::{CELL_WORDS, PREFIX_WORDS, Prefix, WORD, Words};
use crate::sync::{AtomicU64, Ordering};
use wire::LossClass;

/// Cells for which there is one entry in the table of late requests, and one more in all. A request's
/// record takes about 15 cells, so of a quarter of the requests that fit the ring it can be kept at a time
/// what their late end needs. Of more nothing is kept, and their end is counted as lost.
const CELLS_PER_ENTRY: usize = 64;
/// Words of so many cells, their tags and their entry.
const GROUP_WORDS: usize = CELLS_PER_ENTRY * (CELL_WORDS + 1) + ENTRY_WORDS;

/// How many of each there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Cells, each with a tag.
    pub(crate) cells: u64,
    /// The same, to index with.
    tags: usize,
    /// Words of the cells.
    words: usize,
    /// Words of the table.
    late: usize,
    /// Cells that routine records may fill.
    routine: u64,
    /// Cells that these and what the driver says of itself may fill.
    state: u64,
}

/// The storage, shared out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    tags: &'a [AtomicU64],
    words: &'a [AtomicU64],
    pub(crate) late: &'a [AtomicU64],
}

/// The words of a record: those up to the end of the cells, and those that go on at their start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span<'a> {
    first: &'a [AtomicU64],
    rest: &'a [AtomicU64],
}

impl Layout {
    /// The largest that fits so many words; `None` if that is none at all.
    pub(crate) fn of(words: usize) -> Option<Self> {
        // The group that is begun needs its entry too.
        let shared = words.checked_sub(ENTRY_WORDS)?;
        let tags = shared
            .checked_mul(CELLS_PER_ENTRY)?
            .checked_div(GROUP_WORDS)
            .filter(|tags| *tags > 0)?;
        let entries = tags.checked_div(CELLS_PER_ENTRY)?.checked_add(1)?;
        let cells = u64::try_from(tags).ok()?;
        Some(Self {
            cells,
            tags,
            words: tags.checked_mul(CELL_WORDS)?,
            late: entries.checked_mul(ENTRY_WORDS)?,
            routine: cells.checked_sub(cells.div_ceil(4))?,
            state: cells.checked_sub(cells.div_ceil(8))?,
        })
    }

    /// How many cells may be in use with a record of that class in: routine records leave a quarter to
    /// the others, and those an eighth to findings.
    pub(crate) const fn limit(&self, class: LossClass) -> u64 {
        match class {
            LossClass::Routine => self.routine,
            LossClass::State | LossClass::Unknown(_) => self.state,
            LossClass::Finding => self.cells,
        }
    }

    /// The storage, shared out; `None` if it is another one than was measured.
    pub(crate) fn parts<'a>(&self, storage: &'a [AtomicU64]) -> Option<Parts<'a>> {
        let (tags, rest) = storage.split_at_checked(self.tags)?;
        let (words, rest) = rest.split_at_checked(self.words)?;
        let late = rest.get(..self.late)?;
        Some(Parts { tags, words, late })
    }
}

impl<'a> Parts<'a> {
    /// The tag of a cell.
    pub(crate) fn tag(&self, position: u64) -> Option<&'a AtomicU64> {
        self.tags.get(self.index(position)?)
    }

    /// The words from the cell at `position` on.
    pub(crate) fn span(&self, position: u64) -> Span<'a> {
        let index = self.index(position);
        index.map_or_else(Span::default, |index| self.span_at(index))
    }

    /// Both; found together, because the division by the number of cells is the slowest part of it.
    pub(crate) fn cell(&self, position: u64) -> Option<(&'a AtomicU64, Span<'a>)> {
        let index = self.index(position)?;
        Some((self.tags.get(index)?, self.span_at(index)))
    }

    fn span_at(&self, index: usize) -> Span<'a> {
        let first = index.checked_mul(CELL_WORDS);
        let (rest, first) = first
            .and_then(|first| self.words.split_at_checked(first))
            .unwrap_or_default();
        Span { first, rest }
    }

    /// Where a cell lies.
    fn index(&self, position: u64) -> Option<usize> {
        let cells = u64::try_from(self.tags.len()).ok()?;
        usize::try_from(position.checked_rem(cells)?).ok()
    }
}

impl Span<'_> {
    /// Stores the first words.
    pub(crate) fn store(&self, record: &Words) {
        let (here, there) = record
            .split_at_checked(self.first.len())
            .unwrap_or((record, &[]));
        store(self.first, here);
        store(self.rest, there);
    }

    /// Loads the first words.
    pub(crate) fn load(&self, record: &mut Words) {
        let length = self.first.len().min(record.len());
        let Some((here, there)) = record.split_at_mut_checked(length) else {
            return;
        };
        for (places, words) in [(self.first, here), (self.rest, there)] {
            for (place, word) in places.iter().zip(words) {
                *word = place.load(Ordering::Relaxed).to_le_bytes();
            }
        }
    }

    /// The words that the end of a request may change.
    #[inline(always)]
    pub(crate) fn prefix(&self) -> Prefix {
        if let Some(places) = self.first.first_chunk::<PREFIX_WORDS>() {
            return places
                .each_ref()
                .map(|place| place.load(Ordering::Relaxed).to_le_bytes());
        }
        let mut prefix = [[0; WORD]; PREFIX_WORDS];
        self.load(&mut prefix);
        prefix
    }

    /// Stores them again.
    #[inline(always)]
    pub(crate) fn put_prefix(&self, prefix: &Prefix) {
        match self.first.first_chunk::<PREFIX_WORDS>() {
            Some(places) => {
                for (place, word) in places.iter().zip(prefix) {
                    place.store(u64::from_le_bytes(*word), Ordering::Relaxed);
                }
            }
            None => self.store(prefix),
        }
    }

    /// Stores one word.
    pub(crate) fn put(&self, word: usize, value: u64) {
        if let Some(place) = self.word(word) {
            place.store(value, Ordering::Relaxed);
        }
    }

    /// Loads one word.
    pub(crate) fn get(&self, word: usize) -> u64 {
        self.word(word)
            .map_or(0, |place| place.load(Ordering::Relaxed))
    }

    fn word(&self, word: usize) -> Option<&AtomicU64> {
        let behind = || self.rest.get(word.checked_sub(self.first.len())?);
        self.first.get(word).or_else(behind)
    }
}

/// Stores words, many at a time: over arrays of one length the compiler needs no loop inside.
fn store(places: &[AtomicU64], words: &Words) {
    let (places, words) = store_by::<32>(places, words);
    let (places, words) = store_by::<CELL_WORDS>(places, words);
    store_by::<1>(places, words);
}

/// Stores as many whole groups of `N` words as there are, and answers with what is left.
#[inline(always)]
fn store_by<'p, 'w, const N: usize>(
    places: &'p [AtomicU64],
    words: &'w Words,
) -> (&'p [AtomicU64], &'w Words) {
    let (groups, begun) = words.as_chunks::<N>();
    let Some((places, free)) = places.split_at_checked(groups.as_flattened().len()) else {
        return (&[], &[]);
    };
    for (places, group) in places.as_chunks::<N>().0.iter().zip(groups) {
        for (place, word) in places.iter().zip(group) {
            place.store(u64::from_le_bytes(*word), Ordering::Relaxed);
        }
    }
    (free, begun)
}

/// Cells that a record of so many words takes.
pub(crate) const fn cells_of(length: u64) -> u64 {
    length.div_ceil(8)
}
