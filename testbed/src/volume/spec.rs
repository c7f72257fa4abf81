//! What kind of file system to play, and which side to take where the sources disagree.
//!
//! The questions are the types of `choices.rs`, which name their sources. The defaults are what Windows
//! Server 2016 and later are documented or observed to do; the other values exist so that a case can
//! show that a filter does not depend on the choice.

use std::fmt;

use super::choices::{
    Accounting, Alignment, AsyncFlag, BadHandle, Callers32, ExCode, ExSize, FullDisk, HugeCount,
    IntegrityMismatch, Locks, MissingAccess, NamedStreams, NoBuffer, OtherVolume, Overlap,
    ReadOnlyCheck, SourceEnd, SourceRange, TargetEnd, TargetKind, TargetRange, ZeroCount,
    ZeroElsewhere,
};
use super::status::Status;

/// Bytes per sector; a cluster of any size that can be played is a whole number of them.
pub const SECTOR: u32 = 512;

/// The file system that a volume plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsKind {
    /// Clones blocks: both control codes are implemented (\[MS-FSA\] notes 89 and 93).
    Refs,
    /// Does not clone: both codes end with STATUS_INVALID_DEVICE_REQUEST.
    Ntfs,
    /// Clones and announces it, but is not ReFS, as WinBtrfs: \[MS-FSA\] and \[MS-FSCC\] bind it to nothing
    /// (their notes name ReFS alone), so it can have answers that they exclude; see [`Self::is_documented`].
    ThirdParty,
}

impl FsKind {
    /// Whether the documents say how this file system clones.
    #[must_use]
    pub const fn is_documented(self) -> bool {
        !matches!(self, Self::ThirdParty)
    }
}

/// Everything that is fixed when a volume is made. Start from [`FsSpec::refs`], [`FsSpec::ntfs`] or
/// [`FsSpec::third_party`] and change fields.
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
    /// Whether the volume says that it is a Dev Drive: integrity cannot be set there, the rest is the
    /// same.
    pub dev_drive: bool,
    /// Whether the volume has FILE_SUPPORTS_BLOCK_REFCOUNTING. ReFS 1.x has not, and does not clone
    /// (Win32 page on block cloning: only volumes formatted by Windows Server 2016 or later).
    pub block_refcounting: bool,
    /// How often one cluster can be referenced, the first file included; `None` is no limit. Windows:
    /// 8175 (D, windowsserverdocs, block-cloning.md: "the maximum number of file regions that can map to
    /// the same physical region", whose figures count an unshared region as 1). So 8174 clones fit.
    /// microsoft/CopyOnWrite makes 8175 of one file and expects success (O), which does not contradict
    /// it: that many and more succeed before the counts settle, as its comment says. See [`Accounting`].
    pub reference_limit: Option<u32>,
    /// See [`SourceEnd`].
    pub source_end: SourceEnd,
    /// See [`TargetEnd`].
    pub target_end: TargetEnd,
    /// See [`SourceRange`].
    pub source_range: SourceRange,
    /// See [`TargetRange`].
    pub target_range: TargetRange,
    /// See [`HugeCount`].
    pub huge_count: HugeCount,
    /// See [`ZeroCount`].
    pub zero_count: ZeroCount,
    /// See [`ZeroElsewhere`].
    pub zero_elsewhere: ZeroElsewhere,
    /// See [`NoBuffer`].
    pub no_buffer: NoBuffer,
    /// See [`ExCode`].
    pub ex_code: ExCode,
    /// See [`ExSize`].
    pub ex_size: ExSize,
    /// See [`Callers32`].
    pub callers_32: Callers32,
    /// See [`ReadOnlyCheck`].
    pub read_only_check: ReadOnlyCheck,
    /// See [`Alignment`].
    pub alignment: Alignment,
    /// See [`TargetKind`].
    pub target_kind: TargetKind,
    /// See [`NamedStreams`].
    pub named_streams: NamedStreams,
    /// See [`BadHandle`].
    pub bad_handle: BadHandle,
    /// See [`MissingAccess`].
    pub missing_access: MissingAccess,
    /// See [`OtherVolume`].
    pub other_volume: OtherVolume,
    /// See [`Overlap`].
    pub overlap: Overlap,
    /// See [`IntegrityMismatch`].
    pub integrity: IntegrityMismatch,
    /// See [`Locks`].
    pub locks: Locks,
    /// See [`AsyncFlag`].
    pub async_flag: AsyncFlag,
    /// See [`FullDisk`].
    pub full_disk: FullDisk,
    /// See [`Accounting`].
    pub accounting: Accounting,
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
            block_refcounting: true,
            reference_limit: Some(8175),
            source_end: SourceEnd::AllocationSize,
            target_end: TargetEnd::Dropped,
            source_range: SourceRange::InvalidParameter,
            target_range: TargetRange::InvalidParameter,
            huge_count: HugeCount::Refused(Status::INVALID_PARAMETER),
            zero_count: ZeroCount::AfterNumbers,
            zero_elsewhere: ZeroElsewhere::Refused,
            no_buffer: NoBuffer::InvalidParameter,
            ex_code: ExCode::Known,
            ex_size: ExSize::NotSupported,
            callers_32: Callers32::Converted,
            read_only_check: ReadOnlyCheck::AfterStructure,
            alignment: Alignment::Cluster,
            target_kind: TargetKind::AfterNumbers,
            named_streams: NamedStreams::Cloned,
            bad_handle: BadHandle::Passed,
            missing_access: MissingAccess::InvalidParameter,
            other_volume: OtherVolume::InvalidParameter,
            overlap: Overlap::Refused(Status::NOT_SUPPORTED),
            integrity: IntegrityMismatch::Refused(Status::NOT_SUPPORTED),
            locks: Locks::Ignored,
            async_flag: AsyncFlag::Ignored,
            full_disk: FullDisk::Clones,
            accounting: Accounting::Lazy,
        }
    }

    /// A volume that does not clone.
    #[must_use]
    pub const fn ntfs(cluster_size: u32) -> Self {
        let mut spec = Self::refs(cluster_size);
        spec.kind = FsKind::Ntfs;
        spec.block_refcounting = false;
        spec
    }

    /// A volume that clones and is not ReFS; its answers are those of ReFS until they are changed.
    #[must_use]
    pub const fn third_party(cluster_size: u32) -> Self {
        let mut spec = Self::refs(cluster_size);
        spec.kind = FsKind::ThirdParty;
        spec
    }

    /// Whether the volume clones at all.
    #[must_use]
    pub const fn clones(&self) -> bool {
        self.block_refcounting && !matches!(self.kind, FsKind::Ntfs)
    }

    /// Whether the volume knows the codes beside the two that share clusters, which are ReFS's own.
    pub(super) const fn has_refs_codes(&self) -> bool {
        self.block_refcounting && matches!(self.kind, FsKind::Refs)
    }

    /// Says what is wrong with the specification, naming the field and its value.
    ///
    /// # Errors
    /// A sentence, if the cluster size or the capacity cannot be played, or an answer not by this kind.
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
        if self.kind == FsKind::Ntfs && self.block_refcounting {
            return Err("block_refcounting is true: NTFS has no such thing".to_owned());
        }
        if self.reference_limit == Some(0) {
            return Err("reference_limit is 0: no cluster could ever be used".to_owned());
        }
        if self.kind.is_documented() {
            return self.validate_documented();
        }
        Ok(())
    }

    /// What \[MS-FSA\] 2.1.5.10.4 and .5 leave no choice about: the order of the first steps, that both
    /// codes exist, and that the cluster is the unit.
    fn validate_documented(&self) -> Result<(), String> {
        let kind = self.kind;
        let excluded = |field: &str, value: &dyn fmt::Debug| {
            Err(format!(
                "{field} is {value:?}: MS-FSA excludes it for {kind:?}"
            ))
        };
        if self.read_only_check != ReadOnlyCheck::AfterStructure {
            return excluded("read_only_check", &self.read_only_check);
        }
        if self.ex_code != ExCode::Known {
            return excluded("ex_code", &self.ex_code);
        }
        if self.alignment != Alignment::Cluster {
            return excluded("alignment", &self.alignment);
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
        let ntfs = FsSpec {
            block_refcounting: true,
            ..FsSpec::ntfs(4096)
        };
        assert!(ntfs.validate().unwrap_err().contains("block_refcounting"));
        let unusable = FsSpec {
            block_refcounting: true,
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
