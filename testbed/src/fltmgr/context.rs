//! Contexts: reference-counted memory of the driver that hangs on an instance.
//!
//! `FltAllocateContext` gives one reference, a successful set or get one more; each is given back
//! with `FltReleaseContext`. The link to the instance is the filter manager's own reference. The
//! cleanup callback runs when the last one goes, never above APC_LEVEL
//! (`nc-fltkernel-pflt_context_cleanup_callback`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::instance::{Instance, InstancePhase, own_instance};
use super::layout::context_registration::INSTANCE;
use super::phase::{self, Callback, Nature};
use super::registry::{CallbackCall, Filter, FilterPhase, own_filter};
use super::{lock, manager};
use crate::boundary::import::Call;
use crate::boundary::memory::BlockSpec;
use crate::ntos::Irql;
use crate::status::{
    NtStatus, STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND, STATUS_FLT_CONTEXT_ALREADY_DEFINED,
    STATUS_FLT_CONTEXT_ALREADY_LINKED, STATUS_FLT_DELETING_OBJECT, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_PARAMETER, STATUS_NOT_FOUND, STATUS_SUCCESS,
};
use crate::thread::Thread;
use crate::verifier::{CallSite, Rule, Violation};

/// `NonPagedPool`, which is executable, `PagedPool` and `NonPagedPoolNx` of `wdm.h`.
const NON_PAGED_EXECUTABLE: u32 = 0;
const PAGED: u32 = 1;
const NON_PAGED_NX: u32 = 512;

/// `FLT_SET_CONTEXT_REPLACE_IF_EXISTS` and `FLT_SET_CONTEXT_KEEP_IF_EXISTS`.
const REPLACE_IF_EXISTS: u32 = 0;
const KEEP_IF_EXISTS: u32 = 1;

/// A new context is not zeroed; this shows in whatever the driver leaves unset.
const FRESH: u8 = 0xC7;

#[derive(Debug)]
struct Entry {
    filter: Arc<Filter>,
    kind: u16,
    cleanup: u64,
    paged: bool,
    /// References of the driver: the calls that took them.
    taken: Vec<CallSite>,
    /// The instance it is set on.
    linked_to: Option<u64>,
}

impl Entry {
    fn is_unused(&self) -> bool {
        self.taken.is_empty() && self.linked_to.is_none()
    }
}

/// All live contexts by address.
#[derive(Debug, Default)]
pub(super) struct ContextTable(Mutex<BTreeMap<u64, Entry>>);

impl ContextTable {
    pub(super) fn leaks(&self, driver: u32) -> Vec<Violation> {
        let entries = lock(&self.0);
        let of_driver = entries
            .iter()
            .filter(|(_, entry)| entry.filter.driver == driver);
        let reports = of_driver.flat_map(|(address, entry)| {
            entry.taken.iter().map(move |site| {
                super::leak(
                    format!("a reference of the context at {address:#x}"),
                    site,
                    "FltReleaseContext",
                )
            })
        });
        reports.collect()
    }

    fn linked_to(entries: &BTreeMap<u64, Entry>, instance: u64) -> Option<u64> {
        entries
            .iter()
            .find(|(_, entry)| entry.linked_to == Some(instance))
            .map(|(at, _)| *at)
    }
}

/// `FltAllocateContext`.
pub(super) fn flt_allocate_context(
    call: &Call,
    (filter, kind, size, pool, returned): (u64, u16, u64, u32, u64),
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Context)?;
    let filter = own_filter(call, filter)?;
    let paged = is_paged(call, pool)?;
    if size == 0 || size > u64::from(u16::MAX) || !kind.is_power_of_two() || kind > 0x40 {
        return Ok(STATUS_INVALID_PARAMETER);
    }
    if *lock(&filter.phase) == FilterPhase::Unregistering {
        return Ok(STATUS_FLT_DELETING_OBJECT);
    }
    let definitions = &filter.registration.contexts;
    let Some(definition) = definitions
        .iter()
        .find(|definition| definition.serves(kind, size))
    else {
        return Ok(STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND);
    };
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let label = format!("context (type {kind:#x}) of {}", filter.name);
    let spec = BlockSpec {
        paged,
        fill: FRESH,
        ..BlockSpec::new(size, label)
    };
    let address = call.machine().memory().allocate(spec)?;
    let entry = Entry {
        cleanup: definition.cleanup,
        filter,
        kind,
        paged,
        taken: vec![call.site().clone()],
        linked_to: None,
    };
    lock(&manager(call).contexts.0).insert(address, entry);
    call.guest()
        .write_u64(returned, address, "ReturnedContext")?;
    Ok(STATUS_SUCCESS)
}

fn is_paged(call: &Call, pool: u32) -> Result<bool, Violation> {
    match pool {
        PAGED => Ok(true),
        NON_PAGED_NX => Ok(false),
        NON_PAGED_EXECUTABLE => {
            let detail = "PoolType NonPagedPool is executable memory, which HVCI refuses";
            Err(call.violation(Rule::Pool, detail))
        }
        other => Err(call.violation(Rule::Argument, format!("PoolType {other}"))),
    }
}

/// `FltReleaseContext`.
pub(super) fn flt_release_context(call: &Call, context: u64) -> Result<(), Violation> {
    phase::check(call, Nature::Release)?;
    let mut entries = lock(&manager(call).contexts.0);
    let entry = own_entry(call, &mut entries, context)?;
    if entry.paged {
        call.check_irql(Irql::Apc)?;
    }
    if entry.taken.pop().is_none() {
        return Err(call.violation(
            Rule::Context,
            "the driver holds no reference of this context",
        ));
    }
    let unused = entry
        .is_unused()
        .then(|| entries.remove(&context))
        .flatten();
    drop(entries);
    destroy(call.thread(), context, unused)
}

/// `FltSetInstanceContext`.
pub(super) fn flt_set_instance_context(
    call: &Call,
    instance: u64,
    operation: u32,
    new: u64,
    old: u64,
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Context)?;
    let instance = own_instance(call, instance)?;
    if operation != REPLACE_IF_EXISTS && operation != KEEP_IF_EXISTS {
        return Ok(STATUS_INVALID_PARAMETER);
    }
    if old != 0 {
        call.guest().write_u64(old, 0, "OldContext")?;
    }
    if matches!(
        instance.phase(),
        InstancePhase::TearingDown | InstancePhase::Gone
    ) {
        return Ok(STATUS_FLT_DELETING_OBJECT);
    }
    let mut entries = lock(&manager(call).contexts.0);
    let entry = own_entry(call, &mut entries, new)?;
    if entry.kind != INSTANCE {
        return Ok(STATUS_INVALID_PARAMETER);
    }
    if entry.linked_to.is_some() {
        return Ok(STATUS_FLT_CONTEXT_ALREADY_LINKED);
    }
    let existing = ContextTable::linked_to(&entries, instance.address.0);
    let replaced = match existing {
        Some(existing) if operation == KEEP_IF_EXISTS => {
            hand_over(call, &mut entries, existing, old)?;
            return Ok(STATUS_FLT_CONTEXT_ALREADY_DEFINED);
        }
        Some(existing) => {
            hand_over(call, &mut entries, existing, old)?;
            unlink(&mut entries, existing)
        }
        None => None,
    };
    own_entry(call, &mut entries, new)?.linked_to = Some(instance.address.0);
    drop(entries);
    destroy(call.thread(), existing.unwrap_or(0), replaced)?;
    Ok(STATUS_SUCCESS)
}

/// Gives the driver a reference of a context that it asked for through `out`.
fn hand_over(
    call: &Call,
    entries: &mut BTreeMap<u64, Entry>,
    context: u64,
    out: u64,
) -> Result<(), Violation> {
    if out == 0 {
        return Ok(());
    }
    own_entry(call, entries, context)?
        .taken
        .push(call.site().clone());
    call.guest().write_u64(out, context, "OldContext")
}

/// `FltGetInstanceContext`.
pub(super) fn flt_get_instance_context(
    call: &Call,
    instance: u64,
    context: u64,
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Context)?;
    let instance = own_instance(call, instance)?;
    call.guest().write_u64(context, 0, "Context")?;
    let mut entries = lock(&manager(call).contexts.0);
    let Some(found) = ContextTable::linked_to(&entries, instance.address.0) else {
        return Ok(STATUS_NOT_FOUND);
    };
    own_entry(call, &mut entries, found)?
        .taken
        .push(call.site().clone());
    call.guest().write_u64(context, found, "Context")?;
    Ok(STATUS_SUCCESS)
}

/// Takes the context off an instance that is torn down or was not attached.
pub(super) fn drop_instance_context(
    thread: &Arc<Thread>,
    instance: &Instance,
) -> Result<(), Violation> {
    let mut entries = lock(&thread.machine().filter_manager().contexts.0);
    let Some(context) = ContextTable::linked_to(&entries, instance.address.0) else {
        return Ok(());
    };
    let unused = unlink(&mut entries, context);
    drop(entries);
    destroy(thread, context, unused)
}

/// Removes the link to the instance; the entry comes back when nothing holds it any more.
fn unlink(entries: &mut BTreeMap<u64, Entry>, context: u64) -> Option<Entry> {
    let entry = entries.get_mut(&context)?;
    entry.linked_to = None;
    entry
        .is_unused()
        .then(|| entries.remove(&context))
        .flatten()
}

fn own_entry<'a>(
    call: &Call,
    entries: &'a mut BTreeMap<u64, Entry>,
    context: u64,
) -> Result<&'a mut Entry, Violation> {
    match entries.get_mut(&context) {
        Some(entry) if entry.filter.driver == call.driver() => Ok(entry),
        Some(entry) => {
            let detail = format!("the context is that of {}", entry.filter.name);
            Err(call.violation(Rule::Argument, detail))
        }
        None => {
            let place = call.machine().memory().describe(context);
            Err(call.violation(Rule::Context, format!("{place} is no context")))
        }
    }
}

/// Runs the cleanup callback of a context that nobody holds, and frees it. At DISPATCH_LEVEL both
/// happen in a worker thread (`nf-fltkernel-fltreleasecontext`).
fn destroy(thread: &Arc<Thread>, context: u64, unused: Option<Entry>) -> Result<(), Violation> {
    let Some(entry) = unused else {
        return Ok(());
    };
    if thread.irql() < Irql::Dispatch as u8 {
        return destroy_on(thread, context, &entry);
    }
    thread.machine().system().run_kernel(|worker| {
        crate::verifier::settle(destroy_on(worker.thread(), context, &entry));
    });
    Ok(())
}

fn destroy_on(thread: &Arc<Thread>, context: u64, entry: &Entry) -> Result<(), Violation> {
    let label = format!("context cleanup of {}", entry.filter.name);
    if entry.cleanup != 0 {
        let what = CallbackCall {
            callback: Callback::ContextCleanup,
            label: &label,
            address: entry.cleanup,
            request: 0,
            is_void: true,
        };
        entry
            .filter
            .call(thread, what, &[context, u64::from(entry.kind)])?;
    }
    thread
        .machine()
        .memory()
        .free(context, "the last FltReleaseContext")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fltmgr::fixture::Fixture;

    fn allocate(call: &Call, fixture: &Fixture, size: u64) -> Result<u64, NtStatus> {
        let out = fixture.buffer(8);
        let arguments = (fixture.filter, INSTANCE, size, NON_PAGED_NX, out);
        let status = flt_allocate_context(call, arguments).expect("no rule is broken");
        let address = call.guest().read_u64(out, "context").expect("readable");
        if status.is_success() {
            Ok(address)
        } else {
            Err(status)
        }
    }

    #[test]
    fn only_registered_sizes_are_given() {
        Fixture::run("FltAllocateContext", |call, fixture| {
            let context = allocate(call, fixture, 24).expect("registered");
            assert_eq!(
                call.guest().read_u8(context, "fresh"),
                Ok(FRESH),
                "not zeroed"
            );
            let other = allocate(call, fixture, 23);
            assert_eq!(other, Err(STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND));
            assert_eq!(allocate(call, fixture, 0), Err(STATUS_INVALID_PARAMETER));
            assert_eq!(flt_release_context(call, context), Ok(()));
            let again = flt_release_context(call, context).unwrap_err();
            assert_eq!(again.rule, Rule::Context, "{again}");
        });
    }

    #[test]
    fn an_instance_keeps_its_context_and_hands_out_references() {
        Fixture::run("FltSetInstanceContext", |call, fixture| {
            let (first, second) = (allocate(call, fixture, 24), allocate(call, fixture, 24));
            let (first, second) = (first.expect("given"), second.expect("given"));
            let (instance, out) = (fixture.instance, fixture.buffer(8));
            let set =
                |context, how, old| flt_set_instance_context(call, instance, how, context, old);
            assert_eq!(
                flt_get_instance_context(call, instance, out),
                Ok(STATUS_NOT_FOUND)
            );
            assert_eq!(set(first, KEEP_IF_EXISTS, 0), Ok(STATUS_SUCCESS));
            assert_eq!(
                set(first, KEEP_IF_EXISTS, 0),
                Ok(STATUS_FLT_CONTEXT_ALREADY_LINKED)
            );
            assert_eq!(
                set(second, KEEP_IF_EXISTS, 0),
                Ok(STATUS_FLT_CONTEXT_ALREADY_DEFINED)
            );
            assert_eq!(
                flt_release_context(call, first),
                Ok(()),
                "the link holds it"
            );
            assert_eq!(set(second, REPLACE_IF_EXISTS, out), Ok(STATUS_SUCCESS));
            assert_eq!(call.guest().read_u64(out, "OldContext"), Ok(first));
            assert_eq!(flt_release_context(call, first), Ok(()));
            assert_eq!(flt_release_context(call, second), Ok(()));
            assert_eq!(
                flt_get_instance_context(call, instance, out),
                Ok(STATUS_SUCCESS)
            );
            assert_eq!(fixture.machine.filter_manager().contexts.leaks(0).len(), 1);
            assert_eq!(flt_release_context(call, second), Ok(()));
            drop_instance_context(call.thread(), &fixture.attached).expect("dropped");
            let gone = flt_release_context(call, second).unwrap_err();
            assert_eq!(gone.rule, Rule::Context, "{gone}");
        });
    }

    #[test]
    fn a_torn_down_instance_takes_no_context() {
        Fixture::run("FltSetInstanceContext", |call, fixture| {
            let context = allocate(call, fixture, 24).expect("given");
            fixture.attached.begin_teardown();
            let late = flt_set_instance_context(call, fixture.instance, 0, context, 0);
            assert_eq!(late, Ok(STATUS_FLT_DELETING_OBJECT));
        });
    }
}
