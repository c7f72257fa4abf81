//! Word of the beginning and the end of processes.

#![expect(
    unsafe_code,
    reason = "registers a routine that the kernel calls with process ids"
)]

use flt_sys::nt::HANDLE;
use flt_sys::process::{PCREATE_PROCESS_NOTIFY_ROUTINE, PsSetCreateProcessNotifyRoutine};
use flt_sys::types::BOOLEAN;

use crate::filter::Minifilter;
use crate::irql::Passive;
use crate::process::{OwnedProcess, Process, small_id};
use crate::status::NtStatus;

/// The parent of a new process.
pub struct Parent<'a> {
    /// Its id, which the kernel says in any case.
    pub id: u32,
    /// The parent itself; `None` if it has ended meanwhile.
    pub process: Option<Process<'a>>,
}

/// A registered routine: removed when dropped, which waits for the calls under way.
///
/// # Invariants
///
/// The routine is on the kernel's list.
pub(crate) struct ProcessNotice(PCREATE_PROCESS_NOTIFY_ROUTINE);

impl ProcessNotice {
    /// Has the driver `F` told of processes.
    ///
    /// # Safety
    ///
    /// 1. What this makes is dropped before the driver is unloaded, at PASSIVE_LEVEL.
    pub(crate) unsafe fn begin<F: Minifilter>(_: Passive) -> Result<Self, NtStatus> {
        let routine: PCREATE_PROCESS_NOTIFY_ROUTINE = Some(notified::<F>);
        // SAFETY: the routine stays callable until it is removed (contract 1); the level is proven.
        NtStatus::check(unsafe { PsSetCreateProcessNotifyRoutine(routine, 0) })?;
        Ok(Self(routine))
    }
}

impl Drop for ProcessNotice {
    fn drop(&mut self) {
        // SAFETY: on the list (invariant); PASSIVE_LEVEL (contract of `begin`). It waits for calls under way. The status
        // carries nothing we could act on: the routine was on the list (invariant).
        let _removed: i32 = unsafe { PsSetCreateProcessNotifyRoutine(self.0, 1) };
    }
}

/// PCREATE_PROCESS_NOTIFY_ROUTINE. PASSIVE_LEVEL, normal APCs disabled; in the thread that makes the process, or in
/// the last thread of the one that ends.
///
/// # Safety
///
/// Called by the kernel only.
unsafe extern "system" fn notified<F: Minifilter>(
    parent: HANDLE,
    process: HANDLE,
    create: BOOLEAN,
) {
    let Some(filter) = F::global().get() else {
        return;
    };
    // SAFETY: PCREATE_PROCESS_NOTIFY_ROUTINE runs at PASSIVE_LEVEL (ntddk.h), and this is it.
    let passive = unsafe { Passive::documented() };
    // An id that names no process any more is nothing that could be told of.
    let Ok(process) = OwnedProcess::look_up(process, passive) else {
        return;
    };
    if create == 0 {
        filter.process_ended(&process.lend());
        return;
    }
    let found = OwnedProcess::look_up(parent, passive).ok();
    let parent = Parent {
        id: small_id(parent),
        process: found.as_ref().map(OwnedProcess::lend),
    };
    filter.process_began(&process.lend(), &parent, passive);
}
