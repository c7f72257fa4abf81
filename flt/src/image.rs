//! The file that the driver was loaded from.

#![expect(unsafe_code, reason = "opens and reads a file through the kernel")]

use core::ptr;

use flt_sys::file::{
    FILE_NON_DIRECTORY_FILE, FILE_READ_DATA, FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT,
    IoQueryFullDriverPath, SYNCHRONIZE, ZwOpenFile, ZwReadFile,
};
use flt_sys::nt::{HANDLE, OBJ_CASE_INSENSITIVE, OBJ_KERNEL_HANDLE, OBJECT_ATTRIBUTES};
use flt_sys::types::{IO_STATUS_BLOCK, UNICODE_STRING};
use wdk_sys::ntddk::{ExFreePool, ZwClose};

use crate::irql::Passive;
use crate::registry::Parameters;
use crate::status::NtStatus;
use crate::thread::attributes_size;

/// The most that is read: no driver of ours is larger, and the reading must end.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

impl Parameters {
    /// Reads the driver's own file from its beginning to its end, through `room`, and hands each piece to `each`.
    ///
    /// # Errors
    ///
    /// The status of the kernel or the file system; `BUFFER_OVERFLOW` for a file beyond all measure. `each` has then
    /// seen a part.
    pub fn read_own_image(
        &self,
        room: &mut [u8],
        passive: Passive,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), NtStatus> {
        let file = OpenFile::of_driver(self, passive)?;
        let mut offset = 0_u64;
        while offset <= FILE_BYTES_MAX {
            let piece = file.read(offset, room, passive)?;
            if piece.is_empty() {
                return Ok(());
            }
            each(piece);
            let length = u64::try_from(piece.len()).map_err(|_| NtStatus::INVALID_PARAMETER)?;
            offset = offset.saturating_add(length);
        }
        Err(NtStatus::BUFFER_OVERFLOW)
    }
}

/// A path that the kernel allocated for us.
///
/// # Invariants
///
/// The buffer, if not null, is ours to free.
struct DriverPath(UNICODE_STRING);

impl DriverPath {
    fn of(parameters: &Parameters) -> Result<Self, NtStatus> {
        let mut path = UNICODE_STRING {
            Length: 0,
            MaximumLength: 0,
            Buffer: ptr::null_mut(),
        };
        // SAFETY: the driver's own object (invariant of Parameters); `path` may be written; at most APC_LEVEL, which
        // every caller has proven.
        let status = unsafe { IoQueryFullDriverPath(parameters.driver, &raw mut path) };
        NtStatus::check(status)?;
        Ok(Self(path))
    }
}

impl Drop for DriverPath {
    fn drop(&mut self) {
        if !self.0.Buffer.is_null() {
            // SAFETY: ours to free, once (invariant; IoQueryFullDriverPath, remarks).
            unsafe { ExFreePool(self.0.Buffer.cast()) };
        }
    }
}

/// A file that is open for reading, closed when dropped.
///
/// # Invariants
///
/// The handle is an open kernel handle of ours, for synchronous reads.
struct OpenFile(HANDLE);

impl OpenFile {
    fn of_driver(parameters: &Parameters, _: Passive) -> Result<Self, NtStatus> {
        let mut path = DriverPath::of(parameters)?;
        let mut attributes = OBJECT_ATTRIBUTES {
            Length: attributes_size(),
            RootDirectory: ptr::null_mut(),
            ObjectName: &raw mut path.0,
            Attributes: OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
            SecurityDescriptor: ptr::null_mut(),
            SecurityQualityOfService: ptr::null_mut(),
        };
        let mut handle: HANDLE = ptr::null_mut();
        let mut ended = IO_STATUS_BLOCK {
            Status: 0,
            Information: 0,
        };
        // SAFETY: the attributes and the path live through the call, both results may be written, the level is proven,
        // and a system thread (invariant of Parameters) has its special APCs enabled.
        let status = unsafe {
            ZwOpenFile(
                &raw mut handle,
                FILE_READ_DATA | SYNCHRONIZE,
                &raw mut attributes,
                &raw mut ended,
                FILE_SHARE_READ,
                FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE,
            )
        };
        NtStatus::check(status)?;
        Ok(Self(handle))
    }

    /// The bytes from `offset` on, as many as there are and fit; none at the end.
    fn read<'r>(&self, offset: u64, room: &'r mut [u8], _: Passive) -> Result<&'r [u8], NtStatus> {
        let length = u32::try_from(room.len()).map_err(|_| NtStatus::INVALID_PARAMETER)?;
        let mut offset = i64::try_from(offset).map_err(|_| NtStatus::INVALID_PARAMETER)?;
        let mut ended = IO_STATUS_BLOCK {
            Status: 0,
            Information: 0,
        };
        // SAFETY: the handle is open for synchronous reads (invariant), so the call returns when the read has ended; the
        // room may be written for its length; the level is proven.
        let status = unsafe {
            ZwReadFile(
                self.0,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                &raw mut ended,
                room.as_mut_ptr().cast(),
                length,
                &raw mut offset,
                ptr::null_mut(),
            )
        };
        match NtStatus::check(status) {
            Ok(()) => room
                .get(..ended.Information)
                .ok_or(NtStatus::INFO_LENGTH_MISMATCH),
            Err(NtStatus::END_OF_FILE) => Ok(&[]),
            Err(status) => Err(status),
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        // SAFETY: open and ours (invariant); a file lives within one call that proved PASSIVE_LEVEL.
        // The status carries nothing we could act on: the handle was valid (invariant).
        let _closed: i32 = unsafe { ZwClose(self.0) };
    }
}
