//! Requests in flight that a summary will tell of: what their end needs, found by a number.

use super::Passed;

// The completion context is pointer-sized, and the kernels that run this are 64-bit.
const _: () = assert!(usize::BITS == u64::BITS, "a ticket takes 63 bits");

/// What tells such a ticket from one of the journal.
const MARK: u64 = 1 << 62;
/// Bits of the index of a flight.
const INDEX_BITS: u32 = 20;
/// The largest index.
const INDEX_MAX: u64 = (1 << INDEX_BITS) - 1;
/// The largest serial number: 42 bits, centuries of a thousand requests a second.
const SERIAL_MAX: u64 = (MARK - 1) >> INDEX_BITS;

/// How the end of a request finds its summary. It travels like a [`crate::Ticket`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SummaryTicket {
    /// Number of the request among all that were ever summarised; at most [`SERIAL_MAX`].
    serial: u64,
    /// Index of its flight; at most [`INDEX_MAX`].
    index: u64,
}

/// A request in flight, or room for one. The caller allocates them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flight {
    /// Number of the request; 0 if there is none.
    serial: u64,
    /// Its summary.
    pub(super) entry: usize,
    /// Bytes that it is about.
    pub(super) byte_count: u64,
    /// When it was decided.
    pub(super) started: u64,
    /// Of a free one: index of the next, plus one; or 0.
    next_free: usize,
}

/// All of them.
///
/// # Invariants
///
/// Those not in use are a list from `free` on.
#[derive(Debug)]
pub(super) struct Flights<F> {
    places: F,
    /// Index of the first free one, plus one; or 0.
    free: usize,
    /// The number of the last request.
    serial: u64,
}

impl SummaryTicket {
    /// The value to travel: 63 bits of which the highest is set.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "as wide as each other: asserted above"
    )]
    pub const fn into_raw(self) -> usize {
        (MARK | self.serial << INDEX_BITS | self.index) as usize
    }

    /// The ticket of a value that has travelled; `None` if it is one of the journal or none at all.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "as wide as each other: asserted above"
    )]
    pub const fn from_raw(raw: usize) -> Option<Self> {
        let raw = raw as u64;
        if raw & !(MARK - 1) != MARK {
            return None;
        }
        Some(Self {
            serial: (raw & (MARK - 1)) >> INDEX_BITS,
            index: raw & INDEX_MAX,
        })
    }
}

impl<F: AsRef<[Flight]> + AsMut<[Flight]>> Flights<F> {
    /// All of them free.
    pub(super) fn new(mut places: F) -> Self {
        let count = places.as_mut().len();
        // Each names the one behind it, the last none.
        for (place, behind) in places.as_mut().iter_mut().zip(2_usize..) {
            *place = Flight {
                next_free: if behind > count { 0 } else { behind },
                ..Flight::default()
            };
        }
        Self {
            places,
            free: count.min(1),
            serial: 0,
        }
    }

    /// Keeps what the end of a request will need; `None` if there is no room.
    pub(super) fn open<B>(&mut self, entry: usize, request: &Passed<B>) -> Option<SummaryTicket> {
        let index = self.free.checked_sub(1)?;
        let ticket = SummaryTicket {
            serial: self.serial.checked_add(1)?,
            index: u64::try_from(index).ok()?,
        };
        if ticket.serial > SERIAL_MAX || ticket.index > INDEX_MAX {
            return None;
        }
        let place = self.places.as_mut().get_mut(index)?;
        self.free = place.next_free;
        self.serial = ticket.serial;
        *place = Flight {
            serial: ticket.serial,
            entry,
            byte_count: request.byte_count(),
            started: request.started(),
            next_free: 0,
        };
        Some(ticket)
    }

    /// Takes it out again; `None` if no request in flight holds the ticket.
    pub(super) fn close(&mut self, ticket: SummaryTicket) -> Option<Flight> {
        let index = usize::try_from(ticket.index).ok()?;
        let place = self.places.as_mut().get_mut(index)?;
        if ticket.serial == 0 || place.serial != ticket.serial {
            return None;
        }
        let flight = *place;
        *place = Flight {
            next_free: self.free,
            ..Flight::default()
        };
        self.free = index.checked_add(1)?;
        Some(flight)
    }
}
