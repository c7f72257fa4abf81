//! The parts that several kinds of records have: process, users, volume, files, names.
//!
//! These are the fields as they lie in memory; `facts.rs` gives them to readers in native form.

use zerocopy::little_endian::{I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The largest security identifier (`SECURITY_MAX_SID_SIZE`): 8 bytes and 15 sub-authorities.
pub const SID_SIZE_MAX: usize = 68;

/// Bytes of a file id (`FILE_ID_128`).
pub const FILE_ID_SIZE: usize = 16;

/// Bytes of a GUID.
pub const GUID_SIZE: usize = 16;

/// How many users a record tells of: effective, primary.
pub const USERS: usize = 2;

/// How many files a record tells of: source, target.
pub const FILES: usize = 2;

/// Who asked: the process, its parent, and what its token says.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct ProcessHead {
    /// Process of the requestor; 0 if unknown.
    pub process_id: U32,
    /// Thread of the requestor; 0 if unknown.
    pub thread_id: U32,
    /// A number of the process that is never used again within a boot; 0 if unknown.
    pub start_key: U64,
    /// When the process was made: FILETIME; 0 if unknown.
    pub create_time: U64,
    /// Parent of the process; zero unless `parent_known`.
    pub parent_id: U32,
    /// Terminal-services session; zero unless `session_known`.
    pub session_id: U32,
    /// `start_key` of the parent; 0 if unknown.
    pub parent_start_key: U64,
    /// Logon session of the effective token (`AuthenticationId`); zero unless `logon_known`.
    pub logon_id: U64,
    /// Integrity level of the effective token, its last sub-authority (MS-DTYP 2.4.2.4, S-1-16-x); zero
    /// unless `integrity_known`.
    pub integrity_level: U32,
    /// NTSTATUS: why something of the token is not known; zero if all is, or if nobody could ask.
    pub token_reason: U32,
    /// [`crate::Ternary`]: whether the effective token is elevated.
    pub elevated: u8,
    /// [`crate::Ternary`]: whether the thread acts for another user than its process does.
    pub impersonating: u8,
    /// 1 if `parent_id` is known, else 0.
    pub parent_known: u8,
    /// 1 if `session_id` is known, else 0.
    pub session_known: u8,
    /// 1 if `logon_id` is known, else 0.
    pub logon_known: u8,
    /// 1 if `integrity_level` is known, else 0.
    pub integrity_known: u8,
    /// Zero.
    pub reserved: [u8; 2],
}

/// A user.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct UserHead {
    /// Bytes of `sid` in use; 0 if the user is unknown.
    pub size: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// NTSTATUS: why the user is not known; zero if it is, or if nobody could ask.
    pub reason: U32,
    /// Binary SID (MS-DTYP 2.4.2.2), then zeros.
    pub sid: [u8; SID_SIZE_MAX],
}

/// A volume, as the driver knows it.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct VolumeHead {
    /// `FLT_FILESYSTEM_TYPE`, as the filter manager gave it.
    pub file_system: U32,
    /// Cluster size in bytes; 0 if unknown.
    pub cluster_size: U32,
    /// NTSTATUS: why `cluster_size` is not known.
    pub cluster_reason: U32,
    /// `FLT_INSTANCE_SETUP_FLAGS`, as the filter manager gave them.
    pub setup_flags: U32,
    /// `FileSystemAttributes` (MS-FSCC 2.5.1); zero unless `state` is known.
    pub attributes: U32,
    /// NTSTATUS: why they are not known; zero if nobody asked.
    pub attributes_reason: U32,
    /// [`crate::FactState`] of `attributes`.
    pub state: u8,
    /// 1 if `guid` is known; 0 if not, and then it is zero.
    pub guid_known: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// NTSTATUS: why `guid` is not known.
    pub guid_reason: U32,
    /// GUID of the volume, in the order of its fields in memory on Windows.
    pub guid: [u8; GUID_SIZE],
}

/// The volume of a source file, which may be another one.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct SourceVolumeHead {
    /// 1 if `guid` is known; 0 if not, and then it is zero.
    pub guid_known: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// NTSTATUS: why `guid` is not known; zero if it is, or if there was nothing to ask about.
    pub reason: U32,
    /// GUID of the volume, in the order of its fields in memory on Windows.
    pub guid: [u8; GUID_SIZE],
}

/// What the file system said of one file when the request was judged.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct FileHead {
    /// [`crate::FactState`]; unless it is known, `kind`, `attributes` and the sizes are zero.
    pub state: u8,
    /// [`crate::FileKind`].
    pub kind: u8,
    /// [`crate::FactState`] of `id`.
    pub id_state: u8,
    /// Zero.
    pub reserved: u8,
    /// NTSTATUS: why it is not known; zero if nobody asked.
    pub reason: U32,
    /// `FILE_ATTRIBUTE_*`.
    pub attributes: U32,
    /// NTSTATUS: why `id` is not known; zero if nobody asked.
    pub id_reason: U32,
    /// Bytes in the stream.
    pub end_of_file: I64,
    /// Bytes of its clusters, holes included.
    pub allocation_size: I64,
    /// Id of the file, as the file system gave it; zero unless `id_state` is known.
    pub id: [u8; FILE_ID_SIZE],
}

/// Lengths and origin of one name.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct NameHead {
    /// Bytes of the name in this record; even.
    pub stored_bytes: U16,
    /// Bytes of the whole name; larger than `stored_bytes` if it was cut.
    pub full_bytes: U16,
    /// [`crate::NameState`].
    pub state: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// NTSTATUS: why there is no name, or why not the normalised one. Zero if neither.
    pub reason: U32,
}
