//! An open file: what a FILE_OBJECT stands for below the I/O manager.
//!
//! What can be done with it: `data.rs` its bytes and locks, `links.rs` its names and their deletion,
//! `query.rs` what it says about itself, `control.rs` file-system controls.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::access::{
    CreateAction, FILE_SYNCHRONOUS_IO_ALERT, FILE_SYNCHRONOUS_IO_NONALERT, OpenRequest,
};
use super::create::Created;
use super::disk::Disk;
use super::spec::FsSpec;
use super::state::{Body, Entry, ROOT, Stream, StreamId};
use super::status::Status;
use super::stream::DataStream;
use super::{FileSystem, Shared};

/// What an open was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenKind {
    /// A data stream.
    Data,
    /// A directory.
    Directory,
    /// The volume itself.
    Volume,
}

/// An open of a file, a directory or a volume. It is closed when the last `Arc` is dropped, or before
/// by [`OpenFile::cleanup`].
pub struct OpenFile {
    shared: Arc<Shared>,
    /// Tells the opens of a volume apart; byte-range locks belong to it.
    number: u64,
    entry: Entry,
    stream: StreamId,
    kind: OpenKind,
    named: bool,
    granted: u32,
    path: String,
    action: CreateAction,
    delete_on_close: bool,
    synchronous: bool,
    /// Changes only while the volume's lock is held.
    closed: AtomicBool,
}

impl OpenFile {
    /// Wraps a finished create, whose open is counted already.
    pub(super) fn new(shared: &Arc<Shared>, made: Created, request: &OpenRequest) -> Self {
        Self {
            shared: Arc::clone(shared),
            number: made.number,
            entry: made.entry,
            stream: made.stream,
            kind: if made.directory {
                OpenKind::Directory
            } else {
                OpenKind::Data
            },
            named: made.named,
            granted: made.granted,
            path: made.path,
            action: made.action,
            delete_on_close: request.has(super::access::FILE_DELETE_ON_CLOSE),
            synchronous: request.has(FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT),
            closed: AtomicBool::new(false),
        }
    }

    /// An open of the volume; it counts at no node.
    pub(super) fn volume(shared: &Arc<Shared>, granted: u32) -> Self {
        Self {
            shared: Arc::clone(shared),
            number: 0,
            entry: Entry { node: 0, link: 0 },
            stream: 0,
            kind: OpenKind::Volume,
            named: false,
            granted,
            path: String::new(),
            action: CreateAction::Opened,
            delete_on_close: false,
            synchronous: false,
            closed: AtomicBool::new(false),
        }
    }

    /// What was opened.
    #[must_use]
    pub const fn kind(&self) -> OpenKind {
        self.kind
    }

    /// Whether this is an open of the volume itself (FO_VOLUME_OPEN).
    #[must_use]
    pub const fn is_volume(&self) -> bool {
        matches!(self.kind, OpenKind::Volume)
    }

    /// Whether the stream has a name.
    #[must_use]
    pub const fn is_named_stream(&self) -> bool {
        self.named
    }

    /// Whether it was opened for synchronous I/O (FO_SYNCHRONOUS_IO): the I/O manager waits for every
    /// request, so its caller never sees STATUS_PENDING.
    #[must_use]
    pub const fn is_synchronous(&self) -> bool {
        self.synchronous
    }

    /// The number of the stream: what FILE_OBJECT.FsContext is to a filter (windows-driver-docs,
    /// "File streams, stream contexts, and per-stream contexts": one value per open stream). Equal for
    /// two opens of one stream, under whatever name; different for everything else, on all volumes of
    /// the process, and never zero. All opens of a volume itself have one number.
    #[must_use]
    pub fn stream_id(&self) -> u64 {
        self.shared.number << 32 | self.stream
    }

    /// The rights granted at the open. A handle to it may have fewer.
    #[must_use]
    pub const fn granted(&self) -> u32 {
        self.granted
    }

    /// The path from the root, with the names as they were created; empty for a volume.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the open did.
    #[must_use]
    pub const fn action(&self) -> CreateAction {
        self.action
    }

    /// The volume.
    #[must_use]
    pub fn file_system(&self) -> FileSystem {
        FileSystem {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Closes the open (\[MS-FSA\] 2.1.5.5): what is marked goes away if this was its last open,
    /// clusters behind the end of file and byte-range locks are given back. Later calls do nothing;
    /// other operations end with STATUS_FILE_CLOSED.
    pub fn cleanup(&self) {
        let mut state = self.shared.lock();
        if self.closed.swap(true, Ordering::Relaxed) || self.kind == OpenKind::Volume {
            return;
        }
        let mut stream_goes = false;
        if let Some(stream) = state.streams.get_mut(&self.stream) {
            stream.opens -= 1;
            stream.locks.forget(self.number);
            stream.deleted |= self.delete_on_close && self.named;
            stream_goes = stream.deleted && stream.opens == 0;
        }
        if stream_goes {
            state.remove_stream(self.stream);
        } else if let Some((stream, disk)) = state.stream(self.stream) {
            stream.trim(disk);
        }
        let Some(node) = state.nodes.get_mut(&self.entry.node) else {
            return;
        };
        let empty = !matches!(&node.body, Body::Directory(entries) if !entries.is_empty());
        let Some(link) = node.link(self.entry.link) else {
            return;
        };
        link.opens -= 1;
        let marks = self.delete_on_close && !self.named && empty;
        link.deleted |= marks && self.entry.node != ROOT;
        if link.deleted && link.opens == 0 {
            state.remove_link(self.entry.node, self.entry.link);
        }
    }

    /// Whether the open was closed. Unless the caller holds the volume's lock, it can be at any time.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Whether the open is of this volume.
    pub(super) fn is_on(&self, shared: &Arc<Shared>) -> bool {
        Arc::ptr_eq(&self.shared, shared)
    }

    /// The volume, for the file-system controls.
    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The specification of the volume.
    pub(super) fn spec(&self) -> &FsSpec {
        &self.shared.spec
    }

    /// The number of the open.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The file, under the name it was opened by, if the open is neither closed nor of a volume. The
    /// caller holds the volume's lock.
    pub(super) fn open_entry(&self) -> Result<Entry, Status> {
        if self.is_closed() {
            return Err(Status::FILE_CLOSED);
        }
        if self.kind == OpenKind::Volume {
            return Err(Status::INVALID_PARAMETER);
        }
        Ok(self.entry)
    }

    /// The same for the stream.
    pub(super) fn open_stream(&self) -> Result<StreamId, Status> {
        self.open_entry().map(|_| self.stream)
    }

    /// Runs `operation` on the data stream under the lock; `otherwise` if this is not one.
    pub(super) fn data<R>(
        &self,
        otherwise: Status,
        operation: impl FnOnce(&mut DataStream, &mut Disk) -> Result<R, Status>,
    ) -> Result<R, Status> {
        self.with_stream(otherwise, |stream, disk| operation(&mut stream.data, disk))
    }

    /// The same, with the locks and marks of the stream.
    pub(super) fn with_stream<R>(
        &self,
        otherwise: Status,
        operation: impl FnOnce(&mut Stream, &mut Disk) -> Result<R, Status>,
    ) -> Result<R, Status> {
        if self.kind != OpenKind::Data {
            return Err(otherwise);
        }
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        let stream = state.streams.get_mut(&self.open_stream()?);
        operation(stream.ok_or(Status::FILE_CLOSED)?, &mut state.disk)
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.cleanup();
    }
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFile")
            .field("kind", &self.kind)
            .field("path", &self.path)
            .field("granted", &format_args!("{:#x}", self.granted))
            .finish_non_exhaustive()
    }
}
