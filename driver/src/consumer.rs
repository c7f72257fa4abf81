//! Who takes the records: noted when a program connects, goes, or is turned away; and how often programs at the port
//! may make the driver tell of something.

use core::sync::atomic::{AtomicU32, Ordering};

use flt::port::Caller;
use flt::shared::Held;
use flt::status::NtStatus;
use flt::sync::SpinLock;
use guard::{ConsumerNote, Name, NoteEvent};
use wire::{BOOT_ID_SIZE, ConsumerEvent};

use crate::audit::Audit;
use crate::processes::{Image, Processes};

/// How many programs that connect, are turned away or have the policy read again are told of from one heartbeat to the
/// next: a program that knocks without end must not fill the journal.
const TOLD_MAX: u32 = 32;

/// A program that wants the records.
pub(crate) struct Program {
    process_id: u32,
    start_key: u64,
    image: Result<Held<Image>, NtStatus>,
    boot_id: [u8; BOOT_ID_SIZE],
    after_sequence: u64,
}

impl Program {
    /// The one that connects, and what it says it has.
    pub(crate) fn of(
        caller: &Caller<'_>,
        processes: &Processes,
        (boot_id, after_sequence): ([u8; BOOT_ID_SIZE], u64),
    ) -> Self {
        let known = processes.know(caller.program, caller.passive);
        Self {
            process_id: caller.program.id(),
            start_key: caller.program.start_key(),
            image: known.and_then(|known| known.share_image()),
            boot_id,
            after_sequence,
        }
    }

    fn note(&self, event: ConsumerEvent, status: u32) -> NoteEvent<'_> {
        NoteEvent::Consumer(ConsumerNote {
            event,
            status,
            process_id: self.process_id,
            start_key: self.start_key,
            after_sequence: self.after_sequence,
            boot_id: self.boot_id,
            image: match &self.image {
                Ok(image) => image.as_name(),
                Err(status) => Name::absent(status.bits()),
            },
        })
    }
}

/// The consumer, if there is one, and how many were told of lately.
pub(crate) struct Consumers {
    current: SpinLock<Option<Program>>,
    told: AtomicU32,
    /// Programs that were not told of, since the driver was loaded.
    untold: AtomicU32,
}

impl Consumers {
    pub(crate) const fn none() -> Self {
        Self {
            current: SpinLock::new(None),
            told: AtomicU32::new(0),
            untold: AtomicU32::new(0),
        }
    }

    /// A program was let in.
    pub(crate) fn come(&self, audit: &Audit, program: Program) {
        if !self.may_tell() {
            return self.leave_untold();
        }
        audit.note(program.note(ConsumerEvent::Connected, 0));
        let before = self.current.with(move |current| current.replace(program));
        drop(before);
    }

    /// It has gone. Told of if its coming was.
    pub(crate) fn go(&self, audit: &Audit) {
        if let Some(program) = self.current.with(Option::take) {
            audit.note(program.note(ConsumerEvent::Lost, 0));
        }
    }

    /// A program was turned away.
    pub(crate) fn turn_away(&self, audit: &Audit, program: &Program, status: NtStatus) {
        if self.may_tell() {
            audit.note(program.note(ConsumerEvent::Refused, status.bits()));
        } else {
            self.leave_untold();
        }
    }

    /// A heartbeat: as many may be told of again.
    pub(crate) fn refill(&self) {
        self.told.store(0, Ordering::Relaxed);
    }

    /// How many programs no record tells of.
    pub(crate) fn untold(&self) -> u32 {
        self.untold.load(Ordering::Relaxed)
    }

    fn leave_untold(&self) {
        let next = |untold: u32| untold.checked_add(1);
        // At the largest count it stays there.
        let _counted = self
            .untold
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    }

    /// Whether another record about a program may go in before the next heartbeat; counts it.
    pub(crate) fn may_tell(&self) -> bool {
        // It stays where it is at the limit, so that it cannot come round.
        let next = |told: u32| (told < TOLD_MAX).then(|| told.saturating_add(1));
        self.told
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .is_ok()
    }
}
