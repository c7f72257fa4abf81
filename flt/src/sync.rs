//! A spin lock that owns its data, a stretch at DISPATCH_LEVEL, and an event to sleep on.

#![expect(
    unsafe_code,
    reason = "the kernel's spin lock and event work on raw memory"
)]

use alloc::boxed::Box;
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

use flt_sys::nt::KernelMode;
use wdk_sys::ntddk::{
    KeAcquireSpinLockRaiseToDpc, KeInitializeEvent, KeReleaseSpinLock, KeSetEvent,
    KeWaitForSingleObject,
};
use wdk_sys::{_EVENT_TYPE, _KWAIT_REASON, KEVENT, KSPIN_LOCK, LARGE_INTEGER};

use crate::irql::Passive;
use crate::memory::try_box;
use crate::status::NtStatus;

/// Data behind a kernel spin lock; reachable at any level up to DISPATCH_LEVEL.
///
/// # Invariants
///
/// `data` is touched only between acquire and release of `lock`.
pub struct SpinLock<T> {
    lock: UnsafeCell<KSPIN_LOCK>,
    data: UnsafeCell<T>,
}

// SAFETY: the lock hands `data` to one thread at a time (invariant), so T must only be able to move
// between threads.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// An unlocked lock: KeInitializeSpinLock does no more than store zero (wdm.h).
    pub const fn new(data: T) -> Self {
        Self {
            lock: UnsafeCell::new(0),
            data: UnsafeCell::new(data),
        }
    }

    /// Runs `body` with the lock held, at DISPATCH_LEVEL. At most DISPATCH_LEVEL; not recursive.
    ///
    /// `body` must be `Send`: the owners of paged memory and every proof of PASSIVE_LEVEL are not, and
    /// cannot be carried in here. Text borrowed from such an owner could: copy it before. The tempting
    /// version, a guard value, would not even keep the proofs out.
    pub fn with<R>(&self, body: impl FnOnce(&mut T) -> R + Send) -> R {
        // SAFETY: `lock` is a spin lock that was free when made. It is in non-paged memory: the driver's
        // image is, and so is all that wdk-alloc hands out; nothing here runs on a pageable stack.
        let previous = unsafe { KeAcquireSpinLockRaiseToDpc(self.lock.get()) };
        // SAFETY: the lock is held, so this is the only reference to `data` (invariant).
        let result = body(unsafe { &mut *self.data.get() });
        // SAFETY: acquired above in this thread; `previous` is what the acquire answered.
        unsafe { KeReleaseSpinLock(self.lock.get(), previous) };
        result
    }
}

/// A synchronisation event: one wait is released by one signal.
///
/// # Invariants
///
/// The KEVENT is initialised, in non-paged pool, and does not move: the kernel links waiters to it.
pub struct Event(Box<UnsafeCell<MaybeUninit<KEVENT>>>);

// SAFETY: a KEVENT is made to be signalled and waited for from any thread; the kernel locks it.
unsafe impl Send for Event {}
// SAFETY: as for Send.
unsafe impl Sync for Event {}

impl Event {
    /// A new event, not signalled.
    ///
    /// # Errors
    ///
    /// `INSUFFICIENT_RESOURCES` when the pool has no room.
    pub fn try_new() -> Result<Self, NtStatus> {
        let event = try_box(UnsafeCell::new(MaybeUninit::uninit()))?;
        // SAFETY: the memory is non-paged pool of a KEVENT's size, and stays where it is in its Box.
        unsafe { KeInitializeEvent(event.get().cast(), _EVENT_TYPE::SynchronizationEvent, 0) };
        Ok(Self(event))
    }

    /// Wakes one waiter, now or the next to come. At most DISPATCH_LEVEL.
    pub fn signal(&self) {
        // SAFETY: initialised (invariant); Wait is FALSE, so DISPATCH_LEVEL is allowed (wdm.h, KeSetEvent).
        unsafe { KeSetEvent(self.0.get().cast(), 0, 0) };
    }

    /// Sleeps until the event is signalled or `milliseconds` have passed; true when it was signalled.
    pub fn wait(&self, _: Passive, milliseconds: u32) -> bool {
        self.wait_below_dispatch(milliseconds)
    }

    /// The same where the level is not proven. At most APC_LEVEL.
    pub fn wait_below_dispatch(&self, milliseconds: u32) -> bool {
        let mut timeout = relative_timeout(milliseconds);
        // SAFETY: initialised (invariant); up to APC_LEVEL a wait with a time-out is legal (wdm.h).
        let status = unsafe {
            KeWaitForSingleObject(
                self.0.get().cast(),
                _KWAIT_REASON::Executive,
                KernelMode,
                0,
                &raw mut timeout,
            )
        };
        // STATUS_TIMEOUT is a success code too: only zero means signalled.
        status == 0
    }
}

/// A time-out as the kernel wants it: negative for "from now", in units of 100 ns.
pub(crate) fn relative_timeout(milliseconds: u32) -> LARGE_INTEGER {
    LARGE_INTEGER {
        QuadPart: i64::from(milliseconds).saturating_mul(-10_000),
    }
}

/// Runs `body` at DISPATCH_LEVEL, where nothing stops the thread until it is done: for what others wait for without a
/// lock. At most DISPATCH_LEVEL; short.
///
/// The lock is nobody else's, so it is never waited for: it is taken because taking it raises the level. The tempting
/// KeRaiseIrqlToDpcLevel is an inline function or an export, of the kernel or of hal.dll, by version and processor.
pub fn at_dispatch<R>(body: impl FnOnce() -> R + Send) -> R {
    SpinLock::new(()).with(|()| body())
}
