//! The port of the driver on Windows: `FilterConnectCommunicationPort` and what goes with it.
//!
//! The one module of the tool with unsafe code: Win32 calls. A [`FilterPort`] owns two handles and the
//! memory that a pending read writes to; no method returns while a read is pending, so that memory is
//! never moved or freed under one.
#![expect(unsafe_code, reason = "calls Win32")]

use super::{ConnectError, Message, OnRequest, Port, PortError, Source, Stop};
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::sync::Arc;
use std::{io, ptr};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_CONNECTION_COUNT_LIMIT, ERROR_FILE_NOT_FOUND,
    ERROR_FLT_NO_WAITER_FOR_REPLY, ERROR_INVALID_HANDLE, ERROR_IO_PENDING, ERROR_OPERATION_ABORTED,
    ERROR_REVISION_MISMATCH, HANDLE, WAIT_FAILED, WAIT_OBJECT_0,
};
use windows_sys::Win32::Storage::InstallableFileSystems::{
    FILTER_MESSAGE_HEADER, FILTER_REPLY_HEADER, FilterConnectCommunicationPort, FilterGetMessage,
    FilterReplyMessage,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Threading::{
    CreateEventW, INFINITE, SetEvent, WaitForMultipleObjects,
};
use windows_sys::core::HRESULT;

/// The name of the port.
const PORT: &str = r"\CloneGuardPort";
/// Twice the largest batch.
const MESSAGE_MAX: usize = 128 * 1024;
/// Room for a reply: far more than an acknowledgement.
const REPLY_MAX: usize = 4096;
/// Bytes of `FILTER_MESSAGE_HEADER` and of `FILTER_REPLY_HEADER`.
const HEADER: usize = size_of::<FILTER_MESSAGE_HEADER>();
const _: () = assert!(size_of::<FILTER_REPLY_HEADER>() == HEADER && HEADER == 16);

/// The port of the driver on this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct FilterManager;

impl Source for FilterManager {
    fn connect(&self, context: &[u8], stop: &Stop) -> Result<Box<dyn Port>, ConnectError> {
        let stopped = Arc::new(event().map_err(ConnectError::Broken)?);
        let arrived = event().map_err(ConnectError::Broken)?;
        let port = open(context)?;
        let other = Arc::clone(&stopped);
        let on_stop = stop.on_request(move || {
            // SAFETY: the event is open as long as this closure holds it.
            let is_set = unsafe { SetEvent(other.as_raw_handle()) };
            debug_assert_ne!(is_set, 0, "an open event can be set");
        });
        Ok(Box::new(FilterPort {
            port,
            stopped,
            arrived,
            read: Box::new(Read {
                overlapped: OVERLAPPED::default(),
                message: [0; MESSAGE_MAX / 8],
            }),
            _on_stop: on_stop,
        }))
    }
}

/// An event that is reset by hand.
fn event() -> io::Result<OwnedHandle> {
    // SAFETY: no pointer is passed.
    let handle = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the event was just created, and nobody else has its handle.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Opens a connection.
fn open(context: &[u8]) -> Result<OwnedHandle, ConnectError> {
    let too_long = || io::Error::from(io::ErrorKind::InvalidInput);
    let size = u16::try_from(context.len()).map_err(|_| ConnectError::Broken(too_long()))?;
    let name: Vec<u16> = PORT.encode_utf16().chain([0]).collect();
    let mut handle: HANDLE = ptr::null_mut();
    // SAFETY: the name ends in a zero, the context has `size` bytes, the handle is written to; all three
    // outlive the call. Without security attributes the handle is not inherited.
    let result = unsafe {
        FilterConnectCommunicationPort(
            name.as_ptr(),
            0,
            context.as_ptr().cast(),
            size,
            ptr::null(),
            &raw mut handle,
        )
    };
    if result < 0 {
        return Err(refusal(result));
    }
    // SAFETY: on success the handle is ours to close ("must eventually be released by calling CloseHandle").
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// What a failed connection means. fltlib turns the driver's NTSTATUS into a Win32 error, and that into an
/// HRESULT.
fn refusal(result: HRESULT) -> ConnectError {
    // MS-ERREF 2.3.1.
    let status = match win32(result) {
        Some(ERROR_FILE_NOT_FOUND) => 0xC000_0034,
        Some(ERROR_ACCESS_DENIED) => 0xC000_0022,
        Some(ERROR_CONNECTION_COUNT_LIMIT) => 0xC000_0246,
        Some(ERROR_REVISION_MISMATCH) => 0xC000_0059,
        Some(_) | None => return ConnectError::Broken(system_error(result)),
    };
    ConnectError::from_status(status)
}

/// The Win32 error in an HRESULT of FACILITY_WIN32 (MS-ERREF 2.1).
const fn win32(result: HRESULT) -> Option<u32> {
    let bits = result.cast_unsigned();
    if bits >> 16 == 0x8007 {
        Some(bits & 0xFFFF)
    } else {
        None
    }
}

fn system_error(result: HRESULT) -> io::Error {
    // The system knows texts for HRESULTs too.
    io::Error::from_raw_os_error(result)
}

/// What a pending read writes to. `u64`s, because the message begins with a header that is aligned so.
struct Read {
    overlapped: OVERLAPPED,
    message: [u64; MESSAGE_MAX / 8],
}

/// A connection through the filter manager.
struct FilterPort {
    port: OwnedHandle,
    /// Set when a stop is requested.
    stopped: Arc<OwnedHandle>,
    /// Set when a read is complete.
    arrived: OwnedHandle,
    read: Box<Read>,
    _on_stop: OnRequest,
}

impl Port for FilterPort {
    fn get_message(&mut self) -> Result<Message, PortError> {
        let read = &mut *self.read;
        read.overlapped = OVERLAPPED {
            hEvent: self.arrived.as_raw_handle(),
            ..OVERLAPPED::default()
        };
        let buffer = read.message.as_mut_ptr();
        let size = u32::try_from(size_of_val(&read.message)).unwrap_or(0);
        let overlapped = &raw mut read.overlapped;
        // SAFETY: the buffer has `size` bytes and the alignment of the header; buffer and OVERLAPPED lie in a
        // box of this value, and no way out of this function leaves the read pending.
        let result =
            unsafe { FilterGetMessage(self.port.as_raw_handle(), buffer.cast(), size, overlapped) };
        if result < 0 && win32(result) != Some(ERROR_IO_PENDING) {
            return Err(failure(result));
        }
        self.wait();
        let mut count = 0;
        // SAFETY: both pointers outlive the call, the OVERLAPPED is that of the read. The call waits for its
        // end.
        let is_done = unsafe {
            GetOverlappedResult(self.port.as_raw_handle(), overlapped, &raw mut count, 1)
        };
        if is_done == 0 {
            return Err(broken(io::Error::last_os_error()));
        }
        self.message(count)
    }

    fn reply(&mut self, id: u64, body: &[u8]) -> Result<(), PortError> {
        let mut reply = [0_u64; REPLY_MAX / 8];
        let too_long = || PortError::Broken(io::ErrorKind::InvalidInput.into());
        let size = HEADER + body.len();
        if size > size_of_val(&reply) {
            return Err(too_long());
        }
        // FILTER_REPLY_HEADER: Status, which is 0, four bytes of padding, MessageId.
        reply[1] = id;
        let words = reply.iter_mut().skip(2);
        for (word, bytes) in words.zip(body.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_le_bytes(whole);
        }
        let size = u32::try_from(size).map_err(|_| too_long())?;
        // SAFETY: the buffer has at least `size` bytes, begins with the header, has its alignment, and
        // outlives the call.
        let result =
            unsafe { FilterReplyMessage(self.port.as_raw_handle(), reply.as_ptr().cast(), size) };
        if result < 0 {
            return Err(failure(result));
        }
        Ok(())
    }
}

impl FilterPort {
    /// Waits until the read is complete or a stop is requested, and takes the read back then.
    fn wait(&self) {
        // The first one that is set is told of: a message before the stop.
        let events = [self.arrived.as_raw_handle(), self.stopped.as_raw_handle()];
        // SAFETY: two handles, open as long as this value lives.
        let woken = unsafe { WaitForMultipleObjects(2, events.as_ptr(), 0, INFINITE) };
        if woken == WAIT_OBJECT_0 {
            return;
        }
        debug_assert_ne!(woken, WAIT_FAILED, "two open events can be waited for");
        let overlapped = &raw const self.read.overlapped;
        // SAFETY: the OVERLAPPED is that of the read. It may be complete by now, and then this does nothing;
        // in both cases the caller waits for its end.
        unsafe { CancelIoEx(self.port.as_raw_handle(), overlapped) };
    }

    /// The message that was read. `count` is that of the header and the message; the page does not say so, and
    /// a batch of another length would not decode.
    fn message(&self, count: u32) -> Result<Message, PortError> {
        let words = &self.read.message;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let used = words.iter().take(count.div_ceil(8));
        let bytes: Vec<u8> = used.flat_map(|word| word.to_le_bytes()).collect();
        let body = bytes.get(HEADER..count).ok_or_else(|| {
            let what = format!("a message of {count} bytes");
            PortError::Broken(io::Error::new(io::ErrorKind::InvalidData, what))
        })?;
        // FILTER_MESSAGE_HEADER: ReplyLength, four bytes of padding, MessageId.
        Ok(Message {
            id: words[1],
            body: body.to_vec(),
        })
    }
}

fn failure(result: HRESULT) -> PortError {
    if result == ERROR_FLT_NO_WAITER_FOR_REPLY {
        return PortError::NobodyWaits;
    }
    match win32(result) {
        Some(error) => broken(io::Error::from_raw_os_error(error.cast_signed())),
        None => PortError::Broken(system_error(result)),
    }
}

/// A handle that no longer works is a driver that went away (STATUS_PORT_DISCONNECTED is ERROR_INVALID_HANDLE in
/// Win32), a read that was aborted one that we took back.
fn broken(error: io::Error) -> PortError {
    let code = error.raw_os_error().map(i32::cast_unsigned);
    match code {
        Some(ERROR_INVALID_HANDLE | ERROR_OPERATION_ABORTED) => PortError::Ended,
        Some(_) | None => PortError::Broken(error),
    }
}
