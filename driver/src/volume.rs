//! What the driver remembers of each volume: gathered once, when the filter attaches.

use flt::instance::VolumeSetup;
use flt::irql::Passive;
use guard::ClusterSize;

/// Plain data in the instance context.
#[derive(Clone, Copy)]
pub(crate) struct WatchedVolume {
    /// FLT_FILESYSTEM_TYPE: 28 is ReFS.
    pub(crate) file_system: u32,
    /// FLTFL_INSTANCE_SETUP_*, among them the Dev Drive bits.
    pub(crate) setup_flags: u32,
    /// `None` when the volume did not tell, or told nonsense: then no rule on alignment can fire.
    pub(crate) cluster_size: Option<ClusterSize>,
}

impl WatchedVolume {
    /// A volume of which nothing is known.
    pub(crate) const UNKNOWN: Self = Self {
        file_system: 0,
        setup_flags: 0,
        cluster_size: None,
    };

    pub(crate) fn of(setup: &VolumeSetup<'_>, passive: Passive) -> Self {
        let cluster_size = match setup.cluster(passive) {
            Ok(cluster) => ClusterSize::from_sectors(cluster.sectors, cluster.bytes_per_sector),
            Err(status) => {
                wdk::println!("CloneGuard: a volume does not tell its cluster size: {status}");
                None
            }
        };
        Self {
            file_system: setup.file_system(),
            setup_flags: setup.setup_flags(),
            cluster_size,
        }
    }
}
