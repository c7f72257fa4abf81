//! Many passed requests of one kind told together, when the policy asks for that.
//!
//! Requests are of one kind if process, token, users, mode, policy, volume and both directories are the
//! same (`passed.rs`). Those of one window share an entry of [`Summaries`], which counts how they end
//! (`flight.rs`) and becomes one record when the window is over and none is in flight. One that is in
//! flight for long holds back nothing: [`LATE_AFTER`] the window what has ended is told, and the rest
//! later. Every request is counted in exactly one summary, or has a record of its own:
//!
//! - What is no plain passed clone never comes here: [`crate::Draft::pass`] says so.
//! - Without room in the table or for the request in flight, [`Begun::Full`] sends it to the journal.
//! - A summary leaves the table only into the journal ([`Summaries::emit`]); without room there it stays,
//!   until the driver goes and the loss is counted ([`Summaries::give_up`]).
//!
//! The driver keeps a [`Summaries`] in a spin lock: nothing here waits or allocates, and names have been
//! copied out of paged memory before. A request whose source is to be looked at again when it ends may
//! turn out a finding, so it needs its own record; the caller must not bring it here.

mod flight;
mod passed;

pub use flight::{Flight, SummaryTicket};
pub use passed::Passed;

use crate::sync::AtomicU64;
use crate::{Journal, LATE_AFTER, Outcome, StaleTicket};
use core::marker::PhantomData;
use core::mem::take;
use flight::Flights;
use passed::Told;
use wire::LossClass;

/// Entries among which a kind of request may lie. One look at so many, and no more.
const WAYS: usize = 8;

/// A summary that is being made, or a free place for one. The caller allocates them.
#[derive(Debug)]
pub struct SummaryEntry<B>(Option<Entry<B>>);

#[derive(Debug)]
struct Entry<B> {
    first: Passed<B>,
    /// When the window is over, on the clock of [`crate::Requestor::started`].
    closes: u64,
    /// When it is told though requests are in flight.
    late: u64,
    in_flight: u32,
    told: Told,
}

/// Summaries of the requests that are in flight or that ended within the window.
///
/// # Invariants
///
/// A flight that is in use names an entry that is; each entry knows how many flights name it.
#[derive(Debug)]
pub struct Summaries<B, E, F> {
    entries: E,
    flights: Flights<F>,
    buffers: PhantomData<B>,
}

/// What became of a request that was to be told in a summary. `B` is a buffer that is the caller's again.
#[derive(Debug)]
pub enum Begun<B> {
    /// It opened a new summary.
    Opened(SummaryTicket),
    /// It joined one.
    Joined(SummaryTicket, B),
    /// There is no room: it needs a record of its own.
    Full(B),
}

/// What [`Summaries::emit`] did.
#[derive(Debug)]
pub enum Emitted<B> {
    /// A summary went into the journal. The buffer is the caller's again.
    Sent(B),
    /// What has ended of one went into the journal. The rest is still to be told.
    Part,
    /// There is one, and no room in the journal.
    NoRoom,
    /// There is none that could go.
    Nothing,
}

/// What [`Summaries::give_up`] did.
#[derive(Debug)]
pub enum GivenUp<B> {
    /// A summary went into the journal. The buffer is the caller's again.
    Sent(B),
    /// There was no room for it: it is gone, and counted as lost.
    Lost(B),
    /// There is none left.
    Nothing,
}

impl<B> Default for SummaryEntry<B> {
    fn default() -> Self {
        Self(None)
    }
}

impl<B, E, F> Summaries<B, E, F>
where
    B: AsRef<[u8]> + AsMut<[u8]>,
    E: AsRef<[SummaryEntry<B>]> + AsMut<[SummaryEntry<B>]>,
    F: AsRef<[Flight]> + AsMut<[Flight]>,
{
    /// An empty table. What the entries hold is dropped. Their number should be a multiple of eight; a
    /// rest is not used.
    pub fn new(mut entries: E, flights: F) -> Self {
        for entry in entries.as_mut() {
            entry.0 = None;
        }
        Self {
            entries,
            flights: Flights::new(flights),
            buffers: PhantomData,
        }
    }

    /// Takes a request in, and counts it in the journal as told in a summary. It must come back through
    /// [`Summaries::end`], exactly once.
    pub fn begin<S: AsRef<[AtomicU64]>>(
        &mut self,
        journal: &Journal<S>,
        request: Passed<B>,
    ) -> Begun<B> {
        let Some((index, is_new)) = self.place(&request) else {
            return Begun::Full(request.into_buffer());
        };
        let Some(ticket) = self.flights.open(index, &request) else {
            return Begun::Full(request.into_buffer());
        };
        journal.begin_summarised();
        if is_new {
            self.put(index, Entry::open(request));
            return Begun::Opened(ticket);
        }
        if let Some(entry) = self.entry(index) {
            entry.join(&request);
        }
        Begun::Joined(ticket, request.into_buffer())
    }

    /// Counts the end of a request. At any level.
    ///
    /// # Errors
    ///
    /// [`StaleTicket`] if no request in flight holds the ticket; nothing is changed then.
    pub fn end<S: AsRef<[AtomicU64]>>(
        &mut self,
        journal: &Journal<S>,
        ticket: SummaryTicket,
        outcome: &Outcome,
    ) -> Result<(), StaleTicket> {
        let flight = self.flights.close(ticket).ok_or(StaleTicket)?;
        if let Some(entry) = self.entry(flight.entry) {
            entry.in_flight = entry.in_flight.saturating_sub(1);
            entry.told.count(&flight, outcome);
        }
        journal.end_summarised(outcome);
        Ok(())
    }

    /// Puts one summary whose window is over into the journal, if nothing of it is in flight. If something
    /// is, [`LATE_AFTER`] that, what has ended; and again after as long, if more has ended.
    ///
    /// `now` is the time on the clock of [`crate::Requestor::started`]; its largest value means that every
    /// window is over for long.
    pub fn emit<S: AsRef<[AtomicU64]>>(&mut self, journal: &Journal<S>, now: u64) -> Emitted<B> {
        let mut entries = self.entries.as_mut().iter_mut();
        let due = entries.find(|place| place.0.as_ref().is_some_and(|entry| entry.is_due(now)));
        let Some(place) = due else {
            return Emitted::Nothing;
        };
        let Some(entry) = &mut place.0 else {
            return Emitted::Nothing;
        };
        if !journal.offer(LossClass::Routine, entry.record()) {
            return Emitted::NoRoom;
        }
        if entry.in_flight > 0 {
            entry.told = entry.told.rest();
            entry.late = now.saturating_add(LATE_AFTER);
            return Emitted::Part;
        }
        match take(place).0 {
            Some(entry) => Emitted::Sent(entry.first.into_buffer()),
            None => Emitted::Nothing,
        }
    }

    /// Takes one summary out of the table and puts it into the journal, or counts it as lost. For when
    /// nothing is in flight any more and nobody will ask again.
    pub fn give_up<S: AsRef<[AtomicU64]>>(&mut self, journal: &Journal<S>) -> GivenUp<B> {
        let mut entries = self.entries.as_mut().iter_mut();
        let Some(mut entry) = entries.find_map(|place| take(place).0) else {
            return GivenUp::Nothing;
        };
        let is_in = journal.note(LossClass::Routine, entry.record());
        let buffer = entry.first.into_buffer();
        if is_in {
            GivenUp::Sent(buffer)
        } else {
            GivenUp::Lost(buffer)
        }
    }

    /// How many summaries are being made.
    #[must_use]
    pub fn count(&self) -> usize {
        let entries = self.entries.as_ref().iter();
        entries.filter(|entry| entry.0.is_some()).count()
    }

    /// The entry for a request: the open one of its kind, or a free one.
    fn place(&self, request: &Passed<B>) -> Option<(usize, bool)> {
        let first = self.first_way(request.hash());
        let mut free = None;
        // By their indices: `enumerate` would leave a call to panic in the driver.
        for index in first..first.saturating_add(WAYS) {
            let Some(place) = self.entries.as_ref().get(index) else {
                break;
            };
            match &place.0 {
                Some(entry) if entry.takes(request) => return Some((index, false)),
                Some(_) => {}
                None => free = free.or(Some((index, true))),
            }
        }
        free
    }

    /// The first of the entries for a hash.
    fn first_way(&self, hash: u64) -> usize {
        let sets = self.entries.as_ref().len().checked_div(WAYS).unwrap_or(0);
        let set = u64::try_from(sets)
            .ok()
            .and_then(|sets| hash.checked_rem(sets));
        let set = set.and_then(|set| usize::try_from(set).ok());
        set.and_then(|set| set.checked_mul(WAYS)).unwrap_or(0)
    }

    fn entry(&mut self, index: usize) -> Option<&mut Entry<B>> {
        self.entries.as_mut().get_mut(index)?.0.as_mut()
    }

    fn put(&mut self, index: usize, entry: Entry<B>) {
        if let Some(place) = self.entries.as_mut().get_mut(index) {
            place.0 = Some(entry);
        }
    }
}

impl<B: AsRef<[u8]>> Entry<B> {
    fn open(first: Passed<B>) -> Self {
        Self {
            closes: first.closes(),
            late: first.closes().saturating_add(LATE_AFTER),
            in_flight: 1,
            told: Told::of(&first),
            first,
        }
    }

    /// Whether the request is of its kind and within its window. In what is over nobody joins, or a
    /// process that never rests would never be told of.
    fn takes(&self, request: &Passed<B>) -> bool {
        request.started() < self.closes && self.in_flight < u32::MAX && self.first.is_like(request)
    }

    /// Whether it is to be told now. Without anything new only of what is over there is nothing to tell.
    fn is_due(&self, now: u64) -> bool {
        let is_late = self.late <= now && self.told.is_news();
        self.closes <= now && (self.in_flight == 0 || is_late)
    }

    fn join(&mut self, request: &Passed<B>) {
        self.in_flight = self.in_flight.saturating_add(1);
        self.told.join(request);
    }
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Entry<B> {
    /// The record of what is to be told. Nobody joins any more, so it may say now what was counted.
    fn record(&mut self) -> &[u8] {
        self.told.put(self.in_flight, self.first.buffer_mut());
        self.first.buffer().as_ref()
    }
}
