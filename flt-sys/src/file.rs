//! Open files: the object, and what a file system says of a file.
//!
//! Pages: `ns-wdm-_file_object`, `nf-fltkernel-fltqueryinformationfile`, `nf-ntddk-ioisfileoriginremote`,
//! `wdm/ns-wdm-_file_network_open_information`.

use core::ffi::c_void;
use core::mem::MaybeUninit;

use crate::types::{BOOLEAN, LARGE_INTEGER, NTSTATUS, PFLT_INSTANCE, UNICODE_STRING};

/// An open file. The object manager makes it, others write to it at any time: fields are read one by one
/// through a pointer, and no reference to the whole is ever made.
#[repr(C)]
pub struct FILE_OBJECT {
    /// `IO_TYPE_FILE`.
    pub Type: i16,
    /// Size of this structure in bytes.
    pub Size: i16,
    /// The device that was opened.
    pub DeviceObject: *mut c_void,
    /// The volume parameter block, or null.
    pub Vpb: *mut c_void,
    /// The file system's, one value for each stream that is open ("The FSRTL_ADVANCED_FCB_HEADER Structure").
    pub FsContext: *mut c_void,
    /// The file system's, one value for each open.
    pub FsContext2: *mut c_void,
    /// The cache manager's and the memory manager's.
    pub SectionObjectPointer: *mut c_void,
    /// The cache manager's.
    pub PrivateCacheMap: *mut c_void,
    /// The status of the last request.
    pub FinalStatus: NTSTATUS,
    /// The directory that a relative open started from; valid during the create only.
    pub RelatedFileObject: *mut FILE_OBJECT,
    /// Whether a byte range was ever locked.
    pub LockOperation: BOOLEAN,
    /// Whether the file is to be deleted.
    pub DeletePending: BOOLEAN,
    /// Opened for reading.
    pub ReadAccess: BOOLEAN,
    /// Opened for writing.
    pub WriteAccess: BOOLEAN,
    /// Opened for deleting.
    pub DeleteAccess: BOOLEAN,
    /// Others may read.
    pub SharedRead: BOOLEAN,
    /// Others may write.
    pub SharedWrite: BOOLEAN,
    /// Others may delete.
    pub SharedDelete: BOOLEAN,
    /// `FO_*`.
    pub Flags: u32,
    /// The name used at open; valid during the create only.
    pub FileName: UNICODE_STRING,
    /// What follows is the I/O manager's own.
    pub Rest: [MaybeUninit<u64>; 14],
}
/// Pointer to [`FILE_OBJECT`].
pub type PFILE_OBJECT = *mut FILE_OBJECT;

/// The volume itself was opened, not a file on it (wdm).
pub const FO_VOLUME_OPEN: u32 = 0x0040_0000;

/// What to ask of a file.
pub type FILE_INFORMATION_CLASS = i32;
/// Answers [`FILE_NETWORK_OPEN_INFORMATION`] (MS-FSCC 2.4).
pub const FileNetworkOpenInformation: FILE_INFORMATION_CLASS = 34;

/// Times, sizes and attributes of a file. Zero stands for what the file system does not support.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FILE_NETWORK_OPEN_INFORMATION {
    /// When it was created.
    pub CreationTime: LARGE_INTEGER,
    /// When it was last read.
    pub LastAccessTime: LARGE_INTEGER,
    /// When it was last written to.
    pub LastWriteTime: LARGE_INTEGER,
    /// When anything of it was last changed.
    pub ChangeTime: LARGE_INTEGER,
    /// Bytes that the stream takes on the volume.
    pub AllocationSize: LARGE_INTEGER,
    /// Bytes that can be read.
    pub EndOfFile: LARGE_INTEGER,
    /// `FILE_ATTRIBUTE_*`.
    pub FileAttributes: u32,
}

imports! { FILE_IMPORTS from "fltmgr.sys":
    /// Asks the file system below an instance about an open file. APCs must be enabled, and a top-level IRP
    /// must not be set: the query could wait for ever.
    ["XP", Passive]
    fn FltQueryInformationFile(
        Instance: PFLT_INSTANCE,
        FileObject: PFILE_OBJECT,
        FileInformation: *mut c_void,
        Length: u32,
        FileInformationClass: FILE_INFORMATION_CLASS,
        LengthReturned: *mut u32,
    ) -> NTSTATUS;
}

imports! { FILE_NT_IMPORTS from "ntoskrnl.exe":
    /// Whether a file was opened for a remote client, by a server that said so. Not before the create has ended.
    ["XP", Any]
    fn IoIsFileOriginRemote(FileObject: PFILE_OBJECT) -> BOOLEAN;
}
