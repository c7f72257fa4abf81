//! Registering a filter: the structures handed to `FltRegisterFilter` and the callbacks named in them.
//!
//! Pages: `ns-fltkernel-_flt_registration`, `ns-fltkernel-_flt_operation_registration`,
//! `nc-fltkernel-pflt_instance_setup_callback` and its siblings, `ne-fltuserstructures-_flt_filesystem_type`.

use core::ffi::c_void;

use crate::callback::{
    PCFLT_RELATED_OBJECTS, PFLT_CALLBACK_DATA, PFLT_POST_OPERATION_CALLBACK,
    PFLT_PRE_OPERATION_CALLBACK,
};
use crate::context::{FLT_CONTEXT_REGISTRATION, PFLT_CONTEXT};
use crate::file::PFILE_OBJECT;
use crate::name::{FLT_FILE_NAME_OPTIONS, FLT_NAME_CONTROL};
use crate::types::{
    BOOLEAN, DEVICE_TYPE, NTSTATUS, PDRIVER_OBJECT, PFILE_NAMES_INFORMATION, PFLT_FILTER,
    PFLT_INSTANCE, UNICODE_STRING,
};

/// Major function: file-system control (wdm).
pub const IRP_MJ_FILE_SYSTEM_CONTROL: u8 = 0x0d;
/// Ends the array of [`FLT_OPERATION_REGISTRATION`].
pub const IRP_MJ_OPERATION_END: u8 = 0x80;

/// Minor code: a request of a user-mode program (wdm).
pub const IRP_MN_USER_FS_REQUEST: u8 = 0x00;
/// Minor code: mount a volume; the parameters are not those of a control code.
pub const IRP_MN_MOUNT_VOLUME: u8 = 0x01;
/// Minor code: verify a volume; the parameters are not those of a control code.
pub const IRP_MN_VERIFY_VOLUME: u8 = 0x02;
/// Minor code: load a file system; no parameters of a control code.
pub const IRP_MN_LOAD_FILE_SYSTEM: u8 = 0x03;
/// Minor code: a request of a kernel component.
pub const IRP_MN_KERNEL_CALL: u8 = 0x04;

/// An instance setup callback answers this to stay off a volume (ntstatus).
pub const STATUS_FLT_DO_NOT_ATTACH: NTSTATUS = 0xC01C_000F_u32.cast_signed();
/// A query-teardown callback answers this to stay attached (ntstatus).
pub const STATUS_FLT_DO_NOT_DETACH: NTSTATUS = 0xC01C_0010_u32.cast_signed();

/// Bits of [`FLT_OPERATION_REGISTRATION::Flags`].
pub type FLT_OPERATION_REGISTRATION_FLAGS = u32;

/// The callbacks for one major function. An array of these ends with [`IRP_MJ_OPERATION_END`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FLT_OPERATION_REGISTRATION {
    /// `IRP_MJ_*`.
    pub MajorFunction: u8,
    /// Which operations to leave out.
    pub Flags: FLT_OPERATION_REGISTRATION_FLAGS,
    /// Called before.
    pub PreOperation: PFLT_PRE_OPERATION_CALLBACK,
    /// Called after.
    pub PostOperation: PFLT_POST_OPERATION_CALLBACK,
    /// Null.
    pub Reserved1: *mut c_void,
}

/// Version of [`FLT_REGISTRATION`]: that of Windows 8, with the section callback.
pub const FLT_REGISTRATION_VERSION: u16 = 0x0203;

/// Bits of [`FLT_REGISTRATION::Flags`].
pub type FLT_REGISTRATION_FLAGS = u32;
/// A service stop request does not unload the filter.
pub const FLTFL_REGISTRATION_DO_NOT_SUPPORT_SERVICE_STOP: FLT_REGISTRATION_FLAGS = 0x0000_0001;
/// The filter wants named pipes and mailslots too.
pub const FLTFL_REGISTRATION_SUPPORT_NPFS_MSFS: FLT_REGISTRATION_FLAGS = 0x0000_0002;
/// The filter may be attached to volumes with direct access to storage-class memory.
pub const FLTFL_REGISTRATION_SUPPORT_DAX_VOLUME: FLT_REGISTRATION_FLAGS = 0x0000_0004;

/// What a filter registers.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FLT_REGISTRATION {
    /// Size of this structure in bytes.
    pub Size: u16,
    /// [`FLT_REGISTRATION_VERSION`].
    pub Version: u16,
    /// `FLTFL_REGISTRATION_*`.
    pub Flags: FLT_REGISTRATION_FLAGS,
    /// Array that ends with [`crate::context::FLT_CONTEXT_END`], or null.
    pub ContextRegistration: *const FLT_CONTEXT_REGISTRATION,
    /// Array that ends with [`IRP_MJ_OPERATION_END`], or null.
    pub OperationRegistration: *const FLT_OPERATION_REGISTRATION,
    /// Without it the filter cannot be unloaded.
    pub FilterUnloadCallback: PFLT_FILTER_UNLOAD_CALLBACK,
    /// Without it the filter is attached to every volume.
    pub InstanceSetupCallback: PFLT_INSTANCE_SETUP_CALLBACK,
    /// Without it nobody can detach an instance by hand.
    pub InstanceQueryTeardownCallback: PFLT_INSTANCE_QUERY_TEARDOWN_CALLBACK,
    /// Called when detaching begins.
    pub InstanceTeardownStartCallback: PFLT_INSTANCE_TEARDOWN_CALLBACK,
    /// Called when detaching has ended and no operation is left.
    pub InstanceTeardownCompleteCallback: PFLT_INSTANCE_TEARDOWN_CALLBACK,
    /// For name providers.
    pub GenerateFileNameCallback: PFLT_GENERATE_FILE_NAME,
    /// For name providers.
    pub NormalizeNameComponentCallback: PFLT_NORMALIZE_NAME_COMPONENT,
    /// For name providers.
    pub NormalizeContextCleanupCallback: PFLT_NORMALIZE_CONTEXT_CLEANUP,
    /// For transactions.
    pub TransactionNotificationCallback: PFLT_TRANSACTION_NOTIFICATION_CALLBACK,
    /// For name providers.
    pub NormalizeNameComponentExCallback: PFLT_NORMALIZE_NAME_COMPONENT_EX,
    /// For data scans.
    pub SectionNotificationCallback: PFLT_SECTION_CONFLICT_NOTIFICATION_CALLBACK,
}

/// Bits passed to the unload callback.
pub type FLT_FILTER_UNLOAD_FLAGS = u32;
/// The unload cannot be refused.
pub const FLTFL_FILTER_UNLOAD_MANDATORY: FLT_FILTER_UNLOAD_FLAGS = 0x0000_0001;

/// Called at PASSIVE level when the filter is to be unloaded.
pub type PFLT_FILTER_UNLOAD_CALLBACK =
    Option<unsafe extern "system" fn(Flags: FLT_FILTER_UNLOAD_FLAGS) -> NTSTATUS>;

/// Why and to what an instance is being attached.
pub type FLT_INSTANCE_SETUP_FLAGS = u32;
/// Attached by the filter manager, not by hand.
pub const FLTFL_INSTANCE_SETUP_AUTOMATIC_ATTACHMENT: FLT_INSTANCE_SETUP_FLAGS = 0x0000_0001;
/// Attached by hand.
pub const FLTFL_INSTANCE_SETUP_MANUAL_ATTACHMENT: FLT_INSTANCE_SETUP_FLAGS = 0x0000_0002;
/// The volume has just been mounted.
pub const FLTFL_INSTANCE_SETUP_NEWLY_MOUNTED_VOLUME: FLT_INSTANCE_SETUP_FLAGS = 0x0000_0004;
/// The volume has no storage stack.
pub const FLTFL_INSTANCE_SETUP_DETACHED_VOLUME: FLT_INSTANCE_SETUP_FLAGS = 0x0000_0008;
/// The volume is formatted as a developer volume (Windows 11 22H2, September update).
pub const FLTFL_INSTANCE_SETUP_DEV_VOLUME: FLT_INSTANCE_SETUP_FLAGS = 0x0000_0010;
/// An administrator trusts this developer volume (Windows 11 22H2, September update).
pub const FLTFL_INSTANCE_SETUP_TRUSTED_VOLUME: FLT_INSTANCE_SETUP_FLAGS = 0x0000_0020;

/// A file system known to the filter manager (`fltuserstructures.h`).
pub type FLT_FILESYSTEM_TYPE = i32;
/// Not known.
pub const FLT_FSTYPE_UNKNOWN: FLT_FILESYSTEM_TYPE = 0;
/// No file system.
pub const FLT_FSTYPE_RAW: FLT_FILESYSTEM_TYPE = 1;
/// NTFS: does not clone blocks.
pub const FLT_FSTYPE_NTFS: FLT_FILESYSTEM_TYPE = 2;
/// FAT.
pub const FLT_FSTYPE_FAT: FLT_FILESYSTEM_TYPE = 3;
/// The SMB redirector.
pub const FLT_FSTYPE_LANMAN: FLT_FILESYSTEM_TYPE = 6;
/// The provider router of the redirectors.
pub const FLT_FSTYPE_MUP: FLT_FILESYSTEM_TYPE = 13;
/// exFAT.
pub const FLT_FSTYPE_EXFAT: FLT_FILESYSTEM_TYPE = 22;
/// Named pipes.
pub const FLT_FSTYPE_NPFS: FLT_FILESYSTEM_TYPE = 25;
/// Mailslots.
pub const FLT_FSTYPE_MSFS: FLT_FILESYSTEM_TYPE = 26;
/// Cluster shared volumes.
pub const FLT_FSTYPE_CSVFS: FLT_FILESYSTEM_TYPE = 27;
/// ReFS: clones blocks.
pub const FLT_FSTYPE_REFS: FLT_FILESYSTEM_TYPE = 28;

/// Called at PASSIVE level for a new instance; a failure keeps the filter off the volume.
pub type PFLT_INSTANCE_SETUP_CALLBACK = Option<
    unsafe extern "system" fn(
        FltObjects: PCFLT_RELATED_OBJECTS,
        Flags: FLT_INSTANCE_SETUP_FLAGS,
        VolumeDeviceType: DEVICE_TYPE,
        VolumeFilesystemType: FLT_FILESYSTEM_TYPE,
    ) -> NTSTATUS,
>;

/// No bit is defined.
pub type FLT_INSTANCE_QUERY_TEARDOWN_FLAGS = u32;

/// Called at PASSIVE level when somebody detaches an instance by hand; a failure keeps it attached.
pub type PFLT_INSTANCE_QUERY_TEARDOWN_CALLBACK = Option<
    unsafe extern "system" fn(
        FltObjects: PCFLT_RELATED_OBJECTS,
        Flags: FLT_INSTANCE_QUERY_TEARDOWN_FLAGS,
    ) -> NTSTATUS,
>;

/// Why an instance is being detached.
pub type FLT_INSTANCE_TEARDOWN_FLAGS = u32;
/// By hand.
pub const FLTFL_INSTANCE_TEARDOWN_MANUAL: FLT_INSTANCE_TEARDOWN_FLAGS = 0x0000_0001;
/// The filter is being unloaded.
pub const FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD: FLT_INSTANCE_TEARDOWN_FLAGS = 0x0000_0002;
/// The filter is being unloaded and may not refuse.
pub const FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD: FLT_INSTANCE_TEARDOWN_FLAGS =
    0x0000_0004;
/// The volume is being dismounted.
pub const FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT: FLT_INSTANCE_TEARDOWN_FLAGS = 0x0000_0008;
/// Setting the instance up failed.
pub const FLTFL_INSTANCE_TEARDOWN_INTERNAL_ERROR: FLT_INSTANCE_TEARDOWN_FLAGS = 0x0000_0010;

/// Called at PASSIVE level when detaching begins or has ended.
pub type PFLT_INSTANCE_TEARDOWN_CALLBACK = Option<
    unsafe extern "system" fn(
        FltObjects: PCFLT_RELATED_OBJECTS,
        Reason: FLT_INSTANCE_TEARDOWN_FLAGS,
    ),
>;

/// Bits of the name-provider callbacks.
pub type FLT_NORMALIZE_NAME_FLAGS = u32;

/// A name provider makes a name.
pub type PFLT_GENERATE_FILE_NAME = Option<
    unsafe extern "system" fn(
        Instance: PFLT_INSTANCE,
        FileObject: PFILE_OBJECT,
        CallbackData: PFLT_CALLBACK_DATA,
        NameOptions: FLT_FILE_NAME_OPTIONS,
        CacheFileNameInformation: *mut BOOLEAN,
        FileName: *mut FLT_NAME_CONTROL,
    ) -> NTSTATUS,
>;

/// A name provider makes one component long.
pub type PFLT_NORMALIZE_NAME_COMPONENT = Option<
    unsafe extern "system" fn(
        Instance: PFLT_INSTANCE,
        ParentDirectory: *const UNICODE_STRING,
        VolumeNameLength: u16,
        Component: *const UNICODE_STRING,
        ExpandComponentName: PFILE_NAMES_INFORMATION,
        ExpandComponentNameLength: u32,
        Flags: FLT_NORMALIZE_NAME_FLAGS,
        NormalizationContext: *mut *mut c_void,
    ) -> NTSTATUS,
>;

/// The same with the file object.
pub type PFLT_NORMALIZE_NAME_COMPONENT_EX = Option<
    unsafe extern "system" fn(
        Instance: PFLT_INSTANCE,
        FileObject: PFILE_OBJECT,
        ParentDirectory: *const UNICODE_STRING,
        VolumeNameLength: u16,
        Component: *const UNICODE_STRING,
        ExpandComponentName: PFILE_NAMES_INFORMATION,
        ExpandComponentNameLength: u32,
        Flags: FLT_NORMALIZE_NAME_FLAGS,
        NormalizationContext: *mut *mut c_void,
    ) -> NTSTATUS,
>;

/// A name provider frees what it kept between components.
pub type PFLT_NORMALIZE_CONTEXT_CLEANUP =
    Option<unsafe extern "system" fn(NormalizationContext: *mut *mut c_void)>;

/// A transaction changed its state.
pub type PFLT_TRANSACTION_NOTIFICATION_CALLBACK = Option<
    unsafe extern "system" fn(
        FltObjects: PCFLT_RELATED_OBJECTS,
        TransactionContext: PFLT_CONTEXT,
        NotificationMask: u32,
    ) -> NTSTATUS,
>;

/// An operation collides with a section made for a data scan.
pub type PFLT_SECTION_CONFLICT_NOTIFICATION_CALLBACK = Option<
    unsafe extern "system" fn(
        Instance: PFLT_INSTANCE,
        SectionContext: PFLT_CONTEXT,
        Data: PFLT_CALLBACK_DATA,
    ) -> NTSTATUS,
>;

imports! { REGISTRATION_IMPORTS from "fltmgr.sys":
    /// Registers a filter; its callbacks stay silent until [`FltStartFiltering`].
    ["XP", Apc]
    fn FltRegisterFilter(
        Driver: PDRIVER_OBJECT,
        Registration: *const FLT_REGISTRATION,
        RetFilter: *mut PFLT_FILTER,
    ) -> NTSTATUS;

    /// Takes a filter back; waits for its outstanding operations. Its server ports must be closed before.
    ["XP", Apc]
    fn FltUnregisterFilter(Filter: PFLT_FILTER);

    /// Starts calling the filter: instance setup for every volume, then operations.
    ["XP", Apc]
    fn FltStartFiltering(Filter: PFLT_FILTER) -> NTSTATUS;
}
