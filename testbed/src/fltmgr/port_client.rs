//! Communication ports: what a user-mode program does (`FilterConnectCommunicationPort`,
//! `FilterGetMessage`, `FilterReplyMessage`, `CloseHandle`).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::channel::Message;
use super::lock;
use super::phase::Callback;
use super::port::{Connection, ServerPort};
use super::registry::{CallbackCall, FilterPhase};
use crate::boundary::guest::Guest;
use crate::boundary::memory::BlockSpec;
use crate::machine::Machine;
use crate::ntos::object::Kind;
use crate::ntos::token::{SYSTEM_SID, TokenObject};
use crate::process::Process;
use crate::standstill::Waiting;
use crate::status::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_CONNECTION_COUNT_LIMIT, STATUS_FLT_NO_WAITER_FOR_REPLY,
    STATUS_OBJECT_NAME_NOT_FOUND, STATUS_PORT_DISCONNECTED,
};
use crate::thread::{Mode, Thread, UserThread};
use crate::verifier::{self, Violation};

/// The connection has ended: `STATUS_PORT_DISCONNECTED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortClosed;

impl fmt::Display for PortClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the port is disconnected")
    }
}

impl std::error::Error for PortClosed {}

/// A program's end of a connection. Its calls may come from any thread; dropping it closes it, on a
/// fresh thread of the process if the present one is not modelled.
pub struct PortClient {
    connection: Arc<Connection>,
    process: Arc<Process>,
    /// Keeps the machine, on which the disconnect callback will run.
    _machine: Arc<Machine>,
}

// Not what it keeps: that is all of the machine.
impl fmt::Debug for PortClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortClient")
            .field("process", &self.process.id())
            .finish_non_exhaustive()
    }
}

impl PortClient {
    /// Waits for a message that is to come; one that does not ends the run ([`crate::standstill`]).
    ///
    /// # Errors
    ///
    /// [`PortClosed`] once either side has closed the connection.
    pub fn get_message(&self) -> Result<Message, PortClosed> {
        let _waiting = Waiting::begin("a message at a port");
        self.next_message()
    }

    /// Waits for the next message for as long as it takes, as a program that does nothing else.
    ///
    /// # Errors
    ///
    /// [`PortClosed`] once either side has closed the connection.
    pub fn next_message(&self) -> Result<Message, PortClosed> {
        self.connection.channel.fetch().ok_or(PortClosed)
    }

    /// The next message, if there is one; as a program that asks without waiting.
    ///
    /// # Errors
    ///
    /// [`PortClosed`] once either side has closed the connection.
    pub fn poll_message(&self) -> Result<Option<Message>, PortClosed> {
        self.connection.channel.poll().ok_or(PortClosed)
    }

    /// Answers a message; `body` is what follows the reply header.
    ///
    /// # Errors
    ///
    /// `STATUS_PORT_DISCONNECTED`, or `STATUS_FLT_NO_WAITER_FOR_REPLY` when nobody waits for an answer
    /// to this message.
    pub fn reply(&self, id: u64, status: NtStatus, body: &[u8]) -> Result<(), NtStatus> {
        if self.connection.channel.is_closed() {
            return Err(STATUS_PORT_DISCONNECTED);
        }
        let taken = self.connection.channel.reply(id, status.0, body);
        if taken {
            Ok(())
        } else {
            Err(STATUS_FLT_NO_WAITER_FOR_REPLY)
        }
    }

    /// Closes the handle; the driver's disconnect callback runs before this returns.
    pub fn close(self) {}

    /// Whether either side has closed the connection.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.connection.channel.is_closed()
    }
}

impl Drop for PortClient {
    fn drop(&mut self) {
        if self.process.has_ended() {
            // The process takes its connections along.
            return;
        }
        match crate::thread::try_current() {
            Some(thread) => verifier::settle(self.connection.disconnect(&thread)),
            None => self.process.run_scoped(Mode::User, |thread| {
                verifier::settle(self.connection.disconnect(thread));
            }),
        }
    }
}

/// Connects the program of `thread` to the port `name`, with `context` as connection context.
///
/// # Errors
///
/// `STATUS_OBJECT_NAME_NOT_FOUND`, `STATUS_ACCESS_DENIED` (the default descriptor admits
/// administrators and the system), `STATUS_CONNECTION_COUNT_LIMIT`, or what the connect callback says.
pub(crate) fn connect(
    thread: &UserThread,
    name: &str,
    context: &[u8],
) -> Result<PortClient, NtStatus> {
    let (machine, modelled) = (thread.machine(), thread.thread());
    let ports = &machine.filter_manager().ports;
    let server = ports.server(name).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
    if !verifier::settle(may_connect(machine, modelled)) {
        return Err(STATUS_ACCESS_DENIED);
    }
    // Before the look at the phase: an unregistration either is seen here, or waits.
    let _connecting = ports.notices.pin(server.filter.driver);
    let phase = *lock(&server.filter.phase);
    if matches!(phase, FilterPhase::Unregistering | FilterPhase::Gone) {
        return Err(STATUS_OBJECT_NAME_NOT_FOUND);
    }
    let connection = ports
        .add(machine, &server)
        .ok_or(STATUS_CONNECTION_COUNT_LIMIT)?;
    let status = verifier::settle(call_connect(modelled, &server, &connection, context));
    if !status.is_success() {
        connection.refuse(machine);
        return Err(status);
    }
    modelled.process().note_connection(&connection);
    if modelled.process().has_ended() {
        // It was killed meanwhile and may have overlooked this connection.
        verifier::settle(connection.disconnect(modelled));
    }
    Ok(PortClient {
        connection,
        process: Arc::clone(modelled.process()),
        _machine: Arc::clone(machine),
    })
}

/// Administrators and the system. A token says so by its user or by a high integrity level, which
/// only elevated tokens of administrators have.
fn may_connect(machine: &Machine, thread: &Thread) -> Result<bool, Violation> {
    const HIGH: u32 = 0x3000;
    let token = match thread.impersonation() {
        Some(impersonation) => impersonation.token,
        None => thread.process().token(),
    };
    let token = machine
        .objects()
        .payload::<TokenObject>(token, Kind::Token)?;
    let token = token.state().token;
    Ok(token.user == SYSTEM_SID || token.integrity >= HIGH)
}

/// Runs the connect callback in the thread of the program.
///
/// The context is a kernel copy of unknown alignment. Its last byte is the last of its page, so that
/// reading on faults; every second connection of a port trades that for an odd address.
fn call_connect(
    thread: &Arc<Thread>,
    server: &Arc<ServerPort>,
    connection: &Arc<Connection>,
    context: &[u8],
) -> Result<NtStatus, Violation> {
    let (machine, filter) = (thread.machine(), &server.filter);
    let label = format!("connect callback of {} for {}", filter.name, server.name);
    let odd = connection.number % 2 == 1;
    let size = context.len() as u64 + u64::from(odd);
    let spec = BlockSpec::new(size, format!("context of the {label}"));
    let block = machine.memory().allocate(BlockSpec { align: 1, ..spec })?;
    // The block ends where a page does, so it starts at an odd address if its size is odd.
    let start = if odd && size.is_multiple_of(2) {
        block + 1
    } else {
        block
    };
    let guest = Guest::new(machine.memory(), 0);
    guest.host_write(start, context)?;
    let spec = BlockSpec::new(8, format!("ConnectionPortCookie of the {label}"));
    let cookie = machine.memory().allocate(BlockSpec { align: 8, ..spec })?;
    let what = CallbackCall {
        callback: Callback::Connect,
        label: &label,
        address: server.connect,
        request: 0,
        is_void: false,
    };
    let arguments = [
        connection.address.0,
        server.cookie,
        if context.is_empty() { 0 } else { start },
        context.len() as u64,
        cookie,
    ];
    let status = filter.call(thread, what, &arguments)?;
    connection.cookie.store(
        guest.read_u64(cookie, "ConnectionPortCookie")?,
        Ordering::SeqCst,
    );
    let by = format!("the return of the {label}");
    machine.memory().free(cookie, &by)?;
    machine.memory().free(block, &by)?;
    Ok(NtStatus(status))
}
