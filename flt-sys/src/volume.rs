//! Volumes: names, sizes, and the instance that watches one.
//!
//! Pages: `nf-fltkernel-fltqueryvolumeinformation`, `nf-fltkernel-fltgetvolumeguidname`,
//! `nf-fltkernel-fltenumeratevolumes`, `nf-fltkernel-fltgetfilesystemtype`, `nf-fltkernel-fltgetvolumename`,
//! `ntddk/ns-ntddk-_file_fs_size_information`, `ntifs/ns-ntifs-_file_fs_attribute_information`.

use core::ffi::c_void;

use crate::file::PFILE_OBJECT;
use crate::registration::FLT_FILESYSTEM_TYPE;
use crate::types::{
    IO_STATUS_BLOCK, LARGE_INTEGER, NTSTATUS, PFLT_FILTER, PFLT_INSTANCE, PFLT_VOLUME,
    UNICODE_STRING,
};

/// What to ask of a volume.
pub type FS_INFORMATION_CLASS = i32;
/// Answers [`FILE_FS_SIZE_INFORMATION`] (MS-FSCC 2.5).
pub const FileFsSizeInformation: FS_INFORMATION_CLASS = 3;
/// Answers [`FILE_FS_ATTRIBUTE_INFORMATION`] (MS-FSCC 2.5).
pub const FileFsAttributeInformation: FS_INFORMATION_CLASS = 5;

/// The volume cannot be written to.
pub const FILE_READ_ONLY_VOLUME: u32 = 0x0008_0000;
/// Files of the volume can share clusters: it clones blocks.
pub const FILE_SUPPORTS_BLOCK_REFCOUNTING: u32 = 0x0800_0000;

/// Size of a volume and of its allocation unit. The unit in bytes is the product of the last two fields.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FILE_FS_SIZE_INFORMATION {
    /// Units of the volume.
    pub TotalAllocationUnits: LARGE_INTEGER,
    /// Free units.
    pub AvailableAllocationUnits: LARGE_INTEGER,
    /// Sectors of a unit.
    pub SectorsPerAllocationUnit: u32,
    /// Bytes of a sector.
    pub BytesPerSector: u32,
}

/// What a file system can do. The name that follows may be cut off, with `STATUS_BUFFER_OVERFLOW`, a warning.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FILE_FS_ATTRIBUTE_INFORMATION {
    /// `FILE_*`, such as [`FILE_SUPPORTS_BLOCK_REFCOUNTING`].
    pub FileSystemAttributes: u32,
    /// The longest name of a file.
    pub MaximumComponentNameLength: i32,
    /// Bytes of the file system's name.
    pub FileSystemNameLength: u32,
    /// The file system's name, as long as `FileSystemNameLength` says.
    pub FileSystemName: [u16; 1],
}

imports! { VOLUME_IMPORTS from "fltmgr.sys":
    /// Asks the volume below an instance. `STATUS_INVALID_PARAMETER` on a network volume.
    ["XP", Passive]
    fn FltQueryVolumeInformation(
        Instance: PFLT_INSTANCE,
        Iosb: *mut IO_STATUS_BLOCK,
        FsInformation: *mut c_void,
        Length: u32,
        FsInformationClass: FS_INFORMATION_CLASS,
    ) -> NTSTATUS;

    /// The volume's name of the form `\??\Volume{GUID}`. If the buffer is too small, the size it needs in
    /// bytes is answered with `STATUS_BUFFER_TOO_SMALL`; `STATUS_INVALID_DEVICE_REQUEST` on a network volume.
    ["XP", Passive]
    fn FltGetVolumeGuidName(
        Volume: PFLT_VOLUME,
        VolumeGuidName: *mut UNICODE_STRING,
        BufferSizeNeeded: *mut u32,
    ) -> NTSTATUS;

    /// All volumes that the filter manager knows, attached to or not, each with a reference for the caller. With no
    /// list and a size of zero it counts them; `STATUS_BUFFER_TOO_SMALL` with their number if the list is too short.
    ["XP", Apc]
    fn FltEnumerateVolumes(
        Filter: PFLT_FILTER,
        VolumeList: *mut PFLT_VOLUME,
        VolumeListSize: u32,
        NumberVolumesReturned: *mut u32,
    ) -> NTSTATUS;

    /// The file system of a volume or of the volume of an instance.
    ["Vista", Apc]
    fn FltGetFileSystemType(
        FltObject: *mut c_void,
        FileSystemType: *mut FLT_FILESYSTEM_TYPE,
    ) -> NTSTATUS;

    /// The volume's device name, `\Device\HarddiskVolume1`. If the buffer is too small, the size it needs in bytes is
    /// answered with `STATUS_BUFFER_TOO_SMALL`.
    ["XP", Apc]
    fn FltGetVolumeName(
        Volume: PFLT_VOLUME,
        VolumeName: *mut UNICODE_STRING,
        BufferSizeNeeded: *mut u32,
    ) -> NTSTATUS;

    /// The volume of an open file, with a reference for the caller.
    ["XP", Apc]
    fn FltGetVolumeFromFileObject(
        Filter: PFLT_FILTER,
        FileObject: PFILE_OBJECT,
        RetVolume: *mut PFLT_VOLUME,
    ) -> NTSTATUS;

    /// An instance on a volume, with a reference for the caller. A null name takes the filter's highest one.
    ["XP", Apc]
    fn FltGetVolumeInstanceFromName(
        Filter: PFLT_FILTER,
        Volume: PFLT_VOLUME,
        InstanceName: *const UNICODE_STRING,
        RetInstance: *mut PFLT_INSTANCE,
    ) -> NTSTATUS;

    /// Gives back a reference to a filter, an instance or a volume.
    ["XP", Dispatch]
    fn FltObjectDereference(FltObject: *mut c_void);
}
