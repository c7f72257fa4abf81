//! What the driver knows of each volume: gathered once, when the filter attaches, and kept in the instance context.

use flt::instance::VolumeSetup;
use flt::irql::Passive;
use flt::status::NtStatus;
use guard::{ClusterSize, VolumeFacts, VolumeGuid};

/// FLT_FSTYPE_REFS (fltUserStructures.h, FLT_FILESYSTEM_TYPE).
pub(crate) const REFS: u32 = 28;

/// Asks the volume. When it does not tell its cluster size, or tells nonsense, no rule on alignment can fire; when the mount
/// manager has no GUID for it, no pattern with one can match.
pub(crate) fn gather(setup: &VolumeSetup<'_>, passive: Passive) -> VolumeFacts {
    let told = setup.cluster(passive).and_then(|cluster| {
        ClusterSize::from_sectors(cluster.sectors, cluster.bytes_per_sector)
            .ok_or(NtStatus::INVALID_PARAMETER)
    });
    let (cluster_size, cluster_reason) = known(told);
    let (guid, guid_reason) = known(setup.guid(passive).map(VolumeGuid));
    VolumeFacts {
        file_system: setup.file_system(),
        flags: setup.setup_flags(),
        cluster_size,
        cluster_reason,
        guid,
        guid_reason,
    }
}

/// Asks for the GUID again, if it is not known: the mount manager may have come later.
pub(crate) fn complete(volume: &mut VolumeFacts, ask: impl FnOnce() -> Result<[u8; 16], NtStatus>) {
    if volume.guid.is_none() {
        (volume.guid, volume.guid_reason) = known(ask().map(VolumeGuid));
    }
}

/// An answer, or why there is none.
fn known<T>(answer: Result<T, NtStatus>) -> (Option<T>, u32) {
    match answer {
        Ok(value) => (Some(value), 0),
        Err(status) => (None, status.bits()),
    }
}
