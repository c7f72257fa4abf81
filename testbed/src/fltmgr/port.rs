//! Communication ports: what the driver calls.
//!
//! A server port has a name and callbacks; each connection ([`Connection`]) has a client port, which
//! the driver closes, and a handle of the program (`port_client`). The disconnect callback runs once
//! per connection: when the program closes its handle, or when the filter unregisters
//! (`nf-fltkernel-fltcreatecommunicationport`), whether or not the driver has closed its side before.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::channel::{Channel, ReplyWait};
use super::layout::object_attributes as attributes;
use super::phase::{self, Callback, Nature};
use super::registry::{CallbackCall, Filter, FilterPhase, own_filter};
use super::{Shared, leak, lock, manager};
use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::machine::Machine;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::ntos::pins::Pins;
use crate::status::{
    NtStatus, STATUS_FLT_DELETING_OBJECT, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER,
    STATUS_OBJECT_NAME_COLLISION, STATUS_SUCCESS,
};
use crate::thread::Thread;
use crate::verifier::{CallSite, Rule, Violation};

/// A server port.
#[derive(Debug)]
pub(super) struct ServerPort {
    pub(super) filter: Arc<Filter>,
    pub(super) name: String,
    pub(super) ignore_case: bool,
    pub(super) cookie: u64,
    pub(super) connect: u64,
    disconnect: u64,
    pub(super) limit: usize,
    address: ObjectAddress,
    created_by: CallSite,
    closed: AtomicBool,
}

impl ServerPort {
    pub(super) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::SeqCst)
    }

    fn has_name(&self, name: &str) -> bool {
        // Port names are ASCII in practice; the object manager's own table folds more letters.
        if self.ignore_case {
            self.name.eq_ignore_ascii_case(name)
        } else {
            self.name == name
        }
    }
}

/// One connection of a program to a server port.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Counted from 0 in the order of the connections to any port.
    pub(super) number: usize,
    pub(super) server: Arc<ServerPort>,
    /// The client port that the driver knows.
    pub(super) address: ObjectAddress,
    pub(super) channel: Channel,
    /// What the connect callback stored as ConnectionPortCookie.
    pub(super) cookie: AtomicU64,
    pub(super) closed_by_driver: AtomicBool,
    disconnected: AtomicBool,
}

impl Connection {
    fn new(machine: &Machine, server: &Arc<ServerPort>, number: usize) -> Arc<Self> {
        let label = format!("FLT_PORT of a client of {}", server.name);
        let marker = Arc::new(Kind::ClientPort);
        Arc::new(Self {
            number,
            server: Arc::clone(server),
            address: machine.objects().create(Kind::ClientPort, label, marker),
            channel: Channel::new(machine.sleepers(), number),
            cookie: AtomicU64::new(0),
            closed_by_driver: AtomicBool::new(false),
            disconnected: AtomicBool::new(false),
        })
    }

    /// Whether it counts against the limit of its port.
    fn is_connected(&self) -> bool {
        !self.channel.is_closed()
    }

    /// Ends the connection from the side of the program or of the filter manager: frees whoever waits
    /// and calls the disconnect callback, if that has not happened before.
    pub(crate) fn disconnect(&self, thread: &Arc<Thread>) -> Result<(), Violation> {
        self.channel.close();
        let filter = &self.server.filter;
        // Before the look at the phase: an unregistration either is over, or waits.
        let ports = &thread.machine().filter_manager().ports;
        let _leaving = ports.notices.pin(filter.driver);
        let gone = *lock(&filter.phase) == FilterPhase::Gone;
        if self.disconnected.swap(true, Ordering::SeqCst) || gone {
            return Ok(());
        }
        let label = format!(
            "disconnect callback of {} for {}",
            filter.name, self.server.name
        );
        let what = CallbackCall {
            callback: Callback::Disconnect,
            label: &label,
            address: self.server.disconnect,
            request: 0,
            is_void: true,
        };
        filter
            .call(thread, what, &[self.cookie.load(Ordering::SeqCst)])
            .map(drop)
    }

    /// Forgets a connection that the connect callback refused.
    pub(super) fn refuse(&self, machine: &Machine) {
        self.channel.close();
        self.disconnected.store(true, Ordering::SeqCst);
        self.closed_by_driver.store(true, Ordering::SeqCst);
        machine.objects().release(self.address);
    }
}

/// All ports and connections.
#[derive(Debug, Default)]
pub(super) struct PortTable {
    servers: Shared<ServerPort>,
    connections: Shared<Connection>,
    reply_wait: Mutex<Option<ReplyWait>>,
    /// Connect and disconnect callbacks of a driver that are under way.
    pub(super) notices: Pins,
    /// Around a client port's variable: a close sets it to null under the lock that a send reads it with.
    /// The page of FltCloseClientPort calls that "synchronized properly".
    variables: Mutex<()>,
}

impl PortTable {
    /// Keeps a send from reading a variable while a close is at it.
    pub(super) fn lock_variables(&self) -> MutexGuard<'_, ()> {
        lock(&self.variables)
    }

    pub(super) fn set_reply_wait(&self, rule: ReplyWait) {
        *lock(&self.reply_wait) = Some(rule);
    }

    /// Lets every sender look again: the clock has moved.
    pub(super) fn tell_senders(&self) {
        for connection in lock(&self.connections).iter() {
            connection.channel.tell();
        }
    }

    /// What [`Self::set_reply_wait`] chose.
    pub(super) fn reply_wait(&self) -> ReplyWait {
        lock(&self.reply_wait).unwrap_or(ReplyWait::Unbounded)
    }

    /// The open server port with this name.
    pub(super) fn server(&self, name: &str) -> Option<Arc<ServerPort>> {
        let servers = lock(&self.servers);
        servers
            .iter()
            .find(|server| server.is_open() && server.has_name(name))
            .cloned()
    }

    /// Adds a connection, unless the limit of the port is reached.
    pub(super) fn add(
        &self,
        machine: &Machine,
        server: &Arc<ServerPort>,
    ) -> Option<Arc<Connection>> {
        let mut connections = lock(&self.connections);
        let open = connections
            .iter()
            .filter(|other| Arc::ptr_eq(&other.server, server) && other.is_connected())
            .count();
        (open < server.limit).then(|| {
            let connection = Connection::new(machine, server, connections.len());
            connections.push(Arc::clone(&connection));
            connection
        })
    }

    fn connection(&self, address: u64) -> Option<Arc<Connection>> {
        let connections = lock(&self.connections);
        connections
            .iter()
            .find(|connection| connection.address.0 == address)
            .cloned()
    }

    /// The open server ports of a filter.
    pub(super) fn open_servers(&self, driver: u32) -> Vec<Arc<ServerPort>> {
        let servers = lock(&self.servers);
        let open = servers
            .iter()
            .filter(|server| server.filter.driver == driver && server.is_open());
        open.cloned().collect()
    }

    /// The connections of a filter.
    pub(super) fn connections_of(&self, driver: u32) -> Vec<Arc<Connection>> {
        let connections = lock(&self.connections);
        connections
            .iter()
            .filter(|other| other.server.filter.driver == driver)
            .cloned()
            .collect()
    }

    pub(super) fn leaks(&self, driver: u32) -> Vec<Violation> {
        let servers = self.open_servers(driver).into_iter().map(|server| {
            let what = format!("the server port {}", server.name);
            leak(what, &server.created_by, "FltCloseCommunicationPort")
        });
        let connections = self.connections_of(driver);
        let left = connections
            .iter()
            .filter(|other| !other.closed_by_driver.load(Ordering::SeqCst));
        let clients = left.map(|connection| {
            let what = format!("a client port of {}", connection.server.name);
            leak(what, &connection.server.created_by, "FltCloseClientPort")
        });
        servers.chain(clients).collect()
    }
}

/// `FltCreateCommunicationPort`.
pub(super) fn flt_create_communication_port(
    call: &Call,
    (filter, port, object_attributes, cookie, connect, disconnect, message, limit): (
        u64,
        u64,
        u64,
        u64,
        u64,
        u64,
        u64,
        i32,
    ),
) -> Result<NtStatus, Violation> {
    phase::check(call, Nature::Other)?;
    let filter = own_filter(call, filter)?;
    let Some((name, ignore_case)) = read_attributes(call, object_attributes)? else {
        return Ok(STATUS_INVALID_PARAMETER);
    };
    check_callbacks(call, connect, disconnect, message)?;
    let Some(limit) = usize::try_from(limit).ok().filter(|limit| *limit > 0) else {
        return Ok(STATUS_INVALID_PARAMETER);
    };
    if *lock(&filter.phase) == FilterPhase::Unregistering {
        return Ok(STATUS_FLT_DELETING_OBJECT);
    }
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let ports = &manager(call).ports;
    if ports.server(&name).is_some() {
        return Ok(STATUS_OBJECT_NAME_COLLISION);
    }
    let address = create_server_object(call, &name);
    call.guest().write_u64(port, address.0, "ServerPort")?;
    let server = ServerPort {
        filter,
        name,
        ignore_case,
        cookie,
        connect,
        disconnect,
        limit,
        address,
        created_by: call.site().clone(),
        closed: AtomicBool::new(false),
    };
    lock(&ports.servers).push(Arc::new(server));
    Ok(STATUS_SUCCESS)
}

fn check_callbacks(
    call: &Call,
    connect: u64,
    disconnect: u64,
    message: u64,
) -> Result<(), Violation> {
    let guest = call.guest();
    guest.check(connect, 1, Access::Execute, "ConnectNotifyCallback")?;
    guest.check(disconnect, 1, Access::Execute, "DisconnectNotifyCallback")?;
    if message != 0 {
        return Err(call.violation(Rule::NotModelled, "a MessageNotifyCallback"));
    }
    Ok(())
}

fn create_server_object(call: &Call, name: &str) -> ObjectAddress {
    let label = format!("FLT_SERVER_PORT {name}");
    call.machine()
        .objects()
        .create(Kind::ServerPort, label, Arc::new(Kind::ServerPort))
}

/// Reads name and case rule; `None` is an attribute that the page refuses by status.
fn read_attributes(call: &Call, address: u64) -> Result<Option<(String, bool)>, Violation> {
    let guest = call.guest();
    guest.check_aligned(address, 8, "OBJECT_ATTRIBUTES")?;
    let length = guest.read_u32(address + attributes::LENGTH, "OBJECT_ATTRIBUTES.Length")?;
    if length != attributes::SIZE {
        let detail = format!(
            "OBJECT_ATTRIBUTES.Length is {length}, not {}",
            attributes::SIZE
        );
        return Err(call.violation(Rule::Argument, detail));
    }
    let flags = guest.read_u32(
        address + attributes::ATTRIBUTES,
        "OBJECT_ATTRIBUTES.Attributes",
    )?;
    if flags & attributes::KERNEL_HANDLE == 0 {
        return Ok(None);
    }
    let root = guest.read_u64(address + attributes::ROOT_DIRECTORY, "RootDirectory")?;
    if root != 0 || flags & !(attributes::KERNEL_HANDLE | attributes::CASE_INSENSITIVE) != 0 {
        let detail = format!("RootDirectory {root:#x}, Attributes {flags:#x}");
        return Err(call.violation(Rule::NotModelled, detail));
    }
    let descriptor = guest.read_u64(
        address + attributes::SECURITY_DESCRIPTOR,
        "SecurityDescriptor",
    )?;
    if !manager(call).descriptors.holds(descriptor) {
        let detail = "SecurityDescriptor is none that FltBuildDefaultSecurityDescriptor built: \
             anybody, or nobody known here, could connect";
        return Err(call.violation(Rule::Port, detail));
    }
    let name = guest.read_u64(address + attributes::OBJECT_NAME, "ObjectName")?;
    let name = read_name(call, name)?;
    Ok(Some((name, flags & attributes::CASE_INSENSITIVE != 0)))
}

fn read_name(call: &Call, address: u64) -> Result<String, Violation> {
    let name = call.guest().read_unicode_string(address, "ObjectName")?;
    let name = String::from_utf16(&name)
        .map_err(|_odd| call.violation(Rule::String, "ObjectName is not well-formed UTF-16"))?;
    if !name.starts_with('\\') || name.len() < 2 {
        return Err(call.violation(
            Rule::Argument,
            format!("the port name {name:?} has no root"),
        ));
    }
    Ok(name)
}

/// `FltCloseCommunicationPort`: no new connections; the present ones stay.
pub(super) fn flt_close_communication_port(call: &Call, port: u64) -> Result<(), Violation> {
    phase::check(call, Nature::Release)?;
    let servers = lock(&manager(call).ports.servers);
    let found = servers.iter().find(|server| server.address.0 == port);
    let Some(server) = found.filter(|server| server.filter.driver == call.driver()) else {
        return Err(call.violation(
            Rule::Port,
            format!("{port:#x} is no server port of the driver"),
        ));
    };
    if server.closed.swap(true, Ordering::SeqCst) {
        return Err(call.violation(Rule::Port, format!("{} is closed already", server.name)));
    }
    call.machine().objects().release(server.address);
    Ok(())
}

/// `FltCloseClientPort`: takes the port out of the variable, frees whoever waits on the connection,
/// and ends it for the program too.
pub(super) fn flt_close_client_port(
    call: &Call,
    filter: u64,
    variable: u64,
) -> Result<(), Violation> {
    phase::check(call, Nature::Release)?;
    own_filter(call, filter)?;
    let _variable = manager(call).ports.lock_variables();
    let port = call.guest().read_u64(variable, "ClientPort")?;
    if port == 0 {
        // Another thread has closed it: the variable exists so that both may come here.
        return Ok(());
    }
    let connection = own_connection(call, port)?;
    call.guest().write_u64(variable, 0, "ClientPort")?;
    if connection.closed_by_driver.swap(true, Ordering::SeqCst) {
        return Err(call.violation(Rule::Port, "the client port is closed already"));
    }
    connection.channel.close();
    call.machine().objects().release(connection.address);
    Ok(())
}

/// The connection whose client port the driver names.
pub(super) fn own_connection(call: &Call, port: u64) -> Result<Arc<Connection>, Violation> {
    let found = manager(call).ports.connection(port);
    found
        .filter(|found| found.server.filter.driver == call.driver())
        .ok_or_else(|| {
            call.violation(
                Rule::Port,
                format!("{port:#x} is no client port of the driver"),
            )
        })
}
