//! The I/O manager: volumes, file objects, and the way of a file-system control from a caller to the
//! filters, the file system and back.
//!
//! `mount` holds the volumes, `file` opens and closes and reads and writes,
//! `file_body` says what a driver finds in a file object, `control` carries a
//! request to the `answer` of the file system and back, `options` says how the harness wants it carried. The calls are methods of
//! [`UserThread`](crate::UserThread) and [`KernelThread`](crate::KernelThread). Only file-system
//! controls go through filters: `fltmgr` refuses a registration for anything else. `state` locks, links
//! and deletes.

mod answer;
mod control;
mod file;
mod file_body;
mod mount;
mod options;
mod state;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use control::{FsControl, IoStatus, PendingControl};
pub(crate) use file::close_handle;
pub use file::{FileObject, Handle};
pub use mount::{FileIds, MountError, MountedVolume, VolumeId, VolumeSpec};
pub use options::{Hold, MinorFunction, PostOperation, RequestOptions, Rewrite};

use crate::status::NtStatus;
use crate::volume::Status;

/// All state of the I/O manager of one machine.
#[derive(Debug, Default)]
pub struct IoManager {
    volumes: Mutex<Vec<Arc<MountedVolume>>>,
    /// Volumes that were taken away: drivers may still hold their objects.
    dismounted: Mutex<Vec<Arc<MountedVolume>>>,
    requests: AtomicU64,
    streams: file_body::StreamContexts,
    foreign: AtomicU64,
}

impl IoManager {
    /// The mounted volumes, in the order of their mounts.
    #[must_use]
    pub fn volumes(&self) -> Vec<Arc<MountedVolume>> {
        lock(&self.volumes).clone()
    }

    /// The volume with this id.
    #[must_use]
    pub fn volume(&self, id: VolumeId) -> Option<Arc<MountedVolume>> {
        lock(&self.volumes)
            .iter()
            .find(|volume| volume.id() == id)
            .cloned()
    }

    /// How many file-system controls reached the filters or the file system so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Values of `FsContext`.
    fn streams(&self) -> &file_body::StreamContexts {
        &self.streams
    }

    fn next_foreign(&self) -> u64 {
        self.foreign.fetch_add(1, Ordering::Relaxed)
    }

    fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The file system's statuses are NTSTATUS values in a type of its own: it knows nothing of the
/// kernel. Nothing is lost on the way.
impl From<Status> for NtStatus {
    fn from(status: Status) -> Self {
        Self(status.0)
    }
}

/// Locks `mutex`; a test that panicked elsewhere must not hide the report of this one.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
