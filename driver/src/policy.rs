//! The policy in force: read from the registry at load, read again when a program asks.
//!
//! A stored policy is checked whole before anything of it is used. A faulty one is refused whole, the
//! one before stays in force, and a record says where it is wrong. A request holds on to the policy it
//! began with, so a change never shows in the middle of one.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, Ordering};

use flt::irql::Passive;
use flt::memory::try_box;
use flt::registry::Parameters;
use flt::shared::{Held, Shared};
use flt::status::NtStatus;
use flt::sync::Event;
use flt::time;
use guard::policy::{PolicyBlob, PolicyDecision, PolicySubject};
use guard::{PolicyEvent, PolicyMark, PolicyNote, Powers};

use crate::audit::Audit;

/// The registry value that holds the policy, in UTF-16.
const VALUE: [u16; 6] = [0x50, 0x6F, 0x6C, 0x69, 0x63, 0x79];
/// The longest wait of the thread: a request to reload wakes it before. Then it tries again what it missed for want
/// of memory.
const IDLE_MILLISECONDS: u32 = 60_000;

/// One policy, checked.
pub(crate) struct Policy(Option<PolicyBlob<Box<[u8]>>>);

impl Policy {
    /// Observe everything, note every rule: what is in force without a stored policy.
    const DEFAULT: Self = Self(None);

    fn revision(&self) -> u64 {
        self.0.as_ref().map_or(0, PolicyBlob::revision)
    }

    fn is_locked(&self) -> bool {
        self.0.as_ref().is_some_and(PolicyBlob::locks_until_reboot)
    }

    /// Whether the source handle is to be resolved again after the operation.
    pub(crate) fn rechecks(&self) -> bool {
        self.0.as_ref().is_some_and(PolicyBlob::rechecks)
    }

    /// What it allows to be refused.
    pub(crate) fn powers(&self) -> Powers {
        self.0.as_ref().map_or(Powers::OBSERVE, Powers::of)
    }

    /// What its rules say of a request.
    pub(crate) fn ask(&self, subject: &PolicySubject<'_>) -> PolicyMark {
        let decision = self.0.as_ref().map_or(PolicyDecision::NoMatch, |policy| {
            guard::policy::decide(policy, subject)
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
        let blob = match parameters.read_binary(&VALUE, wire::policy::POLICY_SIZE_MAX, passive) {
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

/// The policy in force, and the wish to read it again.
pub(crate) struct PolicyKeeper {
    current: Shared<Policy>,
    wake: Event,
    wanted: AtomicBool,
    /// Whether there was no memory for the stored policy, so that it is to be tried again.
    missed: AtomicBool,
    stopping: AtomicBool,
}

impl PolicyKeeper {
    /// Starts with the default policy.
    pub(crate) fn create() -> Result<Self, NtStatus> {
        Ok(Self {
            current: Shared::try_new(try_box(Policy::DEFAULT)?)?,
            wake: Event::try_new()?,
            wanted: AtomicBool::new(false),
            missed: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        })
    }

    /// The policy in force. At most DISPATCH_LEVEL.
    pub(crate) fn current(&self) -> Held<Policy> {
        self.current.get()
    }

    /// Whether the policy in force is locked until the machine restarts.
    pub(crate) fn is_locked(&self) -> bool {
        self.current().is_locked()
    }

    /// Asks the thread to read the policy again.
    pub(crate) fn want(&self) {
        self.wanted.store(true, Ordering::Release);
        self.wake.signal();
    }

    /// Asks the thread to return.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake.signal();
    }

    /// Waits until somebody wants the policy to be read again; false when the thread is to return.
    pub(crate) fn wait(&self, passive: Passive) -> bool {
        while !self.stopping.load(Ordering::Acquire) {
            if self.wanted.swap(false, Ordering::AcqRel) {
                return true;
            }
            let is_called = self.wake.wait(passive, IDLE_MILLISECONDS);
            if !is_called && self.missed.load(Ordering::Acquire) {
                return true;
            }
        }
        false
    }

    /// The first look, before anything is judged. That nothing is stored is no event then.
    pub(crate) fn load_first(&self, audit: &Audit, parameters: &Parameters, passive: Passive) {
        let taken = self.take(parameters, passive);
        if taken.event != PolicyEvent::Default {
            self.record(audit, &taken);
        }
    }

    /// Reads the stored policy, puts it into force if it may be, and records what became of it.
    pub(crate) fn load(&self, audit: &Audit, parameters: &Parameters, passive: Passive) {
        let taken = self.take(parameters, passive);
        self.record(audit, &taken);
    }

    fn record(&self, audit: &Audit, taken: &Taken) {
        let missed = taken.status == NtStatus::INSUFFICIENT_RESOURCES.bits();
        self.missed.store(missed, Ordering::Release);
        audit.note(&PolicyNote {
            event: taken.event,
            revision: self.current().revision(),
            fault: taken.fault,
            status: taken.status,
            time: time::system_time(),
        });
    }

    fn take(&self, parameters: &Parameters, passive: Passive) -> Taken {
        if self.is_locked() {
            return Taken::only(PolicyEvent::Locked);
        }
        let (policy, event) = match Stored::read(parameters, passive) {
            Stored::Absent => (Policy::DEFAULT, PolicyEvent::Default),
            Stored::Sound(policy) => (Policy(Some(policy)), PolicyEvent::Applied),
            Stored::Faulty(offset, fault) => return Taken::faulty(offset, fault),
            Stored::Unreadable(status) => return Taken::unreadable(status),
        };
        match try_box(policy).and_then(|policy| self.current.replace(policy)) {
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
