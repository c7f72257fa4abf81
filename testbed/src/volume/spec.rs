//! What kind of file system to play, and which side to take where the sources disagree.
//!
//! Every switch names its sources. The defaults are what Windows Server 2016 and later are documented
//! or observed to do; the other values exist so that a case can show that a filter does not depend on
//! the choice.

use super::status::Status;

/// The file system that a volume plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsKind {
    /// Clones blocks: both control codes are implemented (\[MS-FSA\] notes 89 and 93).
    Refs,
    /// Does not clone: both codes end with STATUS_INVALID_DEVICE_REQUEST.
    Ntfs,
}

/// Up to where the source range may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEnd {
    /// The allocation size (\[MS-FSCC\] 2.3.8). Public tools round the tail up to a cluster and rely on
    /// it (microsoft/CopyOnWrite and cargo-bins/reflink-copy tests).
    AllocationSize,
    /// The end of file, as \[MS-FSA\] 2.1.5.10.4 words it.
    EndOfFile,
}

/// What becomes of the part of the target range that lies behind the target's end of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetEnd {
    /// Success; what lies behind the cluster of the end of file is dropped and nothing is extended
    /// (Samba's smbtorture dup_extents_len_beyond_dest against Windows Server 2016). The Win32 page on
    /// block cloning forbids such a range, but names no status.
    Dropped,
    /// The same, but a range that starts behind the end of file is STATUS_INVALID_PARAMETER (Samba,
    /// smb2_ioctl_filesys.c).
    StartBehindRefused,
}

/// What becomes of a count of 4 GiB or more: the Win32 page on block cloning forbids it and names no
/// status; other file systems accept it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HugeCount {
    /// Refused with this status.
    Refused(Status),
    /// No limit.
    Accepted,
}

/// The status for a user-mode source handle without FILE_READ_DATA and FILE_READ_ATTRIBUTES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingAccess {
    /// STATUS_INVALID_PARAMETER (\[MS-FSA\] 2.1.5.10.4 and .5, SHOULD).
    InvalidParameter,
    /// STATUS_ACCESS_DENIED (WinBtrfs, Samba).
    AccessDenied,
}

/// How requests of 32-bit callers are read. No source says what ReFS does; the WDK page "Supporting
/// 32-Bit I/O in Your 64-Bit Driver" makes the conversion the driver's duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers32 {
    /// By the 32-bit layouts; the Size field must be 0x28 (the SDK's DUPLICATE_EXTENTS_DATA_EX32).
    Converted,
    /// The same, and a Size of 0x30 is accepted too, because \[MS-FSA\] knows only that value.
    ConvertedAnySize,
    /// By the 64-bit layouts, as file systems do that forgot the conversion (WinBtrfs, OpenZFS).
    Ignored,
}

/// Everything that is fixed when a volume is made. Start from [`FsSpec::refs`] or [`FsSpec::ntfs`]
/// and change fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FsSpec {
    /// The file system played.
    pub kind: FsKind,
    /// Bytes per cluster: a power of two from 512 to 2 MiB. ReFS has 4 KiB and 64 KiB.
    pub cluster_size: u32,
    /// Clusters on the disk; allocation behind the last one is STATUS_DISK_FULL.
    pub capacity_clusters: u64,
    /// Whether the volume starts read-only; see also `FileSystem::set_read_only`.
    pub read_only: bool,
    /// Whether the volume says that it is a Dev Drive. The file system behaves the same.
    pub dev_drive: bool,
    /// How often one cluster can be referenced; `None` is no limit. Windows: 8175 (windowsserverdocs,
    /// block-cloning.md, and microsoft/CopyOnWrite), where the accounting is lazy and this one is exact.
    pub reference_limit: Option<u32>,
    /// See [`SourceEnd`].
    pub source_end: SourceEnd,
    /// See [`TargetEnd`].
    pub target_end: TargetEnd,
    /// See [`HugeCount`].
    pub huge_count: HugeCount,
    /// See [`MissingAccess`].
    pub missing_access: MissingAccess,
    /// See [`Callers32`].
    pub callers_32: Callers32,
}

impl FsSpec {
    /// A volume that clones, with 64 TiB of 4 KiB clusters or the same number of larger ones.
    #[must_use]
    pub const fn refs(cluster_size: u32) -> Self {
        Self {
            kind: FsKind::Refs,
            cluster_size,
            capacity_clusters: 1 << 34,
            read_only: false,
            dev_drive: false,
            reference_limit: Some(8175),
            source_end: SourceEnd::AllocationSize,
            target_end: TargetEnd::Dropped,
            huge_count: HugeCount::Refused(Status::INVALID_PARAMETER),
            missing_access: MissingAccess::InvalidParameter,
            callers_32: Callers32::Converted,
        }
    }

    /// A volume that does not clone.
    #[must_use]
    pub const fn ntfs(cluster_size: u32) -> Self {
        let mut spec = Self::refs(cluster_size);
        spec.kind = FsKind::Ntfs;
        spec
    }

    /// Says what is wrong with the specification, naming the field and its value.
    ///
    /// # Errors
    /// A sentence, if the cluster size or the capacity cannot be played.
    pub fn validate(&self) -> Result<(), String> {
        let size = self.cluster_size;
        if !size.is_power_of_two() || !(512..=0x20_0000).contains(&size) {
            return Err(format!(
                "cluster_size is {size}: not a power of two from 512 to 2097152"
            ));
        }
        if self.capacity_clusters == 0 || self.capacity_clusters > 1 << 40 {
            let clusters = self.capacity_clusters;
            return Err(format!(
                "capacity_clusters is {clusters}: not from 1 to 2^40"
            ));
        }
        if self.reference_limit == Some(0) {
            return Err("reference_limit is 0: no cluster could ever be used".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::FsSpec;

    #[test]
    fn names_the_field_that_cannot_be_played() {
        assert_eq!(FsSpec::refs(65536).validate(), Ok(()));
        for size in [0, 511, 4095, 0x40_0000] {
            let error = FsSpec::refs(size).validate().unwrap_err();
            assert!(
                error.contains(&format!("cluster_size is {size}")),
                "{error}"
            );
        }
        let none = FsSpec {
            capacity_clusters: 0,
            ..FsSpec::ntfs(4096)
        };
        assert!(
            none.validate()
                .unwrap_err()
                .contains("capacity_clusters is 0")
        );
        let unusable = FsSpec {
            reference_limit: Some(0),
            ..FsSpec::refs(4096)
        };
        assert!(
            unusable
                .validate()
                .unwrap_err()
                .contains("reference_limit is 0")
        );
    }
}
