//! What the lock of a volume protects: the disk, the tree of files and directories, their streams.
//!
//! As \[MS-FSA\] 2.1.1 has it: a file has names (links) and data streams, an open goes through one link
//! to one stream. Files, links, streams and opens draw their numbers from one counter.

use std::collections::BTreeMap;

use super::access::FILE_ATTRIBUTE_DIRECTORY;
use super::disk::Disk;
use super::locks::LockList;
use super::names::fold;
use super::stream::DataStream;

/// The number of a file or directory; never used twice on a volume.
pub(super) type NodeId = u64;
/// The number of a name of a file.
pub(super) type LinkId = u64;
/// The number of a stream. The stream of a directory, which holds no data, has the directory's.
pub(super) type StreamId = u64;

/// The root directory.
pub(super) const ROOT: NodeId = 1;
/// The one link of the root; it has no name and no directory lists it.
const ROOT_LINK: LinkId = 2;

/// What a node is.
#[derive(Debug)]
pub(super) enum Body {
    /// A directory: folded name -> entry.
    Directory(BTreeMap<String, Entry>),
    /// A data file; its unnamed stream is the one with the empty name.
    Data,
}

/// Where a directory entry leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) node: NodeId,
    pub(super) link: LinkId,
}

/// A name of a file or directory.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: LinkId,
    /// The directory that lists it; the root's names the root.
    pub(super) parent: NodeId,
    /// The name as it was given at creation.
    pub(super) name: String,
    /// Whether it goes away with its last open.
    pub(super) deleted: bool,
    /// Opens through this name that are not cleaned up.
    pub(super) opens: u32,
}

/// A file or directory.
#[derive(Debug)]
pub(super) struct Node {
    /// The directory it was created in; a part of the file id on ReFS.
    pub(super) home: NodeId,
    /// Its names; a directory has one.
    pub(super) links: Vec<Link>,
    /// What it is.
    pub(super) body: Body,
    /// Its data streams: folded name -> stream.
    pub(super) streams: BTreeMap<String, StreamId>,
    /// FILE_ATTRIBUTE_*, without the bits that the streams know.
    pub(super) attributes: u32,
    /// The checksum of files created in this directory, CHECKSUM_TYPE_*.
    pub(super) checksum: u16,
}

impl Node {
    /// The link of this number.
    pub(super) fn link(&mut self, id: LinkId) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.id == id)
    }
}

/// A data stream of a file or directory.
#[derive(Debug)]
pub(super) struct Stream {
    /// The file it belongs to.
    pub(super) node: NodeId,
    /// The name as it was given at creation; empty for the unnamed one.
    pub(super) name: String,
    pub(super) data: DataStream,
    pub(super) locks: LockList,
    /// Whether it goes away with its last open. The unnamed one goes with its file.
    pub(super) deleted: bool,
    /// Opens that are not cleaned up.
    pub(super) opens: u32,
}

/// Disk, tree and streams.
#[derive(Debug)]
pub(super) struct State {
    pub(super) disk: Disk,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    pub(super) streams: BTreeMap<StreamId, Stream>,
    next: u64,
}

impl State {
    /// An empty volume: a root directory.
    pub(super) fn new(disk: Disk) -> Self {
        let root = Node {
            home: ROOT,
            links: vec![Link {
                id: ROOT_LINK,
                parent: ROOT,
                name: String::new(),
                deleted: false,
                opens: 0,
            }],
            body: Body::Directory(BTreeMap::new()),
            streams: BTreeMap::new(),
            attributes: FILE_ATTRIBUTE_DIRECTORY,
            checksum: 0,
        };
        Self {
            disk,
            nodes: BTreeMap::from([(ROOT, root)]),
            streams: BTreeMap::new(),
            next: ROOT_LINK + 1,
        }
    }

    /// A number that nothing else on the volume has.
    pub(super) fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// The root as if a directory listed it.
    pub(super) const fn root() -> Entry {
        Entry {
            node: ROOT,
            link: ROOT_LINK,
        }
    }

    /// The entry `name` of directory `parent`; `None` too if `parent` is not a directory.
    pub(super) fn find(&self, parent: NodeId, name: &str) -> Option<Entry> {
        match &self.nodes.get(&parent)?.body {
            Body::Directory(entries) => entries.get(&fold(name)).copied(),
            Body::Data => None,
        }
    }

    /// Adds a file or directory under a name that its directory does not have.
    pub(super) fn add(
        &mut self,
        (parent, name): (NodeId, &str),
        body: Body,
        attributes: u32,
    ) -> Entry {
        let node = self.number();
        let data = matches!(body, Body::Data);
        let checksum = self.nodes.get(&parent).map_or(0, |parent| parent.checksum);
        let made = Node {
            home: parent,
            links: Vec::new(),
            body,
            streams: BTreeMap::new(),
            attributes,
            checksum,
        };
        self.nodes.insert(node, made);
        if data {
            self.add_stream(node, "");
        }
        let link = self.add_link(node, parent, name);
        Entry { node, link }
    }

    /// Adds a name to a node, where its directory has none of this name.
    pub(super) fn add_link(&mut self, node: NodeId, parent: NodeId, name: &str) -> LinkId {
        let id = self.number();
        if let Some(Body::Directory(entries)) = self.nodes.get_mut(&parent).map(|n| &mut n.body) {
            entries.insert(fold(name), Entry { node, link: id });
        }
        if let Some(node) = self.nodes.get_mut(&node) {
            node.links.push(Link {
                id,
                parent,
                name: name.to_owned(),
                deleted: false,
                opens: 0,
            });
        }
        id
    }

    /// Adds a data stream to a node that has none of this name.
    pub(super) fn add_stream(&mut self, node: NodeId, name: &str) -> StreamId {
        let id = self.number();
        let mut data = DataStream::new();
        if let Some(node) = self.nodes.get_mut(&node) {
            node.streams.insert(fold(name), id);
            data.checksum = node.checksum;
        }
        let stream = Stream {
            node,
            name: name.to_owned(),
            data,
            locks: LockList::default(),
            deleted: false,
            opens: 0,
        };
        self.streams.insert(id, stream);
        id
    }

    /// Gives a node and all its streams this checksum.
    pub(super) fn set_checksum(&mut self, node: NodeId, checksum: u16) {
        let Some(node) = self.nodes.get_mut(&node) else {
            return;
        };
        node.checksum = checksum;
        for id in node.streams.values() {
            if let Some(stream) = self.streams.get_mut(id) {
                stream.data.checksum = checksum;
            }
        }
    }

    /// Takes a name out of the tree, and with the last one the file with all its clusters.
    pub(super) fn remove_link(&mut self, id: NodeId, link: LinkId) {
        let Some(node) = self.nodes.get_mut(&id) else {
            return;
        };
        let Some(at) = node.links.iter().position(|other| other.id == link) else {
            return;
        };
        let link = node.links.remove(at);
        let last = node.links.is_empty();
        if let Some(Body::Directory(entries)) =
            self.nodes.get_mut(&link.parent).map(|n| &mut n.body)
        {
            entries.remove(&fold(&link.name));
        }
        if last && let Some(node) = self.nodes.remove(&id) {
            for stream in node.streams.into_values() {
                self.clear_stream(stream);
            }
        }
    }

    /// Takes a named stream away from its file.
    pub(super) fn remove_stream(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get(&id)
            && let Some(node) = self.nodes.get_mut(&stream.node)
        {
            node.streams.remove(&fold(&stream.name));
        }
        self.clear_stream(id);
    }

    fn clear_stream(&mut self, id: StreamId) {
        if let Some(mut stream) = self.streams.remove(&id) {
            stream.data.clear(&mut self.disk);
        }
    }

    /// The path of a link from the root, with the names as they were created.
    pub(super) fn path(&self, entry: Entry) -> String {
        let mut names = Vec::new();
        let mut at = self
            .nodes
            .get(&entry.node)
            .and_then(|node| node.links.iter().find(|link| link.id == entry.link));
        while let Some(link) = at.filter(|link| link.id != ROOT_LINK) {
            names.push(link.name.as_str());
            at = self
                .nodes
                .get(&link.parent)
                .and_then(|node| node.links.first());
        }
        names.reverse();
        format!("\\{}", names.join("\\"))
    }

    /// The content of a data stream, with the disk it lives on.
    pub(super) fn stream(&mut self, id: StreamId) -> Option<(&mut DataStream, &mut Disk)> {
        let stream = self.streams.get_mut(&id)?;
        Some((&mut stream.data, &mut self.disk))
    }
}
