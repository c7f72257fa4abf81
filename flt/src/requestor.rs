//! The requestor: in which mode, in whose context, in which process and thread a request was issued.

#![expect(
    unsafe_code,
    reason = "reads callback data and compares process objects"
)]

use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;

use flt_sys::callback::{FLT_CALLBACK_DATA, FltGetRequestorProcess};
use flt_sys::types::{EPROCESS, PETHREAD};

use crate::irql::Passive;
use crate::process::{Process, small_id};
use crate::subject::Subject;

/// Whether a request was issued by user-mode or by kernel-mode code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// KernelMode: handles are trusted, no access check was made.
    Kernel,
    /// UserMode.
    User,
}

impl Mode {
    /// # Safety
    ///
    /// 1. `data` is the callback data of a running callback.
    pub(crate) unsafe fn of(data: *mut FLT_CALLBACK_DATA) -> Self {
        // SAFETY: contract 1; nobody changes the mode.
        let mode = unsafe { (*data).RequestorMode };
        if mode == flt_sys::nt::KernelMode {
            Self::Kernel
        } else {
            Self::User
        }
    }

    pub(crate) const fn raw(self) -> i8 {
        match self {
            Self::Kernel => flt_sys::nt::KernelMode,
            Self::User => flt_sys::nt::UserMode,
        }
    }
}

/// Proof that the callback runs in the context of the process that issued the request, so that a
/// handle value means what the requestor meant by it.
///
/// # Invariants
///
/// Made only after comparing the current process with the requestor's, for this callback.
#[derive(Clone, Copy)]
pub struct InRequestor<'op> {
    mode: Mode,
    operation: PhantomData<(&'op (), *const ())>,
}

impl InRequestor<'_> {
    /// Compares the requestor's process with the one this thread is attached to.
    ///
    /// # Safety
    ///
    /// 1. `data` is the callback data of a running callback, which lasts for all of `'op`.
    pub(crate) unsafe fn prove(data: *mut FLT_CALLBACK_DATA) -> Option<Self> {
        // SAFETY: contract 1; at most DISPATCH_LEVEL.
        let process = unsafe { FltGetRequestorProcess(data) };
        // SAFETY: callable at any level; answers the process this thread is attached to (wdm.h).
        let current = unsafe { flt_sys::nt::IoGetCurrentProcess() };
        // SAFETY: contract 1.
        let mode = unsafe { Mode::of(data) };
        (!process.is_null() && current == process).then_some(Self {
            mode,
            operation: PhantomData,
        })
    }

    /// The requestor's mode.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }
}

/// The process and the thread that issued a request; valid while its callback runs.
///
/// # Invariants
///
/// The thread, if not null, is referenced for all of `'op`.
#[derive(Clone, Copy)]
pub struct Requestor<'op> {
    process: Process<'op>,
    thread: PETHREAD,
}

impl<'op> Requestor<'op> {
    /// # Safety
    ///
    /// 1. `process` and `thread` (if not null) are the requestor's, and stay referenced by the request for `'op`.
    pub(crate) const unsafe fn from_raw(process: NonNull<EPROCESS>, thread: PETHREAD) -> Self {
        Self {
            // SAFETY: contract 1.
            process: unsafe { Process::from_raw(process) },
            thread,
        }
    }

    /// The id of the thread that issued the request; 0 when the request names none.
    #[must_use]
    pub fn thread_id(&self) -> u32 {
        if self.thread.is_null() {
            return 0;
        }
        // SAFETY: the thread is referenced by the request (invariant) and not null; at most DISPATCH_LEVEL.
        let id = unsafe { flt_sys::nt::PsGetThreadId(self.thread) };
        small_id(id)
    }

    /// For whom the thread acts.
    #[must_use]
    pub fn subject(&self, passive: Passive) -> Subject<'op> {
        // SAFETY: both are referenced by the request (invariants).
        unsafe { Subject::capture(self.thread, &self.process, passive) }
    }
}

impl<'op> Deref for Requestor<'op> {
    type Target = Process<'op>;

    fn deref(&self) -> &Process<'op> {
        &self.process
    }
}
