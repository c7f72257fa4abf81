//! The ticket of a request: how its end finds its record.
//!
//! A ticket travels in the completion context of the filter manager, a pointer-sized value that costs
//! no allocation. It is the place of the record among all that ever were, so that no ticket is ever
//! good twice, and whether the record is a finding: that is needed when the record itself is gone. The
//! 64th bit is the carrier's, the 63rd tells a ticket from a place in a summary.

use crate::ring::Place;
use core::num::NonZeroU64;
use wire::LossClass;

// The completion context is pointer-sized, and the kernels that run this are 64-bit.
const _: () = assert!(usize::BITS == u64::BITS, "a ticket takes 63 bits");

/// Set in the ticket of a finding.
const FINDING: u64 = 1 << 61;

/// What a ticket says instead of a place if there was no room for the record; places are below.
const LOST: u64 = FINDING - 1;

/// How the end of a request finds its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(
    /// The position of the record, plus one; or [`LOST`]. With [`FINDING`] or without; never only that.
    NonZeroU64,
);

impl Ticket {
    /// A ticket for the record of that class at a position; one for a lost record without a position.
    pub(crate) fn new(class: LossClass, position: Option<u64>) -> Self {
        let place = position.and_then(|position| NonZeroU64::MIN.checked_add(position));
        let place = place
            .filter(|place| place.get() < LOST)
            .unwrap_or(LOST_PLACE);
        Self(if class == LossClass::Routine {
            place
        } else {
            place | FINDING
        })
    }

    /// Where the record is; `None` for a lost one.
    pub(crate) const fn place(self) -> Option<Place> {
        if self.is_lost() {
            return None;
        }
        Some(Place {
            position: (self.0.get() & !FINDING).wrapping_sub(1),
            is_finding: self.is_finding(),
        })
    }

    /// Whether the record is more than routine.
    pub(crate) const fn is_finding(self) -> bool {
        self.0.get() & FINDING != 0
    }

    /// Whether there was no room for the record. Such a ticket is still to be completed, because the
    /// request is counted.
    #[must_use]
    pub const fn is_lost(self) -> bool {
        self.0.get() & !FINDING == LOST
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
            Some(place) if raw <= LOST | FINDING && raw != FINDING => Some(Self(place)),
            _ => None,
        }
    }
}

/// [`LOST`] as a place.
const LOST_PLACE: NonZeroU64 = match NonZeroU64::new(LOST) {
    Some(place) => place,
    None => NonZeroU64::MAX,
};
