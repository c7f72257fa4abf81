//! Routines of the kernel that `wdk-sys` may lack, because a header set has them as macros or inline.
//!
//! Pages: under `wdm`, `ntddk` and `ntifs` of the driver documentation, by the name of the routine.

use core::ffi::c_void;

use crate::types::{
    ACCESS_MASK, KIRQL, KPROCESSOR_MODE, LARGE_INTEGER, NTSTATUS, PEPROCESS, PETHREAD,
    POBJECT_TYPE, UNICODE_STRING,
};

/// A handle of the object manager.
pub type HANDLE = *mut c_void;
/// An access token, opaque here.
pub type PACCESS_TOKEN = *mut c_void;

/// Requestor or wait mode: the kernel (wdm, `KPROCESSOR_MODE`).
pub const KernelMode: KPROCESSOR_MODE = 0;
/// Requestor or wait mode: a user-mode program.
pub const UserMode: KPROCESSOR_MODE = 1;

/// `PASSIVE_LEVEL` (wdm).
pub const PASSIVE_LEVEL: KIRQL = 0;
/// `APC_LEVEL` (wdm).
pub const APC_LEVEL: KIRQL = 1;
/// `DISPATCH_LEVEL` (wdm).
pub const DISPATCH_LEVEL: KIRQL = 2;

/// Names an object to open or create (ntdef, `OBJECT_ATTRIBUTES`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OBJECT_ATTRIBUTES {
    /// Size of this structure in bytes.
    pub Length: u32,
    /// Directory the name is relative to, or null.
    pub RootDirectory: HANDLE,
    /// The name.
    pub ObjectName: *mut UNICODE_STRING,
    /// `OBJ_*`.
    pub Attributes: u32,
    /// Security of a new object, or null.
    pub SecurityDescriptor: *mut c_void,
    /// Impersonation settings, or null.
    pub SecurityQualityOfService: *mut c_void,
}

/// The name compares without regard to case (ntdef).
pub const OBJ_CASE_INSENSITIVE: u32 = 0x0000_0040;
/// The handle belongs to the kernel and is out of reach for user-mode programs (ntdef).
pub const OBJ_KERNEL_HANDLE: u32 = 0x0000_0200;

/// A 16-byte unique id.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GUID {
    /// First part.
    pub Data1: u32,
    /// Second part.
    pub Data2: u16,
    /// Third part.
    pub Data3: u16,
    /// The rest.
    pub Data4: [u8; 8],
}

/// What a handle was opened with (ntifs).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OBJECT_HANDLE_INFORMATION {
    /// `OBJ_*` of the handle.
    pub HandleAttributes: u32,
    /// The rights it grants.
    pub GrantedAccess: ACCESS_MASK,
}

/// How far an impersonating server may go (ntifs).
pub type SECURITY_IMPERSONATION_LEVEL = i32;
/// The level from which on a server may act for its client.
pub const SecurityImpersonation: SECURITY_IMPERSONATION_LEVEL = 2;

/// The security context of a requestor (wdm). The tokens are referenced until
/// `SeReleaseSubjectContext`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SECURITY_SUBJECT_CONTEXT {
    /// The token impersonated, or null.
    pub ClientToken: PACCESS_TOKEN,
    /// The level of the impersonation.
    pub ImpersonationLevel: SECURITY_IMPERSONATION_LEVEL,
    /// The token of the process.
    pub PrimaryToken: PACCESS_TOKEN,
    /// Reserved for audit.
    pub ProcessAuditId: *mut c_void,
}

/// What to ask of a token (ntifs).
pub type TOKEN_INFORMATION_CLASS = i32;
/// Answers [`TOKEN_USER`] in pool memory that the caller frees.
pub const TokenUser: TOKEN_INFORMATION_CLASS = 1;
/// Answers [`TOKEN_STATISTICS`] in pool memory that the caller frees.
pub const TokenStatistics: TOKEN_INFORMATION_CLASS = 10;
/// Answers the session of the token, a `u32`, in place of the pointer.
pub const TokenSessionId: TOKEN_INFORMATION_CLASS = 12;
/// Answers [`TOKEN_ELEVATION`] in pool memory that the caller frees.
pub const TokenElevation: TOKEN_INFORMATION_CLASS = 20;
/// Answers the integrity level, a `u32` (the last sub-authority of the label's id), in place of the pointer.
pub const TokenIntegrityLevel: TOKEN_INFORMATION_CLASS = 25;

/// A security id and its attributes (ntifs).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SID_AND_ATTRIBUTES {
    /// The id: revision, count of sub-authorities, authority, sub-authorities.
    pub Sid: *mut c_void,
    /// `SE_GROUP_*`.
    pub Attributes: u32,
}

/// The user of a token (ntifs).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TOKEN_USER {
    /// Its id.
    pub User: SID_AND_ATTRIBUTES,
}

/// A number that is unique until the system stops (wdm, `LUID`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LUID {
    /// The low half.
    pub LowPart: u32,
    /// The high half.
    pub HighPart: i32,
}

/// What a token is, and which logon it comes from (ntifs).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TOKEN_STATISTICS {
    /// This token.
    pub TokenId: LUID,
    /// The logon session; many tokens share one.
    pub AuthenticationId: LUID,
    /// Not supported.
    pub ExpirationTime: LARGE_INTEGER,
    /// 1 for a primary token, 2 for one that impersonates.
    pub TokenType: i32,
    /// Valid for a token that impersonates.
    pub ImpersonationLevel: SECURITY_IMPERSONATION_LEVEL,
    /// Bytes for the default access list.
    pub DynamicCharged: u32,
    /// Bytes of them that are free.
    pub DynamicAvailable: u32,
    /// Groups of the token.
    pub GroupCount: u32,
    /// Privileges of the token.
    pub PrivilegeCount: u32,
    /// Changes whenever the token does.
    pub ModifiedId: LUID,
}

/// Whether a token is elevated (`winnt.h`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TOKEN_ELEVATION {
    /// Not zero if it is.
    pub TokenIsElevated: u32,
}

imports! { NT_IMPORTS from "ntoskrnl.exe":
    /// The current IRQL.
    ["2000", Any]
    fn KeGetCurrentIrql() -> KIRQL;

    /// Makes a unique id. `RPC_NT_UUID_LOCAL_ONLY` is a success code: unique on this machine only.
    /// `STATUS_RETRY`, an error, if the system is not ready yet.
    ["2000", Passive]
    fn ExUuidCreate(Uuid: *mut GUID) -> NTSTATUS;

    /// The full name of a process's image, in pool memory that the caller frees with `ExFreePool`.
    /// Its page names no version; it is an export since Windows Vista.
    ["Vista", Passive]
    fn SeLocateProcessImageName(
        Process: PEPROCESS,
        pImageFileName: *mut *mut UNICODE_STRING,
    ) -> NTSTATUS;

    /// The id of a process.
    ["XP", Any]
    fn PsGetProcessId(Process: PEPROCESS) -> HANDLE;

    /// The current process, without a reference. (C: `PsGetCurrentProcess`.)
    ["2000", Any]
    fn IoGetCurrentProcess() -> PEPROCESS;

    /// Takes the security context of a thread and its process. Release it with
    /// [`SeReleaseSubjectContext`].
    ["Vista", Passive]
    fn SeCaptureSubjectContextEx(
        Thread: PETHREAD,
        Process: PEPROCESS,
        SubjectContext: *mut SECURITY_SUBJECT_CONTEXT,
    );

    /// Gives a captured context back.
    ["2000", Passive]
    fn SeReleaseSubjectContext(SubjectContext: *mut SECURITY_SUBJECT_CONTEXT);

    /// Asks a token. Most classes answer paged pool memory that the caller frees with `ExFreePool`;
    /// [`TokenSessionId`] and [`TokenIntegrityLevel`] answer the number itself in place of the pointer: four bytes,
    /// so what the caller put into the other four stays there.
    ["2000", Passive]
    fn SeQueryInformationToken(
        Token: PACCESS_TOKEN,
        TokenInformationClass: TOKEN_INFORMATION_CLASS,
        TokenInformation: *mut *mut c_void,
    ) -> NTSTATUS;

    /// The system time, in units of 100 ns since 1601, as exact as the machine can.
    ["8", Any]
    fn KeQuerySystemTimePrecise(CurrentTime: *mut LARGE_INTEGER);

    /// The id of a thread.
    ["1703", Dispatch]
    fn PsGetThreadId(Thread: PETHREAD) -> HANDLE;

    /// Resolves a handle, with a reference for the caller.
    ["2000", Passive]
    fn ObReferenceObjectByHandle(
        Handle: HANDLE,
        DesiredAccess: ACCESS_MASK,
        ObjectType: POBJECT_TYPE,
        AccessMode: KPROCESSOR_MODE,
        Object: *mut *mut c_void,
        HandleInformation: *mut OBJECT_HANDLE_INFORMATION,
    ) -> NTSTATUS;

    /// Gives a reference to an object back; what it answers is reserved. (C: `ObDereferenceObject`.)
    ["2000", Dispatch]
    fn ObfDereferenceObject(Object: *mut c_void) -> isize;

    /// The time since the system started, in units of 100 ns, as exact as the machine can; never set back.
    /// Also writes the performance counter it was made from.
    ///
    /// `KeQueryPerformanceCounter` itself is documented as an export of `hal.dll`, which we do not import.
    ["8.1", Any]
    fn KeQueryInterruptTimePrecise(QpcTimeStamp: *mut u64) -> u64;
}

imports! { NT_DATA_IMPORTS from "ntoskrnl.exe":
    /// The object type of files.
    ///
    /// The kernel exports a variable of type `POBJECT_TYPE`, and an imported static is read through the
    /// import table: this is the value itself, to be passed on as it is. The C headers say `POBJECT_TYPE *`
    /// because C drivers name the slot of the import table instead, which holds the variable's address;
    /// the same in Rust would pass the first bytes of the object type for its address.
    ["2000", Any]
    static IoFileObjectType: POBJECT_TYPE;
}
