//! Which losses the trail has told of, so that a gap record tells the others exactly.

use crate::sync::AtomicU64;
use crate::{GapNote, Journal, Note, NoteEvent};
use wire::{Counters, GapBody, LossClass, Losses, RecordHead};

/// Bytes of a gap record.
const GAP_SIZE: usize = size_of::<RecordHead>() + size_of::<GapBody>();

/// Whoever tells of losses: the driver has one, beside the reader of its journal.
///
/// Every loss is in one gap record exactly, or will be in the next: a record tells what the journal has
/// counted and no record before has told.
#[derive(Debug, Default)]
pub struct GapKeeper {
    /// Losses that have been told.
    told: Losses,
    /// Likewise requests that were refused because nothing could be recorded of them.
    refused: u64,
}

impl GapKeeper {
    /// Nothing is lost yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a gap record into the journal if something was lost since the one before, and if there is
    /// room for it; whether it did. Without room it is told later.
    pub fn tell<S: AsRef<[AtomicU64]>>(&mut self, journal: &Journal<S>, time: u64) -> bool {
        let counters = journal.counters();
        let gap = self.since(&counters);
        if gap == GapNote::default() {
            return false;
        }
        let note = Note {
            time,
            event: NoteEvent::Gap(&gap),
        };
        let mut room = [0; GAP_SIZE];
        let record = note.encode(&mut room);
        if !record.is_ok_and(|record| journal.offer(LossClass::State, record)) {
            return false;
        }
        self.told = counters.losses;
        self.refused = counters.refused_unaudited.get();
        true
    }

    /// What is not told yet.
    fn since(&self, counters: &Counters) -> GapNote {
        let mut losses = counters.losses;
        for (now, told) in losses.iter_mut().flatten().zip(self.told.iter().flatten()) {
            *now = now.get().saturating_sub(told.get()).into();
        }
        GapNote {
            losses,
            refused: counters
                .refused_unaudited
                .get()
                .saturating_sub(self.refused),
        }
    }
}
