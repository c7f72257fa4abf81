//! What the lock of a volume protects: the disk and the tree of files and directories.

use std::collections::BTreeMap;

use super::access::FILE_ATTRIBUTE_DIRECTORY;
use super::disk::Disk;
use super::names::fold;
use super::stream::DataStream;

/// The number of a file or directory; never used twice on a volume.
pub(super) type NodeId = u64;

/// The root directory.
pub(super) const ROOT: NodeId = 1;

/// What a node is.
#[derive(Debug)]
pub(super) enum Body {
    /// A directory: folded name -> entry.
    Directory(BTreeMap<String, NodeId>),
    /// A data file with its one stream.
    Data(DataStream),
}

/// A file or directory.
#[derive(Debug)]
pub(super) struct Node {
    /// The directory that lists it; the root lists itself nowhere and names itself here.
    pub(super) parent: NodeId,
    /// The name as it was given at creation.
    pub(super) name: String,
    /// Its entries or its content.
    pub(super) body: Body,
    /// FILE_ATTRIBUTE_*, without the sparse bit, which the stream knows.
    pub(super) attributes: u32,
    /// Whether it goes away with its last open.
    pub(super) deleted: bool,
    /// Opens that are not cleaned up.
    pub(super) opens: u32,
}

/// Disk and tree.
#[derive(Debug)]
pub(super) struct State {
    pub(super) disk: Disk,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    next: NodeId,
}

impl State {
    /// An empty volume: a root directory.
    pub(super) fn new(disk: Disk) -> Self {
        let root = Node {
            parent: ROOT,
            name: String::new(),
            body: Body::Directory(BTreeMap::new()),
            attributes: FILE_ATTRIBUTE_DIRECTORY,
            deleted: false,
            opens: 0,
        };
        Self {
            disk,
            nodes: BTreeMap::from([(ROOT, root)]),
            next: ROOT + 1,
        }
    }

    /// The entry `name` of directory `parent`; `None` too if `parent` is not a directory.
    pub(super) fn find(&self, parent: NodeId, name: &str) -> Option<NodeId> {
        match &self.nodes.get(&parent)?.body {
            Body::Directory(entries) => entries.get(&fold(name)).copied(),
            Body::Data(_) => None,
        }
    }

    /// Adds an entry to a directory that has none of this name.
    pub(super) fn add(
        &mut self,
        parent: NodeId,
        name: &str,
        body: Body,
        attributes: u32,
    ) -> NodeId {
        let id = self.next;
        self.next += 1;
        let name = name.to_owned();
        if let Some(Body::Directory(entries)) = self.nodes.get_mut(&parent).map(|n| &mut n.body) {
            entries.insert(fold(&name), id);
        }
        self.nodes.insert(
            id,
            Node {
                parent,
                name,
                body,
                attributes,
                deleted: false,
                opens: 0,
            },
        );
        id
    }

    /// Takes a node out of the tree and gives its clusters back.
    pub(super) fn remove(&mut self, id: NodeId) {
        let Some(mut node) = self.nodes.remove(&id) else {
            return;
        };
        if let Some(Body::Directory(entries)) =
            self.nodes.get_mut(&node.parent).map(|n| &mut n.body)
        {
            entries.remove(&fold(&node.name));
        }
        if let Body::Data(stream) = &mut node.body {
            stream.clear(&mut self.disk);
        }
    }

    /// The path of a node from the root, with the names as they were created.
    pub(super) fn path(&self, id: NodeId) -> String {
        let mut names = Vec::new();
        let mut at = id;
        while at != ROOT
            && let Some(node) = self.nodes.get(&at)
        {
            names.push(node.name.as_str());
            at = node.parent;
        }
        names.reverse();
        format!("\\{}", names.join("\\"))
    }

    /// The stream of a data file, with the disk it lives on.
    pub(super) fn stream(&mut self, id: NodeId) -> Option<(&mut DataStream, &mut Disk)> {
        match &mut self.nodes.get_mut(&id)?.body {
            Body::Data(stream) => Some((stream, &mut self.disk)),
            Body::Directory(_) => None,
        }
    }
}
