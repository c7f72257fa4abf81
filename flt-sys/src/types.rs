//! Basic types of the kernel and the handles of the filter manager.
//!
//! A handle is a pointer to an opaque structure of its own, so that one cannot be passed for another.
//! Where `wdk-sys` has a structure of the same name (a driver object), its pointer is cast.

use core::ffi::c_void;
use core::marker::{PhantomData, PhantomPinned};

/// A pointer to anything.
pub type PVOID = *mut c_void;
/// A status of the kernel: negative is an error or a warning, zero and above a success.
pub type NTSTATUS = i32;
/// A signed 64-bit quantity (C: a union; on 64-bit targets the same eight bytes).
pub type LARGE_INTEGER = i64;
/// A C byte that is zero or not.
pub type BOOLEAN = u8;
/// An interrupt request level.
pub type KIRQL = u8;
/// [`crate::nt::KernelMode`] or [`crate::nt::UserMode`].
pub type KPROCESSOR_MODE = i8;
/// Access rights.
pub type ACCESS_MASK = u32;
/// A kind of device, `FILE_DEVICE_*`.
pub type DEVICE_TYPE = u32;

/// Declares opaque C structures with the pointer type that callers hold.
macro_rules! opaque {
    ($($(#[$meta:meta])* $name:ident, $pointer:ident;)+) => {$(
        $(#[$meta])*
        #[repr(C)]
        pub struct $name {
            _data: [u8; 0],
            _not_send_or_unpin: PhantomData<(*mut u8, PhantomPinned)>,
        }
        #[doc = concat!("Pointer to [`", stringify!($name), "`].")]
        pub type $pointer = *mut $name;
    )+};
}

opaque! {
    /// A registered filter.
    FLT_FILTER, PFLT_FILTER;
    /// A filter attached to a volume.
    FLT_INSTANCE, PFLT_INSTANCE;
    /// A volume as the filter manager sees it.
    FLT_VOLUME, PFLT_VOLUME;
    /// One end of a communication port.
    FLT_PORT, PFLT_PORT;
    /// Reparse data of an operation.
    FLT_TAG_DATA_BUFFER, PFLT_TAG_DATA_BUFFER;
    /// A driver object: cast from the type of `wdk-sys`.
    DRIVER_OBJECT, PDRIVER_OBJECT;
    /// A process object.
    EPROCESS, PEPROCESS;
    /// A thread object.
    ETHREAD, PETHREAD;
    /// A type of the object manager.
    OBJECT_TYPE, POBJECT_TYPE;
    /// A transaction of the kernel transaction manager.
    KTRANSACTION, PKTRANSACTION;
    /// An entry of a directory listing; only named in callback types that we leave empty.
    FILE_NAMES_INFORMATION, PFILE_NAMES_INFORMATION;
}

/// A counted UTF-16 string. Lengths are in bytes; no terminating zero is promised
/// (ntdef, `UNICODE_STRING`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct UNICODE_STRING {
    /// Bytes in use.
    pub Length: u16,
    /// Bytes available at `Buffer`.
    pub MaximumLength: u16,
    /// The characters.
    pub Buffer: *mut u16,
}

/// How a request ended (wdm, `IO_STATUS_BLOCK`). In C the status shares its eight bytes with a pointer.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct IO_STATUS_BLOCK {
    /// Final status.
    pub Status: NTSTATUS,
    /// Depends on the request; for a file-system control the bytes of output.
    pub Information: usize,
}
