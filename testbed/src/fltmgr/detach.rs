//! Detaching one instance by hand, as `fltmc detach` (FilterDetach) does.
//!
//! The filter is asked first and may refuse; a filter without an InstanceQueryTeardownCallback cannot be
//! detached by hand (`nc-fltkernel-pflt_instance_query_teardown_callback`).

use std::sync::Arc;

use super::instance::Instance;
use super::layout::flags;
use super::phase::Callback;
use super::registry::CallbackCall;
use super::{frame, lock, teardown};
use crate::io::VolumeId;
use crate::machine::Machine;
use crate::status::{
    NtStatus, STATUS_FLT_DO_NOT_DETACH, STATUS_FLT_INSTANCE_NOT_FOUND, STATUS_FLT_VOLUME_NOT_FOUND,
};
use crate::thread::Thread;
use crate::verifier::{self, Violation};

impl Machine {
    /// Detaches the filter of the driver `name` from a volume, to which it comes back with the next
    /// load only.
    ///
    /// # Errors
    ///
    /// `STATUS_FLT_VOLUME_NOT_FOUND`, `STATUS_FLT_INSTANCE_NOT_FOUND`; `STATUS_FLT_DO_NOT_DETACH` for a
    /// filter that cannot be asked, or what the filter answers: then it stays attached.
    pub fn detach(&self, name: &str, volume: VolumeId) -> Result<(), NtStatus> {
        let volume = self
            .io()
            .volume(volume)
            .ok_or(STATUS_FLT_VOLUME_NOT_FOUND)?;
        let found = lock(volume.instances())
            .iter()
            .find(|instance| instance.filter_name() == name)
            .cloned();
        let instance = found.ok_or(STATUS_FLT_INSTANCE_NOT_FOUND)?;
        self.system()
            .run_kernel(|thread| verifier::settle(detach(thread.thread(), &instance)))
    }
}

/// The outer error is a broken rule, the inner one a refusal.
fn detach(
    thread: &Arc<Thread>,
    instance: &Arc<Instance>,
) -> Result<Result<(), NtStatus>, Violation> {
    if instance.filter.registration.query_teardown == 0 {
        return Ok(Err(STATUS_FLT_DO_NOT_DETACH));
    }
    // An unload waits for the answer, as for any callback; behind one there is nothing to ask.
    let Some(asking) = instance.enter(thread.id()) else {
        return Ok(Err(STATUS_FLT_INSTANCE_NOT_FOUND));
    };
    let answer = ask(thread, instance)?;
    drop(asking);
    // "an error or warning NTSTATUS code": everything that NT_SUCCESS denies.
    if !answer.is_success() {
        return Ok(Err(answer));
    }
    if !instance.begin_teardown() {
        return Ok(Err(STATUS_FLT_INSTANCE_NOT_FOUND));
    }
    teardown::tear_down(thread, instance, flags::TEARDOWN_MANUAL).map(Ok)
}

fn ask(thread: &Arc<Thread>, instance: &Arc<Instance>) -> Result<NtStatus, Violation> {
    let (filter, volume) = (&instance.filter, &instance.volume);
    let label = format!("query teardown of {} on {}", filter.name, volume.name());
    let objects = frame::related_objects(thread.machine(), instance, 0, &label)?;
    let what = CallbackCall {
        callback: Callback::QueryTeardown,
        label: &label,
        address: filter.registration.query_teardown,
        request: 0,
        is_void: false,
    };
    // "No flags are currently defined."
    let status = filter.call(thread, what, &[objects, 0])?;
    let memory = thread.machine().memory();
    memory.free(objects, &format!("the return of the {label}"))?;
    Ok(NtStatus(status))
}
