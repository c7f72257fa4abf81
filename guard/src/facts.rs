//! What the driver found out about a request, beside the request itself.
//!
//! Each fact may be unknown, with the reason, and an unknown fact never makes a rule fire. What is
//! known was true when it was asked: a caller may change it before the file system looks.

use crate::{ClusterSize, RequestorMode};
use wire::{FactState, FileKind};

/// `FILE_READ_DATA` and `FILE_READ_ATTRIBUTES`, what a source handle must grant (MS-FSA 2.1.5.10.4).
const SOURCE_RIGHTS: u32 = 0x0000_0081;
/// `FILE_ATTRIBUTE_SPARSE_FILE` (MS-FSCC 2.6).
const ATTRIBUTE_SPARSE: u32 = 0x0000_0200;
/// `FILE_ATTRIBUTE_INTEGRITY_STREAM` (MS-FSCC 2.6).
const ATTRIBUTE_INTEGRITY: u32 = 0x0000_8000;
/// `FILE_SUPPORTS_BLOCK_REFCOUNTING` (MS-FSCC 2.5.1).
const VOLUME_CLONES: u32 = 0x0800_0000;
/// `FILE_READ_ONLY_VOLUME` (MS-FSCC 2.5.1).
const VOLUME_READ_ONLY: u32 = 0x0008_0000;
/// `STATUS_OBJECT_TYPE_MISMATCH` (MS-ERREF 2.3.1).
const TYPE_MISMATCH: u32 = 0xC000_0024;

/// An answer of the file system, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// It answered.
    Known(T),
    /// It did not, with this NTSTATUS.
    Refused(u32),
    /// Nobody asked: there was nothing to ask about, or asking was not safe.
    NotAsked,
}

impl<T: Copy> Fact<T> {
    /// The answer, if there is one.
    #[must_use]
    pub const fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Refused(_) | Self::NotAsked => None,
        }
    }

    /// The value for the wire, and the reason beside it.
    pub(crate) const fn to_wire(self) -> (FactState, u32) {
        match self {
            Self::Known(_) => (FactState::Known, 0),
            Self::Refused(status) => (FactState::Refused, status),
            Self::NotAsked => (FactState::NotAsked, 0),
        }
    }
}

/// What became of the handle that the caller named as source.
///
/// It is resolved once, in the requestor's own context, with the requestor's mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// It resolved to a file object on the target's volume, with these rights.
    SameVolume(u32),
    /// It resolved to a file object on another volume, with these rights.
    OtherVolume(u32),
    /// It resolved to a file object of no file system, a pipe or a device, with these rights.
    Foreign(u32),
    /// The object manager refused it with this NTSTATUS.
    HandleRefused(u32),
    /// The callback does not run in the requestor's process, so the value means nothing here.
    NotInContext,
    /// It was not looked at: there was no claim to read or the level forbade it, then the reason is zero;
    /// or a look-up failed with this NTSTATUS.
    NotInspected(u32),
}

impl SourceState {
    /// The value for the wire.
    #[must_use]
    pub const fn to_wire(self) -> wire::SourceState {
        match self {
            Self::SameVolume(_) => wire::SourceState::SameVolume,
            Self::OtherVolume(_) => wire::SourceState::OtherVolume,
            Self::Foreign(_) => wire::SourceState::Foreign,
            Self::HandleRefused(_) => wire::SourceState::HandleRefused,
            Self::NotInContext => wire::SourceState::NotInContext,
            Self::NotInspected(_) => wire::SourceState::NotInspected,
        }
    }

    /// The NTSTATUS of a refused handle; zero in every other state.
    #[must_use]
    pub const fn status(self) -> u32 {
        match self {
            Self::HandleRefused(status) => status,
            Self::SameVolume(_)
            | Self::OtherVolume(_)
            | Self::Foreign(_)
            | Self::NotInContext
            | Self::NotInspected(_) => 0,
        }
    }

    /// Why it was not looked at; zero in every other state, and if nobody could ask.
    pub(crate) const fn reason(self) -> u32 {
        match self {
            Self::NotInspected(reason) => reason,
            Self::SameVolume(_)
            | Self::OtherVolume(_)
            | Self::Foreign(_)
            | Self::HandleRefused(_)
            | Self::NotInContext => 0,
        }
    }

    /// The rights of the handle; `None` if it was not resolved.
    #[must_use]
    pub const fn granted(self) -> Option<u32> {
        match self {
            Self::SameVolume(rights) | Self::OtherVolume(rights) | Self::Foreign(rights) => {
                Some(rights)
            }
            Self::HandleRefused(_) | Self::NotInContext | Self::NotInspected(_) => None,
        }
    }

    /// Whether the object manager found an object of another type.
    pub(crate) const fn is_no_file(self) -> bool {
        matches!(self, Self::HandleRefused(TYPE_MISMATCH))
    }
}

/// What the file system says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// What was opened.
    pub kind: FileKind,
    /// `FILE_ATTRIBUTE_*`; zero for a volume.
    pub attributes: u32,
    /// Bytes in the stream; zero unless it is one.
    pub end_of_file: i64,
    /// Bytes of its clusters, holes included; zero unless it is a stream.
    pub allocation_size: i64,
}

impl FileFacts {
    /// A volume that was opened as a whole.
    pub const VOLUME: Self = Self {
        kind: FileKind::Volume,
        attributes: 0,
        end_of_file: 0,
        allocation_size: 0,
    };

    /// Whether it is a data stream that may have holes.
    pub(crate) const fn is_sparse(&self) -> bool {
        self.attributes & ATTRIBUTE_SPARSE != 0
    }

    /// Whether the file system keeps checksums of its data.
    pub(crate) const fn has_integrity(&self) -> bool {
        self.attributes & ATTRIBUTE_INTEGRITY != 0
    }
}

/// `FileSystemAttributes` of a volume (MS-FSCC 2.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeAttributes(pub u32);

impl VolumeAttributes {
    /// Whether the volume announces that it clones blocks.
    pub(crate) const fn clones(self) -> bool {
        self.0 & VOLUME_CLONES != 0
    }

    /// Whether it clones and takes writes, so that a request gets as far as its numbers.
    pub(crate) const fn clones_and_writes(self) -> bool {
        self.clones() && self.0 & VOLUME_READ_ONLY == 0
    }
}

/// The facts that rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Who asks.
    pub mode: RequestorMode,
    /// Whether the filter manager calls the file system of the target ReFS. What the definite rules rest on
    /// describes no other (MS-FSA notes 89 and 93).
    pub is_refs: bool,
    /// Cluster size of the target's volume, if known.
    pub cluster_size: Option<ClusterSize>,
    /// What the target's volume says now. Asked only when a definite rule depends on it.
    pub volume: Fact<VolumeAttributes>,
    /// What became of the source handle.
    pub source: SourceState,
    /// The source, if it lies on the target's volume.
    pub source_file: Fact<FileFacts>,
    /// The target.
    pub target_file: Fact<FileFacts>,
    /// Whether both are one stream, if known.
    pub same_stream: Option<bool>,
}

impl Facts {
    /// The facts when nothing could be looked at.
    #[must_use]
    pub const fn unknown(mode: RequestorMode) -> Self {
        Self {
            mode,
            is_refs: false,
            cluster_size: None,
            volume: Fact::NotAsked,
            source: SourceState::NotInspected(0),
            source_file: Fact::NotAsked,
            target_file: Fact::NotAsked,
            same_stream: None,
        }
    }

    /// Both files, if both are known to be data streams on the target's volume.
    pub(crate) fn streams(&self) -> Option<(FileFacts, FileFacts)> {
        let data = |file: &FileFacts| file.kind == FileKind::Data;
        let source = self.source_file.known().filter(data)?;
        let target = self.target_file.known().filter(data)?;
        Some((source, target))
    }

    /// Whether a user-mode caller's source handle is known to lack a right that it needs.
    pub(crate) fn lacks_source_rights(&self) -> bool {
        let missing = |rights: u32| rights & SOURCE_RIGHTS != SOURCE_RIGHTS;
        self.mode == RequestorMode::User && self.source.granted().is_some_and(missing)
    }
}
