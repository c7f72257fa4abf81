//! Where the sources disagree, or name no status: one type for each question.
//!
//! The first value of each type is the default, what Windows Server 2016 and later are documented or
//! observed to do. D is documented, O observed (in other code or in a public test), I inferred.
//!
//! What is taken from Samba is its status. Its order is another than \[MS-FSA\]'s: it looks at the source
//! handle before the numbers and at access and named streams last. Where that matters, the value says which
//! place it has here.
//! `switches.rs` lists all values, and which definite rules of a filter depend on the answer.

use super::status::Status;

/// Up to where the source range may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEnd {
    /// The allocation size (D, \[MS-FSCC\] 2.3.8). Public tools round the tail up to a cluster and rely
    /// on it (O, microsoft/CopyOnWrite and cargo-bins/reflink-copy tests).
    AllocationSize,
    /// The end of file, as \[MS-FSA\] 2.1.5.10.4 words it (D).
    EndOfFile,
    /// What lies behind the allocation size is not cloned, and success; a range that starts there is
    /// STATUS_NOT_SUPPORTED (O, git-lfs says that a tail rounded too far is harmless).
    Capped,
}

/// What becomes of the part of the target range that lies behind the target's end of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetEnd {
    /// Success; what lies behind the cluster of the end of file is dropped and nothing is extended (O,
    /// Samba's smbtorture dup_extents_len_beyond_dest against Windows Server 2016).
    Dropped,
    /// The same, but a range that starts behind the end of file is STATUS_INVALID_PARAMETER (O, Samba,
    /// smb2_ioctl_filesys.c). The place is ours, after the locks; Samba compares the ends before it looks
    /// at zero counts, overlap and sparse.
    StartBehindRefused,
    /// A range that ends behind the cluster of the end of file is refused (D, Win32 page on block
    /// cloning, which names no status).
    Refused(Status),
}

/// What becomes of a count of 4 GiB or more: the Win32 page on block cloning forbids it and names no
/// status; other file systems accept it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HugeCount {
    /// Refused with this status (I: STATUS_INVALID_PARAMETER).
    Refused(Status),
    /// No limit (O, WinBtrfs, Samba).
    Accepted,
}

/// What becomes of a negative source offset or count, and of a source range whose end is no signed
/// 64-bit number: \[MS-FSCC\] 2.3.7.1 wants the values not negative and names no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceRange {
    /// STATUS_INVALID_PARAMETER, together with the alignment (I).
    InvalidParameter,
    /// STATUS_NOT_SUPPORTED, where the end of the source is compared (I: \[MS-FSA\] 2.1.5.10.4 has only
    /// that comparison).
    NotSupported,
}

/// The same for the target offset and the end of the target range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetRange {
    /// STATUS_INVALID_PARAMETER, together with the alignment (I).
    InvalidParameter,
    /// STATUS_NOT_SUPPORTED, where the ends are compared (I).
    NotSupported,
    /// A range far behind the end of file: success with everything dropped, if [`TargetEnd`] drops (I).
    Dropped,
}

/// What becomes of two ranges of one stream that overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Refused: STATUS_NOT_SUPPORTED (D, \[MS-FSCC\] 2.3.8; O, smbtorture
    /// dup_extents_src_is_dest_overlap) or STATUS_INVALID_PARAMETER (O, WinBtrfs).
    Refused(Status),
    /// Cloned cluster by cluster in ascending order (D, the pseudocode of \[MS-FSA\] 2.1.5.10.4 has no
    /// such check).
    Allowed,
}

/// The status for a source handle that the object manager refuses, or whose open is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadHandle {
    /// That of the object manager (D, \[MS-FSA\] 2.1.5.10.4 and notes 90 and 94).
    Passed,
    /// This one: STATUS_INVALID_PARAMETER (D, the table of \[MS-FSCC\] 2.3.8),
    /// STATUS_OBJECT_NAME_NOT_FOUND (O, ksmbd).
    Replaced(Status),
}

/// The status for a source on another volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherVolume {
    /// STATUS_INVALID_PARAMETER, after the source's end (D, \[MS-FSA\] 2.1.5.10.4, \[MS-FSCC\] 2.3.8).
    InvalidParameter,
    /// STATUS_INVALID_HANDLE, before anything else about an open source (O, Samba, which says that Windows
    /// does). That the numbers and the target's kind come before is ours; Samba looks at them later.
    InvalidHandle,
}

/// What becomes of a user-mode source handle without FILE_READ_DATA and FILE_READ_ATTRIBUTES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingAccess {
    /// STATUS_INVALID_PARAMETER (D, \[MS-FSA\] 2.1.5.10.4 and .5, SHOULD).
    InvalidParameter,
    /// STATUS_ACCESS_DENIED (O, WinBtrfs, Samba). The place is ours, that of the first value; Samba looks
    /// at access after overlap and sparse.
    AccessDenied,
    /// It is not looked at (O, OpenZFS on Windows).
    Ignored,
}

/// The status for a request that claims enough input for the structure and has no buffer. No page says
/// what ReFS does; a NULL buffer of length zero is too short like any other (D, \[MS-FSA\] 2.1.5.10.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBuffer {
    /// STATUS_INVALID_PARAMETER (I).
    InvalidParameter,
    /// STATUS_INVALID_USER_BUFFER (O, ms-nfs41-client).
    InvalidUserBuffer,
    /// STATUS_BUFFER_TOO_SMALL (O, WinBtrfs, as for a short one).
    BufferTooSmall,
}

/// Whether the EX code exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExCode {
    /// It does (D, \[MS-FSA\] 2.1.5.10.5; note 93 says since when).
    Known,
    /// STATUS_INVALID_DEVICE_REQUEST, whatever it holds (O, WinBtrfs, ms-nfs41-client); not on ReFS.
    Unknown,
}

/// When a read-only volume is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnlyCheck {
    /// After the structure, before the numbers (D, \[MS-FSA\] 2.1.5.10.4; O, WinBtrfs).
    AfterStructure,
    /// Before the structure and the target's kind (O, OpenZFS on Windows, ms-nfs41-client); not on ReFS.
    First,
}

/// What the offsets and the count must be a multiple of; otherwise STATUS_INVALID_PARAMETER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// The cluster, looked at with the other numbers (D, \[MS-FSA\] 2.1.5.10.4).
    Cluster,
    /// The sector, and nothing if either side is a named stream; looked at when the source is known (O,
    /// WinBtrfs; that the volume's sector may be smaller than its cluster is this model's). Not on ReFS.
    Sector,
    /// Nothing (O, Samba). Not on ReFS.
    Unchecked,
}

/// The status for a Size field of the EX structure that is not its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExSize {
    /// STATUS_NOT_SUPPORTED (D, \[MS-FSA\] 2.1.5.10.5).
    NotSupported,
    /// STATUS_BUFFER_TOO_SMALL (O, OpenZFS on Windows).
    BufferTooSmall,
}

/// When a count of zero is answered with success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeroCount {
    /// After the numbers, before the handle (D, \[MS-FSA\] 2.1.5.10.4, SHOULD).
    AfterNumbers,
    /// Before any other number is looked at (O, WinBtrfs).
    BeforeNumbers,
    /// After the source (O, Samba). That it is before the ends is ours; Samba compares them first.
    AfterSource,
}

/// What a volume that does not clone says to a count of zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeroElsewhere {
    /// STATUS_INVALID_DEVICE_REQUEST (D, \[MS-FSA\] 2.1.5.10.4).
    Refused,
    /// Success (O, a comment in git-lfs).
    Succeeds,
}

/// When a target that is no data stream (a directory, a volume) is refused, always with STATUS_NOT_SUPPORTED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// After the numbers and a count of zero (D, \[MS-FSA\] 2.1.5.10.4).
    AfterNumbers,
    /// After the structure, before the numbers (I).
    BeforeNumbers,
    /// Before the structure (O, OpenZFS on Windows).
    First,
}

/// Whether named streams can be source and target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedStreams {
    /// As any other data stream (D, \[MS-FSA\] 2.1.5.10.4; O, WinBtrfs).
    Cloned,
    /// STATUS_NOT_SUPPORTED (O, Samba). The place is ours: for the target after the numbers, whatever
    /// [`TargetKind`] says of directories, for the source with its kind. Samba looks at it last.
    Refused,
}

/// Whether the byte-range locks of others stop a clone: steps "check for byte range lock conflicts" of
/// \[MS-FSA\] 2.1.5.10.4 and .5, SHOULD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locks {
    /// ReFS does not look (D, notes 91, 92, 95 and 96; O, smbtorture dup_extents_src_lock, _dest_lock).
    Ignored,
    /// STATUS_FILE_LOCK_CONFLICT (O, WinBtrfs). The text of EX names the source's open as the owner for
    /// the target, probably an editing slip: here it is the target's, as in the plain code.
    Checked,
}

/// Whether one side may have checksums and the other not: the Win32 page on block cloning demands that
/// they match and names no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegrityMismatch {
    /// Refused: STATUS_NOT_SUPPORTED (I, as for sparse), STATUS_INVALID_PARAMETER (O, WinBtrfs, for its
    /// checksum flag).
    Refused(Status),
    /// Not compared (O, Samba).
    Allowed,
}

/// What the flag DUPLICATE_EXTENTS_DATA_EX_ASYNC does, which the SDK has and no page describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsyncFlag {
    /// Nothing (D, \[MS-FSCC\] 2.3.9.1: other bits must be ignored).
    Ignored,
    /// A clone that is possible otherwise is refused with this status.
    Refused(Status),
}

/// Whether a clone that changes something needs a free cluster, for its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FullDisk {
    /// No (O, microsoft/CopyOnWrite: clones on a full volume).
    Clones,
    /// Yes: STATUS_DISK_FULL (D, \[MS-FSCC\] 2.3.8 lists the status).
    Refused,
}

/// When a reference counts against the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accounting {
    /// When [`FileSystem::settle`](super::FileSystem::settle) is called: until then more clones succeed
    /// than the limit allows, and dropped ones do not help (O, microsoft/CopyOnWrite tests, which wait).
    Lazy,
    /// At once.
    Exact,
}

/// How requests of 32-bit callers are read. No source says what ReFS does; the WDK page "Supporting
/// 32-Bit I/O in Your 64-Bit Driver" makes the conversion the driver's duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers32 {
    /// By the 32-bit layouts; the Size field must be 0x28 (I, the SDK's DUPLICATE_EXTENTS_DATA_EX32).
    Converted,
    /// The same, and a Size of 0x30 is accepted too, because \[MS-FSA\] knows only that value (I).
    ConvertedAnySize,
    /// By the 64-bit layouts, as file systems do that forgot the conversion (O, WinBtrfs, OpenZFS).
    Ignored,
}
