//! System threads that drivers make.

use std::sync::Arc;

use crate::boundary::call;
use crate::boundary::import::{Call, ThreadEnds};
use crate::ntos::handle::{self, HandleEntry};
use crate::process::Running;
use crate::status::{NtStatus, STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS};
use crate::thread::{self, Mode};
use crate::verifier::{self, Rule, Violation};

/// OBJ_KERNEL_HANDLE ("OBJECT_ATTRIBUTES structure", Microsoft Learn).
const KERNEL_HANDLE: u32 = 0x200;
/// THREAD_ALL_ACCESS.
const ALL_ACCESS: u32 = 0x001F_FFFF;

/// "PsCreateSystemThread function (wdm.h)", Microsoft Learn. The thread belongs to the System process;
/// another process is not modelled. Stricter: outside the System process the handle must be a kernel
/// handle.
pub(crate) fn ps_create_system_thread(
    call: &Call,
    (out, _access, attributes, process, client_id, start, context): (
        u64,
        u32,
        u64,
        u64,
        u64,
        u64,
        u64,
    ),
) -> Result<NtStatus, Violation> {
    let (guest, machine) = (call.guest(), call.machine());
    if process != 0 || client_id != 0 {
        return Err(call.violation(Rule::NotModelled, "a process or a client id"));
    }
    // OBJECT_ATTRIBUTES: Length 0 (48), ObjectName 16, Attributes 24.
    let kernel = attributes != 0
        && guest.read_u32(attributes + 24, "ObjectAttributes")? & KERNEL_HANDLE != 0;
    let system = machine.system();
    if !kernel && call.thread().process().id() != system.id() {
        let detail = "without OBJ_KERNEL_HANDLE the handle lands in a user process";
        return Err(call.violation(Rule::Handle, detail));
    }
    if machine.injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let new = thread::prepare(&system, Mode::Kernel);
    let entry = HandleEntry {
        object: new.object(),
        access: ALL_ACCESS,
        attributes: 0,
        driver: call.driver(),
    };
    let value = handle::create(machine, &system, true, entry);
    guest.write_u64(out, value, "ThreadHandle")?;
    let label = format!("system thread of {}", call.site());
    machine.note_driver_thread(call.driver(), &new, call.site());
    let body = Arc::clone(&new);
    machine.keep(Running::start(move || {
        thread::run_prepared(&body, |thread| {
            // "runs .. inside a critical region with normal kernel APCs disabled" (same page).
            thread.in_critical_region(|| {
                verifier::settle(call::system_thread(thread, &label, start, context));
            });
        });
        // Whoever waits until the threads of drivers are at rest need not wait for this one.
        body.machine().sleepers().looks(body.id());
    }));
    Ok(STATUS_SUCCESS)
}

/// "PsTerminateSystemThread function (ntddk.h)", Microsoft Learn: ends the calling thread, which a
/// driver has created.
pub(crate) fn ps_terminate_system_thread(
    call: &Call,
    _status: u32,
) -> Result<ThreadEnds, Violation> {
    if !call::in_system_thread() || call.thread().depth() != 1 {
        let detail = "called outside the body of a system thread";
        return Err(call.violation(Rule::SystemThread, detail));
    }
    Ok(ThreadEnds)
}
