//! What a file system says of an open file.

#![expect(unsafe_code, reason = "queries files through the filter manager")]

use core::ptr;

use flt_sys::file::{
    FILE_ID_128, FILE_ID_INFORMATION, FILE_INFORMATION_CLASS, FILE_NETWORK_OPEN_INFORMATION,
    FileIdInformation, FileNetworkOpenInformation, FltQueryInformationFile,
};
use flt_sys::types::PFLT_INSTANCE;

use crate::object::FileObject;
use crate::reentry::Asking;
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
        asking: Asking,
    ) -> Result<Self, NtStatus> {
        let mut answer = FILE_NETWORK_OPEN_INFORMATION {
            CreationTime: 0,
            LastAccessTime: 0,
            LastWriteTime: 0,
            ChangeTime: 0,
            AllocationSize: 0,
            EndOfFile: 0,
            FileAttributes: 0,
        };
        // SAFETY: contract 1.
        unsafe { query(file, instance, &mut answer, asking) }?;
        Ok(Self {
            attributes: answer.FileAttributes,
            end_of_file: answer.EndOfFile,
            allocation_size: answer.AllocationSize,
        })
    }
}

/// The number of the file on its volume, 128 bits, as the file system gives it. Not every one has such numbers: it
/// refuses the question, or answers zero (its page), which is `NOT_SUPPORTED` here.
///
/// # Safety
///
/// 1. `instance` is a live instance of this filter on the volume of `file`.
pub(crate) unsafe fn id(
    file: &FileObject,
    instance: PFLT_INSTANCE,
    asking: Asking,
) -> Result<u128, NtStatus> {
    let mut answer = FILE_ID_INFORMATION {
        VolumeSerialNumber: 0,
        FileId: FILE_ID_128 {
            Identifier: [0; 16],
        },
    };
    // SAFETY: contract 1.
    unsafe { query(file, instance, &mut answer, asking) }?;
    match u128::from_le_bytes(answer.FileId.Identifier) {
        0 => Err(NtStatus::NOT_SUPPORTED),
        id => Ok(id),
    }
}

/// Structures that a file system may fill in.
///
/// # Safety
///
/// 1. Any bytes are a valid value.
unsafe trait Answer {
    /// What to ask for to get one.
    const CLASS: FILE_INFORMATION_CLASS;
}

// SAFETY: integers only.
unsafe impl Answer for FILE_NETWORK_OPEN_INFORMATION {
    const CLASS: FILE_INFORMATION_CLASS = FileNetworkOpenInformation;
}

// SAFETY: integers only.
unsafe impl Answer for FILE_ID_INFORMATION {
    const CLASS: FILE_INFORMATION_CLASS = FileIdInformation;
}

/// Asks for one structure, which must be filled in whole.
///
/// # Safety
///
/// 1. `instance` is a live instance of this filter on the volume of `file`.
unsafe fn query<T: Answer>(
    file: &FileObject,
    instance: PFLT_INSTANCE,
    answer: &mut T,
    asking: Asking,
) -> Result<(), NtStatus> {
    asking.check()?;
    let length = u32::try_from(size_of::<T>()).map_err(|_| NtStatus::INVALID_PARAMETER)?;
    let mut returned = 0;
    // SAFETY: instance and file belong together (contract 1), the file object is referenced, the level is
    // proven, APCs and top-level IRP were looked at (Asking), and both results may be written for their length, with any
    // bytes (Answer, 1).
    let status = unsafe {
        FltQueryInformationFile(
            instance,
            file.as_ptr(),
            ptr::from_mut(answer).cast(),
            length,
            T::CLASS,
            &raw mut returned,
        )
    };
    NtStatus::check(status)?;
    if returned != length {
        return Err(NtStatus::INFO_LENGTH_MISMATCH);
    }
    Ok(())
}
