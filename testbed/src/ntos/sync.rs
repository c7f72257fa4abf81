//! Spin locks, events and the IRQL.
//!
//! A `KSPIN_LOCK` (8 bytes) and a `KEVENT` (24 bytes, a `DISPATCHER_HEADER`) live in the driver's memory;
//! the model is keyed by their address. Waits are in [`super::wait`].

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::ntos::Irql;
use crate::ntos::object::ObjectAddress;
use crate::ntos::sleepers::{Place, Sleepers};
use crate::thread::Awaited;
use crate::verifier::{Rule, Violation};

/// Bytes of a `KEVENT` on 64-bit Windows.
pub const EVENT_BYTES: u64 = 24;

/// One event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    /// `SynchronizationEvent`: one waiter takes the signal.
    pub(super) synchronization: bool,
    pub(super) signaled: bool,
    pub(super) waiters: u32,
}

/// State of all locks, events and ended threads of a machine.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Held spin locks and the thread that holds each.
    held: BTreeMap<u64, u64>,
    pub(super) events: BTreeMap<u64, Event>,
    pub(super) ended_threads: std::collections::BTreeSet<u64>,
    /// How many wait for the end of a thread.
    pub(super) thread_waiters: u32,
}

/// Synchronisation of a machine.
#[derive(Debug)]
pub struct Synchronization {
    state: Mutex<State>,
    sleepers: Arc<Sleepers>,
    /// Told when an event or a thread becomes signalled that somebody waits for, and when time has passed.
    pub(super) changed: Condvar,
    /// Told when a spin lock is released.
    released: Condvar,
}

impl Synchronization {
    pub(crate) fn new(sleepers: &Arc<Sleepers>) -> Self {
        Self {
            state: Mutex::default(),
            sleepers: Arc::clone(sleepers),
            changed: Condvar::new(),
            released: Condvar::new(),
        }
    }

    /// Tells whoever waits to look again.
    pub(crate) fn tell(&self) {
        // A waiter between its look and its sleep has the lock.
        self.tell_with(&self.state());
    }

    /// The same for somebody who has the lock.
    fn tell_with(&self, _state: &State) {
        self.sleepers.wake(Place::Objects);
        self.changed.notify_all();
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread has ended: its object is signalled for ever.
    pub(crate) fn signal_thread(&self, thread: ObjectAddress) {
        let mut state = self.state();
        state.ended_threads.insert(thread.0);
        // Most threads end unnoticed, and to wake all the others each time costs more than anything else here.
        if state.thread_waiters > 0 {
            self.tell_with(&state);
        }
    }

    /// Whether a thread has ended.
    pub(crate) fn has_ended(&self, thread: ObjectAddress) -> bool {
        self.state().ended_threads.contains(&thread.0)
    }

    /// Memory goes away: no lock in it may be held, no event waited for. Idle events are forgotten.
    pub(crate) fn forget_range(&self, address: u64, size: u64) -> Result<(), Violation> {
        let range = address..address + size;
        let mut state = self.state();
        if let Some((lock, owner)) = state.held.range(range.clone()).next() {
            let detail =
                format!("memory with a spin lock ({lock:#x}) that thread {owner} holds is freed");
            return Err(Violation::new(Rule::SpinLock, detail));
        }
        let waited = state
            .events
            .range(range.clone())
            .find(|(_, event)| event.waiters > 0);
        if let Some((event, _)) = waited {
            let detail = format!("memory with an event ({event:#x}) that is waited for is freed");
            return Err(Violation::new(Rule::Event, detail));
        }
        state.events.retain(|event, _| !range.contains(event));
        Ok(())
    }
}

/// "KeGetCurrentIrql function (wdm.h)", Microsoft Learn.
pub(crate) fn ke_get_current_irql(call: &Call) -> Result<u8, Violation> {
    Ok(call.thread().irql())
}

/// "KeAcquireSpinLockRaiseToDpc function (wdm.h)", Microsoft Learn.
pub(crate) fn ke_acquire_spin_lock_raise_to_dpc(call: &Call, lock: u64) -> Result<u8, Violation> {
    check_resident(call, lock, 8, "SpinLock")?;
    let (thread, sync) = (call.thread(), call.machine().sync());
    // Raised first, as the routine does: what is touched below is touched at DISPATCH_LEVEL.
    let before = thread.set_irql(Irql::Dispatch as u8);
    let mut state = sync.state();
    while let Some(owner) = state.held.get(&lock) {
        if *owner == thread.id() {
            let detail = format!("the spin lock at {lock:#x} is held by this thread already");
            return Err(call.violation(Rule::SpinLock, detail));
        }
        let awaited = Awaited::SpinLock(lock, *owner);
        let released = thread.awaiting(awaited, || sync.released.wait(state));
        state = released.unwrap_or_else(PoisonError::into_inner);
    }
    // KeInitializeSpinLock stores zero; a free lock that holds anything else was never initialised.
    if call.guest().read_u64(lock, "SpinLock")? != 0 {
        return Err(call.violation(
            Rule::SpinLock,
            "the lock is not initialised, or was overwritten",
        ));
    }
    call.guest().write_u64(lock, 1, "SpinLock")?;
    state.held.insert(lock, thread.id());
    thread.push_spin_lock(lock, before);
    Ok(before)
}

/// "KeReleaseSpinLock function (wdm.h)", Microsoft Learn. Stricter: in the reverse order of
/// acquisition only, and with the IRQL that this acquisition returned.
pub(crate) fn ke_release_spin_lock(call: &Call, lock: u64, irql: u8) -> Result<(), Violation> {
    let (thread, sync) = (call.thread(), call.machine().sync());
    let Some((newest, before)) = thread.spin_locks().last().copied() else {
        return Err(call.violation(Rule::SpinLock, "this thread holds no spin lock"));
    };
    if newest != lock {
        let detail = format!("{lock:#x} released, but the lock taken last is {newest:#x}");
        return Err(call.violation(Rule::SpinLock, detail));
    }
    if irql != before {
        let detail = format!("released to IRQL {irql}, acquired at {before}");
        return Err(call.violation(Rule::SpinLock, detail));
    }
    call.guest().write_u64(lock, 0, "SpinLock")?;
    thread.pop_spin_lock();
    sync.state().held.remove(&lock);
    // Who waits for a lock does not sleep.
    sync.released.notify_all();
    thread.set_irql(before);
    Ok(())
}

/// "KeInitializeEvent function (wdm.h)", Microsoft Learn.
pub(crate) fn ke_initialize_event(
    call: &Call,
    event: u64,
    kind: u32,
    signaled: bool,
) -> Result<(), Violation> {
    check_resident(call, event, EVENT_BYTES, "Event")?;
    // EVENT_TYPE: NotificationEvent 0, SynchronizationEvent 1.
    if kind > 1 {
        return Err(call.violation(Rule::Argument, format!("event type {kind}")));
    }
    let mut state = call.machine().sync().state();
    if state
        .events
        .get(&event)
        .is_some_and(|event| event.waiters > 0)
    {
        return Err(call.violation(Rule::Event, "initialised again while it is waited for"));
    }
    let new = Event {
        synchronization: kind == 1,
        signaled,
        waiters: 0,
    };
    state.events.insert(event, new);
    let guest = call.guest();
    let header = u64::from(kind) | u64::from(signaled) << 32;
    guest.write_u64(event, header, "Event")?;
    guest.write_u64(event + 8, event + 8, "Event")?;
    guest.write_u64(event + 16, event + 8, "Event")
}

/// "KeSetEvent function (wdm.h)", Microsoft Learn. Wait TRUE is not modelled.
pub(crate) fn ke_set_event(
    call: &Call,
    event: u64,
    _increment: i32,
    wait: bool,
) -> Result<i32, Violation> {
    if wait {
        return Err(call.violation(Rule::NotModelled, "Wait TRUE"));
    }
    change(call, event, true)
}

/// "KeClearEvent function (wdm.h)", Microsoft Learn.
pub(crate) fn ke_clear_event(call: &Call, event: u64) -> Result<(), Violation> {
    change(call, event, false).map(drop)
}

/// "KeResetEvent function (wdm.h)", Microsoft Learn.
pub(crate) fn ke_reset_event(call: &Call, event: u64) -> Result<i32, Violation> {
    change(call, event, false)
}

fn change(call: &Call, address: u64, signaled: bool) -> Result<i32, Violation> {
    check_resident(call, address, EVENT_BYTES, "Event")?;
    let sync = call.machine().sync();
    let mut state = sync.state();
    let Some(event) = state.events.get_mut(&address) else {
        return Err(uninitialized(call, address));
    };
    let before = std::mem::replace(&mut event.signaled, signaled);
    let ends_a_wait = signaled && event.waiters > 0;
    call.guest()
        .write_u32(address + 4, signaled.into(), "Event")?;
    if ends_a_wait {
        sync.tell_with(&state);
    }
    Ok(before.into())
}

pub(super) fn uninitialized(call: &Call, event: u64) -> Violation {
    let place = call.machine().describe(event);
    call.violation(
        Rule::Event,
        format!("the event at {place} was not initialised"),
    )
}

/// Locks and events must be resident: non-paged, writable, aligned.
pub(super) fn check_resident(
    call: &Call,
    address: u64,
    size: u64,
    what: &str,
) -> Result<(), Violation> {
    use crate::boundary::guest::Guest;
    let guest = Guest::new(call.machine().memory(), Irql::Dispatch as u8);
    guest.check_aligned(address, 8, what)?;
    guest.check(address, size, Access::ReadWrite, what)
}
