//! `KeWaitForSingleObject` and `ZwWaitForSingleObject`: every wait has an end.

use std::time::Duration;

use crate::boundary::import::Call;
use crate::ntos::Irql;
use crate::ntos::deadline::Deadline;
use crate::ntos::handle;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::ntos::sleepers::Place;
use crate::ntos::sync::{self, EVENT_BYTES, State};
use crate::status::{NtStatus, STATUS_ACCESS_DENIED, STATUS_SUCCESS, STATUS_TIMEOUT};
use crate::thread::{Awaited, Mode};
use crate::verifier::{Rule, Violation};

/// "KeWaitForSingleObject function (wdm.h)", Microsoft Learn. Objects: an event in the driver's
/// memory, or a thread. Stricter: a time-out is required, however the wait could end otherwise; user
/// mode waits and alertable waits are not modelled.
pub(crate) fn ke_wait_for_single_object(
    call: &Call,
    (object, _reason, mode, alertable, timeout): (u64, u32, u8, bool, u64),
) -> Result<NtStatus, Violation> {
    if mode != 0 || alertable {
        return Err(call.violation(Rule::NotModelled, "a user-mode or alertable wait"));
    }
    if timeout == 0 {
        let detail = "no time-out: the wait may never end";
        return Err(call.violation(Rule::Wait, detail));
    }
    let limit = duration(call, call.guest().read_i64(timeout, "Timeout")?);
    if !limit.is_zero() && call.thread().irql() > Irql::Apc as u8 {
        return Err(call.violation(
            Rule::Irql,
            "a wait with a time-out other than zero at DISPATCH_LEVEL",
        ));
    }
    let is_thread = match call.machine().objects().kind(ObjectAddress(object)) {
        Some(Kind::Thread) => true,
        Some(kind) => {
            let detail = format!("waiting for a {}", kind.name());
            return Err(call.violation(Rule::NotModelled, detail));
        }
        None => false,
    };
    if !is_thread {
        sync::check_resident(call, object, EVENT_BYTES, "Object")?;
    }
    wait(call, object, is_thread, limit)
}

/// "ZwWaitForSingleObject function (ntifs.h)", Microsoft Learn: a wait by handle, here for a thread.
/// Stricter: as [`ke_wait_for_single_object`], and the handle must be one that the driver opened.
pub(crate) fn zw_wait_for_single_object(
    call: &Call,
    handle: u64,
    alertable: bool,
    timeout: u64,
) -> Result<NtStatus, Violation> {
    const SYNCHRONIZE: u32 = 0x0010_0000;
    // The Zw form sets the previous mode to kernel.
    let found = handle::lookup(
        call.machine(),
        call.thread().process(),
        Mode::Kernel,
        handle,
    );
    let Some(entry) = found.ok().filter(|entry| entry.driver == call.driver()) else {
        let detail = format!("{handle:#x} is not a handle that the driver opened");
        return Err(call.violation(Rule::Handle, detail));
    };
    if entry.access & SYNCHRONIZE == 0 {
        return Ok(STATUS_ACCESS_DENIED);
    }
    ke_wait_for_single_object(call, (entry.object.0, 0, 0, alertable, timeout))
}

/// "A positive value specifies an absolute time .. a negative value an interval", in 100 ns.
fn duration(call: &Call, timeout: i64) -> Duration {
    let ticks = if timeout <= 0 {
        timeout.unsigned_abs()
    } else {
        timeout
            .saturating_sub(call.machine().clock().system_time())
            .max(0)
            .unsigned_abs()
    };
    Duration::from_micros(ticks / 10) + Duration::from_nanos(ticks % 10 * 100)
}

fn wait(call: &Call, object: u64, is_thread: bool, limit: Duration) -> Result<NtStatus, Violation> {
    let (machine, thread) = (call.machine(), call.thread().id());
    let sync = machine.sync();
    let deadline = Deadline::after(machine.clock(), limit);
    let mut state = sync.state();
    loop {
        if take(call, &mut state, object, is_thread)? {
            return Ok(STATUS_SUCCESS);
        }
        if deadline.is_over() {
            return Ok(STATUS_TIMEOUT);
        }
        count_waiter(&mut state, (object, is_thread), true);
        machine.sleepers().sleeps(thread, Place::Objects);
        let awaited = Awaited::Object(object);
        state = call
            .thread()
            .awaiting(awaited, || deadline.wait(&sync.changed, state));
        machine.sleepers().looks(thread);
        count_waiter(&mut state, (object, is_thread), false);
    }
}

/// Whether the object is signalled; a synchronisation event is taken.
fn take(call: &Call, state: &mut State, object: u64, is_thread: bool) -> Result<bool, Violation> {
    if is_thread {
        return Ok(state.ended_threads.contains(&object));
    }
    let Some(event) = state.events.get_mut(&object) else {
        return Err(sync::uninitialized(call, object));
    };
    if !event.signaled {
        return Ok(false);
    }
    if event.synchronization {
        event.signaled = false;
        call.guest().write_u32(object + 4, 0, "Object")?;
    }
    Ok(true)
}

fn count_waiter(state: &mut State, (object, is_thread): (u64, bool), waits: bool) {
    let count = if is_thread {
        Some(&mut state.thread_waiters)
    } else {
        state
            .events
            .get_mut(&object)
            .map(|event| &mut event.waiters)
    };
    if let Some(count) = count {
        *count = if waits {
            *count + 1
        } else {
            count.saturating_sub(1)
        };
    }
}
