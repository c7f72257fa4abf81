//! The audit trail inside the driver: a journal behind a spin lock, and the id of this load.
//!
//! A record is opened when its request has been judged and closed when the file system has answered.
//! Names and SIDs may lie in paged pool, which the spin lock forbids to touch; so a record is encoded
//! first, into non-paged memory, and only copied with the lock held.

use alloc::boxed::Box;

use flt::callback::Ending;
use flt::irql::Passive;
use flt::memory::try_zeroed;
use flt::recheck::SourceAfter;
use flt::status::NtStatus;
use flt::sync::SpinLock;
use flt::token::Token;
use flt::{time, uuid};
use guard::{Draft, Journal, Outcome, OutcomeKind, PolicyNote, RECORD_SIZE_MIN, Ticket};
use wire::Ack;

/// Non-paged memory for records that wait for the consumer: some thousands with names of usual length.
const JOURNAL_BYTES: usize = 4 * 1024 * 1024;

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
    boot_id: [u8; wire::BOOT_ID_SIZE],
    journal: SpinLock<Journal<Box<[u8]>>>,
}

impl Audit {
    /// Allocates the journal.
    pub(crate) fn create(passive: Passive) -> Result<Self, NtStatus> {
        let journal = Journal::new(try_zeroed(JOURNAL_BYTES)?)
            .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self {
            boot_id: uuid::unique_id(passive),
            journal: SpinLock::new(journal),
        })
    }

    /// Opens the record of a judged request. At most APC_LEVEL.
    ///
    /// Never fails: without memory for the names the record goes without them and says so, and
    /// without room in the journal the loss is counted.
    pub(crate) fn open(&self, draft: &Draft<'_>) -> Opened {
        let ticket = match try_zeroed(draft.encoded_size()) {
            Ok(mut record) => self.reserve(draft, &mut record),
            Err(status) => {
                let mut record = [0; RECORD_SIZE_MIN];
                self.reserve(&draft.without_names(status.bits()), &mut record)
            }
        };
        Opened {
            token: Token::new(ticket.into_raw()),
            is_lost: ticket.is_lost(),
        }
    }

    fn reserve(&self, draft: &Draft<'_>, record: &mut [u8]) -> Ticket {
        // A record that does not encode is reserved all the same: the journal counts it as lost.
        let record = draft.encode(record).map_or(&[][..], |()| &*record);
        self.journal.with(|journal| journal.reserve(record))
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
                kind: OutcomeKind::Refused,
                source_after: wire::SourceAfter::Unasked,
            },
        );
    }

    fn end(&self, token: Token, outcome: &Outcome) {
        let closed = Ticket::from_raw(token.value()).map(|ticket| {
            self.journal
                .with(|journal| journal.complete(ticket, outcome))
        });
        if !matches!(closed, Some(Ok(()))) {
            // The filter manager gives back what it was given, so this is a fault of ours.
            wdk::println!("CloneGuard: a request ended that was never opened");
        }
    }

    /// Takes in a record about the policy. At most DISPATCH_LEVEL.
    pub(crate) fn note(&self, note: &PolicyNote) {
        let mut record = [0; RECORD_SIZE_MIN];
        // A note that does not encode is taken in all the same: the journal counts it as lost.
        let record = note.encode(&mut record).map_or(&[][..], |()| &record);
        self.journal.with(|journal| journal.note(record));
    }

    /// Copies the oldest ready records into `buffer`. Without any there is a message only for a
    /// `greeting`: it carries the counters.
    pub(crate) fn fill<'b>(&self, buffer: &'b mut [u8], greeting: bool) -> Option<Message<'b>> {
        let filled = self
            .journal
            .with(|journal| journal.fill_batch(self.boot_id, buffer))?;
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
        self.journal.with(|journal| journal.last_sequence())
    }

    /// Lets go of what the consumer has, and answers how many records that were. An acknowledgement of
    /// another load, or of more than was sent, is refused whole.
    pub(crate) fn acknowledge(&self, ack: &Ack) -> Option<u64> {
        if ack.boot_id() != self.boot_id {
            return None;
        }
        let through = ack.through_sequence();
        self.journal
            .with(|journal| journal.acknowledge(through))
            .ok()
    }

    /// A consumer comes back and says what it has made durable, of which load.
    pub(crate) fn resume(
        &self,
        boot_id: [u8; wire::BOOT_ID_SIZE],
        after_sequence: u64,
    ) -> Result<(), NtStatus> {
        let whichever_runs = boot_id == [0; wire::BOOT_ID_SIZE];
        if boot_id != self.boot_id && !whichever_runs {
            // What it has is of another load: everything held is new to it.
            return Ok(());
        }
        self.journal
            .with(|journal| journal.acknowledge(after_sequence))
            .map(|_| ())
            .map_err(|_| NtStatus::INVALID_PARAMETER)
    }

    /// The last word, when nothing is in flight any more: what was never delivered is named.
    pub(crate) fn report_at_stop(&self) {
        let counters = self.journal.with(|journal| journal.counters());
        wdk::println!(
            "CloneGuard: stopped; requests {}, delivered {}, lost {}, not delivered {}",
            counters.seen,
            counters.delivered,
            counters.lost,
            counters.held
        );
    }
}
