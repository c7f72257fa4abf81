//! Whether this thread may send a query of its own down to the file system.

#![expect(unsafe_code, reason = "asks the kernel about the current thread")]

use wdk_sys::ntddk::{IoGetTopLevelIrp, KeAreAllApcsDisabled};

/// Whether a query may go down to the file system from this thread.
///
/// With a top-level IRP set, a file system may be waiting for this very thread; with APCs disabled, the
/// query's own completion may never come. The routines that ask do not check that for their caller: see the
/// pages of `FltQueryInformationFile`, `FltGetFileNameInformationUnsafe` and `IoGetTopLevelIrp`. Of the other
/// cases that they name none can occur in a file-system control of a file that is open.
pub(crate) fn may_ask_file_system() -> bool {
    // SAFETY: callable at APC_LEVEL and below, reads the current thread only (ntifs.h).
    let top_level = unsafe { IoGetTopLevelIrp() };
    // SAFETY: callable at DISPATCH_LEVEL and below, reads the current thread only (ntddk.h).
    let apcs_disabled = unsafe { KeAreAllApcsDisabled() };
    top_level.is_null() && apcs_disabled == 0
}
