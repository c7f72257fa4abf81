//! The end of a filter: `FltUnregisterFilter`, and the unload that calls it.
//!
//! Order of an unregistration: ports, then each instance (teardown start, running callbacks awaited,
//! requests in the file system drained, teardown complete), then what is left of contexts and names.
//! A server port that is still open, or a reference that is still held, would let the routine hang
//! for ever ("Closing the Communication Server Port", "Unregistering the Minifilter", Windows driver
//! documentation): here each is a violation.

use std::sync::Arc;
use std::sync::atomic::Ordering;

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
    // No page says so, but without it no filter with a port could be unloaded: its code would go under a connect or
    // disconnect callback. The programs' own disconnections are waited for too, behind those of the filter manager.
    manager.ports.notices.wait_until_none(filter.driver);
    for connection in manager.ports.connections_of(filter.driver) {
        connection.disconnect(call.thread())?;
    }
    manager.ports.notices.wait_until_none(filter.driver);
    let reason = if filter.must_go.load(Ordering::SeqCst) {
        flags::TEARDOWN_MANDATORY_UNLOAD
    } else {
        flags::TEARDOWN_UNLOAD
    };
    // No page says that a setup that is under way, or a teardown because the volume goes, is waited for. But the
    // filter's code would go under that callback too.
    for instance in filter.instances() {
        instance.wait_until_set_up();
        if instance.begin_teardown() {
            tear_down(call.thread(), &instance, reason)?;
        } else {
            instance.wait_until_gone();
        }
    }
    report_what_is_left(call, &filter)?;
    *lock(&filter.phase) = FilterPhase::Gone;
    call.machine().objects().release(filter.address);
    Ok(())
}

/// Takes an instance down whose teardown has begun; `reason` is FLTFL_INSTANCE_TEARDOWN_*.
pub(super) fn tear_down(
    thread: &Arc<Thread>,
    instance: &Arc<Instance>,
    reason: u32,
) -> Result<(), Violation> {
    let registered = &instance.filter.registration;
    let (start, complete) = (registered.teardown_start, registered.teardown_complete);
    notify(thread, instance, (Callback::TeardownStart, start), reason)?;
    while let Some(nodes) = instance.drainable(thread.id())? {
        for node in nodes {
            dispatch::drain(thread, instance, &node)?;
        }
    }
    let last = (Callback::TeardownComplete, complete);
    notify(thread, instance, last, reason)?;
    drop_instance_context(thread, instance)?;
    lock(instance.volume.instances()).retain(|other| !Arc::ptr_eq(other, instance));
    instance.discard(thread.machine());
    Ok(())
}

fn notify(
    thread: &Arc<Thread>,
    instance: &Arc<Instance>,
    (callback, address): (Callback, u64),
    reason: u32,
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
    filter.call(thread, what, &[objects, u64::from(reason)])?;
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
    /// The unload callback declined with this status.
    Declined(NtStatus),
}

/// How a filter comes to be unloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// As by `fltmc unload`.
    Asked,
    /// By a service stop, which is mandatory.
    Stopped,
    /// The power went. Windows calls nobody then; here it is as mandatory, and stops also what cannot be stopped.
    WithThePower,
}

/// Unloads the filter of `driver`, at PASSIVE_LEVEL, on `thread`. The driver is to be unmapped by the caller afterwards.
///
/// # Errors
///
/// The outer error is a broken rule, the inner one a refusal, after which the filter goes on.
pub(crate) fn unload(
    thread: &Arc<Thread>,
    driver: u32,
    how: Departure,
) -> Result<Result<(), CannotUnload>, Violation> {
    let mandatory = how != Departure::Asked;
    let manager = thread.machine().filter_manager();
    let Some(filter) = manager.registry.of_driver(driver) else {
        return Ok(Err(CannotUnload::NotAFilter));
    };
    let registered = &filter.registration;
    // FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP, `ns-fltkernel-_flt_registration`.
    let stays = how == Departure::Stopped
        && registered.flags & registration::DO_NOT_SUPPORT_SERVICE_STOP != 0;
    if registered.unload == 0 || stays {
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
    let unload_flags = if mandatory {
        flags::UNLOAD_MANDATORY
    } else {
        0
    };
    let servers = manager.ports.open_servers(driver).len();
    filter.must_go.store(mandatory, Ordering::SeqCst);
    let status = NtStatus(filter.call(thread, what, &[u64::from(unload_flags)])?);
    filter.must_go.store(false, Ordering::SeqCst);
    let closed = manager.ports.open_servers(driver).len() < servers;
    judge_unload(&filter, (status, mandatory), closed)
        .map_err(|detail| Violation::new(Rule::Unload, format!("{label} {detail}")))
}

/// Compares what the unload callback answered with what it did
/// (`nc-fltkernel-pflt_filter_unload_callback`).
fn judge_unload(
    filter: &Filter,
    (status, mandatory): (NtStatus, bool),
    closed_a_port: bool,
) -> Result<Result<(), CannotUnload>, String> {
    let unregistered = *lock(&filter.phase) == FilterPhase::Gone;
    match (status.is_success(), unregistered) {
        (true, true) => Ok(Ok(())),
        (true, false) => Err(format!("returned {status} without FltUnregisterFilter")),
        (false, _) if mandatory => Err(format!("answered a mandatory unload with {status}")),
        (false, true) => Err(format!("declined with {status} after FltUnregisterFilter")),
        (false, false) if closed_a_port => Err(format!(
            "declined with {status} after closing a server port"
        )),
        (false, false) => Ok(Err(CannotUnload::Declined(status))),
    }
}
