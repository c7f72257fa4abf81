//! One system thread of the driver's own, joined before the driver may go.

#![expect(unsafe_code, reason = "creates a kernel thread and waits for it")]

use core::ffi::c_void;
use core::ptr;

use wdk_sys::ntddk::{PsCreateSystemThread, ZwClose, ZwWaitForSingleObject};
use wdk_sys::{HANDLE, OBJ_KERNEL_HANDLE, OBJECT_ATTRIBUTES, THREAD_ALL_ACCESS};

use crate::irql::Passive;
use crate::status::NtStatus;
use crate::sync::relative_timeout;

/// The Length that OBJECT_ATTRIBUTES carries in itself.
pub(crate) const fn attributes_size() -> u32 {
    0x30
}

// Two declarations of one structure: flt-sys asserts its own.
const _: () = assert!(size_of::<OBJECT_ATTRIBUTES>() == 0x30);

/// A running system thread.
///
/// # Invariants
///
/// `handle` is a kernel handle to the thread and ours to close.
pub(crate) struct SystemThread {
    handle: HANDLE,
}

impl SystemThread {
    /// Starts a thread of the System process in `routine`.
    ///
    /// # Safety
    ///
    /// 1. `routine` stays callable until the thread has ended: the caller joins it before unload.
    pub(crate) unsafe fn start(
        routine: unsafe extern "C" fn(*mut c_void),
        _: Passive,
    ) -> Result<Self, NtStatus> {
        let mut handle = ptr::null_mut();
        // A kernel handle: the thread is waited for in an unload, which may run in another process.
        let mut attributes = OBJECT_ATTRIBUTES {
            Length: attributes_size(),
            RootDirectory: ptr::null_mut(),
            ObjectName: ptr::null_mut(),
            Attributes: OBJ_KERNEL_HANDLE,
            SecurityDescriptor: ptr::null_mut(),
            SecurityQualityOfService: ptr::null_mut(),
        };
        // SAFETY: the attributes live through the call, `handle` may be written, the level is proven;
        // null process and client id ask for a thread of the System process.
        let status = unsafe {
            PsCreateSystemThread(
                &raw mut handle,
                THREAD_ALL_ACCESS,
                &raw mut attributes,
                ptr::null_mut(),
                ptr::null_mut(),
                Some(routine),
                ptr::null_mut(),
            )
        };
        NtStatus::check(status)?;
        Ok(Self { handle })
    }

    /// Waits up to `milliseconds` for the thread to end; true when it has.
    pub(crate) fn wait(&self, _: Passive, milliseconds: u32) -> bool {
        let mut timeout = relative_timeout(milliseconds);
        // SAFETY: the handle is ours and open (invariant); PASSIVE_LEVEL; the wait has a time-out.
        let status = unsafe { ZwWaitForSingleObject(self.handle, 0, &raw mut timeout) };
        // STATUS_TIMEOUT is a success code too: only zero means ended.
        status == 0
    }
}

impl Drop for SystemThread {
    fn drop(&mut self) {
        // SAFETY: ours to close, once; threads are joined and dropped at PASSIVE_LEVEL by `filter`.
        // The status carries nothing we could act on: the handle was valid (invariant).
        let _closed: i32 = unsafe { ZwClose(self.handle) };
    }
}

// SAFETY: a kernel handle may be used from any thread.
unsafe impl Send for SystemThread {}
