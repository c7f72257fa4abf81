//! An open file: what a FILE_OBJECT stands for below the I/O manager.
//!
//! The I/O manager checks the rights of a handle before a read or a write, so these two do not; what
//! \[MS-FSA\] lets the file system check (end of file, allocation, deletion, sparse) is checked here
//! against the rights of the open.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::access::{
    CreateAction, DELETE, FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_SPARSE_FILE, FILE_WRITE_DATA,
    SETTABLE_ATTRIBUTES,
};
use super::create::Created;
use super::disk::Disk;
use super::spec::{FsKind, FsSpec};
use super::state::{Body, NodeId, ROOT};
use super::status::Status;
use super::stream::DataStream;
use super::{FileSystem, Shared};

/// What an open was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenKind {
    /// A data file.
    Data,
    /// A directory.
    Directory,
    /// The volume itself.
    Volume,
}

/// What a file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileInformation {
    /// The 128-bit file id; unique on the volume and never used again.
    pub file_id: u128,
    /// FILE_ATTRIBUTE_*, with the sparse bit.
    pub attributes: u32,
    /// Whether it is a directory; sizes are zero then.
    pub directory: bool,
    /// Whether it goes away with its last open.
    pub delete_pending: bool,
    /// Bytes in the file.
    pub end_of_file: u64,
    /// Bytes of its cluster space, holes included.
    pub allocation_size: u64,
    /// Bytes that were ever written.
    pub valid_data_length: u64,
    /// Bytes of the clusters it maps, shared ones included.
    pub allocated_bytes: u64,
}

/// A run of a file, as FSCTL_GET_RETRIEVAL_POINTERS_AND_REFCOUNT reports it (\[MS-FSCC\] 2.3.34).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtentInformation {
    /// The first file cluster.
    pub vcn: u64,
    /// How many clusters.
    pub clusters: u64,
    /// The first disk cluster.
    pub lcn: u64,
    /// How many extents of the volume map these clusters.
    pub references: u32,
}

/// An open of a file, a directory or a volume. It is closed when the last `Arc` is dropped, or before
/// by [`OpenFile::cleanup`].
pub struct OpenFile {
    shared: Arc<Shared>,
    node: NodeId,
    kind: OpenKind,
    granted: u32,
    path: String,
    action: CreateAction,
    delete_on_close: bool,
    /// Changes only while the volume's lock is held.
    closed: AtomicBool,
}

impl OpenFile {
    /// Wraps a finished create, whose open is counted already.
    pub(super) fn new(shared: &Arc<Shared>, made: Created, path: String, delete: bool) -> Self {
        Self {
            shared: Arc::clone(shared),
            node: made.node,
            kind: if made.directory {
                OpenKind::Directory
            } else {
                OpenKind::Data
            },
            granted: made.granted,
            path,
            action: made.action,
            delete_on_close: delete,
            closed: AtomicBool::new(false),
        }
    }

    /// An open of the volume; it counts at no node.
    pub(super) fn volume(shared: &Arc<Shared>, granted: u32) -> Self {
        Self {
            shared: Arc::clone(shared),
            node: 0,
            kind: OpenKind::Volume,
            granted,
            path: String::new(),
            action: CreateAction::Opened,
            delete_on_close: false,
            closed: AtomicBool::new(false),
        }
    }

    /// What was opened.
    #[must_use]
    pub const fn kind(&self) -> OpenKind {
        self.kind
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

    /// Reads up to `length` bytes from `offset`, less at the end of file.
    ///
    /// # Errors
    /// STATUS_END_OF_FILE; STATUS_INVALID_PARAMETER for a range that is not a signed 64-bit one;
    /// STATUS_INVALID_DEVICE_REQUEST for a directory or volume; STATUS_FILE_CLOSED.
    pub fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Status> {
        self.data(Status::INVALID_DEVICE_REQUEST, |stream, disk| {
            if offset > i64::MAX as u64 - u64::from(length) {
                return Err(Status::INVALID_PARAMETER);
            }
            stream.read(disk, offset, length as usize)
        })
    }

    /// Writes at `offset`, extending the file if needed; returns the bytes written, always all.
    ///
    /// # Errors
    /// STATUS_MEDIA_WRITE_PROTECTED, STATUS_DISK_FULL; STATUS_INVALID_PARAMETER for a range behind the
    /// longest possible file; STATUS_INVALID_DEVICE_REQUEST for a directory or volume;
    /// STATUS_FILE_CLOSED. What the file reads as is unchanged then.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<usize, Status> {
        let protected = self.shared.is_read_only();
        self.data(Status::INVALID_DEVICE_REQUEST, |stream, disk| {
            if protected {
                return Err(Status::MEDIA_WRITE_PROTECTED);
            }
            stream.write(disk, offset, bytes)?;
            Ok(bytes.len())
        })
    }

    /// Sets the end of file (\[MS-FSA\] 2.1.5.15.5).
    ///
    /// # Errors
    /// STATUS_MEDIA_WRITE_PROTECTED; STATUS_INVALID_PARAMETER for a directory or a size that is too
    /// large; STATUS_ACCESS_DENIED without FILE_WRITE_DATA; STATUS_DISK_FULL; STATUS_FILE_CLOSED.
    pub fn set_end_of_file(&self, size: u64) -> Result<(), Status> {
        self.resize(|stream, disk| stream.set_end_of_file(disk, size))
    }

    /// Sets the allocation size in bytes, rounded up to a cluster (\[MS-FSA\] 2.1.5.15.1). What lies
    /// behind the end of file is given back at a close.
    ///
    /// # Errors
    /// Those of [`OpenFile::set_end_of_file`].
    pub fn set_allocation(&self, size: u64) -> Result<(), Status> {
        self.resize(|stream, disk| stream.set_allocation(disk, size))
    }

    /// Sets the attributes that a caller can set; others are ignored.
    ///
    /// # Errors
    /// STATUS_MEDIA_WRITE_PROTECTED, STATUS_FILE_CLOSED; STATUS_INVALID_PARAMETER for a volume.
    pub fn set_attributes(&self, attributes: u32) -> Result<(), Status> {
        let mut state = self.shared.lock();
        let node = state
            .nodes
            .get_mut(&self.open_node()?)
            .ok_or(Status::FILE_CLOSED)?;
        if self.shared.is_read_only() {
            return Err(Status::MEDIA_WRITE_PROTECTED);
        }
        node.attributes &= !SETTABLE_ATTRIBUTES;
        node.attributes |= attributes & SETTABLE_ATTRIBUTES;
        Ok(())
    }

    /// Marks the file for deletion with its last open, or takes the mark back (\[MS-FSA\] 2.1.5.15.3).
    ///
    /// # Errors
    /// STATUS_MEDIA_WRITE_PROTECTED; STATUS_ACCESS_DENIED without DELETE; STATUS_CANNOT_DELETE for the
    /// root and for a read-only file; STATUS_DIRECTORY_NOT_EMPTY; STATUS_FILE_CLOSED.
    pub fn set_delete(&self, delete: bool) -> Result<(), Status> {
        let mut state = self.shared.lock();
        let id = self.open_node()?;
        let node = state.nodes.get_mut(&id).ok_or(Status::FILE_CLOSED)?;
        if self.shared.is_read_only() {
            return Err(Status::MEDIA_WRITE_PROTECTED);
        }
        if self.granted & DELETE == 0 {
            return Err(Status::ACCESS_DENIED);
        }
        if delete {
            if id == ROOT || node.attributes & FILE_ATTRIBUTE_READONLY != 0 {
                return Err(Status::CANNOT_DELETE);
            }
            if matches!(&node.body, Body::Directory(entries) if !entries.is_empty()) {
                return Err(Status::DIRECTORY_NOT_EMPTY);
            }
        }
        node.deleted = delete;
        Ok(())
    }

    /// What the file says about itself.
    ///
    /// # Errors
    /// STATUS_INVALID_PARAMETER for a volume; STATUS_FILE_CLOSED.
    pub fn information(&self) -> Result<FileInformation, Status> {
        let state = self.shared.lock();
        let id = self.open_node()?;
        let node = state.nodes.get(&id).ok_or(Status::FILE_CLOSED)?;
        let mut information = FileInformation {
            file_id: file_id(self.shared.spec.kind, node.parent, id),
            attributes: node.attributes,
            directory: true,
            delete_pending: node.deleted,
            end_of_file: 0,
            allocation_size: 0,
            valid_data_length: 0,
            allocated_bytes: 0,
        };
        if let Body::Data(stream) = &node.body {
            let sparse = if stream.sparse {
                FILE_ATTRIBUTE_SPARSE_FILE
            } else {
                0
            };
            information.attributes |= sparse;
            information.directory = false;
            information.end_of_file = stream.end_of_file;
            information.allocation_size = stream.allocation_size;
            information.valid_data_length = stream.valid_data_length;
            information.allocated_bytes = stream.extents.clusters() * state.disk.cluster_size();
        }
        Ok(information)
    }

    /// The extents with their reference counts, in ascending order; holes are left out.
    ///
    /// # Errors
    /// STATUS_INVALID_PARAMETER for a directory or volume; STATUS_FILE_CLOSED.
    pub fn extents(&self) -> Result<Vec<ExtentInformation>, Status> {
        self.data(Status::INVALID_PARAMETER, |stream, disk| {
            let mut extents = Vec::new();
            for run in stream.extents.iter() {
                for counted in disk.references().view(run.clusters()) {
                    extents.push(ExtentInformation {
                        vcn: run.start + (counted.start - run.value.0),
                        clusters: counted.length,
                        lcn: counted.start,
                        references: counted.value.0,
                    });
                }
            }
            Ok(extents)
        })
    }

    /// Closes the open (\[MS-FSA\] 2.1.5.5): the file goes away if it is marked and this was the last
    /// open, otherwise clusters behind the end of file are given back. Later calls do nothing; other
    /// operations end with STATUS_FILE_CLOSED.
    pub fn cleanup(&self) {
        let mut state = self.shared.lock();
        if self.closed.swap(true, Ordering::Relaxed) || self.kind == OpenKind::Volume {
            return;
        }
        let Some(node) = state.nodes.get_mut(&self.node) else {
            return;
        };
        node.opens -= 1;
        let empty = !matches!(&node.body, Body::Directory(entries) if !entries.is_empty());
        node.deleted |= self.delete_on_close && empty && self.node != ROOT;
        if node.deleted && node.opens == 0 {
            state.remove(self.node);
        } else if let Some((stream, disk)) = state.stream(self.node) {
            stream.trim(disk);
        }
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

    /// The node, if the open is neither closed nor of a volume. The caller holds the volume's lock.
    pub(super) fn open_node(&self) -> Result<NodeId, Status> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Status::FILE_CLOSED);
        }
        if self.kind == OpenKind::Volume {
            return Err(Status::INVALID_PARAMETER);
        }
        Ok(self.node)
    }

    /// Runs `operation` on the stream under the lock; `otherwise` if this is not a data file.
    pub(super) fn data<R>(
        &self,
        otherwise: Status,
        operation: impl FnOnce(&mut DataStream, &mut Disk) -> Result<R, Status>,
    ) -> Result<R, Status> {
        if self.kind != OpenKind::Data {
            return Err(otherwise);
        }
        let mut state = self.shared.lock();
        let (stream, disk) = state.stream(self.open_node()?).ok_or(Status::FILE_CLOSED)?;
        operation(stream, disk)
    }

    /// What [`OpenFile::set_end_of_file`] and [`OpenFile::set_allocation`] have in common, in the
    /// order of \[MS-FSA\] 2.1.5.15.
    fn resize(
        &self,
        operation: impl FnOnce(&mut DataStream, &mut Disk) -> Result<(), Status>,
    ) -> Result<(), Status> {
        if self.shared.is_read_only() {
            return Err(Status::MEDIA_WRITE_PROTECTED);
        }
        self.data(Status::INVALID_PARAMETER, |stream, disk| {
            if self.granted & FILE_WRITE_DATA == 0 {
                return Err(Status::ACCESS_DENIED);
            }
            operation(stream, disk)
        })
    }
}

/// The 128-bit file id, composed as \[MS-FSA\] note 48 says: on ReFS the directory in the low half and
/// the file in the high half, on NTFS a 48-bit index and a 16-bit sequence number, here always 1.
fn file_id(kind: FsKind, parent: NodeId, id: NodeId) -> u128 {
    match kind {
        FsKind::Refs => u128::from(id) << 64 | u128::from(parent),
        FsKind::Ntfs => 1 << 48 | u128::from(id & 0xFFFF_FFFF_FFFF),
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
