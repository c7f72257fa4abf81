//! Processes: what tells one from another, and the path of its image.

#![expect(unsafe_code, reason = "reads process objects through the kernel")]

use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::slice;

use flt_sys::nt::{HANDLE, ObfDereferenceObject};
use flt_sys::process::{
    PsGetProcessCreateTimeQuadPart, PsGetProcessExitStatus, PsGetProcessStartKey,
    PsLookupProcessByProcessId, STATUS_PENDING,
};
use flt_sys::types::{EPROCESS, UNICODE_STRING};
use wdk_sys::ntddk::ExFreePool;

use crate::irql::Passive;
use crate::status::NtStatus;

/// A process, lent by whoever keeps it.
///
/// # Invariants
///
/// The process is referenced for all of `'a`.
#[derive(Clone, Copy)]
pub struct Process<'a> {
    process: NonNull<EPROCESS>,
    lent: PhantomData<(&'a (), *const ())>,
}

impl Process<'_> {
    /// # Safety
    ///
    /// 1. Somebody keeps `process` referenced for all of the lifetime.
    pub(crate) const unsafe fn from_raw(process: NonNull<EPROCESS>) -> Self {
        Self {
            process,
            lent: PhantomData,
        }
    }

    /// Calls `body` with the process that this thread runs in; `None` if the kernel names none.
    pub(crate) fn with_current<R>(body: impl FnOnce(&Process<'_>) -> R) -> Option<R> {
        // SAFETY: callable at any level; answers the process this thread is attached to (wdm.h).
        let process = unsafe { flt_sys::nt::IoGetCurrentProcess() };
        let process = NonNull::new(process)?;
        // SAFETY: a process lives as long as a thread runs in it, and the body runs in this thread.
        Some(body(&unsafe { Process::from_raw(process) }))
    }

    /// The process id. Any level.
    #[must_use]
    pub fn id(&self) -> u32 {
        // SAFETY: the process is referenced (invariant); any level.
        let id = unsafe { flt_sys::nt::PsGetProcessId(self.as_ptr()) };
        small_id(id)
    }

    /// A number that no other process has, as long as the machine runs. At most DISPATCH_LEVEL.
    #[must_use]
    pub fn start_key(&self) -> u64 {
        // SAFETY: the process is referenced (invariant); at most DISPATCH_LEVEL (ntddk.h).
        unsafe { PsGetProcessStartKey(self.as_ptr()) }
    }

    /// When the process was made: 100 ns intervals since 1601-01-01 UTC. Any level.
    #[must_use]
    pub fn create_time(&self) -> u64 {
        // SAFETY: the process is referenced (invariant); any level (ntddk.h).
        let time = unsafe { PsGetProcessCreateTimeQuadPart(self.as_ptr()) };
        time.cast_unsigned()
    }

    /// Whether it has ended, or is ending. One that ends with STATUS_PENDING as its status seems not to have.
    #[must_use]
    pub fn has_ended(&self, _: Passive) -> bool {
        // SAFETY: the process is referenced (invariant), the level is proven.
        let status = unsafe { PsGetProcessExitStatus(self.as_ptr()) };
        status != STATUS_PENDING
    }

    /// The full NT path of the process's image; empty for a process without one, such as System.
    ///
    /// # Errors
    ///
    /// The kernel's status.
    pub fn image(&self, _: Passive) -> Result<ImageName, NtStatus> {
        let mut name: *mut UNICODE_STRING = ptr::null_mut();
        // SAFETY: the process is referenced (invariant), the level is proven, `name` may be written.
        let status = unsafe { flt_sys::nt::SeLocateProcessImageName(self.as_ptr(), &raw mut name) };
        NtStatus::check(status)?;
        NonNull::new(name).map(ImageName).ok_or(NtStatus::NOT_FOUND)
    }

    pub(crate) const fn as_ptr(&self) -> *mut EPROCESS {
        self.process.as_ptr()
    }
}

/// A process that we keep ourselves.
///
/// # Invariants
///
/// One reference to the process is ours.
pub(crate) struct OwnedProcess(NonNull<EPROCESS>);

impl OwnedProcess {
    /// The process with this id.
    pub(crate) fn look_up(id: HANDLE, _: Passive) -> Result<Self, NtStatus> {
        let mut process: *mut EPROCESS = ptr::null_mut();
        // SAFETY: the level is proven, `process` may be written.
        let status = unsafe { PsLookupProcessByProcessId(id, &raw mut process) };
        NtStatus::check(status)?;
        let process = NonNull::new(process).ok_or(NtStatus::NOT_FOUND)?;
        Ok(Self(process))
    }

    /// Lends it.
    pub(crate) const fn lend(&self) -> Process<'_> {
        // SAFETY: the reference is ours (invariant), and stays as long as `self` is borrowed.
        unsafe { Process::from_raw(self.0) }
    }
}

impl Drop for OwnedProcess {
    fn drop(&mut self) {
        // SAFETY: the reference taken by `look_up` is ours and given back once; at most DISPATCH_LEVEL.
        unsafe { ObfDereferenceObject(self.0.as_ptr().cast()) };
    }
}

/// Process and thread ids are handles in type only; they fit 32 bits.
pub(crate) fn small_id(id: HANDLE) -> u32 {
    u32::try_from(id.addr()).unwrap_or(u32::MAX)
}

/// An image path allocated by the kernel for us.
///
/// # Invariants
///
/// The block starts with a UNICODE_STRING, followed by its text, and is ours to free.
pub struct ImageName(NonNull<UNICODE_STRING>);

impl ImageName {
    /// The path in UTF-16 units. May be paged memory.
    #[must_use]
    pub fn units(&self) -> &[u16] {
        // SAFETY: a UNICODE_STRING stands at the start of the block (invariant).
        let string = unsafe { self.0.as_ref() };
        // SAFETY: the string describes text within the block, which we own (invariant).
        unsafe { units(string) }
    }
}

impl Drop for ImageName {
    fn drop(&mut self) {
        // SAFETY: ours to free, once; the documentation names no tag (SeLocateProcessImageName).
        unsafe { ExFreePool(self.0.as_ptr().cast()) };
    }
}

/// The text of a UNICODE_STRING as a slice; empty for a null buffer.
///
/// # Safety
///
/// 1. Length bytes at Buffer are readable, aligned for u16, and unchanged for `'a`.
pub(crate) unsafe fn units<'a>(string: &UNICODE_STRING) -> &'a [u16] {
    let count = usize::from(string.Length >> 1);
    if string.Buffer.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: contract 1, with an even count of bytes.
    unsafe { slice::from_raw_parts(string.Buffer, count) }
}
