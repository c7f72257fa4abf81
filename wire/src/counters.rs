//! The driver's counters, and the losses in them by class and cause.

use crate::{LossCause, LossClass};
use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// How many classes of records there are.
pub const LOSS_CLASSES: usize = LossClass::KNOWN.len();

/// How many causes of a loss there are.
pub const LOSS_CAUSES: usize = LossCause::KNOWN.len();

/// Lost records: by [`LossClass`], then by [`LossCause`], each in the order of its number.
pub type Losses = [[U64; LOSS_CAUSES]; LOSS_CLASSES];

/// All losses together; `None` if that is no 64-bit number.
#[must_use]
pub fn loss_total(losses: &Losses) -> Option<u64> {
    sum(losses.iter().flatten())
}

/// The driver's counters since it was loaded, read one after the other while it goes on.
///
/// Three sums hold at every look: `seen` is `completed + failed + refused + not_inspected +
/// in_flight`; `delivered + lost + held` is the last sequence number that was handed out; and `lost`
/// is the sum of `losses`.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    FromBytes,
    IntoBytes,
    KnownLayout,
    Immutable,
    Unaligned,
)]
#[repr(C)]
pub struct Counters {
    /// Requests that reached the driver, of kind `clone` and of kind `seen`.
    pub seen: U64,
    /// Ended with a success status.
    pub completed: U64,
    /// Ended with another status, or not known to have succeeded because the instance went away.
    pub failed: U64,
    /// Refused by the driver.
    pub refused: U64,
    /// Passed down without a look and without a record.
    pub not_inspected: U64,
    /// Judged and not yet ended, or begun or ended during the look.
    pub in_flight: U64,
    /// Records that the consumer has acknowledged.
    pub delivered: U64,
    /// Records for which there was no room.
    pub lost: U64,
    /// Records in the driver: in flight, or not yet acknowledged.
    pub held: U64,
    /// `lost` by class and cause.
    pub losses: Losses,
    /// Requests that only a summary tells of.
    pub summarised: U64,
    /// Requests that were refused because nothing could be recorded of them.
    pub refused_unaudited: U64,
    /// Bytes of memory that the driver holds for the journal, caches, summaries and the policy.
    pub memory: U64,
}

impl Counters {
    /// Whether `seen` is the sum of the ways in which a request can be accounted for, and `lost` that
    /// of the losses.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        let parts = [
            self.completed,
            self.failed,
            self.refused,
            self.not_inspected,
            self.in_flight,
        ];
        sum(&parts) == Some(self.seen.get()) && loss_total(&self.losses) == Some(self.lost.get())
    }

    /// The last sequence number handed out: `delivered + lost + held`; `None` if no 64-bit number.
    #[must_use]
    pub fn last_sequence(&self) -> Option<u64> {
        sum(&[self.delivered, self.lost, self.held])
    }
}

/// The sum of some counters; `None` if it is no 64-bit number.
fn sum<'a>(parts: impl IntoIterator<Item = &'a U64>) -> Option<u64> {
    parts
        .into_iter()
        .try_fold(0_u64, |sum, part| sum.checked_add(part.get()))
}
