//! Access rights, create options, dispositions and attributes, with their documented values
//! (\[MS-SMB2\] 2.2.13 and 2.2.13.1, \[MS-FSCC\] 2.6; the same as in wdm.h).

use super::status::Status;

/// FILE_READ_DATA.
pub const FILE_READ_DATA: u32 = 0x0000_0001;
/// FILE_WRITE_DATA; FILE_ADD_FILE on a directory.
pub const FILE_WRITE_DATA: u32 = 0x0000_0002;
/// FILE_APPEND_DATA; FILE_ADD_SUBDIRECTORY on a directory.
pub const FILE_APPEND_DATA: u32 = 0x0000_0004;
/// FILE_DELETE_CHILD.
pub const FILE_DELETE_CHILD: u32 = 0x0000_0040;
/// FILE_READ_ATTRIBUTES.
pub const FILE_READ_ATTRIBUTES: u32 = 0x0000_0080;
/// FILE_WRITE_ATTRIBUTES.
pub const FILE_WRITE_ATTRIBUTES: u32 = 0x0000_0100;
/// DELETE.
pub const DELETE: u32 = 0x0001_0000;
/// SYNCHRONIZE.
pub const SYNCHRONIZE: u32 = 0x0010_0000;
/// FILE_ALL_ACCESS.
pub const FILE_ALL_ACCESS: u32 = 0x001F_01FF;
/// MAXIMUM_ALLOWED.
pub const MAXIMUM_ALLOWED: u32 = 0x0200_0000;
/// FILE_GENERIC_READ, what GENERIC_READ (0x80000000) stands for.
pub const FILE_GENERIC_READ: u32 = 0x0012_0089;
/// FILE_GENERIC_WRITE, what GENERIC_WRITE (0x40000000) stands for.
pub const FILE_GENERIC_WRITE: u32 = 0x0012_0116;
/// FILE_GENERIC_EXECUTE, what GENERIC_EXECUTE (0x20000000) stands for.
pub const FILE_GENERIC_EXECUTE: u32 = 0x0012_00A0;

/// FILE_DIRECTORY_FILE.
pub const FILE_DIRECTORY_FILE: u32 = 0x0000_0001;
/// FILE_SYNCHRONOUS_IO_ALERT.
pub const FILE_SYNCHRONOUS_IO_ALERT: u32 = 0x0000_0010;
/// FILE_SYNCHRONOUS_IO_NONALERT.
pub const FILE_SYNCHRONOUS_IO_NONALERT: u32 = 0x0000_0020;
/// FILE_NON_DIRECTORY_FILE.
pub const FILE_NON_DIRECTORY_FILE: u32 = 0x0000_0040;
/// FILE_DELETE_ON_CLOSE.
pub const FILE_DELETE_ON_CLOSE: u32 = 0x0000_1000;

/// FILE_ATTRIBUTE_READONLY.
pub const FILE_ATTRIBUTE_READONLY: u32 = 0x0000_0001;
/// FILE_ATTRIBUTE_HIDDEN.
pub const FILE_ATTRIBUTE_HIDDEN: u32 = 0x0000_0002;
/// FILE_ATTRIBUTE_SYSTEM.
pub const FILE_ATTRIBUTE_SYSTEM: u32 = 0x0000_0004;
/// FILE_ATTRIBUTE_DIRECTORY.
pub const FILE_ATTRIBUTE_DIRECTORY: u32 = 0x0000_0010;
/// FILE_ATTRIBUTE_ARCHIVE.
pub const FILE_ATTRIBUTE_ARCHIVE: u32 = 0x0000_0020;
/// FILE_ATTRIBUTE_SPARSE_FILE.
pub const FILE_ATTRIBUTE_SPARSE_FILE: u32 = 0x0000_0200;
/// FILE_ATTRIBUTE_INTEGRITY_STREAM.
pub const FILE_ATTRIBUTE_INTEGRITY_STREAM: u32 = 0x0000_8000;

/// The attributes that a caller can set (\[MS-FSA\] 2.1.5.1.1): read-only, hidden, system, archive,
/// temporary, offline, not content indexed.
pub(super) const SETTABLE_ATTRIBUTES: u32 = 0x0000_3127;

/// What to do about a file that exists, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Replace the file or create it.
    Supersede,
    /// Open the file; it must exist.
    Open,
    /// Create the file; it must not exist.
    Create,
    /// Open the file or create it.
    OpenIf,
    /// Empty the file; it must exist.
    Overwrite,
    /// Empty the file or create it.
    OverwriteIf,
}

impl TryFrom<u32> for Disposition {
    type Error = Status;

    /// From the CreateDisposition of NtCreateFile; STATUS_INVALID_PARAMETER above 5.
    fn try_from(value: u32) -> Result<Self, Status> {
        match value {
            0 => Ok(Self::Supersede),
            1 => Ok(Self::Open),
            2 => Ok(Self::Create),
            3 => Ok(Self::OpenIf),
            4 => Ok(Self::Overwrite),
            5 => Ok(Self::OverwriteIf),
            _ => Err(Status::INVALID_PARAMETER),
        }
    }
}

/// What an open did. The values are those of IO_STATUS_BLOCK.Information after NtCreateFile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum CreateAction {
    /// FILE_SUPERSEDED.
    Superseded = 0,
    /// FILE_OPENED.
    Opened = 1,
    /// FILE_CREATED.
    Created = 2,
    /// FILE_OVERWRITTEN.
    Overwritten = 3,
}

/// What a caller asks of an open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenRequest {
    /// Desired access; generic rights and MAXIMUM_ALLOWED are understood. There are no security
    /// descriptors in this model: what is asked for is granted, unless an attribute forbids it.
    pub access: u32,
    /// What to do about a file that exists, or does not.
    pub disposition: Disposition,
    /// FILE_DIRECTORY_FILE, FILE_NON_DIRECTORY_FILE, FILE_DELETE_ON_CLOSE, FILE_SYNCHRONOUS_IO_ALERT
    /// and _NONALERT, which need SYNCHRONIZE; other bits are hints, and are ignored.
    pub options: u32,
    /// The attributes of a new file.
    pub attributes: u32,
}

impl OpenRequest {
    /// An open of an existing file or directory with these rights.
    #[must_use]
    pub const fn existing(access: u32) -> Self {
        Self {
            access,
            disposition: Disposition::Open,
            options: 0,
            attributes: 0,
        }
    }

    /// The creation of a data file with these rights.
    #[must_use]
    pub const fn create(access: u32) -> Self {
        let disposition = Disposition::Create;
        Self {
            access,
            disposition,
            options: FILE_NON_DIRECTORY_FILE,
            attributes: 0,
        }
    }

    /// The creation of a directory with these rights.
    #[must_use]
    pub const fn create_directory(access: u32) -> Self {
        let disposition = Disposition::Create;
        Self {
            access,
            disposition,
            options: FILE_DIRECTORY_FILE,
            attributes: 0,
        }
    }

    /// The same for synchronous I/O (FILE_SYNCHRONOUS_IO_NONALERT, and the SYNCHRONIZE it needs).
    #[must_use]
    pub const fn synchronous(self) -> Self {
        Self {
            access: self.access | SYNCHRONIZE,
            options: self.options | FILE_SYNCHRONOUS_IO_NONALERT,
            ..self
        }
    }

    /// Whether one of these option bits is set.
    pub(super) const fn has(&self, options: u32) -> bool {
        self.options & options != 0
    }
}

/// Replaces the generic rights by what they stand for (wdm.h's mapping for files).
pub(super) const fn map_generic(access: u32) -> u32 {
    let mut mapped = access & 0x0FFF_FFFF;
    if access & 0x8000_0000 != 0 {
        mapped |= FILE_GENERIC_READ;
    }
    if access & 0x4000_0000 != 0 {
        mapped |= FILE_GENERIC_WRITE;
    }
    if access & 0x2000_0000 != 0 {
        mapped |= FILE_GENERIC_EXECUTE;
    }
    if access & 0x1000_0000 != 0 {
        mapped |= FILE_ALL_ACCESS;
    }
    mapped
}
