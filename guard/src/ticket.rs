//! The ticket of a request: how its end finds its record.
//!
//! A ticket travels in the completion context of the filter manager, a pointer-sized value that costs
//! no allocation. It is the place of the record among all that ever were, so that no ticket is ever
//! good twice. The 64th bit is the carrier's, the 63rd tells a ticket from a place in a summary.

use core::num::NonZeroU64;

// The completion context is pointer-sized, and the kernels that run this are 64-bit.
const _: () = assert!(usize::BITS == u64::BITS, "a ticket takes 63 bits");

/// What a ticket says instead of a place if there was no room for the record; places are below. It is
/// the largest value of 62 bits.
const LOST: u64 = u64::MAX >> 2;

/// How the end of a request finds its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(
    /// The position of the record, plus one; or [`LOST`]. Never more than that.
    NonZeroU64,
);

impl Ticket {
    /// A ticket for the record at a position; one for a lost record without a position.
    pub(crate) fn new(position: Option<u64>) -> Self {
        let place = position.and_then(|position| NonZeroU64::MIN.checked_add(position));
        Self(
            place
                .filter(|place| place.get() < LOST)
                .unwrap_or(LOST_PLACE),
        )
    }

    /// The position; `None` for a lost record.
    pub(crate) fn position(self) -> Option<u64> {
        let place = self.0.get();
        (place != LOST).then(|| place.wrapping_sub(1))
    }

    /// Whether there was no room for the record. Such a ticket is still to be completed, because the
    /// request is counted.
    #[must_use]
    pub const fn is_lost(self) -> bool {
        self.0.get() == LOST
    }

    /// The value to travel: at most 62 bits, and never zero.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "as wide as each other: asserted above"
    )]
    pub const fn into_raw(self) -> usize {
        self.0.get() as usize
    }

    /// The ticket of a value that has travelled; `None` if it is zero or more than 62 bits. Whether such
    /// a ticket was ever handed out is for the journal to say.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "as wide as each other: asserted above"
    )]
    pub const fn from_raw(raw: usize) -> Option<Self> {
        let raw = raw as u64;
        match NonZeroU64::new(raw) {
            Some(place) if raw <= LOST => Some(Self(place)),
            _ => None,
        }
    }
}

/// [`LOST`] as a place.
const LOST_PLACE: NonZeroU64 = match NonZeroU64::new(LOST) {
    Some(place) => place,
    None => NonZeroU64::MAX,
};
