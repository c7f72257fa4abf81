//! The ring of records: many producers, one reader, and no lock between them.
//!
//! The storage is words of atomics in cells of 64 bytes. A cell has a number that only ever rises, its
//! *position*; where it lies is its position modulo the number of cells, and a record that reaches the
//! end of the storage goes on at its start. What a producer does, at any level and on any processor:
//!
//! 1. It reads how many records were lost so far.
//! 2. It moves [`Ring::tail`] over the cells it needs, by compare-and-swap. No value of the tail comes
//!    twice, so the swap fails if anything happened since it was read.
//! 3. It writes the record and, into it, what it read in step 1.
//! 4. It publishes the tag of the first cell (`tag.rs`), releasing what it wrote.
//!
//! The end of a request changes the first words of its record and publishes the tag again. The reader
//! walks the tags from [`Ring::head`] on, numbers the records as it goes ([`Cursor`]), zeroes the tags
//! of what it gives back, and moves the head, releasing that.
//!
//! A record that is not published yet holds back the reader, never a producer. So the caller must not
//! be stopped between the steps: the driver runs them at `DISPATCH_LEVEL`, where no program can have it
//! suspended.
//!
//! A record whose request takes too long is taken over by the reader (`late.rs`). Who gets it, the end
//! or the reader, is decided by one compare-and-swap of its tag. Without room to keep what the end will
//! need it is taken over all the same, so that no request can hold back the records of others.

mod cursor;
#[cfg(all(test, loom))]
mod interleavings;
mod late;
mod losses;
mod storage;
mod tag;

pub(crate) use cursor::{Cursor, Found};
pub(crate) use losses::LossTable;

use crate::sync::{ATTEMPTS, AtomicU64, Ordering};
use late::{LateTable, Unkept};
use losses::Losses;
use storage::Layout;
use tag::{LENGTH_MAX, State, Tag};
use wire::{LossCause, LossClass};

/// Bytes of a word.
pub(crate) const WORD: usize = 8;
/// Words of a cell.
const CELL_WORDS: usize = 8;
/// Words of the head of a record.
const HEAD_WORDS: usize = 6;
/// Words at the start of a record that the end of its request may change.
pub(crate) const PREFIX_WORDS: usize = 11;
/// The word of a record that holds the losses before it: all of them while it is in the ring.
pub(crate) const LOST_WORD: usize = 3;
/// The word that joins the records about one request.
pub(crate) const REQUEST_WORD: usize = 5;
/// The word that holds when a request was decided, until it ends.
pub(crate) const STARTED_WORD: usize = 8;

/// Words of a record as bytes.
pub(crate) type Words = [[u8; WORD]];
/// The first words of a record.
pub(crate) type Prefix = [[u8; WORD]; PREFIX_WORDS];

/// What becomes of a record that is put into the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is of a request, whose end is still to come.
    Open,
    /// It is whole.
    Whole,
    /// Likewise, and the only one about its request, which it gives a number.
    Alone,
}

/// Where the record of a request lies, among all that ever were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its position.
    pub(crate) position: u64,
    /// Whether it is more than routine.
    pub(crate) is_finding: bool,
}

/// Where the end of a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Into its record.
    InPlace,
    /// Nowhere: the record has been taken over. These are its first words, changed by the end.
    Late(Prefix),
    /// Nowhere either, and there was no room to keep them.
    Unkept,
}

/// How much is in the ring, and how much was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stock {
    /// Records that the reader has given back.
    pub(crate) delivered: u64,
    /// Records that were lost.
    pub(crate) losses: LossTable,
    /// Records that were taken in, `delivered` ones included.
    pub(crate) records: u64,
}

/// Records in the order of their positions.
///
/// # Invariants
///
/// `head <= tail <= head + cells`, at every instant. A tag other than zero is that of a record between
/// them. Cells between them belong to the producer of their record until its tag is published, to the
/// end of its request while the tag says so, and to the reader otherwise; all others to nobody.
#[derive(Debug)]
pub(crate) struct Ring<S> {
    storage: S,
    layout: Layout,
    /// Position behind the newest record. Producers move it.
    tail: Line<AtomicU64>,
    /// Position of the oldest record. The reader moves it.
    head: Line<AtomicU64>,
    /// Records that were ever taken in.
    records: Line<AtomicU64>,
    /// Records that were given back.
    delivered: AtomicU64,
    losses: Losses,
    /// Requests in flight whose record was taken over without room to keep what their end needs.
    unkept: Unkept,
}

/// A value with cache lines of its own, so that processors that use its neighbours do not wait for it.
/// 128 bytes, because x86-64 processors fetch lines in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Line<T>(T);

impl<S: AsRef<[AtomicU64]>> Ring<S> {
    /// An empty ring in the storage given, whatever that holds; `None` if there is not even a cell.
    pub(crate) fn new(storage: S) -> Option<Self> {
        let layout = Layout::of(storage.as_ref().len())?;
        for word in storage.as_ref() {
            word.store(0, Ordering::Relaxed);
        }
        Some(Self {
            storage,
            layout,
            tail: Line(AtomicU64::new(0)),
            head: Line(AtomicU64::new(0)),
            records: Line(AtomicU64::new(0)),
            delivered: AtomicU64::new(0),
            losses: Losses::new(),
            unkept: Unkept::new(),
        })
    }

    /// Takes a record in and answers with its position; counts it as lost if there is no room.
    pub(crate) fn push(&self, record: &Words, class: LossClass, arrival: Arrival) -> Option<u64> {
        let placed = self.place(record, class, arrival);
        placed
            .inspect_err(|cause| self.losses.add(class, *cause))
            .ok()
    }

    /// Takes a whole record in if there is room; otherwise nothing happens.
    pub(crate) fn offer(&self, record: &Words, class: LossClass) -> bool {
        self.place(record, class, Arrival::Whole).is_ok()
    }

    /// Counts a record that cannot be written.
    pub(crate) fn lose(&self, class: LossClass, cause: LossCause) {
        self.losses.add(class, cause);
    }

    fn place(&self, record: &Words, class: LossClass, arrival: Arrival) -> Result<u64, LossCause> {
        let length = u64::try_from(record.len()).map_err(|_| LossCause::Fault)?;
        let least = match arrival {
            Arrival::Open => PREFIX_WORDS,
            Arrival::Whole | Arrival::Alone => HEAD_WORDS,
        };
        if record.len() < least || length > LENGTH_MAX {
            return Err(LossCause::Fault);
        }
        let parts = self
            .layout
            .parts(self.storage.as_ref())
            .ok_or(LossCause::Fault)?;
        // Before the swap, so that what was lost before it began lies below the number of this record.
        let lost = self.losses.total();
        let position = self.claim(storage::cells_of(length), class)?;
        // Before the tag is published, so that whoever has seen the record sees it counted.
        self.records.0.fetch_add(1, Ordering::Relaxed);
        let (place, span) = parts.cell(position).ok_or(LossCause::Fault)?;
        span.store(record);
        span.put(LOST_WORD, lost);
        if arrival != Arrival::Whole {
            span.put(REQUEST_WORD, request_of(position));
        }
        let tag = Tag {
            position,
            length,
            state: match arrival {
                Arrival::Open => State::Pending,
                Arrival::Whole | Arrival::Alone => State::Committed,
            },
            is_finding: class != LossClass::Routine,
        };
        place.store(tag.pack(), Ordering::Release);
        Ok(position)
    }

    /// Moves the tail over `cells` and answers with the first.
    fn claim(&self, cells: u64, class: LossClass) -> Result<u64, LossCause> {
        let limit = self.layout.limit(class);
        // Before the head: what looks full now was full when the head was read.
        let mut tail = self.tail.0.load(Ordering::Acquire);
        for _ in 0..ATTEMPTS {
            let head = self.head.0.load(Ordering::Acquire);
            let Some(used) = tail.checked_sub(head) else {
                // The head was moved past this tail since, by a reader that saw a later one.
                tail = self.tail.0.load(Ordering::Acquire);
                continue;
            };
            let after = used.saturating_add(cells);
            if after > self.layout.cells {
                return Err(LossCause::Full);
            }
            if after > limit {
                return Err(LossCause::Quota);
            }
            let next = tail.checked_add(cells).ok_or(LossCause::Fault)?;
            match self.tail.0.compare_exchange_weak(
                tail,
                next,
                Ordering::Relaxed,
                Ordering::Acquire,
            ) {
                Ok(position) => return Ok(position),
                Err(now) => tail = now,
            }
        }
        Err(LossCause::Fault)
    }

    /// Lets `change` write the end of a request into its record; `None`, with nothing changed, if no
    /// request at that place is open. Once a record is gone of which nothing was kept there is nothing to
    /// compare a place with: then only one too many is noticed.
    pub(crate) fn end(&self, place: Place, change: impl FnOnce(&mut Prefix)) -> Option<Ended> {
        let parts = self.layout.parts(self.storage.as_ref())?;
        let position = place.position;
        let (at, span) = parts.cell(position)?;
        let look = || Tag::read(at.load(Ordering::Acquire), position);
        let is = |tag: &Tag, state| tag.state == state && tag.is_finding == place.is_finding;
        if let Some(tag) = look().filter(|tag| is(tag, State::Pending)) {
            let ending = tag.with(State::Ending).pack();
            let swap =
                at.compare_exchange(tag.pack(), ending, Ordering::Acquire, Ordering::Acquire);
            if swap.is_ok() {
                let mut prefix = span.prefix();
                change(&mut prefix);
                span.put_prefix(&prefix);
                at.store(tag.with(State::Committed).pack(), Ordering::Release);
                return Some(Ended::InPlace);
            }
        }
        let is_gone = || look().is_none_or(|tag| is(&tag, State::Late));
        if let Some(mut prefix) = LateTable::new(parts.late).take(place, is_gone) {
            change(&mut prefix);
            return Some(Ended::Late(prefix));
        }
        let was_taken_in = position < self.tail.0.load(Ordering::Relaxed);
        (was_taken_in && is_gone() && self.unkept.take(place.is_finding)).then_some(Ended::Unkept)
    }

    /// The counts of one moment: that at which a producer stands between reading the losses and taking
    /// its place. So the records and losses together are the number just below that of a record which
    /// this thread would put in now, and no more has been delivered than was taken in.
    pub(crate) fn stock(&self) -> Stock {
        let delivered = self.delivered.load(Ordering::Acquire);
        let losses = self.losses.table();
        let records = self.records.0.load(Ordering::Acquire);
        Stock {
            delivered,
            losses,
            records,
        }
    }

    /// Cells in use and cells in all.
    pub(crate) fn usage(&self) -> (u64, u64) {
        // The head first: it is never beyond a tail that is read later.
        let head = self.head.0.load(Ordering::Acquire);
        let tail = self.tail.0.load(Ordering::Acquire);
        (
            tail.saturating_sub(head).min(self.layout.cells),
            self.layout.cells,
        )
    }

    /// Whether a record of so many words would fit now.
    pub(crate) fn has_room(&self, length: usize, class: LossClass) -> bool {
        let cells = u64::try_from(length).map_or(u64::MAX, storage::cells_of);
        let (used, _) = self.usage();
        used.saturating_add(cells) <= self.layout.limit(class)
    }
}

/// The number of the request whose record lies at `position`: unique within a load, and never 0.
pub(crate) const fn request_of(position: u64) -> u64 {
    position.saturating_add(1)
}
