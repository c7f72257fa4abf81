//! The ticket of a request: how its end finds its record.
//!
//! A ticket travels in the completion context of the filter manager, a pointer-sized value that
//! costs no allocation: 31 bits of place and the low 32 bits of the sequence number. The 64th bit is
//! the carrier's.

use core::num::NonZeroU32;

// The completion context is pointer-sized, and the kernels that run this are 64-bit.
const _: () = assert!(usize::BITS == 64, "a ticket takes 63 bits");

/// Bits of a place.
const PLACE_BITS: u32 = 31;
/// The highest place, which stands for "no room for the record".
const LOST: NonZeroU32 = match NonZeroU32::new(u32::MAX >> (u32::BITS - PLACE_BITS)) {
    Some(place) => place,
    None => NonZeroU32::MAX,
};

/// How the end of a request finds its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Slot of the record, plus one; or [`LOST`]. Never more than that.
    place: NonZeroU32,
    /// Low half of the sequence number.
    sequence_low: u32,
}

impl Ticket {
    /// A ticket for a record in a slot; `None` if the slot's number is too large.
    pub(crate) fn new(slot: u32, sequence: u64) -> Option<Self> {
        let place = NonZeroU32::MIN.checked_add(slot)?;
        (place < LOST).then_some(Self {
            place,
            sequence_low: low_half(sequence),
        })
    }

    /// A ticket for a request whose record was lost.
    pub(crate) const fn lost(sequence: u64) -> Self {
        Self {
            place: LOST,
            sequence_low: low_half(sequence),
        }
    }

    /// The slot; `None` for a lost record.
    pub(crate) fn slot(self) -> Option<u32> {
        (self.place != LOST).then(|| self.place.get().wrapping_sub(1))
    }

    /// Whether the ticket was made for this sequence number.
    pub(crate) const fn is_for(self, sequence: u64) -> bool {
        self.sequence_low == low_half(sequence)
    }

    /// Whether there was no room for the record. Such a ticket is still to be completed, because
    /// the request is counted.
    #[must_use]
    pub fn is_lost(self) -> bool {
        self.place == LOST
    }

    /// The value to travel: 63 bits, and never zero.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "u32 to usize, which has 64 bits: asserted above"
    )]
    pub const fn into_raw(self) -> usize {
        ((self.sequence_low as usize) << PLACE_BITS) | self.place.get() as usize
    }

    /// The ticket of a value that has travelled; `None` if its place is zero, or its 64th bit is set. Whether
    /// such a ticket was ever handed out is for the journal to say.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "both halves are cut on purpose; `From` is not const"
    )]
    pub const fn from_raw(raw: usize) -> Option<Self> {
        if raw.leading_zeros() == 0 {
            return None;
        }
        match NonZeroU32::new(raw as u32 & LOST.get()) {
            Some(place) => Some(Self {
                place,
                sequence_low: (raw >> PLACE_BITS) as u32,
            }),
            None => None,
        }
    }
}

/// The low 32 bits.
#[expect(clippy::as_conversions, reason = "the high half is cut off on purpose")]
const fn low_half(value: u64) -> u32 {
    value as u32
}
