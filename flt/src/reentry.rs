//! Whether this thread may send a query of its own down to the file system.

#![expect(unsafe_code, reason = "asks the kernel about the current thread")]

use wdk_sys::ntddk::{IoGetTopLevelIrp, KeAreAllApcsDisabled};

use crate::irql::Passive;
use crate::status::NtStatus;

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

/// What was found out about this thread before the queries of one request: that it runs at PASSIVE_LEVEL, and whether
/// they may go down to the file system. Looked at once for all of them.
///
/// # Invariants
///
/// `may_ask` is the answer of [`may_ask_file_system`] in this thread. It stays true: only the thread itself changes what
/// it rests on, this crate never does, and what a file system sets while it answers a query it takes back.
#[derive(Clone, Copy)]
pub struct Asking {
    passive: Passive,
    may_ask: bool,
}

impl Asking {
    /// Looks at this thread.
    #[must_use]
    pub fn look(passive: Passive) -> Self {
        Self {
            passive,
            may_ask: may_ask_file_system(),
        }
    }

    /// The proof of the level.
    #[must_use]
    pub const fn passive(self) -> Passive {
        self.passive
    }

    /// Whether the file system may be asked.
    ///
    /// # Errors
    ///
    /// `POSSIBLE_DEADLOCK` where asking could wait for ever.
    pub(crate) const fn check(self) -> Result<(), NtStatus> {
        if self.may_ask {
            Ok(())
        } else {
            Err(NtStatus::POSSIBLE_DEADLOCK)
        }
    }
}
