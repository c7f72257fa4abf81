//! Communication ports between a filter and user-mode programs.
//!
//! Pages: `nf-fltkernel-fltcreatecommunicationport`, `nf-fltkernel-fltsendmessage`,
//! `nf-fltkernel-fltbuilddefaultsecuritydescriptor`.

use core::ffi::c_void;

use crate::nt::OBJECT_ATTRIBUTES;
use crate::types::{ACCESS_MASK, LARGE_INTEGER, NTSTATUS, PFLT_FILTER, PFLT_PORT};

/// A security descriptor, opaque here.
pub type PSECURITY_DESCRIPTOR = *mut c_void;

/// The right to connect to a port.
pub const FLT_PORT_CONNECT: ACCESS_MASK = 0x0000_0001;
/// Every right: to connect, and `STANDARD_RIGHTS_ALL`.
pub const FLT_PORT_ALL_ACCESS: ACCESS_MASK = FLT_PORT_CONNECT | 0x001F_0000;

/// Called at PASSIVE level when a program connects; a failure refuses it. The context is the kernel's copy of
/// the program's bytes, without a promise of alignment.
pub type PFLT_CONNECT_NOTIFY = Option<
    unsafe extern "system" fn(
        ClientPort: PFLT_PORT,
        ServerPortCookie: *mut c_void,
        ConnectionContext: *mut c_void,
        SizeOfContext: u32,
        ConnectionPortCookie: *mut *mut c_void,
    ) -> NTSTATUS,
>;

/// Called at PASSIVE level when the program's end is gone.
pub type PFLT_DISCONNECT_NOTIFY = Option<unsafe extern "system" fn(ConnectionCookie: *mut c_void)>;

/// Called at PASSIVE level with a program's message; the buffers are raw user addresses. We pass none.
pub type PFLT_MESSAGE_NOTIFY = Option<
    unsafe extern "system" fn(
        PortCookie: *mut c_void,
        InputBuffer: *mut c_void,
        InputBufferLength: u32,
        OutputBuffer: *mut c_void,
        OutputBufferLength: u32,
        ReturnOutputBufferLength: *mut u32,
    ) -> NTSTATUS,
>;

imports! { PORT_IMPORTS from "fltmgr.sys":
    /// Makes a descriptor that lets in administrators and the system only.
    ["XP", Apc]
    fn FltBuildDefaultSecurityDescriptor(
        SecurityDescriptor: *mut PSECURITY_DESCRIPTOR,
        DesiredAccess: ACCESS_MASK,
    ) -> NTSTATUS;

    /// Frees what [`FltBuildDefaultSecurityDescriptor`] made.
    ["XP", Apc]
    fn FltFreeSecurityDescriptor(SecurityDescriptor: PSECURITY_DESCRIPTOR);

    /// Opens a port for connections.
    ["XP", Passive]
    fn FltCreateCommunicationPort(
        Filter: PFLT_FILTER,
        ServerPort: *mut PFLT_PORT,
        ObjectAttributes: *mut OBJECT_ATTRIBUTES,
        ServerPortCookie: *mut c_void,
        ConnectNotifyCallback: PFLT_CONNECT_NOTIFY,
        DisconnectNotifyCallback: PFLT_DISCONNECT_NOTIFY,
        MessageNotifyCallback: PFLT_MESSAGE_NOTIFY,
        MaxConnections: i32,
    ) -> NTSTATUS;

    /// Closes a port for new connections; those that exist stay.
    ["XP", Passive]
    fn FltCloseCommunicationPort(ServerPort: PFLT_PORT);

    /// Closes our end of a connection and sets the variable to null.
    ["XP", Passive]
    fn FltCloseClientPort(Filter: PFLT_FILTER, ClientPort: *mut PFLT_PORT);

    /// Sends a message and may wait for a reply. `STATUS_TIMEOUT` is a success code; a null time-out waits
    /// for ever. Negative time-outs are relative, in units of 100 ns.
    ["XP", Apc]
    fn FltSendMessage(
        Filter: PFLT_FILTER,
        ClientPort: *mut PFLT_PORT,
        SenderBuffer: *mut c_void,
        SenderBufferLength: u32,
        ReplyBuffer: *mut c_void,
        ReplyLength: *mut u32,
        Timeout: *mut LARGE_INTEGER,
    ) -> NTSTATUS;
}
