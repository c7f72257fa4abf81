//! The files of a clone: the one that the claim names as its source, and the target.

use flt::file::FileInformation;
use flt::fsctl::FsControl;
use flt::irql::Passive;
use flt::object::{FileObject, Resolved};
use flt::place::Place;
use flt::recheck::Kept;
use flt::status::NtStatus;
use guard::{Claim, Fact, FileFacts, FileKind, SourceState, StructuralFinding};

use crate::CloneGuard;
use crate::names::Named;

type Request<'op> = FsControl<'op, CloneGuard>;
/// The number of a file on its volume.
pub(crate) type FileId = [u8; 16];
/// The unique id of a volume.
pub(crate) type VolumeGuid = [u8; 16];

/// `FILE_ATTRIBUTE_DIRECTORY` (MS-FSCC 2.6).
const ATTRIBUTE_DIRECTORY: u32 = 0x10;

/// The file that the claim names as its source.
///
/// The file system resolves the handle again for itself, and a caller may close and reuse it in
/// between: this is what was seen here, not a promise of what is cloned.
pub(crate) struct Source {
    pub(crate) state: SourceState,
    pub(crate) name: Named,
    /// What the file system says of it, if it lies on the target's volume.
    pub(crate) facts: Fact<FileFacts>,
    /// Its number on its volume.
    pub(crate) id: Fact<FileId>,
    /// The unique id of its volume.
    pub(crate) volume: Fact<VolumeGuid>,
    /// Whether it is the target's own stream, if that is known.
    pub(crate) is_target: Option<bool>,
    file: Option<(FileObject, u64)>,
}

impl Source {
    /// Resolves the claimed handle once, in the requestor's own context and mode only.
    pub(crate) fn find(
        request: &Request<'_>,
        claim: &Result<Claim, StructuralFinding>,
        passive: Option<Passive>,
    ) -> Self {
        let (Ok(claim), Some(passive)) = (claim, passive) else {
            return Self::without(SourceState::NotInspected(0), 0);
        };
        let Some(requestor) = request.in_requestor() else {
            return Self::without(SourceState::NotInContext, 0);
        };
        let handle = claim.handle.value();
        match FileObject::resolve(handle, &requestor, passive) {
            Ok(source) => Self::locate(request, source, handle, passive),
            Err(status) => Self::without(SourceState::HandleRefused(status.bits()), status.bits()),
        }
    }

    fn locate(request: &Request<'_>, source: Resolved, handle: u64, passive: Passive) -> Self {
        let Resolved { file, granted } = source;
        let found = match request.locate(&file) {
            Ok(place) => Self {
                name: Named::of(|form| place.name(form)),
                id: ask_id(&file, || place.file_id(passive)),
                ..Self::there(request, &place, (&file, granted), passive)
            },
            // The filter manager knows no volume for it: a pipe, a device.
            Err(NtStatus::INVALID_PARAMETER) => {
                let reason = NtStatus::INVALID_PARAMETER.bits();
                Self::without(SourceState::Foreign(granted), reason)
            }
            // Where it lies was not found out, so nothing is said of it.
            Err(status) => {
                let reason = status.bits();
                Self::without(SourceState::NotInspected(reason), reason)
            }
        };
        Self {
            file: Some((file, handle)),
            ..found
        }
    }

    /// What there is to say of a file on a volume.
    fn there(
        request: &Request<'_>,
        place: &Place<'_>,
        (file, granted): (&FileObject, u32),
        passive: Passive,
    ) -> Self {
        if !place.is_same_volume() {
            return Self {
                volume: fact(place.volume_guid(passive)),
                ..Self::without(SourceState::OtherVolume(granted), 0)
            };
        }
        Self {
            facts: ask(file, || place.information(passive)),
            is_target: Some(request.target().is_same_stream(file)),
            ..Self::without(SourceState::SameVolume(granted), 0)
        }
    }

    const fn without(state: SourceState, reason: u32) -> Self {
        Self {
            state,
            name: Named::absent(reason),
            facts: Fact::NotAsked,
            id: Fact::NotAsked,
            volume: Fact::NotAsked,
            is_target: None,
            file: None,
        }
    }

    /// Keeps the file for a second look; `None` if the handle named none.
    pub(crate) fn keep(self) -> Option<Result<Kept, NtStatus>> {
        let (file, handle) = self.file?;
        Some(Kept::try_new(file, handle))
    }
}

/// What the file system says of the target.
pub(crate) fn target_facts(request: &Request<'_>, passive: Option<Passive>) -> Fact<FileFacts> {
    let target = request.target();
    let Some(passive) = passive else {
        return Fact::NotAsked;
    };
    ask(&target, || request.target_information(passive))
}

/// The number of the target on its volume.
pub(crate) fn target_id(request: &Request<'_>, passive: Option<Passive>) -> Fact<FileId> {
    passive.map_or(Fact::NotAsked, |passive| {
        ask_id(&request.target(), || request.target_id(passive))
    })
}

/// The number of a file on its volume; a volume has none.
fn ask_id(file: &FileObject, query: impl FnOnce() -> Result<FileId, NtStatus>) -> Fact<FileId> {
    if file.is_volume_open() {
        Fact::NotAsked
    } else {
        fact(query())
    }
}

/// An answer, or why there is none.
fn fact<T>(answer: Result<T, NtStatus>) -> Fact<T> {
    match answer {
        Ok(value) => Fact::Known(value),
        Err(status) => Fact::Refused(status.bits()),
    }
}

/// What is known of a file; the file system is asked unless the file is a volume.
fn ask(
    file: &FileObject,
    query: impl FnOnce() -> Result<FileInformation, NtStatus>,
) -> Fact<FileFacts> {
    if file.is_volume_open() {
        return Fact::Known(FileFacts::VOLUME);
    }
    fact(query().map(|information| facts(&information)))
}

const fn facts(information: &FileInformation) -> FileFacts {
    if information.attributes & ATTRIBUTE_DIRECTORY != 0 {
        return FileFacts {
            kind: FileKind::Directory,
            attributes: information.attributes,
            end_of_file: 0,
            allocation_size: 0,
        };
    }
    FileFacts {
        kind: FileKind::Data,
        attributes: information.attributes,
        end_of_file: information.end_of_file,
        allocation_size: information.allocation_size,
    }
}
