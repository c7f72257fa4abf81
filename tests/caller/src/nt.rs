//! Files and file-system controls through ntdll, where the status is what the file system said.
//!
//! Every handle is opened for overlapped calls, so no access right is added to what a caller asks for
//! (`FILE_SYNCHRONOUS_IO_NONALERT` would need SYNCHRONIZE: WDK, NtCreateFile), and every call waits for its end on an
//! event of its thread.
#![expect(unsafe_code, reason = "calls ntdll")]

mod information;

pub use information::{query, query_volume, set};

use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr;

use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{
    NtCreateFile, NtFsControlFile, NtLockFile, NtReadFile, NtUnlockFile, NtWriteFile,
};
use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE, INVALID_HANDLE_VALUE, NTSTATUS, STATUS_PENDING,
    UNICODE_STRING,
};
use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;
use windows_sys::Win32::System::Pipes::{CreateNamedPipeW, PIPE_TYPE_BYTE};
use windows_sys::Win32::System::Threading::{
    CreateEventW, GetCurrentProcess, INFINITE, WaitForSingleObject,
};

use crate::protocol::Answer;

/// STATUS_INVALID_HANDLE.
pub const INVALID_HANDLE: u32 = 0xC000_0008;
/// STATUS_INVALID_PARAMETER.
const INVALID_PARAMETER: u32 = 0xC000_000D;

/// OBJ_CASE_INSENSITIVE (ntdef.h).
const CASE_INSENSITIVE: u32 = 0x40;
/// Bytes of either direction of a pipe, through which nothing goes.
const PIPE_BUFFER: u32 = 512;
/// Read, write and delete by others.
const SHARE_ALL: u32 = 7;

/// How to open a file.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// The rights, and none besides.
    pub access: u32,
    /// FILE_OPEN (1), FILE_CREATE (2), FILE_OPEN_IF (3).
    pub disposition: u32,
    /// FILE_DIRECTORY_FILE (1), FILE_NON_DIRECTORY_FILE (0x40) and so on.
    pub options: u32,
}

/// Opens or makes a file by its NT name.
pub fn open(path: &str, opening: Opening) -> Result<OwnedHandle, u32> {
    let mut name: Vec<u16> = path.encode_utf16().collect();
    let bytes = u16::try_from(name.len() * 2).map_err(|_| INVALID_PARAMETER)?;
    let name = UNICODE_STRING {
        Length: bytes,
        MaximumLength: bytes,
        Buffer: name.as_mut_ptr(),
    };
    let attributes = OBJECT_ATTRIBUTES {
        Length: size_of_u32::<OBJECT_ATTRIBUTES>(),
        ObjectName: &raw const name,
        Attributes: CASE_INSENSITIVE,
        ..OBJECT_ATTRIBUTES::default()
    };
    let mut handle: HANDLE = ptr::null_mut();
    let mut block = IO_STATUS_BLOCK::default();
    // SAFETY: every pointer is to a local variable that outlives the call; NtCreateFile ends before it returns.
    let status = unsafe {
        NtCreateFile(
            &raw mut handle,
            opening.access,
            &raw const attributes,
            &raw mut block,
            ptr::null(),
            0,
            SHARE_ALL,
            opening.disposition,
            opening.options,
            ptr::null(),
            0,
        )
    };
    done(status)?;
    // SAFETY: on success the handle is new, and ours to close.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// A second handle to the same object, with these rights or the same.
pub fn duplicate(handle: u64, access: Option<u32>) -> Result<OwnedHandle, u32> {
    let options = if access.is_some() {
        0
    } else {
        DUPLICATE_SAME_ACCESS
    };
    // SAFETY: the pseudo-handle of this process needs no closing.
    let process = unsafe { GetCurrentProcess() };
    let mut copy: HANDLE = ptr::null_mut();
    // SAFETY: the pointer outlives the call; a value that is no handle is refused.
    let is_done = unsafe {
        DuplicateHandle(
            process,
            raw(handle),
            process,
            &raw mut copy,
            access.unwrap_or(0),
            0,
            options,
        )
    };
    if is_done == 0 {
        return Err(INVALID_HANDLE);
    }
    // SAFETY: on success the handle is new, and ours to close.
    Ok(unsafe { OwnedHandle::from_raw_handle(copy) })
}

/// The server's end of a new pipe, by its Win32 name.
pub fn pipe(name: &str) -> Result<OwnedHandle, u32> {
    let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
    // SAFETY: the name ends in a zero and outlives the call.
    let handle = unsafe {
        CreateNamedPipeW(
            name.as_ptr(),
            PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
            PIPE_TYPE_BYTE,
            1,
            PIPE_BUFFER,
            PIPE_BUFFER,
            0,
            ptr::null(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(INVALID_PARAMETER);
    }
    // SAFETY: on success the handle is new, and ours to close.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// An event, set by nobody.
pub fn event() -> Result<OwnedHandle, u32> {
    // SAFETY: no pointer is passed.
    let handle = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
    if handle.is_null() {
        return Err(INVALID_HANDLE);
    }
    // SAFETY: the handle is new, and ours to close.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Sends a file-system control to a handle by its value and waits for the end.
pub fn control(handle: u64, code: u32, input: Option<&[u8]>, output: u32) -> Answer {
    let mut bytes = vec![0_u8; usize::try_from(output).unwrap_or(0)];
    let to = if output == 0 {
        ptr::null_mut()
    } else {
        bytes.as_mut_ptr()
    };
    let from = input.map_or(ptr::null(), <[u8]>::as_ptr);
    let length = input.map_or(0, |input| u32::try_from(input.len()).unwrap_or(u32::MAX));
    let (status, information) = waited(|event, block| {
        // SAFETY: `waited` gives an event and a block that outlive the request. So do both buffers, which have
        // the lengths that are told; a value that is no handle is refused.
        unsafe {
            NtFsControlFile(
                raw(handle),
                event,
                None,
                ptr::null(),
                block,
                code,
                from.cast(),
                length,
                to.cast(),
                output,
            )
        }
    });
    bytes.truncate(information);
    Answer {
        status,
        information: information as u64,
        output: bytes,
    }
}

/// Reads up to so many bytes.
pub fn read(file: &OwnedHandle, offset: u64, length: u32) -> Result<Vec<u8>, u32> {
    let mut bytes = vec![0_u8; usize::try_from(length).unwrap_or(0)];
    let buffer = bytes.as_mut_ptr();
    let offset = signed(offset)?;
    let (status, count) = waited(|event, block| {
        // SAFETY: as in `control`; the buffer has `length` bytes.
        unsafe {
            NtReadFile(
                file.as_raw_handle(),
                event,
                None,
                ptr::null(),
                block,
                buffer.cast(),
                length,
                &raw const offset,
                ptr::null(),
            )
        }
    });
    succeeded(status)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// Writes bytes.
pub fn write(file: &OwnedHandle, offset: u64, bytes: &[u8]) -> Result<(), u32> {
    let offset = signed(offset)?;
    let length = u32::try_from(bytes.len()).map_err(|_| INVALID_PARAMETER)?;
    let (status, _) = waited(|event, block| {
        // SAFETY: as in `control`; the buffer has `length` bytes and is only read.
        unsafe {
            NtWriteFile(
                file.as_raw_handle(),
                event,
                None,
                ptr::null(),
                block,
                bytes.as_ptr().cast(),
                length,
                &raw const offset,
                ptr::null(),
            )
        }
    });
    succeeded(status)
}

/// Takes an exclusive lock on a range, or fails at once.
pub fn lock(file: &OwnedHandle, offset: u64, length: u64) -> Result<(), u32> {
    let (offset, length) = (signed(offset)?, signed(length)?);
    let (status, _) = waited(|event, block| {
        // SAFETY: as in `control`; offset and length outlive the call.
        unsafe {
            NtLockFile(
                file.as_raw_handle(),
                event,
                None,
                ptr::null(),
                block,
                &raw const offset,
                &raw const length,
                0,
                true,
                true,
            )
        }
    });
    succeeded(status)
}

/// Gives a lock back.
pub fn unlock(file: &OwnedHandle, offset: u64, length: u64) -> Result<(), u32> {
    let (offset, length) = (signed(offset)?, signed(length)?);
    let mut block = IO_STATUS_BLOCK::default();
    // SAFETY: all pointers outlive the call, which does not return before its end.
    done(unsafe {
        NtUnlockFile(
            file.as_raw_handle(),
            &raw mut block,
            &raw const offset,
            &raw const length,
            0,
        )
    })
}

/// Starts a request with an event and a block, and waits for its end: the status and the information.
fn waited(start: impl FnOnce(HANDLE, *mut IO_STATUS_BLOCK) -> NTSTATUS) -> (u32, usize) {
    WAITING.with(|event| match event {
        Ok(event) => waited_on(event.as_raw_handle(), start),
        Err(status) => (*status, 0),
    })
}

thread_local! {
    /// What a thread waits on. A new event for each request could take the value of a handle that a case has just closed,
    /// to see what becomes of it.
    static WAITING: Result<OwnedHandle, u32> = event();
}

/// Makes what the calls of this thread need, before a handle is closed whose value must stay free.
pub fn prepare_thread() {
    WAITING.with(|_| ());
}

fn waited_on(
    event: HANDLE,
    start: impl FnOnce(HANDLE, *mut IO_STATUS_BLOCK) -> NTSTATUS,
) -> (u32, usize) {
    let mut block = IO_STATUS_BLOCK::default();
    let pointer = &raw mut block;
    // The I/O manager resets the event first.
    let returned = start(event, pointer);
    if returned == STATUS_PENDING {
        // SAFETY: the event is open. There is no limit: a request that never ends is what the run is to show.
        unsafe { WaitForSingleObject(event, INFINITE) };
    } else if returned.cast_unsigned() >= 0xC000_0000 {
        // An error that comes back at once leaves the block alone.
        return (returned.cast_unsigned(), 0);
    }
    // SAFETY: the request is complete, so the block is written, through the pointer it was given.
    let block = unsafe { pointer.read() };
    // SAFETY: both members of the union have any bytes.
    let status = unsafe { block.Anonymous.Status };
    (status.cast_unsigned(), block.Information)
}

fn done(status: NTSTATUS) -> Result<(), u32> {
    succeeded(status.cast_unsigned())
}

fn succeeded(status: u32) -> Result<(), u32> {
    if status < 0x8000_0000 {
        Ok(())
    } else {
        Err(status)
    }
}

fn signed(value: u64) -> Result<i64, u32> {
    i64::try_from(value).map_err(|_| INVALID_PARAMETER)
}

/// A handle of its value. A 32-bit program has 32 bits of it.
fn raw(handle: u64) -> HANDLE {
    ptr::without_provenance_mut(handle as usize)
}

/// Bytes of a structure, as its `Length` field wants them.
fn size_of_u32<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap_or(u32::MAX)
}
