//! The sender's side of the journal: batches out, acknowledgements in.

use crate::Journal;
use crate::RECORD_SIZE_MAX;
use crate::ring::{Cursor, Found, LOST_WORD, STARTED_WORD, Words};
use crate::sync::AtomicU64;
use core::mem::offset_of;
use wire::{BOOT_ID_SIZE, BatchHead, RecordHead};
use zerocopy::IntoBytes as _;
use zerocopy::little_endian::{U32, U64};

/// The least size of a batch buffer: with so many bytes every record fits.
pub const BATCH_SIZE_MIN: usize = size_of::<BatchHead>() + RECORD_SIZE_MAX;

/// After so long, in 100 ns, a record goes without the end of its request: ten seconds.
pub const LATE_AFTER: u64 = 100_000_000;

/// The word of a record that holds its number.
const SEQUENCE_WORD: usize = 2;
const _: () = assert!(
    offset_of!(RecordHead, sequence) == SEQUENCE_WORD * 8,
    "the number is not where wire has it"
);

/// Whoever reads the journal: there is one, made with it.
#[derive(Debug)]
pub struct Reader {
    /// The oldest record that is not acknowledged.
    oldest: Cursor,
    /// Last sequence number that a batch has held.
    sent_through: u64,
}

/// An acknowledgement that names more than any batch has held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckError {
    /// What was acknowledged.
    pub through_sequence: u64,
    /// The last sequence number that a batch has held.
    pub sent_through: u64,
}

/// What was put into a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Bytes of the batch, its head included.
    pub bytes: usize,
    /// Sequence number of the last record; 0 without records.
    pub last_sequence: u64,
    /// Records in the batch; 0 makes it a sign of life.
    pub records: u32,
}

impl Reader {
    pub(crate) const fn new() -> Self {
        Self {
            oldest: Cursor::START,
            sent_through: 0,
        }
    }
}

impl<S: AsRef<[AtomicU64]>> Journal<S> {
    /// Copies the oldest records that are ready into `out` as one batch, as many as fit and up to the
    /// first that is not ready. Nothing is removed: the next batch begins with the same record until it is
    /// acknowledged.
    ///
    /// A record is ready when its request has ended, or [`LATE_AFTER`] the decision. In the second case
    /// its outcome is `pending`, for good, and the end comes in a record of its own.
    ///
    /// `now` is the time on the clock of [`crate::Requestor::started`].
    ///
    /// A batch without records is a sign of life. `None` if `out` is too small for the head or for the
    /// oldest record, which [`BATCH_SIZE_MIN`] bytes never are.
    pub fn fill_batch(
        &self,
        reader: &mut Reader,
        boot_id: [u8; BOOT_ID_SIZE],
        now: u64,
        out: &mut [u8],
    ) -> Option<Filled> {
        let (head_place, rest) = out.split_at_mut_checked(size_of::<BatchHead>())?;
        let (room, _) = rest.as_chunks_mut();
        let overdue = now.checked_sub(LATE_AFTER);
        let packed = self.pack(reader.oldest, overdue, room)?;
        // After the records were read, so that they are counted.
        let mut head = BatchHead::new(boot_id, self.counters());
        let bytes = packed.words.checked_mul(8)?.checked_add(head_place.len())?;
        head.byte_count = U32::new(u32::try_from(bytes).ok()?);
        head.record_count = U32::new(packed.records);
        head.first_sequence = U64::new(packed.first);
        head.last_sequence = U64::new(packed.last);
        head_place.copy_from_slice(head.as_bytes());
        reader.sent_through = reader.sent_through.max(packed.last);
        Some(Filled {
            bytes,
            last_sequence: packed.last,
            records: packed.records,
        })
    }

    /// Copies and numbers the records from `cursor` on. `None` if there is one and it does not fit.
    fn pack(
        &self,
        mut cursor: Cursor,
        overdue: Option<u64>,
        mut room: &mut Words,
    ) -> Option<Packed> {
        let mut packed = Packed::default();
        while let Some(found) = self.ring.find(cursor, overdue) {
            let Some((place, after)) = room.split_at_mut_checked(found.length) else {
                return (packed.records > 0).then_some(packed);
            };
            self.ring.copy(&found, place);
            number(&found, place);
            packed.add(&found)?;
            room = after;
            cursor = found.next;
        }
        Some(packed)
    }

    /// How many numbers were handed out that nobody has acknowledged: of records that are held, and of losses behind the
    /// last one that was acknowledged, of which nobody has been told.
    #[must_use]
    pub fn unacknowledged(&self, reader: &Reader) -> u64 {
        self.last_sequence().saturating_sub(reader.oldest.numbers())
    }

    /// Releases every record up to and including `through_sequence` and returns how many there
    /// were. Acknowledging the same again releases nothing and is no error.
    ///
    /// # Errors
    ///
    /// [`AckError`] if that is beyond what any batch has held; nothing is released then.
    pub fn acknowledge(&self, reader: &mut Reader, through_sequence: u64) -> Result<u64, AckError> {
        let sent_through = reader.sent_through;
        if through_sequence > sent_through {
            return Err(AckError {
                through_sequence,
                sent_through,
            });
        }
        let before = reader.oldest;
        while let Some(found) = self.ring.find(reader.oldest, None)
            && found.sequence <= through_sequence
        {
            self.ring.give_back(&found);
            reader.oldest = found.next;
        }
        self.ring.advance(reader.oldest);
        Ok(reader.oldest.records().saturating_sub(before.records()))
    }
}

/// What has been copied into a batch.
#[derive(Clone, Copy, Default)]
struct Packed {
    words: usize,
    records: u32,
    first: u64,
    last: u64,
}

impl Packed {
    fn add(&mut self, found: &Found) -> Option<()> {
        self.words = self.words.checked_add(found.length)?;
        self.records = self.records.checked_add(1)?;
        self.last = found.sequence;
        if self.first == 0 {
            self.first = found.sequence;
        }
        Some(())
    }
}

/// Writes into the copy of a record what only the reader knows.
fn number(found: &Found, record: &mut Words) {
    let mut put = |at: usize, value: u64| {
        if let Some(word) = record.get_mut(at) {
            *word = value.to_le_bytes();
        }
    };
    put(SEQUENCE_WORD, found.sequence);
    put(LOST_WORD, found.lost_before);
    if found.is_late {
        // When the request was decided on a clock that means nothing outside.
        put(STARTED_WORD, 0);
    }
}
