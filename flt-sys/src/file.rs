//! Open files: the object, and what a file system says of a file.
//!
//! Pages: `ns-wdm-_file_object`, `nf-fltkernel-fltqueryinformationfile`, `nf-ntddk-ioisfileoriginremote`,
//! `wdm/ns-wdm-_file_network_open_information`, `ntifs/ns-ntifs-_file_id_information`,
//! `nf-ntddk-ioqueryfulldriverpath`, `nf-wdm-zwopenfile`, `nf-wdm-zwreadfile`.

use core::ffi::c_void;
use core::mem::MaybeUninit;

use crate::nt::{HANDLE, OBJECT_ATTRIBUTES};
use crate::types::{
    ACCESS_MASK, BOOLEAN, IO_STATUS_BLOCK, LARGE_INTEGER, NTSTATUS, PDRIVER_OBJECT, PFLT_INSTANCE,
    UNICODE_STRING,
};

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
/// Answers [`FILE_ID_INFORMATION`] (MS-FSCC 2.4). Since Windows 8, and not of every file system.
pub const FileIdInformation: FILE_INFORMATION_CLASS = 59;

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

/// The number of a file: unique on its volume until the file is deleted.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FILE_ID_128 {
    /// No order of bytes is promised: it is compared, not counted with.
    pub Identifier: [u8; 16],
}

/// A file and its volume.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FILE_ID_INFORMATION {
    /// The volume's serial number; not unique.
    pub VolumeSerialNumber: u64,
    /// The file on it.
    pub FileId: FILE_ID_128,
}

/// The right to read the data of a file (wdm).
pub const FILE_READ_DATA: ACCESS_MASK = 0x0000_0001;
/// The right to wait on a handle; needed for [`FILE_SYNCHRONOUS_IO_NONALERT`] (wdm).
pub const SYNCHRONIZE: ACCESS_MASK = 0x0010_0000;
/// Others may read the file meanwhile (wdm).
pub const FILE_SHARE_READ: u32 = 0x0000_0001;
/// Each read returns when it has ended (wdm).
pub const FILE_SYNCHRONOUS_IO_NONALERT: u32 = 0x0000_0020;
/// Not a directory (wdm).
pub const FILE_NON_DIRECTORY_FILE: u32 = 0x0000_0040;

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

    /// The path of the file that a driver was loaded from, in paged pool memory that the caller frees with
    /// `ExFreePool`. What the structure held before is not looked at.
    ["8.1", Apc]
    fn IoQueryFullDriverPath(DriverObject: PDRIVER_OBJECT, FullPath: *mut UNICODE_STRING) -> NTSTATUS;

    /// Opens a file that exists. Special kernel APCs must be enabled. Closed with `ZwClose`; outside the system
    /// process the handle must be a kernel handle.
    ["2000", Passive]
    fn ZwOpenFile(
        FileHandle: *mut HANDLE,
        DesiredAccess: ACCESS_MASK,
        ObjectAttributes: *mut OBJECT_ATTRIBUTES,
        IoStatusBlock: *mut IO_STATUS_BLOCK,
        ShareAccess: u32,
        OpenOptions: u32,
    ) -> NTSTATUS;

    /// Reads from an open file. Special kernel APCs must be enabled. `STATUS_END_OF_FILE`, an error, at or past the
    /// end; what stands before the end is answered with a success and its length.
    ["2000", Passive]
    fn ZwReadFile(
        FileHandle: HANDLE,
        Event: HANDLE,
        ApcRoutine: *mut c_void,
        ApcContext: *mut c_void,
        IoStatusBlock: *mut IO_STATUS_BLOCK,
        Buffer: *mut c_void,
        Length: u32,
        ByteOffset: *mut LARGE_INTEGER,
        Key: *mut u32,
    ) -> NTSTATUS;
}
