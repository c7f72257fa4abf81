//! What a record says of process, users, volumes and files, in native form.
//!
//! The heads of `part.rs` give it; what is not known is `None` here, with the reason beside it.

use crate::part::{FILE_ID_SIZE, GUID_SIZE};
use crate::{
    FactState, FileHead, FileKind, ProcessHead, Request, SourceState, SourceVolumeHead, Summary,
    Ternary, UserHead, VolumeHead,
};

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Process; 0 if unknown.
    pub process_id: u32,
    /// Thread; 0 if unknown.
    pub thread_id: u32,
    /// A number of the process that is never used again within a boot.
    pub start_key: Option<u64>,
    /// When the process was made: FILETIME.
    pub create_time: Option<u64>,
    /// Parent of the process.
    pub parent_id: Option<u32>,
    /// `start_key` of the parent.
    pub parent_start_key: Option<u64>,
    /// Terminal-services session.
    pub session_id: Option<u32>,
    /// Logon session of the effective token.
    pub logon_id: Option<u64>,
    /// Integrity level of the effective token.
    pub integrity_level: Option<u32>,
    /// NTSTATUS: why something of the token is not known; 0 if all is, or if nobody could ask.
    pub token_reason: u32,
    /// Whether the effective token is elevated.
    pub elevated: Ternary,
    /// Whether the thread acts for another user than its process does.
    pub impersonating: Ternary,
}

/// A user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User<'a> {
    /// Binary SID: revision, count, authority and that many sub-authorities.
    pub sid: Option<&'a [u8]>,
    /// NTSTATUS: why it is not known; 0 if it is, or if nobody could ask.
    pub reason: u32,
}

/// A volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume {
    /// `FLT_FILESYSTEM_TYPE`.
    pub file_system: u32,
    /// `FLT_INSTANCE_SETUP_FLAGS`.
    pub setup_flags: u32,
    /// Cluster size in bytes.
    pub cluster_size: Option<u32>,
    /// NTSTATUS: why it is not known.
    pub cluster_reason: u32,
    /// Whether it was asked for its attributes, and answered.
    pub state: FactState,
    /// `FileSystemAttributes`.
    pub attributes: Option<u32>,
    /// NTSTATUS: why they are not known; 0 if nobody asked.
    pub attributes_reason: u32,
    /// GUID, in the order of its fields in memory on Windows.
    pub guid: Option<[u8; GUID_SIZE]>,
    /// NTSTATUS: why it is not known.
    pub guid_reason: u32,
}

/// The volume of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceVolume {
    /// GUID, in the order of its fields in memory on Windows.
    pub guid: Option<[u8; GUID_SIZE]>,
    /// NTSTATUS: why it is not known; 0 if it is, or if there was nothing to ask about.
    pub reason: u32,
}

/// What the file system said of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// Whether it was asked, and answered. Otherwise kind, attributes and sizes are zero.
    pub state: FactState,
    /// NTSTATUS: why it is not known; 0 if nobody asked.
    pub reason: u32,
    /// What was opened.
    pub kind: FileKind,
    /// `FILE_ATTRIBUTE_*`.
    pub attributes: u32,
    /// Bytes in the stream.
    pub end_of_file: i64,
    /// Bytes of its clusters, holes included.
    pub allocation_size: i64,
    /// Whether it was asked for the id, and answered.
    pub id_state: FactState,
    /// Id of the file, as the file system gave it.
    pub id: Option<[u8; FILE_ID_SIZE]>,
    /// NTSTATUS: why it is not known; 0 if nobody asked.
    pub id_reason: u32,
}

impl ProcessHead {
    /// The native form.
    #[must_use]
    pub fn read(&self) -> Process {
        let flagged = |flag: u8| flag == 1;
        Process {
            process_id: self.process_id.get(),
            thread_id: self.thread_id.get(),
            start_key: nonzero(self.start_key.get()),
            create_time: nonzero(self.create_time.get()),
            parent_id: flagged(self.parent_known).then(|| self.parent_id.get()),
            parent_start_key: nonzero(self.parent_start_key.get()),
            session_id: flagged(self.session_known).then(|| self.session_id.get()),
            logon_id: flagged(self.logon_known).then(|| self.logon_id.get()),
            integrity_level: flagged(self.integrity_known).then(|| self.integrity_level.get()),
            token_reason: self.token_reason.get(),
            elevated: Ternary::from_raw(self.elevated),
            impersonating: Ternary::from_raw(self.impersonating),
        }
    }
}

impl UserHead {
    /// The native form.
    #[must_use]
    pub fn read(&self) -> User<'_> {
        User {
            sid: self
                .sid
                .get(..usize::from(self.size))
                .filter(|sid| !sid.is_empty()),
            reason: self.reason.get(),
        }
    }
}

impl VolumeHead {
    /// The native form.
    #[must_use]
    pub fn read(&self) -> Volume {
        let state = FactState::from_raw(self.state);
        Volume {
            file_system: self.file_system.get(),
            setup_flags: self.setup_flags.get(),
            cluster_size: Some(self.cluster_size.get()).filter(|size| *size != 0),
            cluster_reason: self.cluster_reason.get(),
            state,
            attributes: (state == FactState::Known).then(|| self.attributes.get()),
            attributes_reason: self.attributes_reason.get(),
            guid: (self.guid_known == 1).then_some(self.guid),
            guid_reason: self.guid_reason.get(),
        }
    }
}

impl SourceVolumeHead {
    /// The native form.
    #[must_use]
    pub fn read(&self) -> SourceVolume {
        SourceVolume {
            guid: (self.guid_known == 1).then_some(self.guid),
            reason: self.reason.get(),
        }
    }
}

impl FileHead {
    /// The native form.
    #[must_use]
    pub fn read(&self) -> File {
        let id_state = FactState::from_raw(self.id_state);
        File {
            state: FactState::from_raw(self.state),
            reason: self.reason.get(),
            kind: FileKind::from_raw(self.kind),
            attributes: self.attributes.get(),
            end_of_file: self.end_of_file.get(),
            allocation_size: self.allocation_size.get(),
            id_state,
            id: (id_state == FactState::Known).then_some(self.id),
            id_reason: self.id_reason.get(),
        }
    }
}

impl<'a> Request<'a> {
    /// Who asked.
    #[must_use]
    pub fn process(&self) -> Process {
        self.body().process.read()
    }

    /// For whom the thread acted.
    #[must_use]
    pub fn effective_user(&self) -> User<'a> {
        let [effective, _] = &self.body().users;
        effective.read()
    }

    /// To whom the process belongs.
    #[must_use]
    pub fn primary_user(&self) -> User<'a> {
        let [_, primary] = &self.body().users;
        primary.read()
    }

    /// The volume of the target.
    #[must_use]
    pub fn volume(&self) -> Volume {
        self.body().volume.read()
    }

    /// The volume of the source.
    #[must_use]
    pub fn source_volume(&self) -> SourceVolume {
        self.body().source_volume.read()
    }

    /// What the file system said of the source.
    #[must_use]
    pub fn source_file(&self) -> File {
        let [source, _] = &self.body().files;
        source.read()
    }

    /// What the file system said of the target.
    #[must_use]
    pub fn target_file(&self) -> File {
        let [_, target] = &self.body().files;
        target.read()
    }

    /// Whether source and target are one stream.
    #[must_use]
    pub const fn same_stream(&self) -> Ternary {
        Ternary::from_raw(self.body().same_stream)
    }

    /// Rights of the source handle; `None` if it was not resolved.
    #[must_use]
    pub const fn granted_access(&self) -> Option<u32> {
        match self.source_state() {
            SourceState::SameVolume | SourceState::OtherVolume | SourceState::Foreign => {
                Some(self.body().granted_access.get())
            }
            SourceState::HandleRefused
            | SourceState::NotInContext
            | SourceState::NotInspected
            | SourceState::Unknown(_) => None,
        }
    }

    /// NTSTATUS with which the object manager refused the source handle, if it did.
    #[must_use]
    pub fn source_status(&self) -> Option<u32> {
        (self.source_state() == SourceState::HandleRefused).then(|| self.body().source_status.get())
    }

    /// NTSTATUS: why the source was not looked at; 0 if it was, or if nobody could ask.
    #[must_use]
    pub const fn source_reason(&self) -> u32 {
        self.body().source_reason.get()
    }
}

impl<'a> Summary<'a> {
    /// Who asked.
    #[must_use]
    pub fn process(&self) -> Process {
        self.body().process.read()
    }

    /// For whom the thread acted.
    #[must_use]
    pub fn effective_user(&self) -> User<'a> {
        let [effective, _] = &self.body().users;
        effective.read()
    }

    /// To whom the process belongs.
    #[must_use]
    pub fn primary_user(&self) -> User<'a> {
        let [_, primary] = &self.body().users;
        primary.read()
    }

    /// The volume of the targets.
    #[must_use]
    pub fn volume(&self) -> Volume {
        self.body().volume.read()
    }
}

/// The number, unless it is zero.
const fn nonzero(number: u64) -> Option<u64> {
    match number {
        0 => None,
        number => Some(number),
    }
}
