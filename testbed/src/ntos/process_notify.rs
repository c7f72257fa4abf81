//! `PsSetCreateProcessNotifyRoutine`: who is told of processes, and the telling.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::boundary::call;
use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::process::Process;
use crate::status::{
    NtStatus, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER, STATUS_SUCCESS,
};
use crate::thread::Thread;
use crate::verifier::{self, CallSite, Rule, Violation};

/// "the system can register up to 64 process-creation callback routines" (its page).
const LIMIT: usize = 64;

/// What a routine is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A process has begun.
    Created,
    /// Its last thread is ending.
    Ended,
}

#[derive(Clone, Debug)]
struct Routine {
    address: u64,
    site: CallSite,
    /// Threads that are in it.
    running: Vec<u64>,
}

/// The routines that are told of processes, in the order of their registration.
#[derive(Debug, Default)]
pub(crate) struct NotifyRoutines {
    routines: Mutex<Vec<Routine>>,
    changed: Condvar,
}

impl NotifyRoutines {
    fn lock(&self) -> MutexGuard<'_, Vec<Routine>> {
        self.routines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// "A driver must remove any callbacks that it registers before it unloads" (its page).
    pub(crate) fn leaks(&self, driver: u32) -> Vec<Violation> {
        let routines = self.lock();
        let own = routines
            .iter()
            .filter(|routine| routine.site.driver == driver);
        own.map(|routine| {
            let detail = format!(
                "the process-notify routine {:#x}, registered by {}, was never removed",
                routine.address, routine.site
            );
            Violation::new(Rule::Leak, detail)
        })
        .collect()
    }

    /// The driver is gone: nothing of it is called any more.
    pub(crate) fn forget(&self, driver: u32) {
        self.lock().retain(|routine| routine.site.driver != driver);
    }

    /// Notes that `thread` enters the routine at `address`, if it is still registered.
    fn enter(&self, address: u64, thread: u64) -> Option<CallSite> {
        let mut routines = self.lock();
        let routine = routines.iter_mut().find(|other| other.address == address)?;
        routine.running.push(thread);
        Some(routine.site.clone())
    }

    fn leave(&self, address: u64, thread: u64) {
        let mut routines = self.lock();
        if let Some(routine) = routines.iter_mut().find(|other| other.address == address)
            && let Some(index) = routine.running.iter().position(|other| *other == thread)
        {
            routine.running.swap_remove(index);
        }
        self.changed.notify_all();
    }

    /// Takes a routine off the list once no call of it is under way; `false` if it is not there.
    fn remove(&self, address: u64) -> bool {
        let mut routines = self.lock();
        loop {
            let found = routines.iter().position(|other| other.address == address);
            match found.and_then(|index| Some((index, routines.get(index)?))) {
                None => return false,
                Some((index, routine)) if routine.running.is_empty() => {
                    routines.remove(index);
                    return true;
                }
                Some(_) => {
                    let changed = self.changed.wait(routines);
                    routines = changed.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

/// "PsSetCreateProcessNotifyRoutine function (ntddk.h)", Microsoft Learn. A removal "waits for all in-flight
/// callback routines to complete" (page of the Ex routine), so one from inside the routine waits for itself.
/// Stricter: a second registration, which Windows answers with STATUS_INVALID_PARAMETER, and the removal of
/// what is not registered are violations.
pub(crate) fn ps_set_create_process_notify_routine(
    call: &Call,
    routine: u64,
    remove: bool,
) -> Result<NtStatus, Violation> {
    let list = call.machine().process_notify();
    let known = list
        .lock()
        .iter()
        .find(|other| other.address == routine)
        .cloned();
    if remove {
        return take_off(call, routine, known);
    }
    call.guest()
        .check(routine, 1, Access::Execute, "NotifyRoutine")?;
    if let Some(known) = known {
        let detail = format!("the routine is registered already, by {}", known.site);
        return Err(call.violation(Rule::ProcessNotify, detail));
    }
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let mut routines = list.lock();
    if routines.len() >= LIMIT {
        return Ok(STATUS_INVALID_PARAMETER);
    }
    routines.push(Routine {
        address: routine,
        site: call.site().clone(),
        running: Vec::new(),
    });
    Ok(STATUS_SUCCESS)
}

fn take_off(call: &Call, routine: u64, known: Option<Routine>) -> Result<NtStatus, Violation> {
    let own = known.filter(|known| known.site.driver == call.driver());
    let Some(own) = own else {
        let detail = format!("{routine:#x} is no registered routine of the driver");
        return Err(call.violation(Rule::ProcessNotify, detail));
    };
    if own.running.contains(&call.thread().id()) {
        let detail = "the routine removes itself: this call would wait for its own end";
        return Err(call.violation(Rule::ProcessNotify, detail));
    }
    if call.machine().process_notify().remove(routine) {
        return Ok(STATUS_SUCCESS);
    }
    let detail = format!("{routine:#x} was removed by another thread at the same time");
    Err(call.violation(Rule::ProcessNotify, detail))
}

/// Calls every routine on `thread`: "at PASSIVE_LEVEL inside a critical region with normal kernel APCs
/// disabled" ("PCREATE_PROCESS_NOTIFY_ROUTINE callback function", Microsoft Learn).
pub(crate) fn tell(thread: &Arc<Thread>, process: &Process, event: Event) {
    let list = thread.machine().process_notify();
    let addresses: Vec<u64> = list.lock().iter().map(|routine| routine.address).collect();
    for address in addresses {
        let Some(site) = list.enter(address, thread.id()) else {
            continue;
        };
        let label = format!("process-notify routine of {}", site.driver_name);
        let created = u64::from(event == Event::Created);
        let arguments = [process.parent_id(), process.id(), created];
        let returned =
            thread.in_critical_region(|| call::image(thread, &label, address, &arguments));
        list.leave(address, thread.id());
        verifier::settle(returned);
    }
}
