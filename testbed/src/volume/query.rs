//! What an open file says about itself.

use super::access::{FILE_ATTRIBUTE_INTEGRITY_STREAM, FILE_ATTRIBUTE_SPARSE_FILE};
use super::open::{OpenFile, OpenKind};
use super::spec::FsKind;
use super::state::{Body, Node, NodeId, State};
use super::status::Status;

/// What a file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileInformation {
    /// The 128-bit file id; unique on the volume and never used again. Every name and every stream of
    /// the file has the same.
    pub file_id: u128,
    /// FILE_ATTRIBUTE_* of the file; FILE_ATTRIBUTE_SPARSE_FILE and FILE_ATTRIBUTE_INTEGRITY_STREAM if
    /// any of its streams is (\[MS-FSA\] 2.1.5.10.38).
    pub attributes: u32,
    /// Whether the open is of a directory; sizes are zero then.
    pub directory: bool,
    /// Whether this name or this named stream goes away with its last open.
    pub delete_pending: bool,
    /// How many names the file has.
    pub links: u32,
    /// Whether this stream is sparse.
    pub sparse: bool,
    /// Whether this stream has checksums.
    pub integrity: bool,
    /// Bytes in the stream.
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

impl OpenFile {
    /// What the file says about itself.
    ///
    /// # Errors
    /// STATUS_INVALID_PARAMETER for a volume; STATUS_FILE_CLOSED.
    pub fn information(&self) -> Result<FileInformation, Status> {
        let state = self.shared().lock();
        let entry = self.open_entry()?;
        let node = state.nodes.get(&entry.node).ok_or(Status::FILE_CLOSED)?;
        let link = node.links.iter().find(|link| link.id == entry.link);
        let mut information = FileInformation {
            file_id: file_id(self.spec().kind, node.home, entry.node),
            attributes: node.attributes | stream_attributes(&state, node),
            directory: self.kind() == OpenKind::Directory,
            delete_pending: link.is_none_or(|link| link.deleted),
            links: node.links.len() as u32,
            sparse: false,
            integrity: node.checksum != 0,
            end_of_file: 0,
            allocation_size: 0,
            valid_data_length: 0,
            allocated_bytes: 0,
        };
        if let Some(stream) = state.streams.get(&self.open_stream()?) {
            let data = &stream.data;
            information.delete_pending |= stream.deleted;
            information.sparse = data.sparse;
            information.integrity = data.checksum != 0;
            information.end_of_file = data.end_of_file;
            information.allocation_size = data.allocation_size;
            information.valid_data_length = data.valid_data_length;
            information.allocated_bytes = data.extents.clusters() * state.disk.cluster_size();
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
}

/// The attributes that come from the streams; those of a directory's checksum too.
fn stream_attributes(state: &State, node: &Node) -> u32 {
    let streams = node.streams.values().filter_map(|id| state.streams.get(id));
    let mut attributes = 0;
    let directory = matches!(node.body, Body::Directory(_));
    if directory && node.checksum != 0 {
        attributes |= FILE_ATTRIBUTE_INTEGRITY_STREAM;
    }
    for stream in streams {
        if stream.data.sparse {
            attributes |= FILE_ATTRIBUTE_SPARSE_FILE;
        }
        if stream.data.checksum != 0 {
            attributes |= FILE_ATTRIBUTE_INTEGRITY_STREAM;
        }
    }
    attributes
}

/// The 128-bit file id, composed as \[MS-FSA\] note 48 says: on ReFS the directory in the low half and
/// the file in the high half, on NTFS a 48-bit index and a 16-bit sequence number, here always 1. That of
/// a third party is the file alone.
fn file_id(kind: FsKind, home: NodeId, id: NodeId) -> u128 {
    match kind {
        FsKind::Refs => u128::from(id) << 64 | u128::from(home),
        FsKind::Ntfs => 1 << 48 | u128::from(id & 0xFFFF_FFFF_FFFF),
        FsKind::ThirdParty => u128::from(id),
    }
}
