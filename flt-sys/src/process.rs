//! Processes: what tells one from another, and word of their beginning and end.
//!
//! Pages: `ntddk/nf-ntddk-psgetprocessstartkey`, `ntddk/nf-ntddk-psgetprocesscreatetimequadpart`,
//! `ntddk/nf-ntddk-psgetprocessexitstatus`,
//! `ntddk/nf-ntddk-pssetcreateprocessnotifyroutine`, `ntddk/nc-ntddk-pcreate_process_notify_routine`,
//! `ntifs/nf-ntifs-pslookupprocessbyprocessid`.

use crate::nt::HANDLE;
use crate::types::{BOOLEAN, LARGE_INTEGER, NTSTATUS, PEPROCESS};

/// Called at PASSIVE level, normal APCs disabled, when a process begins (in the thread that made it) and when it
/// ends (in its last thread).
pub type PCREATE_PROCESS_NOTIFY_ROUTINE =
    Option<unsafe extern "system" fn(ParentId: HANDLE, ProcessId: HANDLE, Create: BOOLEAN)>;

/// What [`PsGetProcessExitStatus`] answers of a process that has not ended.
pub const STATUS_PENDING: NTSTATUS = 0x103;

imports! { PROCESS_IMPORTS from "ntoskrnl.exe":
    /// A number that no other process has, in this start of the system or another.
    ["1703", Dispatch]
    fn PsGetProcessStartKey(Process: PEPROCESS) -> u64;

    /// When a process was made, in units of 100 ns since 1601; never changes.
    ["XP", Any]
    fn PsGetProcessCreateTimeQuadPart(Process: PEPROCESS) -> LARGE_INTEGER;

    /// With which status a process has ended; [`STATUS_PENDING`] if it has not.
    ["1703", Apc]
    fn PsGetProcessExitStatus(Process: PEPROCESS) -> NTSTATUS;

    /// Adds a routine to those that are told of processes, or removes it and waits for the calls under way.
    /// `STATUS_INVALID_PARAMETER` if it is there already, if the system's list is full, or if what is to be removed
    /// is not there. To be removed before the driver unloads.
    ["2000", Passive]
    fn PsSetCreateProcessNotifyRoutine(
        NotifyRoutine: PCREATE_PROCESS_NOTIFY_ROUTINE,
        Remove: BOOLEAN,
    ) -> NTSTATUS;

    /// The process of an id, with a reference for the caller. `STATUS_INVALID_CID` if there is none.
    ["2000", Apc]
    fn PsLookupProcessByProcessId(ProcessId: HANDLE, Process: *mut PEPROCESS) -> NTSTATUS;
}
