//! The files of a clone: the one that the claim names as its source, and the target.

use flt::file::FileInformation;
use flt::fsctl::FsControl;
use flt::object::{FileObject, Resolved};
use flt::place::Place;
use flt::recheck::Kept;
use flt::reentry::Asking;
use flt::status::NtStatus;
use guard::{
    Claim, Fact, FileFacts, FileKind, SourceState, StructuralFinding, VolumeFacts, VolumeGuid,
};

use crate::CloneGuard;
use crate::names::Named;

type Request<'op> = FsControl<'op, CloneGuard>;
/// The number of a file on its volume.
type FileId = u128;

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
    /// The unique id of its volume, if that is another one than the target's.
    volume: Fact<VolumeGuid>,
    /// Whether it is the target's own stream, if that is known.
    pub(crate) is_target: Option<bool>,
    file: Option<(FileObject, u64)>,
}

impl Source {
    /// Resolves the claimed handle once, in the requestor's own context and mode only.
    pub(crate) fn find(
        request: &Request<'_>,
        claim: &Result<Claim, StructuralFinding>,
        asking: Option<Asking>,
    ) -> Self {
        let (Ok(claim), Some(asking)) = (claim, asking) else {
            return Self::without(SourceState::NotInspected(0), 0);
        };
        let Some(requestor) = request.in_requestor() else {
            return Self::without(SourceState::NotInContext, 0);
        };
        let handle = claim.handle.value();
        match FileObject::resolve(handle, &requestor, asking.passive()) {
            Ok(source) => Self::locate(request, source, handle, asking),
            Err(status) => Self::without(SourceState::HandleRefused(status.bits()), status.bits()),
        }
    }

    fn locate(request: &Request<'_>, source: Resolved, handle: u64, asking: Asking) -> Self {
        let Resolved { file, granted } = source;
        let mut found = match request.locate(&file) {
            Ok(place) => Self::there(request, &place, (&file, granted), asking),
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
        found.file = Some((file, handle));
        found
    }

    /// What there is to say of a file on a volume.
    fn there(
        request: &Request<'_>,
        place: &Place<'_>,
        (file, granted): (&FileObject, u32),
        asking: Asking,
    ) -> Self {
        let is_beside = place.is_same_volume();
        let state = if is_beside {
            SourceState::SameVolume(granted)
        } else {
            SourceState::OtherVolume(granted)
        };
        let mut found = Self::without(state, 0);
        found.name = Named::of(|form| place.name(form));
        found.id = ask_id(file, || place.file_id(asking));
        if is_beside {
            found.facts = ask(file, || place.information(asking));
            found.is_target = Some(request.target().is_same_stream(file));
        } else {
            found.volume = fact(place.volume_guid(asking).map(VolumeGuid));
        }
        found
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

    /// The unique id of its volume, which is mostly that of the target.
    pub(crate) const fn volume_beside(&self, target: &VolumeFacts) -> Fact<VolumeGuid> {
        match (self.state, target.guid) {
            (SourceState::SameVolume(_), Some(guid)) => Fact::Known(guid),
            (SourceState::SameVolume(_), None) => Fact::Refused(target.guid_reason),
            _ => self.volume,
        }
    }

    /// Keeps the file for a second look; `None` if the handle named none.
    pub(crate) fn keep(&mut self) -> Option<Result<Kept, NtStatus>> {
        let (file, handle) = self.file.take()?;
        Some(Kept::try_new(file, handle))
    }
}

/// What the file system says of the target.
pub(crate) fn target_facts(request: &Request<'_>, asking: Option<Asking>) -> Fact<FileFacts> {
    let target = request.target();
    let Some(asking) = asking else {
        return Fact::NotAsked;
    };
    ask(&target, || request.target_information(asking))
}

/// The number of the target on its volume.
pub(crate) fn target_id(request: &Request<'_>, asking: Option<Asking>) -> Fact<FileId> {
    asking.map_or(Fact::NotAsked, |asking| {
        ask_id(&request.target(), || request.target_id(asking))
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
