//! Operation callbacks: what the filter manager passes and what it expects back.
//!
//! Pages: `ns-fltkernel-_flt_callback_data`, `ns-fltkernel-_flt_io_parameter_block`,
//! `ns-fltkernel-_flt_related_objects`, `nc-fltkernel-pflt_pre_operation_callback`,
//! `nc-fltkernel-pflt_post_operation_callback`, and "FLT_PARAMETERS for IRP_MJ_FILE_SYSTEM_CONTROL" of the
//! installable-file-system documentation.

use core::ffi::c_void;
use core::mem::MaybeUninit;

use crate::file::PFILE_OBJECT;
use crate::types::{
    BOOLEAN, IO_STATUS_BLOCK, KPROCESSOR_MODE, PEPROCESS, PETHREAD, PFLT_FILTER, PFLT_INSTANCE,
    PFLT_TAG_DATA_BUFFER, PFLT_VOLUME, PKTRANSACTION,
};

/// Bits of [`FLT_CALLBACK_DATA::Flags`].
pub type FLT_CALLBACK_DATA_FLAGS = u32;
/// The operation is an IRP.
pub const FLTFL_CALLBACK_DATA_IRP_OPERATION: FLT_CALLBACK_DATA_FLAGS = 0x0000_0001;
/// The operation is a fast I/O call.
pub const FLTFL_CALLBACK_DATA_FAST_IO_OPERATION: FLT_CALLBACK_DATA_FLAGS = 0x0000_0002;
/// The operation is a call of the file-system filter interface.
pub const FLTFL_CALLBACK_DATA_FS_FILTER_OPERATION: FLT_CALLBACK_DATA_FLAGS = 0x0000_0004;
/// The buffer of the operation is a system buffer.
pub const FLTFL_CALLBACK_DATA_SYSTEM_BUFFER: FLT_CALLBACK_DATA_FLAGS = 0x0000_0008;
/// A minifilter issued the operation.
pub const FLTFL_CALLBACK_DATA_GENERATED_IO: FLT_CALLBACK_DATA_FLAGS = 0x0001_0000;
/// A minifilter issued the operation again.
pub const FLTFL_CALLBACK_DATA_REISSUED_IO: FLT_CALLBACK_DATA_FLAGS = 0x0002_0000;
/// Post-operation only: the instance is being detached.
pub const FLTFL_CALLBACK_DATA_DRAINING_IO: FLT_CALLBACK_DATA_FLAGS = 0x0004_0000;
/// Post-operation only: set in every one.
pub const FLTFL_CALLBACK_DATA_POST_OPERATION: FLT_CALLBACK_DATA_FLAGS = 0x0008_0000;

/// Parameters of a file-system control, the part that every transfer method has.
///
/// In C the second and third field carry `POINTER_ALIGNMENT`: on 64-bit targets each starts a new group of
/// eight bytes. The gaps are fields here, without a promise about their content.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FLT_PARAMETERS_FSCTL_COMMON {
    /// Bytes the caller offers for output.
    pub OutputBufferLength: u32,
    /// Gap before the next group of eight bytes.
    pub Gap4: MaybeUninit<u32>,
    /// Bytes of input the caller claims.
    pub InputBufferLength: u32,
    /// Gap before the next group of eight bytes.
    pub Gap12: MaybeUninit<u32>,
    /// `FSCTL_*`.
    pub FsControlCode: u32,
    /// Gap before the next group of eight bytes.
    pub Gap20: MaybeUninit<u32>,
}

/// Parameters of a file-system control whose code says METHOD_BUFFERED.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FLT_PARAMETERS_FSCTL_BUFFERED {
    /// Bytes the caller offers for output.
    pub OutputBufferLength: u32,
    /// Gap before the next group of eight bytes.
    pub Gap4: MaybeUninit<u32>,
    /// Bytes of input at `SystemBuffer`.
    pub InputBufferLength: u32,
    /// Gap before the next group of eight bytes.
    pub Gap12: MaybeUninit<u32>,
    /// `FSCTL_*`.
    pub FsControlCode: u32,
    /// Gap before the next group of eight bytes.
    pub Gap20: MaybeUninit<u32>,
    /// The kernel's copy of the input, later the output. May be null.
    pub SystemBuffer: *mut c_void,
}

/// Parameters of a file-system control; valid for the minor codes [`crate::registration::IRP_MN_USER_FS_REQUEST`] and
/// [`crate::registration::IRP_MN_KERNEL_CALL`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union FLT_PARAMETERS_FILE_SYSTEM_CONTROL {
    /// For every transfer method.
    pub Common: FLT_PARAMETERS_FSCTL_COMMON,
    /// For METHOD_BUFFERED.
    pub Buffered: FLT_PARAMETERS_FSCTL_BUFFERED,
}

/// Parameters of an operation, chosen by the major function. Only the one that we register for is declared.
#[repr(C)]
#[derive(Clone, Copy)]
pub union FLT_PARAMETERS {
    /// `IRP_MJ_FILE_SYSTEM_CONTROL`.
    pub FileSystemControl: FLT_PARAMETERS_FILE_SYSTEM_CONTROL,
    /// Gives the union the size of its largest member, six pointers (`Create`, `Others`, ...).
    pub Size: [MaybeUninit<u64>; 6],
}

/// The parameters of an operation that a filter could change.
#[repr(C)]
pub struct FLT_IO_PARAMETER_BLOCK {
    /// `IRP_*` flags.
    pub IrpFlags: u32,
    /// `IRP_MJ_*`.
    pub MajorFunction: u8,
    /// `IRP_MN_*`.
    pub MinorFunction: u8,
    /// `SL_*` flags of the stack location.
    pub OperationFlags: u8,
    /// Unused.
    pub Reserved: u8,
    /// The file the operation is for.
    pub TargetFileObject: PFILE_OBJECT,
    /// The instance it is sent to.
    pub TargetInstance: PFLT_INSTANCE,
    /// Parameters by major function.
    pub Parameters: FLT_PARAMETERS,
}

/// One operation in a callback.
#[repr(C)]
pub struct FLT_CALLBACK_DATA {
    /// `FLTFL_CALLBACK_DATA_*`.
    pub Flags: FLT_CALLBACK_DATA_FLAGS,
    /// The thread that asked for the operation; may be null.
    pub Thread: PETHREAD,
    /// The parameters.
    pub Iopb: *mut FLT_IO_PARAMETER_BLOCK,
    /// How the operation ended; valid in post-operation.
    pub IoStatus: IO_STATUS_BLOCK,
    /// Reparse data of a create; null otherwise.
    pub TagData: PFLT_TAG_DATA_BUFFER,
    /// Four pointers of a filter that pends the operation (C: a union with queue links).
    pub FilterContext: [*mut c_void; 4],
    /// Mode of the requestor, [`crate::nt::KernelMode`] or [`crate::nt::UserMode`].
    pub RequestorMode: KPROCESSOR_MODE,
}
/// Pointer to [`FLT_CALLBACK_DATA`].
pub type PFLT_CALLBACK_DATA = *mut FLT_CALLBACK_DATA;

/// The objects of an operation. Valid only during the callback.
#[repr(C)]
pub struct FLT_RELATED_OBJECTS {
    /// Size of this structure in bytes.
    pub Size: u16,
    /// Mini-version of a transacted file.
    pub TransactionContext: u16,
    /// Our filter.
    pub Filter: PFLT_FILTER,
    /// The volume.
    pub Volume: PFLT_VOLUME,
    /// Our instance on the volume.
    pub Instance: PFLT_INSTANCE,
    /// The file; null in instance callbacks.
    pub FileObject: PFILE_OBJECT,
    /// The transaction, or null.
    pub Transaction: PKTRANSACTION,
}
/// Pointer to [`FLT_RELATED_OBJECTS`].
pub type PCFLT_RELATED_OBJECTS = *const FLT_RELATED_OBJECTS;

/// What a pre-operation callback answers.
pub type FLT_PREOP_CALLBACK_STATUS = i32;
/// Pass down and call the post-operation callback.
pub const FLT_PREOP_SUCCESS_WITH_CALLBACK: FLT_PREOP_CALLBACK_STATUS = 0;
/// Pass down, no post-operation callback.
pub const FLT_PREOP_SUCCESS_NO_CALLBACK: FLT_PREOP_CALLBACK_STATUS = 1;
/// The filter holds the operation.
pub const FLT_PREOP_PENDING: FLT_PREOP_CALLBACK_STATUS = 2;
/// Refuse a fast I/O call, so that an IRP follows.
pub const FLT_PREOP_DISALLOW_FASTIO: FLT_PREOP_CALLBACK_STATUS = 3;
/// The filter completes the operation; `IoStatus` is set.
pub const FLT_PREOP_COMPLETE: FLT_PREOP_CALLBACK_STATUS = 4;
/// Pass down, and call post-operation in this thread at APC level or below.
pub const FLT_PREOP_SYNCHRONIZE: FLT_PREOP_CALLBACK_STATUS = 5;
/// Refuse a call of the file-system filter interface.
pub const FLT_PREOP_DISALLOW_FSFILTER_IO: FLT_PREOP_CALLBACK_STATUS = 6;

/// What a post-operation callback answers.
pub type FLT_POSTOP_CALLBACK_STATUS = i32;
/// Done; go on completing.
pub const FLT_POSTOP_FINISHED_PROCESSING: FLT_POSTOP_CALLBACK_STATUS = 0;
/// The filter holds the completion.
pub const FLT_POSTOP_MORE_PROCESSING_REQUIRED: FLT_POSTOP_CALLBACK_STATUS = 1;
/// Refuse a call of the file-system filter interface.
pub const FLT_POSTOP_DISALLOW_FSFILTER_IO: FLT_POSTOP_CALLBACK_STATUS = 2;

/// Bits passed to a post-operation callback.
pub type FLT_POST_OPERATION_FLAGS = u32;
/// The instance is being detached: free the completion context and touch nothing else.
pub const FLTFL_POST_OPERATION_DRAINING: FLT_POST_OPERATION_FLAGS = 0x0000_0001;

/// Called before the file system sees the operation, at APC level or below.
pub type PFLT_PRE_OPERATION_CALLBACK = Option<
    unsafe extern "system" fn(
        Data: PFLT_CALLBACK_DATA,
        FltObjects: PCFLT_RELATED_OBJECTS,
        CompletionContext: *mut *mut c_void,
    ) -> FLT_PREOP_CALLBACK_STATUS,
>;

/// Called after the file system has finished, at DISPATCH level or below, in any thread.
pub type PFLT_POST_OPERATION_CALLBACK = Option<
    unsafe extern "system" fn(
        Data: PFLT_CALLBACK_DATA,
        FltObjects: PCFLT_RELATED_OBJECTS,
        CompletionContext: *mut c_void,
        Flags: FLT_POST_OPERATION_FLAGS,
    ) -> FLT_POSTOP_CALLBACK_STATUS,
>;

imports! { CALLBACK_IMPORTS from "fltmgr.sys":
    /// The process that the requesting thread is attached to; null if the operation has no thread. No
    /// reference is taken.
    ["XP", Dispatch]
    fn FltGetRequestorProcess(CallbackData: PFLT_CALLBACK_DATA) -> PEPROCESS;

    /// The id of the process that the requesting thread is attached to; 0 if the operation has no thread.
    ["XP", Dispatch]
    fn FltGetRequestorProcessId(CallbackData: PFLT_CALLBACK_DATA) -> u32;

    /// Whether a 32-bit user-mode program asked for the operation. A null argument asks about the current process.
    ["XP", Apc]
    fn FltIs32bitProcess(CallbackData: PFLT_CALLBACK_DATA) -> BOOLEAN;
}
