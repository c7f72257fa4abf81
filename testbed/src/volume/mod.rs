//! The file system that the test-bed plays: a volume that clones blocks, and one that does not.
//!
//! Written from \[MS-FSA\] and \[MS-FSCC\] and from what public tests observed; where those disagree,
//! [`FsSpec`] has a switch that names both sides, and [`SWITCHES`] lists all of them. It knows nothing of
//! filters or of the modelled kernel: the I/O layer opens files ([`FileSystem::open`]), uses them
//! ([`OpenFile`]) and hands over file-system controls ([`OpenFile::fs_control`]) with a callback that
//! resolves a source handle.
//!
//! Locks: each volume has one mutex, around everything that changes. No thread ever holds the
//! mutexes of two volumes, nor one of them while a callback runs, so there is no order to keep and
//! A -> B against B -> A cannot deadlock. An [`OpenFile`] takes the lock when it is dropped: nobody
//! may drop one while holding it.
#![forbid(unsafe_code)]

mod access;
mod check;
mod choices;
mod clone;
mod control;
mod copy;
mod create;
mod create_checks;
mod data;
mod disk;
mod integrity;
mod links;
mod locks;
mod names;
mod open;
mod other_sharing;
mod query;
mod range;
mod request;
mod runs;
mod sparse;
mod spec;
mod splice;
mod state;
mod status;
mod stream;
mod stream_data;
mod switches;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use access::{
    CreateAction, DELETE, Disposition, FILE_ALL_ACCESS, FILE_APPEND_DATA, FILE_ATTRIBUTE_ARCHIVE,
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_INTEGRITY_STREAM,
    FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_SPARSE_FILE, FILE_ATTRIBUTE_SYSTEM, FILE_DELETE_CHILD,
    FILE_DELETE_ON_CLOSE, FILE_DIRECTORY_FILE, FILE_GENERIC_EXECUTE, FILE_GENERIC_READ,
    FILE_GENERIC_WRITE, FILE_NON_DIRECTORY_FILE, FILE_READ_ATTRIBUTES, FILE_READ_DATA,
    FILE_SYNCHRONOUS_IO_ALERT, FILE_SYNCHRONOUS_IO_NONALERT, FILE_WRITE_ATTRIBUTES,
    FILE_WRITE_DATA, MAXIMUM_ALLOWED, OpenRequest, SYNCHRONIZE,
};
pub use check::Statistics;
pub use choices::{
    Accounting, Alignment, AsyncFlag, BadHandle, Callers32, ExCode, ExSize, FullDisk, HugeCount,
    IntegrityMismatch, Locks, MissingAccess, NamedStreams, NoBuffer, OtherVolume, Overlap,
    ReadOnlyCheck, SourceEnd, SourceRange, TargetEnd, TargetKind, TargetRange, ZeroCount,
    ZeroElsewhere,
};
pub use control::{
    ArrivedControl, Caller, CallerMode, ControlAnswer, ControlRequest, Input, SourceOpen,
};
pub use integrity::{FSCTL_GET_INTEGRITY_INFORMATION, FSCTL_SET_INTEGRITY_INFORMATION};
pub use names::fold;
pub use open::{OpenFile, OpenKind};
pub use other_sharing::{
    FSCTL_DUPLICATE_CLUSTER, FSCTL_QUERY_ASYNC_DUPLICATE_EXTENTS_STATUS,
    FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT,
};
pub use query::{ExtentInformation, FileInformation};
pub use request::{FSCTL_DUPLICATE_EXTENTS_TO_FILE, FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX};
pub use sparse::{FSCTL_SET_SPARSE, FSCTL_SET_ZERO_DATA};
pub use spec::{FsKind, FsSpec, SECTOR};
pub use status::Status;
pub use switches::{Contradiction, SWITCHES, Switch, SwitchValue};

use disk::Disk;
use state::State;

/// What all opens of a volume share.
#[derive(Debug)]
struct Shared {
    /// Tells volumes of this process apart; the upper half of a stream's number.
    number: u64,
    spec: FsSpec,
    read_only: AtomicBool,
    /// Never taken while `state` is held.
    last_control: Mutex<Option<ArrivedControl>>,
    controls: AtomicU64,
    state: Mutex<State>,
}

impl Shared {
    /// The one lock of the volume. A test that panicked while it held the lock has failed already;
    /// others may go on and find what it left behind.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the volume refuses changes.
    fn is_read_only(&self) -> bool {
        self.read_only.load(Ordering::Relaxed)
    }
}

/// What a volume says about itself (\[MS-FSCC\] 2.5.1 and 2.5.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeInformation {
    /// `ReFS`, `NTFS`, or that of a third party (`Btrfs`, as WinBtrfs says).
    pub file_system_name: &'static str,
    /// FILE_SUPPORTS_BLOCK_REFCOUNTING (0x08000000) where cloning works,
    /// FILE_SUPPORT_INTEGRITY_STREAMS (0x04000000) on ReFS, FILE_READ_ONLY_VOLUME
    /// (0x00080000), and hard links, named streams, sparse files, case preserved names, Unicode.
    pub attributes: u32,
    /// Bytes per cluster.
    pub cluster_size: u32,
    /// Clusters on the disk.
    pub total_clusters: u64,
    /// Clusters nobody uses.
    pub free_clusters: u64,
    /// Whether the volume says that it is a Dev Drive.
    pub dev_drive: bool,
}

/// A mounted volume. Clones of the value are the same volume.
#[derive(Clone, Debug)]
pub struct FileSystem {
    shared: Arc<Shared>,
}

impl FileSystem {
    /// Makes an empty volume.
    ///
    /// # Errors
    /// A sentence that names the field of `spec` that cannot be played.
    pub fn new(spec: FsSpec) -> Result<Self, String> {
        spec.validate()?;
        let disk = Disk::new(
            spec.cluster_size,
            spec.capacity_clusters,
            spec.reference_limit,
        );
        let disk = match spec.accounting {
            Accounting::Lazy => disk.lazy(),
            Accounting::Exact => disk,
        };
        static MADE: AtomicU64 = AtomicU64::new(1);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let read_only = AtomicBool::new(spec.read_only);
        let state = Mutex::new(State::new(disk));
        Ok(Self {
            shared: Arc::new(Shared {
                number,
                spec,
                read_only,
                last_control: Mutex::default(),
                controls: AtomicU64::default(),
                state,
            }),
        })
    }

    /// What the volume was made from.
    #[must_use]
    pub fn spec(&self) -> &FsSpec {
        &self.shared.spec
    }

    /// Makes the volume read-only, or writable again; opens stay as they are.
    pub fn set_read_only(&self, read_only: bool) {
        self.shared.read_only.store(read_only, Ordering::Relaxed);
    }

    /// What the volume says about itself.
    #[must_use]
    pub fn information(&self) -> VolumeInformation {
        let spec = &self.shared.spec;
        let (file_system_name, integrity) = match spec.kind {
            FsKind::Refs => ("ReFS", 0x0400_0000),
            FsKind::Ntfs => ("NTFS", 0),
            FsKind::ThirdParty => ("Btrfs", 0),
        };
        let cloning = if spec.clones() { 0x0800_0000 } else { 0 };
        let protected = if self.shared.is_read_only() {
            0x0008_0000
        } else {
            0
        };
        let state = self.shared.lock();
        VolumeInformation {
            file_system_name,
            attributes: 0x0044_0046 | cloning | integrity | protected,
            cluster_size: spec.cluster_size,
            total_clusters: state.disk.capacity(),
            free_clusters: state.disk.free_clusters(),
            dev_drive: spec.dev_drive,
        }
    }

    /// Opens or creates a file, a directory or a named stream by its path from the root, for example
    /// `\dir\name` or `\dir\name:stream`.
    ///
    /// # Errors
    /// The status of \[MS-FSA\] 2.1.5.1.
    pub fn open(&self, path: &str, request: &OpenRequest) -> Result<Arc<OpenFile>, Status> {
        let mut state = self.shared.lock();
        let volume = create::Volume {
            kind: self.shared.spec.kind,
            read_only: self.shared.is_read_only(),
        };
        let created = create::create(&mut state, &volume, path, request)?;
        drop(state);
        Ok(Arc::new(OpenFile::new(&self.shared, created, request)))
    }

    /// Opens the volume itself, as `\\.\X:` does.
    #[must_use]
    pub fn open_volume(&self, access: u32) -> Arc<OpenFile> {
        Arc::new(OpenFile::volume(&self.shared, access::map_generic(access)))
    }

    /// Whether an open belongs to this volume.
    #[must_use]
    pub fn owns(&self, open: &OpenFile) -> bool {
        open.is_on(&self.shared)
    }

    /// Lets the reference counts settle, as Windows does after some seconds; see [`Accounting::Lazy`].
    pub fn settle(&self) {
        self.shared.lock().disk.settle();
    }

    /// The file-system control that arrived last at an open of this volume, as it was.
    #[must_use]
    pub fn last_control(&self) -> Option<ArrivedControl> {
        let last = self.shared.last_control.lock();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many file-system controls arrived at opens of this volume.
    #[must_use]
    pub fn controls(&self) -> u64 {
        self.shared.controls.load(Ordering::SeqCst)
    }

    /// Numbers for a summary.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        check::statistics(&self.shared.lock())
    }

    /// Compares everything with everything: counts with extents, free list with both, contents with
    /// counts, sizes with each other, names with the tree.
    ///
    /// # Errors
    /// Every contradiction, one sentence each.
    pub fn check(&self) -> Result<(), Vec<String>> {
        let faults = check::faults(&self.shared.lock());
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }
}
