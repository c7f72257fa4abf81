//! The audit trail inside the driver: the journal, its one reader, and the id of this load.
//!
//! A record is opened when its request has been judged and closed when the file system has answered. Producers share
//! the journal without a lock; between taking a place and filling it they must not be stopped, so they do it at
//! DISPATCH_LEVEL. Names may lie in paged pool, which must not be touched there: a record is encoded first, into
//! non-paged memory that is lent for that, and only copied then. What the driver says of itself goes in by `note.rs`.

use alloc::boxed::Box;
use core::sync::atomic::AtomicU64;

use flt::callback::Ending;
use flt::irql::Passive;
use flt::lending::Lender;
use flt::memory::{try_filled, try_zeroed};
use flt::recheck::SourceAfter;
use flt::status::NtStatus;
use flt::sync::{SpinLock, at_dispatch};
use flt::token::Token;
use flt::{time, uuid};
use guard::{
    Counters, Draft, GapKeeper, Journal, Names, Outcome, OutcomeKind, RECORD_SIZE_MIN, Reader,
    SummaryTicket, Ticket, Usage, journal_words,
};
use wire::{Ack, LossClass};

use crate::POOL;
use crate::summaries::Summariser;

/// The journal without a policy that says otherwise: some thousand records with names of usual length.
pub(crate) const JOURNAL_BYTES: u64 = 4 * 1024 * 1024;
/// The least that a policy can ask for.
const JOURNAL_BYTES_MIN: u64 = 64 * 1024;
/// The most: non-paged memory is the machine's, not ours.
const JOURNAL_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes of a block in which a record is encoded: one with four names of 200 characters fits.
const BLOCK_BYTES: usize = 2048;
/// How many of them: as many requests as are encoded at one time without an allocation.
const BLOCKS: u32 = 32;

/// The status for a request that is refused because there was no room for its record.
pub(crate) const UNAUDITED: NtStatus = NtStatus::NOT_SUPPORTED;
const _: () = assert!(
    UNAUDITED.bits() == guard::UNAUDITED,
    "refused alike, whatever kept it from being audited"
);

/// A request whose record is open.
pub(crate) struct Opened {
    /// How its end finds the record.
    pub(crate) token: Token,
    /// Whether there was no room for the record.
    pub(crate) is_lost: bool,
}

/// A message that is ready to be sent.
pub(crate) struct Message<'b> {
    /// The batch.
    pub(crate) bytes: &'b mut [u8],
    /// How many records it holds.
    pub(crate) records: u32,
    /// The sequence number of the last one; 0 without records.
    pub(crate) last_sequence: u64,
}

/// The journal of this load of the driver.
pub(crate) struct Audit {
    /// The id of this load.
    pub(crate) boot_id: [u8; wire::BOOT_ID_SIZE],
    /// Bytes of the journal.
    pub(crate) size: u64,
    pub(crate) journal: Journal<Box<[AtomicU64]>>,
    pub(crate) summaries: Summariser,
    blocks: Lender<BLOCK_BYTES>,
    /// The delivery thread's. Locked, because a program that connects says what it has, and for no longer than the
    /// copying of one batch.
    reader: SpinLock<Reader>,
    gap: SpinLock<GapKeeper>,
}

impl Audit {
    /// Allocates a journal of `wanted` bytes, or as near to that as is allowed. If there is no memory for it, one of
    /// the usual size: the driver's first record says which.
    #[inline(never)]
    pub(crate) fn create(wanted: Option<u64>, passive: Passive) -> Result<Self, NtStatus> {
        let size = wanted.unwrap_or(JOURNAL_BYTES);
        let size = size.clamp(JOURNAL_BYTES_MIN, JOURNAL_BYTES_MAX);
        let (size, storage) = match room(size) {
            Ok(storage) => (size, storage),
            Err(_) if size > JOURNAL_BYTES => (JOURNAL_BYTES, room(JOURNAL_BYTES)?),
            Err(status) => return Err(status),
        };
        let (journal, reader) =
            Journal::new(storage).map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self {
            boot_id: uuid::unique_id(passive),
            size,
            journal,
            summaries: Summariser::none(),
            blocks: Lender::try_new(BLOCKS)?,
            reader: SpinLock::new(reader),
            gap: SpinLock::new(GapKeeper::new()),
        })
    }

    /// Opens the record of a judged request. At most APC_LEVEL.
    ///
    /// Never fails: without memory for the names the record goes without them and says so, and
    /// without room in the journal the loss is counted.
    pub(crate) fn open(&self, draft: &Draft<'_>) -> Opened {
        let ticket = self
            .open_in_block(draft)
            .unwrap_or_else(|| self.open_in_pool(draft));
        Opened {
            token: Token::new(ticket.into_raw()),
            is_lost: ticket.is_lost(),
        }
    }

    /// Without an allocation; `None` if all blocks are lent, or the record is larger than one.
    fn open_in_block(&self, draft: &Draft<'_>) -> Option<Ticket> {
        let mut block = self.blocks.lend()?;
        let record = draft.encode(&mut block).ok()?;
        Some(self.reserve(draft, record))
    }

    #[inline(never)]
    fn open_in_pool(&self, draft: &Draft<'_>) -> Ticket {
        match try_zeroed(draft.encoded_size()) {
            Ok(mut record) => self.encode_and_reserve(draft, &mut record),
            Err(status) => self.open_nameless(draft, status),
        }
    }

    /// Apart, so that its record takes stack only when it is needed.
    #[inline(never)]
    fn open_nameless(&self, draft: &Draft<'_>, status: NtStatus) -> Ticket {
        let names = &Names::absent(status.bits());
        self.encode_and_reserve(&Draft { names, ..*draft }, &mut [0; RECORD_SIZE_MIN])
    }

    fn encode_and_reserve(&self, draft: &Draft<'_>, room: &mut [u8]) -> Ticket {
        // A record that does not encode is reserved all the same: the journal counts it as lost.
        self.reserve(draft, draft.encode(room).unwrap_or(&[]))
    }

    fn reserve(&self, draft: &Draft<'_>, record: &[u8]) -> Ticket {
        let class = draft.class();
        at_dispatch(|| self.journal.reserve(class, record))
    }

    /// Closes the record of a request that has ended. At most DISPATCH_LEVEL.
    pub(crate) fn close(&self, token: Token, ending: Ending, source: SourceAfter) {
        let (kind, status, information) = match ending {
            Ending::Answered {
                status,
                information,
            } => (OutcomeKind::Completed, status.cast_unsigned(), information),
            Ending::Drained => (OutcomeKind::Draining, 0, 0),
        };
        self.end(
            token,
            &Outcome {
                status,
                information,
                ended: time::monotonic(),
                time: time::system_time(),
                kind,
                source_after: match source {
                    SourceAfter::NotAsked => wire::SourceAfter::Unasked,
                    SourceAfter::Same => wire::SourceAfter::Same,
                    SourceAfter::Changed => wire::SourceAfter::Changed,
                    SourceAfter::Unknown => wire::SourceAfter::Unseen,
                },
            },
        );
    }

    /// Closes the record of a request that is refused with `status`. At most DISPATCH_LEVEL.
    pub(crate) fn refuse(&self, token: Token, status: NtStatus) {
        self.end(
            token,
            &Outcome {
                status: status.bits(),
                information: 0,
                ended: time::monotonic(),
                time: time::system_time(),
                kind: OutcomeKind::Refused,
                source_after: wire::SourceAfter::Unasked,
            },
        );
    }

    /// The same for one that is refused because there was no room for its record.
    pub(crate) fn refuse_unaudited(&self, token: Token) {
        self.journal.note_refused_unaudited();
        self.refuse(token, UNAUDITED);
    }

    fn end(&self, token: Token, outcome: &Outcome) {
        let raw = token.value();
        let is_closed = match SummaryTicket::from_raw(raw) {
            Some(ticket) => self.summaries.end(self, ticket, outcome),
            None => Ticket::from_raw(raw).is_some_and(|ticket| {
                at_dispatch(|| self.journal.complete(ticket, outcome)).is_ok()
            }),
        };
        if !is_closed {
            // The filter manager gives back what it was given, so this is a fault of ours.
            wdk::println!("CloneGuard: a request ended that was never opened");
        }
    }

    /// Copies the oldest ready records into `buffer`. Without any there is a message only for a
    /// `greeting`: it carries the counters.
    pub(crate) fn fill<'b>(&self, buffer: &'b mut [u8], greeting: bool) -> Option<Message<'b>> {
        self.journal.set_memory(POOL.held());
        let now = time::monotonic();
        let filled = self
            .reader
            .with(|reader| self.journal.fill_batch(reader, self.boot_id, now, buffer))?;
        if filled.records == 0 && !greeting {
            return None;
        }
        Some(Message {
            bytes: buffer.get_mut(..filled.bytes)?,
            records: filled.records,
            last_sequence: filled.last_sequence,
        })
    }

    /// The last sequence number that was handed out.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.journal.last_sequence()
    }

    /// The counters as they are now.
    pub(crate) fn counters(&self) -> Counters {
        self.journal.set_memory(POOL.held());
        self.journal.counters()
    }

    /// Whether there is room now for the record of a request.
    pub(crate) fn has_room(&self, draft: &Draft<'_>) -> bool {
        self.journal.has_room(draft.class(), draft.encoded_size())
    }

    /// Numbers of this load that nobody has: of records that are held, and of losses of which nobody has been told.
    pub(crate) fn undelivered(&self) -> u64 {
        self.reader
            .with(|reader| self.journal.unacknowledged(reader))
    }

    /// How full the journal is.
    pub(crate) fn usage(&self) -> Usage {
        self.journal.usage()
    }

    /// Lets go of what the consumer has, and answers how many records that were. An acknowledgement of
    /// another load, or of more than was sent, is refused whole.
    pub(crate) fn acknowledge(&self, ack: &Ack) -> Option<u64> {
        if ack.boot_id() != self.boot_id {
            return None;
        }
        self.release(ack.through_sequence()).ok()
    }

    /// A consumer comes back and says what it has made durable, of which load.
    pub(crate) fn resume(
        &self,
        boot_id: [u8; wire::BOOT_ID_SIZE],
        after_sequence: u64,
    ) -> Result<(), NtStatus> {
        if boot_id == self.boot_id {
            return self.release(after_sequence).map(|_| ());
        }
        // What it has is of another load: everything held is new to it. A number of no load at all would let go of
        // records that nobody has.
        let is_of_a_load = boot_id != [0; wire::BOOT_ID_SIZE];
        if is_of_a_load || after_sequence == 0 {
            Ok(())
        } else {
            Err(NtStatus::INVALID_PARAMETER)
        }
    }

    fn release(&self, through_sequence: u64) -> Result<u64, NtStatus> {
        self.reader
            .with(|reader| self.journal.acknowledge(reader, through_sequence))
            .map_err(|_| NtStatus::INVALID_PARAMETER)
    }

    /// Tells of losses that were not told of yet, if there are any and there is room for the record. Answers whether
    /// there now is one.
    pub(crate) fn tell_losses(&self) -> bool {
        let time = time::system_time();
        self.gap.with(|gap| gap.tell(&self.journal, time))
    }

    /// Takes in a record that is whole. `false` if there was no room for it: the loss is counted.
    pub(crate) fn put(&self, class: LossClass, record: &[u8]) -> bool {
        at_dispatch(|| self.journal.note(class, record))
    }
}

/// Storage for a journal of so many bytes.
fn room(size: u64) -> Result<Box<[AtomicU64]>, NtStatus> {
    let size = usize::try_from(size).map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
    try_filled(journal_words(size), || AtomicU64::new(0))
}
