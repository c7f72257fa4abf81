//! The end of a filter: `FltUnregisterFilter`, and the unload that calls it.
//!
//! Order of an unregistration: ports, then each instance (teardown start, running callbacks awaited,
//! requests in the file system drained, teardown complete), then what is left of contexts and names.
//! A server port that is still open, or a reference that is still held, would let the routine hang
//! for ever ("Closing the Communication Server Port", "Unregistering the Minifilter", Windows driver
//! documentation): here each is a violation.

use std::sync::Arc;

use super::context::drop_instance_context;
use super::dispatch;
use super::instance::Instance;
use super::layout::{flags, registration};
use super::phase::{self, Callback, Nature};
use super::registry::{CallbackCall, Filter, FilterPhase, own_filter};
use super::{frame, lock, manager};
use crate::boundary::import::Call;
use crate::status::NtStatus;
use crate::thread::Thread;
use crate::verifier::{Rule, Violation};

/// `FltUnregisterFilter`.
pub(super) fn flt_unregister_filter(call: &Call, filter: u64) -> Result<(), Violation> {
    phase::check(call, Nature::Other)?;
    let filter = own_filter(call, filter)?;
    {
        let mut phase = lock(&filter.phase);
        if matches!(*phase, FilterPhase::Unregistering | FilterPhase::Gone) {
            return Err(call.violation(Rule::Unload, "the filter is unregistered already"));
        }
        *phase = FilterPhase::Unregistering;
    }
    let manager = manager(call);
    if let Some(server) = manager.ports.open_servers(filter.driver).first() {
        let detail = format!(
            "the server port {} is open: this call would hang",
            server.name
        );
        return Err(call.violation(Rule::Unload, detail));
    }
    for connection in manager.ports.connections_of(filter.driver) {
        connection.disconnect(call.thread())?;
    }
    for instance in instances_of(call, &filter) {
        tear_down(call.thread(), &instance)?;
    }
    report_what_is_left(call, &filter)?;
    *lock(&filter.phase) = FilterPhase::Gone;
    call.machine().objects().release(filter.address);
    Ok(())
}

fn instances_of(call: &Call, filter: &Arc<Filter>) -> Vec<Arc<Instance>> {
    let volumes = call.machine().io().volumes();
    let all = volumes
        .iter()
        .flat_map(|volume| lock(volume.instances()).clone());
    all.filter(|instance| Arc::ptr_eq(&instance.filter, filter))
        .collect()
}

fn tear_down(thread: &Arc<Thread>, instance: &Arc<Instance>) -> Result<(), Violation> {
    let registered = &instance.filter.registration;
    instance.begin_teardown();
    notify(
        thread,
        instance,
        Callback::TeardownStart,
        registered.teardown_start,
    )?;
    while let Some(nodes) = instance.drainable(thread.id())? {
        for node in nodes {
            dispatch::drain(thread, instance, &node)?;
        }
    }
    notify(
        thread,
        instance,
        Callback::TeardownComplete,
        registered.teardown_complete,
    )?;
    drop_instance_context(thread, instance)?;
    lock(instance.volume.instances()).retain(|other| !Arc::ptr_eq(other, instance));
    instance.discard(thread.machine());
    Ok(())
}

fn notify(
    thread: &Arc<Thread>,
    instance: &Arc<Instance>,
    callback: Callback,
    address: u64,
) -> Result<(), Violation> {
    if address == 0 {
        return Ok(());
    }
    let filter = &instance.filter;
    let label = format!(
        "{callback:?} of {} on {}",
        filter.name,
        instance.volume.name()
    );
    let objects = frame::related_objects(thread.machine(), instance, 0, &label)?;
    let what = CallbackCall {
        callback,
        label: &label,
        address,
        request: 0,
        is_void: true,
    };
    filter.call(
        thread,
        what,
        &[objects, u64::from(flags::TEARDOWN_MANDATORY_UNLOAD)],
    )?;
    thread
        .machine()
        .memory()
        .free(objects, &format!("the return of {label}"))
}

/// References that the filter holds keep its objects, and so this call, for ever.
fn report_what_is_left(call: &Call, filter: &Filter) -> Result<(), Violation> {
    let manager = manager(call);
    let mut left = manager.ports.leaks(filter.driver);
    left.extend(manager.contexts.leaks(filter.driver));
    left.extend(manager.names.leaks(filter.driver));
    let rundown = call.machine().objects().leaks(filter.driver);
    left.extend(
        rundown
            .into_iter()
            .filter(|leak| leak.detail.contains(super::object::RELEASE)),
    );
    if left.is_empty() {
        return Ok(());
    }
    let details: Vec<_> = left.into_iter().map(|violation| violation.detail).collect();
    Err(call.violation(Rule::Leak, details.join("; ")))
}

/// Why a filter cannot be unloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CannotUnload {
    /// The driver has no registered filter.
    NotAFilter,
    /// FilterUnloadCallback is NULL, or service stop is not supported.
    Refuses,
    /// The unload callback answered with this status, although a service stop is mandatory.
    Answered(NtStatus),
}

/// Unloads the filter of `driver` as a service stop does: mandatory, at PASSIVE_LEVEL, on `thread`.
///
/// The driver is to be unmapped by the caller afterwards.
///
/// # Errors
///
/// The outer error is a broken rule, the inner one a refusal, after which the filter goes on.
pub(crate) fn unload(
    thread: &Arc<Thread>,
    driver: u32,
) -> Result<Result<(), CannotUnload>, Violation> {
    let Some(filter) = thread.machine().filter_manager().registry.of_driver(driver) else {
        return Ok(Err(CannotUnload::NotAFilter));
    };
    let registered = &filter.registration;
    if registered.unload == 0 || registered.flags & registration::DO_NOT_SUPPORT_SERVICE_STOP != 0 {
        return Ok(Err(CannotUnload::Refuses));
    }
    let label = format!("FilterUnloadCallback of {}", filter.name);
    let what = CallbackCall {
        callback: Callback::Unload,
        label: &label,
        address: registered.unload,
        request: 0,
        is_void: false,
    };
    let status = NtStatus(filter.call(thread, what, &[u64::from(flags::UNLOAD_MANDATORY)])?);
    if *lock(&filter.phase) != FilterPhase::Gone {
        let detail = format!("{label} returned {status} without FltUnregisterFilter");
        return Err(Violation::new(Rule::Unload, detail));
    }
    // "A mandatory unload can not be failed" (fltKernel.h): the driver goes whatever it answers.
    if status.is_success() {
        Ok(Ok(()))
    } else {
        Ok(Err(CannotUnload::Answered(status)))
    }
}
