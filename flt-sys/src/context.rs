//! Contexts: memory of ours that the filter manager ties to an instance (or volume, file, ...).
//!
//! Pages: `ns-fltkernel-_flt_context_registration`, `nf-fltkernel-fltallocatecontext`,
//! `nf-fltkernel-fltsetinstancecontext`.

use core::ffi::c_void;

use crate::types::{NTSTATUS, PFLT_FILTER, PFLT_INSTANCE};

/// A kind of pool memory.
pub type POOL_TYPE = i32;
/// Paged pool (wdm, `POOL_TYPE`).
pub const PagedPool: POOL_TYPE = 1;
/// Non-paged pool that cannot be executed: the only non-paged pool we use.
pub const NonPagedPoolNx: POOL_TYPE = 512;

/// A context.
pub type PFLT_CONTEXT = *mut c_void;

/// What a context is tied to.
pub type FLT_CONTEXT_TYPE = u16;
/// A volume.
pub const FLT_VOLUME_CONTEXT: FLT_CONTEXT_TYPE = 0x0001;
/// An instance.
pub const FLT_INSTANCE_CONTEXT: FLT_CONTEXT_TYPE = 0x0002;
/// A file.
pub const FLT_FILE_CONTEXT: FLT_CONTEXT_TYPE = 0x0004;
/// A stream of a file.
pub const FLT_STREAM_CONTEXT: FLT_CONTEXT_TYPE = 0x0008;
/// An open of a stream.
pub const FLT_STREAMHANDLE_CONTEXT: FLT_CONTEXT_TYPE = 0x0010;
/// A transaction.
pub const FLT_TRANSACTION_CONTEXT: FLT_CONTEXT_TYPE = 0x0020;
/// Ends the array of [`FLT_CONTEXT_REGISTRATION`].
pub const FLT_CONTEXT_END: FLT_CONTEXT_TYPE = 0xffff;

/// Bits of [`FLT_CONTEXT_REGISTRATION::Flags`].
pub type FLT_CONTEXT_REGISTRATION_FLAGS = u16;
/// An allocation smaller than `Size` may use this entry.
pub const FLTFL_CONTEXT_REGISTRATION_NO_EXACT_SIZE_MATCH: FLT_CONTEXT_REGISTRATION_FLAGS = 0x0001;

/// Value of [`FLT_CONTEXT_REGISTRATION::Size`] for contexts of any size.
pub const FLT_VARIABLE_SIZED_CONTEXTS: usize = usize::MAX;

/// Called at APC level or below before the filter manager frees a context.
pub type PFLT_CONTEXT_CLEANUP_CALLBACK =
    Option<unsafe extern "system" fn(Context: PFLT_CONTEXT, ContextType: FLT_CONTEXT_TYPE)>;

/// Replaces the filter manager's allocation of contexts.
pub type PFLT_CONTEXT_ALLOCATE_CALLBACK = Option<
    unsafe extern "system" fn(
        PoolType: POOL_TYPE,
        Size: usize,
        ContextType: FLT_CONTEXT_TYPE,
    ) -> *mut c_void,
>;

/// Counterpart of [`PFLT_CONTEXT_ALLOCATE_CALLBACK`].
pub type PFLT_CONTEXT_FREE_CALLBACK =
    Option<unsafe extern "system" fn(Pool: *mut c_void, ContextType: FLT_CONTEXT_TYPE)>;

/// A kind of context that the filter will allocate. An array of these ends with [`FLT_CONTEXT_END`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct FLT_CONTEXT_REGISTRATION {
    /// What it is tied to.
    pub ContextType: FLT_CONTEXT_TYPE,
    /// `FLTFL_CONTEXT_REGISTRATION_*`.
    pub Flags: FLT_CONTEXT_REGISTRATION_FLAGS,
    /// Called before it is freed.
    pub ContextCleanupCallback: PFLT_CONTEXT_CLEANUP_CALLBACK,
    /// Bytes, or [`FLT_VARIABLE_SIZED_CONTEXTS`].
    pub Size: usize,
    /// Tag of the pool memory.
    pub PoolTag: u32,
    /// Usually empty.
    pub ContextAllocateCallback: PFLT_CONTEXT_ALLOCATE_CALLBACK,
    /// Usually empty.
    pub ContextFreeCallback: PFLT_CONTEXT_FREE_CALLBACK,
    /// Null.
    pub Reserved1: *mut c_void,
}

/// What to do when a context is there already.
pub type FLT_SET_CONTEXT_OPERATION = i32;
/// Put the new one in its place.
pub const FLT_SET_CONTEXT_REPLACE_IF_EXISTS: FLT_SET_CONTEXT_OPERATION = 0;
/// Keep the old one and fail.
pub const FLT_SET_CONTEXT_KEEP_IF_EXISTS: FLT_SET_CONTEXT_OPERATION = 1;

/// Returned under [`FLT_SET_CONTEXT_KEEP_IF_EXISTS`] when a context was there (ntstatus).
pub const STATUS_FLT_CONTEXT_ALREADY_DEFINED: NTSTATUS = 0xC01C_0002_u32.cast_signed();

imports! { CONTEXT_IMPORTS from "fltmgr.sys":
    /// Allocates a context with one reference, the caller's. Its bytes are not cleared.
    ["XP", Apc]
    fn FltAllocateContext(
        Filter: PFLT_FILTER,
        ContextType: FLT_CONTEXT_TYPE,
        ContextSize: usize,
        PoolType: POOL_TYPE,
        ReturnedContext: *mut PFLT_CONTEXT,
    ) -> NTSTATUS;

    /// Gives one reference back. Above APC level only for contexts in non-paged pool.
    ["XP", Dispatch]
    fn FltReleaseContext(Context: PFLT_CONTEXT);

    /// Ties a context to an instance, which takes a reference of its own.
    ["XP", Apc]
    fn FltSetInstanceContext(
        Instance: PFLT_INSTANCE,
        Operation: FLT_SET_CONTEXT_OPERATION,
        NewContext: PFLT_CONTEXT,
        OldContext: *mut PFLT_CONTEXT,
    ) -> NTSTATUS;

    /// The context of an instance, with a reference for the caller.
    ["XP", Apc]
    fn FltGetInstanceContext(Instance: PFLT_INSTANCE, Context: *mut PFLT_CONTEXT) -> NTSTATUS;
}
