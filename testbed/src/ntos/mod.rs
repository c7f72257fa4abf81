//! The modelled kernel: one file per API family, each a set of safe handlers with tests beside them.
//!
//! [`IMPORTS`] lists every routine with its highest IRQL; a name that is not here refuses the load of
//! an image that imports it. Signatures are those of the documentation pages ("wdm.h", "ntddk.h",
//! "ntifs.h" on Microsoft Learn); pointers are addresses (`u64`), handles are values (`u64`).

pub(crate) mod deadline;
pub mod debug;
pub mod file;
pub mod handle;
pub mod memory;
pub mod ob;
pub mod object;
pub(crate) mod pins;
pub mod pool;
pub mod process;
pub(crate) mod process_notify;
pub mod registry;
pub mod security;
pub(crate) mod shutdown;
pub(crate) mod sleepers;
pub mod string;
pub mod sync;
pub(crate) mod system_file;
pub mod system_thread;
pub mod time;
pub mod token;
pub(crate) mod token_query;
pub mod uuid;
pub mod wait;

#[cfg(test)]
mod test_call;

use crate::imports;
use crate::machine::Machine;
use crate::verifier::Violation;

/// Interrupt request levels of x86-64 ("Managing Hardware Priorities", Microsoft Learn).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Irql {
    /// PASSIVE_LEVEL.
    Passive = 0,
    /// APC_LEVEL.
    Apc = 1,
    /// DISPATCH_LEVEL.
    Dispatch = 2,
    /// HIGH_LEVEL: as a limit it means "any".
    High = 15,
}

impl Irql {
    /// The name of a level.
    #[must_use]
    pub fn describe(level: u8) -> String {
        match level {
            0 => "PASSIVE_LEVEL".to_owned(),
            1 => "APC_LEVEL".to_owned(),
            2 => "DISPATCH_LEVEL".to_owned(),
            15 => "HIGH_LEVEL".to_owned(),
            other => format!("IRQL {other}"),
        }
    }
}

imports! {
    /// The routines of ntoskrnl.exe. Levels: "Requirements" table of each page; where a page is
    /// silent or allows more than is sane for the arguments, the stricter reading.
    pub static IMPORTS: "ntoskrnl.exe" {
        // wdm.h. Paged pool narrows the level further, in the handler.
        ExAllocatePool2(flags: u64, size: u64, tag: u32) -> u64 [Dispatch] => pool::ex_allocate_pool2;
        ExFreePool(block: u64) -> () [Dispatch] => pool::ex_free_pool;
        ExFreePoolWithTag(block: u64, tag: u32) -> () [Dispatch] => pool::ex_free_pool_with_tag;
        ObReferenceObjectByHandle(handle: u64, access: u32, object_type: u64, mode: u8, object: u64, information: u64) -> NtStatus [Passive] => [ob::ob_reference_object_by_handle];
        ObfReferenceObject(object: u64) -> i64 [Dispatch] => ob::obf_reference_object;
        ObfDereferenceObject(object: u64) -> i64 [Dispatch] => ob::obf_dereference_object;
        ZwClose(handle: u64) -> NtStatus [Passive] => ob::zw_close;
        IoGetCurrentProcess() -> u64 [High] => process::io_get_current_process;
        IoIsFileOriginRemote(file: u64) -> bool [High] => file::io_is_file_origin_remote;
        IoGetTopLevelIrp() -> u64 [Apc] => process::io_get_top_level_irp;
        KeAreAllApcsDisabled() -> bool [Dispatch] => process::ke_are_all_apcs_disabled;
        PsGetProcessId(process: u64) -> u64 [Dispatch] => process::ps_get_process_id;
        PsGetThreadId(thread: u64) -> u64 [Dispatch] => process::ps_get_thread_id;
        PsGetCurrentThreadId() -> u64 [Dispatch] => process::ps_get_current_thread_id;
        PsGetProcessStartKey(process: u64) -> u64 [Dispatch] => process::ps_get_process_start_key;
        PsGetProcessCreateTimeQuadPart(process: u64) -> i64 [High] => process::ps_get_process_create_time_quad_part;
        PsGetProcessExitStatus(process: u64) -> NtStatus [Apc] => process::ps_get_process_exit_status;
        PsLookupProcessByProcessId(id: u64, process: u64) -> NtStatus [Apc] => process::ps_lookup_process_by_process_id;
        PsSetCreateProcessNotifyRoutine(routine: u64, remove: bool) -> NtStatus [Passive] => process_notify::ps_set_create_process_notify_routine;
        SeLocateProcessImageName(process: u64, name: u64) -> NtStatus [Passive] => process::se_locate_process_image_name;
        SeCaptureSubjectContextEx(thread: u64, process: u64, context: u64) -> () [Passive] => security::se_capture_subject_context_ex;
        SeReleaseSubjectContext(context: u64) -> () [Passive] => security::se_release_subject_context;
        PsReferencePrimaryToken(process: u64) -> u64 [Passive] => security::ps_reference_primary_token;
        PsDereferencePrimaryToken(token: u64) -> () [Passive] => security::ps_dereference_primary_token;
        PsReferenceImpersonationToken(thread: u64, copy_on_open: u64, effective_only: u64, level: u64) -> u64 [Passive] => security::ps_reference_impersonation_token;
        PsDereferenceImpersonationToken(token: u64) -> () [Passive] => security::ps_dereference_impersonation_token;
        SeQueryInformationToken(token: u64, class: u32, information: u64) -> NtStatus [Passive] => token_query::se_query_information_token;
        KeQuerySystemTimePrecise(time: u64) -> () [High] => time::ke_query_system_time_precise;
        KeQueryInterruptTimePrecise(counter: u64) -> u64 [High] => time::ke_query_interrupt_time_precise;
        KeQueryPerformanceCounter(frequency: u64) -> i64 [High] => time::ke_query_performance_counter;
        KeGetCurrentIrql() -> u8 [High] => sync::ke_get_current_irql;
        KeAcquireSpinLockRaiseToDpc(lock: u64) -> u8 [Dispatch] => sync::ke_acquire_spin_lock_raise_to_dpc;
        KeReleaseSpinLock(lock: u64, irql: u8) -> () [Dispatch] => sync::ke_release_spin_lock;
        KeInitializeEvent(event: u64, kind: u32, state: bool) -> () [High] => sync::ke_initialize_event;
        // Wait TRUE narrows the level further, in the handler.
        KeSetEvent(event: u64, increment: i32, wait: bool) -> i32 [Dispatch] => sync::ke_set_event;
        KeClearEvent(event: u64) -> () [Dispatch] => sync::ke_clear_event;
        KeResetEvent(event: u64) -> i32 [Dispatch] => sync::ke_reset_event;
        KeWaitForSingleObject(object: u64, reason: u32, mode: u8, alertable: bool, timeout: u64) -> NtStatus [Dispatch] => [wait::ke_wait_for_single_object];
        ZwWaitForSingleObject(handle: u64, alertable: bool, timeout: u64) -> NtStatus [Passive] => wait::zw_wait_for_single_object;
        PsCreateSystemThread(handle: u64, access: u32, attributes: u64, process: u64, client_id: u64, start: u64, context: u64) -> NtStatus [Passive] => [system_thread::ps_create_system_thread];
        IoOpenDriverRegistryKey(driver: u64, kind: u32, access: u32, flags: u32, key: u64) -> NtStatus [Passive] => [registry::io_open_driver_registry_key];
        ZwQueryValueKey(key: u64, name: u64, class: u32, information: u64, length: u32, result: u64) -> NtStatus [Passive] => [registry::zw_query_value_key];
        ZwSetValueKey(key: u64, name: u64, title: u32, kind: u32, data: u64, size: u32) -> NtStatus [Passive] => [registry::zw_set_value_key];
        ZwFlushKey(key: u64) -> NtStatus [Passive] => registry::zw_flush_key;
        IoCreateDevice(driver: u64, extension: u32, name: u64, kind: u32, characteristics: u32, exclusive: bool, device: u64) -> NtStatus [Apc] => [shutdown::io_create_device];
        IoDeleteDevice(device: u64) -> () [Apc] => shutdown::io_delete_device;
        IoRegisterShutdownNotification(device: u64) -> NtStatus [Passive] => shutdown::io_register_shutdown_notification;
        IoUnregisterShutdownNotification(device: u64) -> () [Passive] => shutdown::io_unregister_shutdown_notification;
        IofCompleteRequest(irp: u64, boost: u8) -> () [Dispatch] => shutdown::iof_complete_request;
        IoQueryFullDriverPath(driver: u64, path: u64) -> NtStatus [Apc] => system_file::io_query_full_driver_path;
        ZwOpenFile(handle: u64, access: u32, attributes: u64, io_status: u64, share: u32, options: u32) -> NtStatus [Passive] => [system_file::zw_open_file];
        ZwReadFile(file: u64, event: u64, apc: u64, context: u64, io_status: u64, buffer: u64, length: u32, offset: u64, key: u64) -> NtStatus [Passive] => [system_file::zw_read_file];
        PsTerminateSystemThread(status: u32) -> ThreadEnds [Passive] => system_thread::ps_terminate_system_thread;
        ExUuidCreate(uuid: u64) -> NtStatus [Passive] => uuid::ex_uuid_create;
        // The page allows DIRQL for a format without Unicode strings; the wdk crates use no others.
        DbgPrint(format: u64) -> NtStatus [High] => debug::dbg_print;
        KeBugCheckEx(code: u32, a: u64, b: u64, c: u64, d: u64) -> () [High] => [debug::ke_bug_check_ex];
        // String routines of the kernel's C runtime: any level with resident memory.
        memcpy(target: u64, source: u64, size: u64) -> u64 [High] => memory::memcpy;
        memmove(target: u64, source: u64, size: u64) -> u64 [High] => memory::memmove;
        memset(target: u64, byte: i32, size: u64) -> u64 [High] => memory::memset;
        memcmp(left: u64, right: u64, size: u64) -> i32 [High] => memory::memcmp;
        RtlInitUnicodeString(target: u64, source: u64) -> () [Dispatch] => string::rtl_init_unicode_string;
        RtlCompareUnicodeString(left: u64, right: u64, ignore_case: bool) -> i32 [Passive] => string::rtl_compare_unicode_string;
    }
}

use crate::boundary::import::ThreadEnds;
use crate::status::NtStatus;

/// A data export: its name and how to find the address of the variable.
pub(crate) type DataExport = (&'static str, fn(&Machine) -> Result<u64, Violation>);

/// The data exports of ntoskrnl.exe.
pub(crate) const DATA: &[DataExport] = &[("IoFileObjectType", |machine| {
    machine.objects().file_type_cell(machine.memory())
})];
