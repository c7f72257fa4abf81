//! What the driver remembers of each volume: gathered once, when the filter attaches.

use flt::instance::VolumeSetup;
use flt::irql::Passive;
use flt::status::NtStatus;
use guard::{ClusterSize, VolumeFacts, VolumeGuid};

/// Plain data in the instance context.
#[derive(Clone, Copy)]
pub(crate) struct WatchedVolume {
    /// FLT_FILESYSTEM_TYPE: 28 is ReFS.
    pub(crate) file_system: u32,
    /// FLTFL_INSTANCE_SETUP_*, among them the Dev Drive bits.
    pub(crate) setup_flags: u32,
    /// `None` when the volume did not tell, or told nonsense: then no rule on alignment can fire.
    pub(crate) cluster_size: Option<ClusterSize>,
    /// NTSTATUS: why not.
    pub(crate) cluster_reason: u32,
    /// `None` when the mount manager has none for it: then no pattern with a GUID can match.
    pub(crate) guid: Option<VolumeGuid>,
    /// NTSTATUS: why not.
    pub(crate) guid_reason: u32,
}

/// FLT_FSTYPE_REFS (fltUserStructures.h, FLT_FILESYSTEM_TYPE).
pub(crate) const REFS: u32 = 28;

impl WatchedVolume {
    /// A volume of which nothing is known.
    pub(crate) const UNKNOWN: Self = Self {
        file_system: 0,
        setup_flags: 0,
        cluster_size: None,
        cluster_reason: 0,
        guid: None,
        guid_reason: 0,
    };

    pub(crate) fn of(setup: &VolumeSetup<'_>, passive: Passive) -> Self {
        let told = setup.cluster(passive).and_then(|cluster| {
            ClusterSize::from_sectors(cluster.sectors, cluster.bytes_per_sector)
                .ok_or(NtStatus::INVALID_PARAMETER)
        });
        let (cluster_size, cluster_reason) = known(told);
        let (guid, guid_reason) = known(setup.guid(passive).map(VolumeGuid));
        Self {
            file_system: setup.file_system(),
            setup_flags: setup.setup_flags(),
            cluster_size,
            cluster_reason,
            guid,
            guid_reason,
        }
    }

    /// Whether its file system is ReFS.
    pub(crate) const fn is_refs(&self) -> bool {
        self.file_system == REFS
    }

    /// The same with the GUID asked again, if it was not known: the mount manager may have come later.
    pub(crate) fn with_guid(self, ask: impl FnOnce() -> Result<[u8; 16], NtStatus>) -> Self {
        if self.guid.is_some() {
            return self;
        }
        let (guid, guid_reason) = known(ask().map(VolumeGuid));
        Self {
            guid,
            guid_reason,
            ..self
        }
    }

    /// What a record says of it.
    pub(crate) const fn facts(&self) -> VolumeFacts {
        VolumeFacts {
            file_system: self.file_system,
            cluster_size: self.cluster_size,
            cluster_reason: self.cluster_reason,
            flags: self.setup_flags,
            guid: self.guid,
            guid_reason: self.guid_reason,
        }
    }
}

/// An answer, or why there is none.
fn known<T>(answer: Result<T, NtStatus>) -> (Option<T>, u32) {
    match answer {
        Ok(value) => (Some(value), 0),
        Err(status) => (None, status.bits()),
    }
}
