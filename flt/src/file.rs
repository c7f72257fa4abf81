//! What a file system says of an open file.

#![expect(unsafe_code, reason = "queries files through the filter manager")]

use flt_sys::file::{
    FILE_NETWORK_OPEN_INFORMATION, FileNetworkOpenInformation, FltQueryInformationFile,
};
use flt_sys::types::PFLT_INSTANCE;

use crate::irql::Passive;
use crate::object::FileObject;
use crate::reentry::may_ask_file_system;
use crate::status::NtStatus;

/// Attributes and sizes of a file, as its file system says; nothing of it is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileInformation {
    /// FILE_ATTRIBUTE_*: 0x10 directory, 0x200 sparse, 0x8000 integrity stream.
    pub attributes: u32,
    /// Bytes that can be read.
    pub end_of_file: i64,
    /// Bytes that the stream takes on the volume.
    pub allocation_size: i64,
}

impl FileInformation {
    /// Asks the file system below `instance`.
    ///
    /// # Errors
    ///
    /// `POSSIBLE_DEADLOCK`, unasked, where asking could wait for ever; else the file system's status.
    ///
    /// # Safety
    ///
    /// 1. `instance` is a live instance of this filter on the volume of `file`.
    pub(crate) unsafe fn query(
        file: &FileObject,
        instance: PFLT_INSTANCE,
        _: Passive,
    ) -> Result<Self, NtStatus> {
        if !may_ask_file_system() {
            return Err(NtStatus::POSSIBLE_DEADLOCK);
        }
        let mut answer = FILE_NETWORK_OPEN_INFORMATION {
            CreationTime: 0,
            LastAccessTime: 0,
            LastWriteTime: 0,
            ChangeTime: 0,
            AllocationSize: 0,
            EndOfFile: 0,
            FileAttributes: 0,
        };
        let length = u32::try_from(size_of::<FILE_NETWORK_OPEN_INFORMATION>())
            .map_err(|_| NtStatus::INVALID_PARAMETER)?;
        let mut returned = 0;
        // SAFETY: instance and file belong together (contract 1), the file object is referenced, the level is
        // proven, APCs and top-level IRP were just looked at, and both results may be written for their length.
        let status = unsafe {
            FltQueryInformationFile(
                instance,
                file.as_ptr(),
                (&raw mut answer).cast(),
                length,
                FileNetworkOpenInformation,
                &raw mut returned,
            )
        };
        NtStatus::check(status)?;
        if returned != length {
            return Err(NtStatus::INFO_LENGTH_MISMATCH);
        }
        Ok(Self {
            attributes: answer.FileAttributes,
            end_of_file: answer.EndOfFile,
            allocation_size: answer.AllocationSize,
        })
    }
}
