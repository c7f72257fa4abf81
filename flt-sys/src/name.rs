//! File names as the filter manager gives them.
//!
//! Pages: `ns-fltkernel-_flt_file_name_information`, `nf-fltkernel-fltgetfilenameinformation`, and
//! "FLT_FILE_NAME_OPTIONS" of the installable-file-system documentation.

use crate::callback::PFLT_CALLBACK_DATA;
use crate::file::PFILE_OBJECT;
use crate::types::{NTSTATUS, PFLT_INSTANCE, UNICODE_STRING};

/// A format, a query method and flags in one word.
pub type FLT_FILE_NAME_OPTIONS = u32;
/// Format: long names, volume name first.
pub const FLT_FILE_NAME_NORMALIZED: FLT_FILE_NAME_OPTIONS = 0x01;
/// Format: as the file was opened.
pub const FLT_FILE_NAME_OPENED: FLT_FILE_NAME_OPTIONS = 0x02;
/// Format: 8.3 name of the last component.
pub const FLT_FILE_NAME_SHORT: FLT_FILE_NAME_OPTIONS = 0x03;
/// Query: the cache, then the file system if that is safe.
pub const FLT_FILE_NAME_QUERY_DEFAULT: FLT_FILE_NAME_OPTIONS = 0x0100;
/// Query: the cache only.
pub const FLT_FILE_NAME_QUERY_CACHE_ONLY: FLT_FILE_NAME_OPTIONS = 0x0200;
/// Query: the file system only; nothing is cached.
pub const FLT_FILE_NAME_QUERY_FILESYSTEM_ONLY: FLT_FILE_NAME_OPTIONS = 0x0300;
/// Query: the cache even where the file system cannot be asked, then the file system if that is safe.
pub const FLT_FILE_NAME_QUERY_ALWAYS_ALLOW_CACHE_LOOKUP: FLT_FILE_NAME_OPTIONS = 0x0400;
/// Flag: do not keep the answer in the cache.
pub const FLT_FILE_NAME_DO_NOT_CACHE: FLT_FILE_NAME_OPTIONS = 0x0200_0000;

/// Which parts of a name have been found.
pub type FLT_FILE_NAME_PARSED_FLAGS = u16;

/// A name with a reference count; not to be changed.
#[repr(C)]
pub struct FLT_FILE_NAME_INFORMATION {
    /// Size of this structure in bytes.
    pub Size: u16,
    /// Which of the parts below are valid.
    pub NamesParsed: FLT_FILE_NAME_PARSED_FLAGS,
    /// Format of the name.
    pub Format: FLT_FILE_NAME_OPTIONS,
    /// The whole name.
    pub Name: UNICODE_STRING,
    /// Its volume.
    pub Volume: UNICODE_STRING,
    /// Its share; empty for local files.
    pub Share: UNICODE_STRING,
    /// Its extension.
    pub Extension: UNICODE_STRING,
    /// Its stream.
    pub Stream: UNICODE_STRING,
    /// Its last component with the stream.
    pub FinalComponent: UNICODE_STRING,
    /// Its directory.
    pub ParentDir: UNICODE_STRING,
}
/// Pointer to [`FLT_FILE_NAME_INFORMATION`].
pub type PFLT_FILE_NAME_INFORMATION = *mut FLT_FILE_NAME_INFORMATION;

/// A name buffer of a name provider.
#[repr(C)]
pub struct FLT_NAME_CONTROL {
    /// The name.
    pub Name: UNICODE_STRING,
}

imports! { NAME_IMPORTS from "fltmgr.sys":
    /// The name of the file of an operation, with a reference for the caller.
    ["XP", Apc]
    fn FltGetFileNameInformation(
        CallbackData: PFLT_CALLBACK_DATA,
        NameOptions: FLT_FILE_NAME_OPTIONS,
        FileNameInformation: *mut PFLT_FILE_NAME_INFORMATION,
    ) -> NTSTATUS;

    /// The name of an open file outside its own operation, with a reference for the caller. The file
    /// system is asked whether that is safe or not: the caller must know that it is.
    ["XP", Apc]
    fn FltGetFileNameInformationUnsafe(
        FileObject: PFILE_OBJECT,
        Instance: PFLT_INSTANCE,
        NameOptions: FLT_FILE_NAME_OPTIONS,
        FileNameInformation: *mut PFLT_FILE_NAME_INFORMATION,
    ) -> NTSTATUS;

    /// Gives a reference back.
    ["XP", Apc]
    fn FltReleaseFileNameInformation(FileNameInformation: PFLT_FILE_NAME_INFORMATION);
}
