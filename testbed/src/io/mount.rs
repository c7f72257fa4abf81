//! Mounted volumes: a file system with a device name, a GUID and the instances attached to it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use super::lock;
use crate::fltmgr;
use crate::machine::Machine;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::volume::{FileSystem, FsKind, FsSpec};

/// Names a mounted volume to the harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VolumeId(pub u32);

/// Why a volume cannot be mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountError(String);

impl fmt::Display for MountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the volume cannot be mounted: {}", self.0)
    }
}

impl std::error::Error for MountError {}

/// How the file system of a volume numbers its files (`FileIdInformation`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileIds {
    /// Each has 128 bits of its own.
    #[default]
    Numbered,
    /// All have zero: what the page of FILE_ID_INFORMATION tells file systems without such ids to answer.
    Zero,
    /// The class is answered with STATUS_INVALID_INFO_CLASS (\[MS-FSCC\] 2.4).
    Unknown,
}

/// A volume to mount.
#[derive(Clone, Debug)]
pub struct VolumeSpec {
    file_system: FsSpec,
    name: Option<String>,
    guid: Option<String>,
    trusted: bool,
    admits_filters: bool,
    tells_names: bool,
    file_ids: FileIds,
}

impl VolumeSpec {
    /// A volume that clones, with clusters of this size in bytes.
    #[must_use]
    pub fn refs(cluster_size: u32) -> Self {
        Self::with(FsSpec::refs(cluster_size))
    }

    /// A volume that does not clone.
    #[must_use]
    pub fn ntfs(cluster_size: u32) -> Self {
        Self::with(FsSpec::ntfs(cluster_size))
    }

    /// A volume that clones, of a file system that the filter manager does not know.
    #[must_use]
    pub fn third_party(cluster_size: u32) -> Self {
        Self::with(FsSpec::third_party(cluster_size))
    }

    /// A volume with this file system.
    #[must_use]
    pub fn with(file_system: FsSpec) -> Self {
        Self {
            file_system,
            name: None,
            guid: None,
            trusted: false,
            admits_filters: true,
            tells_names: true,
            file_ids: FileIds::default(),
        }
    }

    /// The device name; otherwise `\Device\HarddiskVolume` and a number.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..self
        }
    }

    /// The GUID in its text form, without braces; otherwise one is made from the number.
    #[must_use]
    pub fn guid(self, guid: impl Into<String>) -> Self {
        Self {
            guid: Some(guid.into()),
            ..self
        }
    }

    /// Mounts it read-only.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.file_system.read_only = true;
        self
    }

    /// Makes it a Dev Drive.
    #[must_use]
    pub fn dev_drive(mut self) -> Self {
        self.file_system.dev_drive = true;
        self
    }

    /// Makes it a Dev Drive whose policy admits no filter: the filter manager does not show the volume to any
    /// ("fsutil devdrv", `setFiltersAllowed`).
    #[must_use]
    pub fn without_filters(self) -> Self {
        Self {
            admits_filters: false,
            ..self.dev_drive()
        }
    }

    /// The filter manager tells its names no more, as those of a volume whose teardown has begun
    /// ("FltGetVolumeName": STATUS_FLT_DELETING_OBJECT).
    #[must_use]
    pub fn without_names(self) -> Self {
        Self {
            tells_names: false,
            ..self
        }
    }

    /// How its file system numbers files.
    #[must_use]
    pub fn file_ids(self, file_ids: FileIds) -> Self {
        Self { file_ids, ..self }
    }

    /// Makes it a trusted Dev Drive whose policy lets filters attach.
    #[must_use]
    pub fn trusted(mut self) -> Self {
        self.file_system.dev_drive = true;
        self.trusted = true;
        self
    }
}

/// A mounted volume.
#[derive(Debug)]
pub struct MountedVolume {
    id: VolumeId,
    name: String,
    guid: String,
    file_system: FileSystem,
    trusted: bool,
    admits_filters: bool,
    tells_names: bool,
    file_ids: FileIds,
    dismounted: AtomicBool,
    address: ObjectAddress,
    instances: Mutex<Vec<Arc<fltmgr::Instance>>>,
    /// Filters that have been asked whether they attach.
    shown_to: Mutex<Vec<ObjectAddress>>,
}

impl MountedVolume {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> VolumeId {
        self.id
    }

    /// Its device name, for instance `\Device\HarddiskVolume3`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name in the form of the mount manager: `\??\Volume{..}`.
    #[must_use]
    pub fn guid_name(&self) -> String {
        format!(r"\??\Volume{{{}}}", self.guid)
    }

    /// Its file system.
    #[must_use]
    pub fn file_system(&self) -> &FileSystem {
        &self.file_system
    }

    /// Its `PFLT_VOLUME`.
    #[must_use]
    pub fn address(&self) -> ObjectAddress {
        self.address
    }

    /// Names of the filters attached to it, from the top down.
    #[must_use]
    pub fn attached_filters(&self) -> Vec<String> {
        lock(&self.instances)
            .iter()
            .map(|instance| instance.filter_name().to_owned())
            .collect()
    }

    pub(crate) fn is_dev_drive(&self) -> bool {
        self.file_system.spec().dev_drive
    }

    /// Its serial number: 64 bits that no two volumes of a machine share here; on Windows they may.
    #[must_use]
    pub fn serial_number(&self) -> u64 {
        0x5EED_0000_0000_0000 | u64::from(self.id.0)
    }

    pub(crate) fn file_ids(&self) -> FileIds {
        self.file_ids
    }

    /// Whether the filter manager shows it to filters.
    pub(crate) fn admits_filters(&self) -> bool {
        self.admits_filters
    }

    /// Whether the filter manager tells its names.
    pub(crate) fn tells_names(&self) -> bool {
        self.tells_names
    }

    /// Whether it has been taken away; what was open on it is good for a close only.
    #[must_use]
    pub fn is_dismounted(&self) -> bool {
        self.dismounted.load(Ordering::SeqCst)
    }

    pub(crate) fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// `FLT_FILESYSTEM_TYPE` (fltUserStructures.h): FLT_FSTYPE_NTFS, FLT_FSTYPE_REFS, or
    /// FLT_FSTYPE_UNKNOWN: the list has no member for WinBtrfs and its like.
    pub(crate) fn file_system_type(&self) -> u32 {
        match self.file_system.spec().kind {
            FsKind::Ntfs => 2,
            FsKind::Refs => 28,
            FsKind::ThirdParty => 0,
        }
    }

    /// From the highest altitude down.
    pub(crate) fn instances(&self) -> &Mutex<Vec<Arc<fltmgr::Instance>>> {
        &self.instances
    }

    pub(crate) fn shown_to(&self) -> &Mutex<Vec<ObjectAddress>> {
        &self.shown_to
    }
}

impl super::IoManager {
    /// Mounts a volume. Filters that have started see it with the first operation on it.
    ///
    /// # Errors
    ///
    /// What of the specification cannot be played, or a device name that is taken.
    pub fn mount(&self, machine: &Machine, spec: VolumeSpec) -> Result<VolumeId, MountError> {
        let mut volumes = lock(&self.volumes);
        let gone = lock(&self.dismounted).len();
        let number = u32::try_from(volumes.len() + gone + 1)
            .map_err(|_many| MountError("too many volumes".to_owned()))?;
        let name = spec
            .name
            .unwrap_or_else(|| format!(r"\Device\HarddiskVolume{number}"));
        if volumes
            .iter()
            .any(|other| other.name.eq_ignore_ascii_case(&name))
        {
            return Err(MountError(format!("the name {name} is taken")));
        }
        let file_system = FileSystem::new(spec.file_system).map_err(MountError)?;
        let guid = spec
            .guid
            .unwrap_or_else(|| format!("c10e6a5d-0000-4000-8000-{number:012x}"));
        let label = format!("FLT_VOLUME of {name}");
        let volume = Arc::new_cyclic(|me: &Weak<MountedVolume>| MountedVolume {
            id: VolumeId(number),
            name,
            guid,
            file_system,
            trusted: spec.trusted,
            admits_filters: spec.admits_filters,
            tells_names: spec.tells_names,
            file_ids: spec.file_ids,
            dismounted: AtomicBool::new(false),
            address: machine
                .objects()
                .create(Kind::Volume, label, Arc::new(me.clone())),
            instances: Mutex::default(),
            shown_to: Mutex::default(),
        });
        volumes.push(volume);
        Ok(VolumeId(number))
    }

    /// Takes a volume off the list; its object stays for those who hold it.
    pub(crate) fn take_away(&self, id: VolumeId) -> Option<Arc<MountedVolume>> {
        let mut volumes = lock(&self.volumes);
        let index = volumes.iter().position(|volume| volume.id == id)?;
        let volume = volumes.remove(index);
        volume.dismounted.store(true, Ordering::SeqCst);
        lock(&self.dismounted).push(Arc::clone(&volume));
        Some(volume)
    }
}

#[cfg(test)]
mod tests {
    use super::VolumeSpec;
    use crate::machine::{BootOptions, Machine};

    /// `FLT_FILESYSTEM_TYPE` of fltUserStructures.h: FLT_FSTYPE_UNKNOWN, FLT_FSTYPE_NTFS, FLT_FSTYPE_REFS.
    #[test]
    fn the_filter_manager_knows_refs_and_ntfs() {
        let machine = Machine::boot(BootOptions::default());
        for (spec, expected) in [
            (VolumeSpec::third_party(4096), 0),
            (VolumeSpec::ntfs(4096), 2),
            (VolumeSpec::refs(4096), 28),
        ] {
            let id = machine.mount(spec).unwrap();
            let volume = machine.io().volume(id).unwrap();
            assert_eq!(volume.file_system_type(), expected);
        }
        machine.shutdown().unwrap();
    }
}
