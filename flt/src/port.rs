//! The communication port: one server port, and the only way to send. Who is connected: [`crate::clients`].
//!
//! There is no message callback: a client says what it wants in the context of its connection, which
//! the filter manager hands over as a kernel copy. Nothing a user-mode program owns is dereferenced.

#![expect(
    unsafe_code,
    reason = "opens, closes and sends on ports of the filter manager"
)]

use core::ffi::c_void;
use core::ptr;
use core::slice;
use core::sync::atomic::{AtomicPtr, Ordering};

use flt_sys::nt::{OBJ_CASE_INSENSITIVE, OBJ_KERNEL_HANDLE, OBJECT_ATTRIBUTES};
use flt_sys::port::{
    FLT_PORT_ALL_ACCESS, FltBuildDefaultSecurityDescriptor, FltCloseCommunicationPort,
    FltCreateCommunicationPort, FltFreeSecurityDescriptor, FltSendMessage,
};
use flt_sys::types::{FLT_FILTER, NTSTATUS, PFLT_FILTER, PFLT_PORT, UNICODE_STRING};

use crate::clients::{CONNECTIONS_MAX, Place, Role};
use crate::filter::Minifilter;
use crate::irql::Passive;
use crate::process::Process;
use crate::status::NtStatus;
use crate::sync::relative_timeout;
use crate::thread::attributes_size;

/// STATUS_TIMEOUT, a success code that means "no answer in time" (MS-ERREF 2.3.1).
const STATUS_TIMEOUT: NTSTATUS = 0x102;
/// STATUS_PORT_DISCONNECTED.
const STATUS_PORT_DISCONNECTED: NTSTATUS = 0xC000_0037_u32.cast_signed();

/// Who connects: the program, in whose context the connect callback runs.
pub struct Caller<'a> {
    /// Its process.
    pub program: &'a Process<'a>,
    /// The level of the callback.
    pub passive: Passive,
}

/// How a send ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// The client has the message, and answered with this many bytes if there was room for an answer.
    Answered(usize),
    /// The message was not fetched, or not answered, in time. It may have arrived all the same.
    TimedOut,
    /// There is no client, or it went away.
    NotConnected,
    /// The filter manager's status.
    Failed(NtStatus),
}

/// The server port: closed when dropped.
///
/// # Invariants
///
/// The pointer is an open server port of ours.
pub(crate) struct ServerPort(PFLT_PORT);

// SAFETY: a port may be closed from any thread.
unsafe impl Send for ServerPort {}

impl ServerPort {
    /// Opens the port `name` for administrators and the system only.
    ///
    /// # Safety
    ///
    /// 1. `filter` is registered, for the driver `F`, and outlives the port.
    pub(crate) unsafe fn open<F: Minifilter>(
        filter: PFLT_FILTER,
        name: &'static [u16],
        _: Passive,
    ) -> Result<Self, NtStatus> {
        let mut name = unicode_string(name)?;
        let descriptor = SecurityDescriptor::administrators_only()?;
        let mut attributes = OBJECT_ATTRIBUTES {
            Length: attributes_size(),
            RootDirectory: ptr::null_mut(),
            ObjectName: &raw mut name,
            Attributes: OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
            SecurityDescriptor: descriptor.0,
            SecurityQualityOfService: ptr::null_mut(),
        };
        let mut port: PFLT_PORT = ptr::null_mut();
        // SAFETY: the filter is registered (contract 1), attributes and what they point to live through
        // the call, the callbacks are those of `F`, `port` may be written, PASSIVE_LEVEL is proven.
        let status = unsafe {
            FltCreateCommunicationPort(
                filter,
                &raw mut port,
                &raw mut attributes,
                ptr::null_mut(),
                Some(connected::<F>),
                Some(disconnected::<F>),
                None,
                CONNECTIONS_MAX,
            )
        };
        NtStatus::check(status)?;
        Ok(Self(port))
    }
}

impl Drop for ServerPort {
    fn drop(&mut self) {
        // SAFETY: open and ours (invariant); dropped by `life` at PASSIVE_LEVEL.
        unsafe { FltCloseCommunicationPort(self.0) };
    }
}

/// A descriptor of the filter manager, freed when dropped.
struct SecurityDescriptor(*mut c_void);

impl SecurityDescriptor {
    fn administrators_only() -> Result<Self, NtStatus> {
        let mut descriptor = ptr::null_mut();
        // SAFETY: `descriptor` may be written; only called at PASSIVE_LEVEL, by `ServerPort::open`.
        let status =
            unsafe { FltBuildDefaultSecurityDescriptor(&raw mut descriptor, FLT_PORT_ALL_ACCESS) };
        NtStatus::check(status)?;
        Ok(Self(descriptor))
    }
}

impl Drop for SecurityDescriptor {
    fn drop(&mut self) {
        // SAFETY: made by FltBuildDefaultSecurityDescriptor, freed once.
        unsafe { FltFreeSecurityDescriptor(self.0) };
    }
}

fn unicode_string(text: &'static [u16]) -> Result<UNICODE_STRING, NtStatus> {
    let bytes = u16::try_from(size_of_val(text)).map_err(|_| NtStatus::INVALID_PARAMETER)?;
    // The kernel only reads an object name, whatever its type says.
    Ok(UNICODE_STRING {
        Length: bytes,
        MaximumLength: bytes,
        Buffer: text.as_ptr().cast_mut(),
    })
}

/// The right to send to the consumer: handed to the body of the driver's delivery thread, and to nobody else,
/// because a send may wait for the reply of a client that never gives it.
pub struct Link<'work> {
    filter: &'work AtomicPtr<FLT_FILTER>,
    consumer: &'static Place,
    passive: Passive,
}

impl<'work> Link<'work> {
    pub(crate) const fn new(
        filter: &'work AtomicPtr<FLT_FILTER>,
        consumer: &'static Place,
        passive: Passive,
    ) -> Self {
        Self {
            filter,
            consumer,
            passive,
        }
    }

    /// Whether there is a consumer to send to.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.consumer.is_connected()
    }

    /// The thread's own proof that it runs at PASSIVE_LEVEL.
    #[must_use]
    pub const fn passive(&self) -> Passive {
        self.passive
    }

    /// Sends `message` and waits for the reply into `reply`.
    ///
    /// `milliseconds` bounds the wait for the client to fetch the message. It is reported not to bound
    /// the wait for the reply (MicrosoftDocs/windows-driver-docs-ddi issue 1110): that wait ends when
    /// the connection does, and unload closes it.
    pub fn send(&self, message: &mut [u8], reply: &mut [u8], milliseconds: u32) -> Sent {
        let filter = self.filter.load(Ordering::Acquire);
        // SAFETY: the filter is registered while this thread runs (`life` joins it first).
        unsafe { send(filter, self.consumer, message, Some(reply), milliseconds) }
    }
}

/// Sends `message`, and waits for the reply if there is room for one. Without, the wait ends when the client has
/// fetched the message or `milliseconds` have passed.
///
/// # Safety
///
/// 1. `filter` is our registered filter.
pub(crate) unsafe fn send(
    filter: PFLT_FILTER,
    client: &'static Place,
    message: &mut [u8],
    reply: Option<&mut [u8]>,
    milliseconds: u32,
) -> Sent {
    if !client.is_connected() {
        return Sent::NotConnected;
    }
    let room = reply.as_ref().map_or(0, |reply| reply.len());
    let (Ok(length), Ok(mut reply_length)) = (u32::try_from(message.len()), u32::try_from(room))
    else {
        return Sent::Failed(NtStatus::INVALID_PARAMETER);
    };
    let (reply, place) = match reply {
        Some(reply) => (reply.as_mut_ptr().cast(), &raw mut reply_length),
        None => (ptr::null_mut(), ptr::null_mut()),
    };
    let mut timeout = relative_timeout(milliseconds.max(1));
    // SAFETY: the filter is registered (contract 1); the place never moves; both buffers are ours with the lengths
    // given, or there is none for a reply; the time-out is not zero.
    let status = unsafe {
        FltSendMessage(
            filter,
            client.as_ptr(),
            message.as_mut_ptr().cast(),
            length,
            reply,
            place,
            (&raw mut timeout).cast(),
        )
    };
    match (status, NtStatus::check(status)) {
        (STATUS_TIMEOUT, _) => Sent::TimedOut,
        (STATUS_PORT_DISCONNECTED, _) => Sent::NotConnected,
        (_, Err(status)) => Sent::Failed(status),
        (_, Ok(())) => Sent::Answered(usize::try_from(reply_length).unwrap_or(0).min(room)),
    }
}

/// The most that a connection context may hold; ours need a few dozen bytes.
const CONTEXT_MAX: usize = 256;

/// PFLT_CONNECT_NOTIFY. PASSIVE_LEVEL, in the context of the connecting program.
///
/// # Safety
///
/// Called by the filter manager only, with the arguments it documents.
unsafe extern "system" fn connected<F: Minifilter>(
    client: PFLT_PORT,
    _server_cookie: *mut c_void,
    context: *mut c_void,
    context_length: u32,
    connection_cookie: *mut *mut c_void,
) -> NTSTATUS {
    let Some(filter) = F::global().get() else {
        return NtStatus::DEVICE_NOT_READY.raw();
    };
    let length = match usize::try_from(context_length) {
        Ok(length) if length <= CONTEXT_MAX && !context.is_null() => length,
        Ok(_) | Err(_) => return NtStatus::INVALID_PARAMETER.raw(),
    };
    // SAFETY: the context is the filter manager's kernel copy of `context_length` bytes, valid for the
    // callback; bytes have no alignment to break.
    let request = unsafe { slice::from_raw_parts(context.cast::<u8>(), length) };
    // SAFETY: PFLT_CONNECT_NOTIFY runs at PASSIVE_LEVEL (fltkernel.h), and this is it.
    let passive = unsafe { Passive::documented() };
    let clients = F::global().clients();
    let admitted = Process::with_current(|program| {
        let caller = Caller { program, passive };
        filter.connect(request, &caller, clients)
    });
    let connection = match admitted {
        Some(Ok(connection)) => connection,
        Some(Err(status)) => return status.raw(),
        None => return NtStatus::UNSUCCESSFUL.raw(),
    };
    // SAFETY: the filter manager gives a place for one pointer; it comes back on disconnection and says
    // which connection ended.
    unsafe { connection_cookie.write(client.cast()) };
    match connection.keep(client) {
        Role::Consumer => filter.connected(),
        Role::Asker => filter.asked(),
        Role::Visitor => {}
    }
    0
}

/// PFLT_DISCONNECT_NOTIFY. PASSIVE_LEVEL.
///
/// # Safety
///
/// Called by the filter manager only.
unsafe extern "system" fn disconnected<F: Minifilter>(connection_cookie: *mut c_void) {
    let global = F::global();
    // SAFETY: PFLT_DISCONNECT_NOTIFY runs at PASSIVE_LEVEL (fltkernel.h), and this is it.
    let passive = unsafe { Passive::documented() };
    // SAFETY: a filter is registered as long as it has connections; the cookie is the client port that
    // `connected` wrote, of a connection that came about.
    unsafe {
        global
            .clients()
            .leave(global.filter(), connection_cookie.cast(), passive, || {
                if let Some(filter) = global.get() {
                    filter.disconnected();
                }
            })
    };
}
