//! The one table of sizes and offsets, asserted at compile time and handed to the referee tests.
//!
//! Values are those of 64-bit Windows, alike on x86-64 and ARM64.

use core::mem::{offset_of, size_of};

use crate::callback::{
    FLT_CALLBACK_DATA, FLT_IO_PARAMETER_BLOCK, FLT_PARAMETERS, FLT_RELATED_OBJECTS,
};
use crate::context::FLT_CONTEXT_REGISTRATION;
use crate::file::{FILE_ID_128, FILE_ID_INFORMATION, FILE_NETWORK_OPEN_INFORMATION, FILE_OBJECT};
use crate::name::{FLT_FILE_NAME_INFORMATION, FLT_NAME_CONTROL};
use crate::nt::{
    GUID, LUID, OBJECT_ATTRIBUTES, OBJECT_HANDLE_INFORMATION, SECURITY_SUBJECT_CONTEXT,
    SID_AND_ATTRIBUTES, TOKEN_ELEVATION, TOKEN_STATISTICS, TOKEN_USER,
};
use crate::registration::{FLT_OPERATION_REGISTRATION, FLT_REGISTRATION};
use crate::registry::KEY_VALUE_PARTIAL_INFORMATION;
use crate::types::{IO_STATUS_BLOCK, UNICODE_STRING};
use crate::volume::{FILE_FS_ATTRIBUTE_INFORMATION, FILE_FS_SIZE_INFORMATION};

/// The layout of one structure or union.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Its C name.
    pub name: &'static str,
    /// Its size in bytes.
    pub size: usize,
    /// Its fields.
    pub fields: &'static [FieldLayout],
}

/// The place of one field.
#[derive(Clone, Copy, Debug)]
pub struct FieldLayout {
    /// The C name, with dots where it lies inside a member.
    pub path: &'static str,
    /// Bytes from the start of the structure.
    pub offset: usize,
}

/// Turns a table of `NAME: size { field @ offset, ... }` into compile-time assertions and [`LAYOUTS`].
macro_rules! layout {
    ($($name:ident: $size:literal {
        $($first:ident $(. $rest:ident)* @ $offset:literal),+ $(,)?
    })+) => {
        $(const _: () = {
            assert!(size_of::<$name>() == $size, concat!("size of ", stringify!($name)));
            $(assert!(
                offset_of!($name, $first $(. $rest)*) == $offset,
                concat!("offset of ", stringify!($name), ".", stringify!($first), $(".", stringify!($rest)),*)
            );)+
        };)+

        /// Every layout that crosses to the kernel.
        pub const LAYOUTS: &[Layout] = &[$(Layout {
            name: stringify!($name),
            size: $size,
            fields: &[$(FieldLayout {
                path: concat!(stringify!($first), $(".", stringify!($rest)),*),
                offset: $offset,
            }),+],
        }),+];
    };
}

layout! {
    UNICODE_STRING: 0x10 { Length @ 0x0, MaximumLength @ 0x2, Buffer @ 0x8 }
    IO_STATUS_BLOCK: 0x10 { Status @ 0x0, Information @ 0x8 }
    OBJECT_ATTRIBUTES: 0x30 {
        Length @ 0x0, RootDirectory @ 0x8, ObjectName @ 0x10, Attributes @ 0x18,
        SecurityDescriptor @ 0x20, SecurityQualityOfService @ 0x28,
    }
    FLT_PARAMETERS: 0x30 {
        FileSystemControl @ 0x0,
        FileSystemControl.Common.OutputBufferLength @ 0x0,
        FileSystemControl.Common.InputBufferLength @ 0x8,
        FileSystemControl.Common.FsControlCode @ 0x10,
        FileSystemControl.Buffered.OutputBufferLength @ 0x0,
        FileSystemControl.Buffered.InputBufferLength @ 0x8,
        FileSystemControl.Buffered.FsControlCode @ 0x10,
        FileSystemControl.Buffered.SystemBuffer @ 0x18,
    }
    FLT_IO_PARAMETER_BLOCK: 0x48 {
        IrpFlags @ 0x0, MajorFunction @ 0x4, MinorFunction @ 0x5, OperationFlags @ 0x6, Reserved @ 0x7,
        TargetFileObject @ 0x8, TargetInstance @ 0x10, Parameters @ 0x18,
    }
    FLT_CALLBACK_DATA: 0x58 {
        Flags @ 0x0, Thread @ 0x8, Iopb @ 0x10, IoStatus @ 0x18, TagData @ 0x28,
        FilterContext @ 0x30, RequestorMode @ 0x50,
    }
    FLT_RELATED_OBJECTS: 0x30 {
        Size @ 0x0, TransactionContext @ 0x2, Filter @ 0x8, Volume @ 0x10, Instance @ 0x18,
        FileObject @ 0x20, Transaction @ 0x28,
    }
    FLT_OPERATION_REGISTRATION: 0x20 {
        MajorFunction @ 0x0, Flags @ 0x4, PreOperation @ 0x8, PostOperation @ 0x10, Reserved1 @ 0x18,
    }
    FLT_REGISTRATION: 0x70 {
        Size @ 0x0, Version @ 0x2, Flags @ 0x4,
        ContextRegistration @ 0x8, OperationRegistration @ 0x10, FilterUnloadCallback @ 0x18,
        InstanceSetupCallback @ 0x20, InstanceQueryTeardownCallback @ 0x28,
        InstanceTeardownStartCallback @ 0x30, InstanceTeardownCompleteCallback @ 0x38,
        GenerateFileNameCallback @ 0x40, NormalizeNameComponentCallback @ 0x48,
        NormalizeContextCleanupCallback @ 0x50, TransactionNotificationCallback @ 0x58,
        NormalizeNameComponentExCallback @ 0x60, SectionNotificationCallback @ 0x68,
    }
    FLT_CONTEXT_REGISTRATION: 0x38 {
        ContextType @ 0x0, Flags @ 0x2, ContextCleanupCallback @ 0x8, Size @ 0x10, PoolTag @ 0x18,
        ContextAllocateCallback @ 0x20, ContextFreeCallback @ 0x28, Reserved1 @ 0x30,
    }
    FLT_FILE_NAME_INFORMATION: 0x78 {
        Size @ 0x0, NamesParsed @ 0x2, Format @ 0x4, Name @ 0x8, Volume @ 0x18, Share @ 0x28,
        Extension @ 0x38, Stream @ 0x48, FinalComponent @ 0x58, ParentDir @ 0x68,
    }
    FLT_NAME_CONTROL: 0x10 { Name @ 0x0 }
    FILE_FS_SIZE_INFORMATION: 0x18 {
        TotalAllocationUnits @ 0x0, AvailableAllocationUnits @ 0x8,
        SectorsPerAllocationUnit @ 0x10, BytesPerSector @ 0x14,
    }
    FILE_FS_ATTRIBUTE_INFORMATION: 0x10 {
        FileSystemAttributes @ 0x0, MaximumComponentNameLength @ 0x4, FileSystemNameLength @ 0x8,
        FileSystemName @ 0xc,
    }
    FILE_NETWORK_OPEN_INFORMATION: 0x38 {
        CreationTime @ 0x0, LastAccessTime @ 0x8, LastWriteTime @ 0x10, ChangeTime @ 0x18,
        AllocationSize @ 0x20, EndOfFile @ 0x28, FileAttributes @ 0x30,
    }
    FILE_ID_128: 0x10 { Identifier @ 0x0 }
    FILE_ID_INFORMATION: 0x18 { VolumeSerialNumber @ 0x0, FileId @ 0x8 }
    FILE_OBJECT: 0xd8 {
        Type @ 0x0, Size @ 0x2, DeviceObject @ 0x8, Vpb @ 0x10, FsContext @ 0x18, FsContext2 @ 0x20,
        SectionObjectPointer @ 0x28, PrivateCacheMap @ 0x30, FinalStatus @ 0x38,
        RelatedFileObject @ 0x40, LockOperation @ 0x48, DeletePending @ 0x49, ReadAccess @ 0x4a,
        WriteAccess @ 0x4b, DeleteAccess @ 0x4c, SharedRead @ 0x4d, SharedWrite @ 0x4e,
        SharedDelete @ 0x4f, Flags @ 0x50, FileName @ 0x58,
    }
    KEY_VALUE_PARTIAL_INFORMATION: 0x10 {
        TitleIndex @ 0x0, Type @ 0x4, DataLength @ 0x8, Data @ 0xc,
    }
    GUID: 0x10 { Data1 @ 0x0, Data2 @ 0x4, Data3 @ 0x6, Data4 @ 0x8 }
    OBJECT_HANDLE_INFORMATION: 0x8 { HandleAttributes @ 0x0, GrantedAccess @ 0x4 }
    SECURITY_SUBJECT_CONTEXT: 0x20 {
        ClientToken @ 0x0, ImpersonationLevel @ 0x8, PrimaryToken @ 0x10, ProcessAuditId @ 0x18,
    }
    SID_AND_ATTRIBUTES: 0x10 { Sid @ 0x0, Attributes @ 0x8 }
    TOKEN_USER: 0x10 { User @ 0x0 }
    LUID: 0x8 { LowPart @ 0x0, HighPart @ 0x4 }
    TOKEN_STATISTICS: 0x38 {
        TokenId @ 0x0, AuthenticationId @ 0x8, ExpirationTime @ 0x10, TokenType @ 0x18,
        ImpersonationLevel @ 0x1c, DynamicCharged @ 0x20, DynamicAvailable @ 0x24,
        GroupCount @ 0x28, PrivilegeCount @ 0x2c, ModifiedId @ 0x30,
    }
    TOKEN_ELEVATION: 0x4 { TokenIsElevated @ 0x0 }
}
