//! The policy in force: read from the registry at load, read again when a program asks.
//!
//! A stored policy is checked whole before anything of it is used. A faulty one is refused whole, the
//! one before stays in force, and a record says where it is wrong. A request holds on to the policy it
//! began with, so a change never shows in the middle of one.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, Ordering};

use flt::irql::Passive;
use flt::memory::try_filled;
use flt::registry::{Parameters, Place};
use flt::shared::{Held, Shared};
use flt::status::NtStatus;
use flt::wish::Wish;
use guard::policy::{
    IndexSlot, IndexedPolicy, PolicyBlob, PolicyDecision, PolicyMode, PolicySubject,
};
use guard::{NoteEvent, PolicyEvent, PolicyMark, PolicyNote, Powers};

use crate::audit::Audit;

/// The longest window of summaries, an hour: what is in one is told of only when it is over.
const SUMMARISE_SECONDS_MAX: u32 = 3600;
/// The registry value that holds the policy, in UTF-16.
const VALUE: [u16; 6] = [0x50, 0x6F, 0x6C, 0x69, 0x63, 0x79];

/// A stored policy, checked, with an index of its rules.
type Indexed = IndexedPolicy<Box<[u8]>, Box<[IndexSlot]>>;

/// One policy.
pub(crate) struct Policy(Option<Indexed>);

impl Policy {
    /// Observe everything, note every rule: what is in force without a stored policy.
    const DEFAULT: Self = Self(None);

    fn stored(&self) -> Option<&PolicyBlob<Box<[u8]>>> {
        self.0.as_ref().map(IndexedPolicy::policy)
    }

    /// Its number; 0 for the default.
    pub(crate) fn revision(&self) -> u64 {
        self.stored().map_or(0, PolicyBlob::revision)
    }

    /// Whether anything is refused.
    pub(crate) fn mode(&self) -> PolicyMode {
        self.stored().map_or(PolicyMode::Observe, PolicyBlob::mode)
    }

    /// The window in which passed requests are summarised, in seconds; 0 for never.
    pub(crate) fn summarise_seconds(&self) -> u32 {
        let seconds = self.stored().and_then(PolicyBlob::summarise_seconds);
        seconds.unwrap_or(0).min(SUMMARISE_SECONDS_MAX)
    }

    /// Bytes of the journal, for the load that begins with this policy.
    pub(crate) fn journal_size(&self) -> Option<u64> {
        self.stored().and_then(PolicyBlob::journal_size)
    }

    /// Whether it is locked until the machine restarts.
    pub(crate) fn is_locked(&self) -> bool {
        self.stored().is_some_and(PolicyBlob::locks_until_reboot)
    }

    /// Whether the source handle is to be resolved again after the operation.
    pub(crate) fn rechecks(&self) -> bool {
        self.stored().is_some_and(PolicyBlob::rechecks)
    }

    /// What it allows to be refused.
    pub(crate) fn powers(&self) -> Powers {
        self.stored().map_or(Powers::OBSERVE, Powers::of)
    }

    /// What its rules say of a request, which is described to them only if there are any.
    pub(crate) fn ask<'s>(&self, subject: impl FnOnce() -> PolicySubject<'s>) -> PolicyMark {
        let with_rules = self.0.as_ref().filter(|policy| policy.has_rules());
        let decision = with_rules.map_or(PolicyDecision::NoMatch, |policy| {
            guard::policy::decide(policy, &subject())
        });
        PolicyMark {
            revision: self.revision(),
            answer: decision.answer(),
            rule: decision.number(),
        }
    }
}

/// What a look at the registry came to.
enum Stored {
    Absent,
    Sound(PolicyBlob<Box<[u8]>>),
    Faulty(u32, u16),
    Unreadable(NtStatus),
}

impl Stored {
    fn read(parameters: &Parameters, passive: Passive) -> Self {
        let blob = match parameters.read_binary(
            (Place::Parameters, &VALUE),
            wire::policy::POLICY_SIZE_MAX,
            passive,
        ) {
            Ok(Some(blob)) => blob,
            Ok(None) => return Self::Absent,
            Err(status) => return Self::Unreadable(status),
        };
        match PolicyBlob::parse(blob) {
            Ok(policy) => Self::Sound(policy),
            Err(error) => Self::Faulty(error.offset, u16::from(error.reason.raw())),
        }
    }
}

/// Files the rules of a policy. Without memory for that it is no more in force than without memory for itself.
fn index(policy: PolicyBlob<Box<[u8]>>) -> Result<Indexed, NtStatus> {
    let slots = try_filled(policy.rules().len(), IndexSlot::default)?;
    // As many slots as there are rules, so it fits.
    IndexedPolicy::build(policy, slots).map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)
}

/// The policy in force, and the wish to read it again.
pub(crate) struct PolicyKeeper {
    current: Shared<Policy>,
    wish: Wish,
    /// Whether there was no memory for the stored policy, so that it is to be tried again.
    missed: AtomicBool,
    /// What became of the policy that was stored when the driver was loaded.
    first: Taken,
}

impl PolicyKeeper {
    /// Reads the stored policy for the first time, before anything is judged.
    pub(crate) fn create(parameters: &Parameters, passive: Passive) -> Result<Self, NtStatus> {
        let mut keeper = Self {
            current: Shared::try_new(Policy::DEFAULT)?,
            wish: Wish::none(),
            missed: AtomicBool::new(false),
            first: Taken::only(PolicyEvent::Default),
        };
        keeper.first = keeper.take(parameters, passive);
        Ok(keeper)
    }

    /// The policy in force. At most DISPATCH_LEVEL.
    pub(crate) fn current(&self) -> Held<Policy> {
        self.current.get()
    }

    /// Whether the policy in force is locked until the machine restarts.
    pub(crate) fn is_locked(&self) -> bool {
        self.current().is_locked()
    }

    /// Asks for the policy to be read again.
    pub(crate) fn want(&self) {
        self.wish.make();
    }

    /// Asks the same if there was no memory for it the last time.
    pub(crate) fn retry(&self) {
        if self.missed.load(Ordering::Acquire) {
            self.want();
        }
    }

    /// Whether it is to be read again.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wish.is_there()
    }

    /// Records what came of the first look. That nothing is stored is no event then.
    pub(crate) fn record_first(&self, audit: &Audit) {
        if self.first.event != PolicyEvent::Default {
            self.record(audit, &self.first);
        }
    }

    /// Reads the stored policy, puts it into force if it may be, and records what became of it.
    pub(crate) fn load(&self, audit: &Audit, parameters: &Parameters, passive: Passive) {
        // Before it is read: who stores another one and asks then is answered by another look.
        self.wish.begin();
        let taken = self.take(parameters, passive);
        self.record(audit, &taken);
    }

    fn record(&self, audit: &Audit, taken: &Taken) {
        let missed = taken.status == NtStatus::INSUFFICIENT_RESOURCES.bits();
        self.missed.store(missed, Ordering::Release);
        let policy = self.current();
        audit.note(NoteEvent::Policy(PolicyNote {
            event: taken.event,
            revision: policy.revision(),
            mode: policy.mode(),
            fault: taken.fault,
            status: taken.status,
        }));
    }

    fn take(&self, parameters: &Parameters, passive: Passive) -> Taken {
        if self.is_locked() {
            return Taken::only(PolicyEvent::Locked);
        }
        let (policy, event) = match Stored::read(parameters, passive) {
            Stored::Absent => (Policy::DEFAULT, PolicyEvent::Default),
            Stored::Sound(policy) => match index(policy) {
                Ok(indexed) => (Policy(Some(indexed)), PolicyEvent::Applied),
                Err(status) => return Taken::unreadable(status),
            },
            Stored::Faulty(offset, fault) => return Taken::faulty(offset, fault),
            Stored::Unreadable(status) => return Taken::unreadable(status),
        };
        match self.current.replace(policy) {
            Ok(()) => Taken::only(event),
            Err(status) => Taken::unreadable(status),
        }
    }
}

/// What became of a stored policy.
struct Taken {
    event: PolicyEvent,
    fault: Option<(u32, u16)>,
    status: u32,
}

impl Taken {
    const fn only(event: PolicyEvent) -> Self {
        Self {
            event,
            fault: None,
            status: 0,
        }
    }

    fn faulty(offset: u32, fault: u16) -> Self {
        wdk::println!("CloneGuard: the policy is refused: fault {fault} at byte {offset}");
        Self {
            fault: Some((offset, fault)),
            ..Self::only(PolicyEvent::Faulty)
        }
    }

    fn unreadable(status: NtStatus) -> Self {
        wdk::println!("CloneGuard: the policy cannot be read: {status}");
        Self {
            status: status.bits(),
            ..Self::only(PolicyEvent::Unreadable)
        }
    }
}
