//! Which of the volumes at hand a case can run on, and in which folder of it.

use std::fs;
use std::io;
use std::path::Path;

use crate::stage::{FileSystemKind, VolumeSpec};

/// The directory on a prepared volume that holds those of the cases.
pub(crate) const FOLDER: &str = "cloneguard-conformance";

/// FILE_READ_ONLY_VOLUME (MS-FSCC 2.5.1).
const READ_ONLY: u32 = 0x0008_0000;
/// PERSISTENT_VOLUME_STATE_DEV_VOLUME and PERSISTENT_VOLUME_STATE_TRUSTED_VOLUME (WDK,
/// FILE_FS_PERSISTENT_VOLUME_INFORMATION).
pub(crate) const TRUSTED_DEV_DRIVE: u32 = 0x2000 | 0x4000;
/// FILE_SUPPORTS_BLOCK_REFCOUNTING (MS-FSCC 2.5.1).
const BLOCK_REFCOUNTING: u32 = 0x0800_0000;

/// What a volume says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VolumeInfo {
    /// The name of its file system.
    pub(crate) file_system: String,
    /// Bytes per cluster.
    pub(crate) cluster: u32,
    /// `FileSystemAttributes`.
    pub(crate) attributes: u32,
    /// Its persistent state, `VolumeFlags`; none where it is not told.
    pub(crate) state: u32,
}

impl VolumeInfo {
    fn has(&self, attribute: u32) -> bool {
        self.attributes & attribute != 0
    }

    /// Whether nothing can be written to it.
    pub(crate) fn is_read_only(&self) -> bool {
        self.has(READ_ONLY)
    }

    /// Whether it is a Dev Drive that an administrator of this machine trusts.
    pub(crate) fn is_trusted_dev_drive(&self) -> bool {
        self.state & TRUSTED_DEV_DRIVE == TRUSTED_DEV_DRIVE
    }

    /// What kind of volume of the cases it is.
    fn kind(&self) -> Option<FileSystemKind> {
        let clones = self.has(BLOCK_REFCOUNTING);
        match self.file_system.as_str() {
            "ReFS" if clones => Some(FileSystemKind::Refs),
            "ReFS" => Some(FileSystemKind::OldRefs),
            "NTFS" => Some(FileSystemKind::Ntfs),
            "FAT" | "FAT32" | "exFAT" => Some(FileSystemKind::Fat),
            _ if clones => Some(FileSystemKind::ThirdParty),
            _ => None,
        }
    }
}

/// The volume in the Win32 name of a directory on it, from `\\?\`: the name up to the first backslash behind that.
pub(crate) fn volume_of(root: &str) -> &str {
    const BEGIN: usize = r"\\?\".len();
    let end = root.get(BEGIN..).and_then(|rest| rest.find('\\'));
    end.map_or(root, |end| &root[..BEGIN + end])
}

/// The first volume that is what a case asks for.
///
/// # Errors
/// Why none is.
pub(crate) fn choose(volumes: &[VolumeInfo], spec: &VolumeSpec) -> Result<usize, String> {
    if spec.reference_limit.is_some() {
        return Err("the limit on sharing a cluster cannot be chosen".to_owned());
    }
    if spec.capacity.is_some() {
        return Err("no volume can be made of so few clusters".to_owned());
    }
    let is_it = |volume: &VolumeInfo| {
        // Of file systems that do not clone nobody asks how large a cluster is.
        let fits = volume.cluster == spec.cluster || !volume.has(BLOCK_REFCOUNTING);
        // A Dev Drive will do where nobody asks for one, but it comes last.
        let is_drive = volume.is_trusted_dev_drive() || !spec.dev_drive;
        volume.kind() == Some(spec.kind) && fits && is_drive && !volume.is_read_only()
    };
    let found = volumes.iter().position(is_it);
    found.ok_or_else(|| format!("no volume with {}", describe(spec)))
}

/// The name of a directory for the cases of a process in one that is somebody's: it is removed with all that is in it,
/// and so may not be there yet.
///
/// # Errors
/// If it is, or nobody knows.
pub(crate) fn new_folder(directory: &Path, process: u32) -> Result<String, String> {
    let name = format!("{FOLDER}-{process}");
    let path = directory.join(&name);
    // A link that leads nowhere is there too.
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(name),
        Err(error) => Err(format!("{}: {error}", path.display())),
        Ok(_) => Err(format!(
            "{} is there already; if an earlier run left it, remove it",
            path.display()
        )),
    }
}

fn describe(spec: &VolumeSpec) -> String {
    let name = match spec.kind {
        FileSystemKind::Refs => "a ReFS that clones",
        FileSystemKind::OldRefs => "a ReFS that does not clone",
        FileSystemKind::Ntfs => "NTFS",
        FileSystemKind::ThirdParty => "a file system that clones and is not ReFS",
        FileSystemKind::Fat => "FAT",
    };
    let drive = if spec.dev_drive {
        " that is a trusted Dev Drive"
    } else {
        ""
    };
    format!("{name}{drive} and clusters of {} bytes", spec.cluster)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{
        BLOCK_REFCOUNTING, READ_ONLY, TRUSTED_DEV_DRIVE, VolumeInfo, choose, new_folder, volume_of,
    };
    use crate::cases;
    use crate::stage::{FileSystemKind, VolumeSpec};

    fn volume(file_system: &str, cluster: u32, attributes: u32) -> VolumeInfo {
        VolumeInfo {
            file_system: file_system.to_owned(),
            cluster,
            attributes,
            state: 0,
        }
    }

    fn dev_drive(state: u32) -> VolumeInfo {
        VolumeInfo {
            state,
            ..volume("ReFS", 4096, BLOCK_REFCOUNTING)
        }
    }

    /// What `prepare` makes.
    fn prepared() -> Vec<VolumeInfo> {
        vec![
            volume("ReFS", 4096, BLOCK_REFCOUNTING | READ_ONLY),
            volume("ReFS", 4096, BLOCK_REFCOUNTING),
            volume("ReFS", 65536, BLOCK_REFCOUNTING),
            volume("NTFS", 4096, 0),
        ]
    }

    #[test]
    fn a_volume_is_chosen_by_what_it_says_of_itself() {
        let volumes = prepared();
        assert_eq!(
            choose(&volumes, &VolumeSpec::refs(4096)),
            Ok(1),
            "not the read-only one"
        );
        assert_eq!(choose(&volumes, &VolumeSpec::refs(65536)), Ok(2));
        assert_eq!(
            choose(&volumes, &VolumeSpec::of(FileSystemKind::Ntfs)),
            Ok(3)
        );
        let third = [
            volume("WinBtrfs", 4096, BLOCK_REFCOUNTING),
            volume("ReFS", 4096, 0),
        ];
        assert_eq!(
            choose(&third, &VolumeSpec::of(FileSystemKind::ThirdParty)),
            Ok(0)
        );
        assert_eq!(
            choose(&third, &VolumeSpec::of(FileSystemKind::OldRefs)),
            Ok(1)
        );
        let fat = [volume("exFAT", 32768, 0)];
        assert_eq!(choose(&fat, &VolumeSpec::of(FileSystemKind::Fat)), Ok(0));
    }

    #[test]
    fn a_directory_names_its_volume() {
        assert_eq!(volume_of(r"\\?\C:\a\b"), r"\\?\C:");
        let volume = r"\\?\Volume{00000000-0000-0000-0000-000000000001}";
        assert_eq!(volume_of(volume), volume);
        assert_eq!(volume_of(r"\\?"), r"\\?");
    }

    #[test]
    fn a_dev_drive_has_to_be_trusted_and_comes_last() {
        let spec = VolumeSpec {
            dev_drive: true,
            ..VolumeSpec::refs(4096)
        };
        let mut volumes = prepared();
        volumes.push(dev_drive(TRUSTED_DEV_DRIVE & !0x4000));
        assert!(
            choose(&volumes, &spec).is_err(),
            "a Dev Drive that nobody trusts"
        );
        volumes.push(dev_drive(TRUSTED_DEV_DRIVE | 1));
        assert_eq!(choose(&volumes, &spec), Ok(5));
        assert_eq!(choose(&volumes, &VolumeSpec::refs(4096)), Ok(1));
        // The only volume that there is: as with `run --on`.
        assert_eq!(choose(&volumes[5..], &VolumeSpec::refs(4096)), Ok(0));
    }

    #[test]
    fn what_no_volume_can_be_has_a_reason() {
        let refs = VolumeSpec::refs(4096);
        let limited = VolumeSpec {
            reference_limit: Some(4),
            ..refs
        };
        let small = VolumeSpec {
            capacity: Some(64),
            ..refs
        };
        let dev_drive = VolumeSpec {
            dev_drive: true,
            ..refs
        };
        let odd = VolumeSpec::refs(512);
        for (spec, words) in [
            (limited, "sharing"),
            (small, "so few clusters"),
            (dev_drive, "Dev Drive"),
            (odd, "clusters of 512 bytes"),
        ] {
            let why = choose(&prepared(), &spec).unwrap_err();
            assert!(why.contains(words), "{why}");
        }
        assert!(
            choose(&[volume("NTFS", 4096, 0)], &refs)
                .unwrap_err()
                .contains("ReFS")
        );
    }

    #[test]
    fn what_was_there_before_is_nobody_s_folder_of_cases() {
        let name = format!("conformance-volumes-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        let folder = new_folder(&directory, 7).unwrap();
        assert_ne!(new_folder(&directory, 8).unwrap(), folder);
        fs::create_dir(directory.join(&folder)).unwrap();
        let why = new_folder(&directory, 7).unwrap_err();
        fs::remove_dir_all(&directory).unwrap();
        assert!(why.contains("is there already"), "{why}");
    }

    /// Most cases must have a place on a prepared machine, or a run on one would say little.
    #[test]
    fn prepared_volumes_serve_nine_cases_in_ten() {
        let all: Vec<_> = cases::all().collect();
        let volumes = prepared();
        let served = all
            .iter()
            .filter(|case| choose(&volumes, &case.volume).is_ok())
            .count();
        assert!(served * 10 >= all.len() * 9, "{served} of {}", all.len());
    }
}
