//! `FltSendMessage`: a message to the program of a connection, and its reply.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::channel::{Send, SendOutcome};
use super::manager;
use super::phase::{self, Nature};
use super::port::{Connection, own_connection};
use super::registry::own_filter;
use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::ntos::deadline::Deadline;
use crate::status::{
    NtStatus, STATUS_BUFFER_OVERFLOW, STATUS_INSUFFICIENT_RESOURCES, STATUS_PORT_DISCONNECTED,
    STATUS_SUCCESS, STATUS_TIMEOUT,
};
use crate::verifier::{Rule, Violation};

/// `FltSendMessage`.
pub(super) fn flt_send_message(
    call: &Call,
    (filter, variable, buffer, length, reply, reply_length, timeout): (
        u64,
        u64,
        u64,
        u32,
        u64,
        u64,
        u64,
    ),
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Waits)?;
    own_filter(call, filter)?;
    if length == 0 || buffer == 0 {
        return Err(call.violation(Rule::Argument, "SenderBuffer is required"));
    }
    let body = call
        .guest()
        .bytes(buffer, u64::from(length), "SenderBuffer")?;
    let reply_room = reply_room(call, reply, reply_length)?;
    let timeout = read_timeout(call, timeout)?;
    let Some(connection) = live_connection(call, variable)? else {
        return Ok(STATUS_PORT_DISCONNECTED);
    };
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let reply_wait = manager(call).ports.reply_wait();
    let outcome = connection.channel.send(Send {
        body,
        reply_room,
        deadline: Deadline::after(call.machine().clock(), timeout),
        reply_wait,
        thread: call.thread().id(),
    });
    match outcome {
        SendOutcome::Delivered => Ok(STATUS_SUCCESS),
        SendOutcome::TimedOut => Ok(STATUS_TIMEOUT),
        SendOutcome::Disconnected => Ok(STATUS_PORT_DISCONNECTED),
        SendOutcome::Replied { status, body } => {
            take_reply(call, NtStatus(status), &body, (reply, reply_length))
        }
    }
}

/// The connection in the driver's variable; `None` when another thread has closed it there.
fn live_connection(call: &Call, variable: u64) -> Result<Option<Arc<Connection>>, Violation> {
    let _variable = manager(call).ports.lock_variables();
    let port = call.guest().read_u64(variable, "ClientPort")?;
    if port == 0 {
        return Ok(None);
    }
    let connection = own_connection(call, port)?;
    if connection.closed_by_driver.load(Ordering::SeqCst) {
        let detail = "sends to a client port that the driver has closed";
        return Err(call.violation(Rule::Port, detail));
    }
    Ok(Some(connection))
}

/// How many bytes of reply the driver has room for, if it wants one.
fn reply_room(call: &Call, reply: u64, reply_length: u64) -> Result<Option<u32>, Violation> {
    if reply == 0 {
        return Ok(None);
    }
    if reply_length == 0 {
        return Err(call.violation(Rule::Argument, "ReplyBuffer without ReplyLength"));
    }
    let room = call.guest().read_u32(reply_length, "ReplyLength")?;
    call.guest()
        .check(reply, u64::from(room), Access::ReadWrite, "ReplyBuffer")?;
    Ok(Some(room))
}

/// The time-out of a send, which must bound it: NULL and zero wait for ever (`nf-fltkernel-fltsendmessage`).
fn read_timeout(call: &Call, timeout: u64) -> Result<Duration, Violation> {
    let ticks = if timeout == 0 {
        0
    } else {
        call.guest().read_i64(timeout, "Timeout")?
    };
    if ticks == 0 {
        let detail = "Timeout NULL or zero waits for ever";
        return Err(call.violation(Rule::Wait, detail));
    }
    // "A positive value specifies an absolute time, .. a negative value an interval", in 100 ns.
    let ticks = if ticks < 0 {
        ticks.unsigned_abs()
    } else {
        ticks
            .saturating_sub(call.machine().clock().system_time())
            .max(0)
            .unsigned_abs()
    };
    Ok(Duration::from_micros(ticks / 10) + Duration::from_nanos(ticks % 10 * 100))
}

/// Copies the reply into the driver's buffer. The status is that of the reply's header; a reply that
/// does not fit is cut (remarks of the page on padding).
fn take_reply(
    call: &Call,
    status: NtStatus,
    body: &[u8],
    (reply, reply_length): (u64, u64),
) -> Result<NtStatus, Violation> {
    let room = call.guest().read_u32(reply_length, "ReplyLength")?;
    let fits = body.len().min(room as usize);
    call.guest()
        .write_bytes(reply, body.get(..fits).unwrap_or_default(), "ReplyBuffer")?;
    call.guest()
        .write_u32(reply_length, fits as u32, "ReplyLength")?;
    Ok(if fits < body.len() {
        STATUS_BUFFER_OVERFLOW
    } else {
        status
    })
}
