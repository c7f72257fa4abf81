//! What shares blocks with a file.

use super::clone::FileKey;
use super::tree::{self, Found};
use super::{Edge, Limits, Lineage};
use crate::Timestamp;
use crate::label::hex;
use serde::Serialize;

/// What shares blocks with the files that were asked for. The fields are those of the JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineageReport {
    /// The files that were asked for; several files can have had one name.
    pub files: Vec<RootReport>,
    /// What the records leave open.
    pub limits: Limits,
}

/// A file that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RootReport {
    /// The file.
    pub file: FileReport,
    /// What shares blocks with it or did; a file behind the one that leads to it.
    pub shares: Vec<Relation>,
    /// The clones by which the shared blocks came about.
    pub clones: Vec<CloneReport>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Which.
    #[serde(flatten)]
    pub key: FileKey,
    /// Names that records gave it, the latest last.
    pub names: Vec<String>,
}

/// A file that shares blocks with the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Relation {
    /// The file.
    pub file: FileReport,
    /// Its bytes that are shared, as far as the records tell.
    pub shared_now: u64,
    /// Bytes that both had at some time, be it at another.
    pub shared_ever: u64,
    /// The relation that leads to it, by its place in the list; none for the file asked for.
    pub parent: Option<usize>,
    /// Whether it got blocks from that file; otherwise it gave them.
    pub has_received: bool,
    /// How many steps it is away.
    pub depth: usize,
    /// The clones between the two.
    pub clone: CloneReport,
}

/// The clones from one file to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CloneReport {
    /// Where the blocks were.
    pub source: FileKey,
    /// Where they are too.
    pub target: FileKey,
    /// How many requests.
    pub clones: u64,
    /// Bytes of them together.
    pub byte_count: u64,
    /// Time of the first.
    pub first_time: Timestamp,
    /// Load of the driver in which it was recorded.
    pub first_boot_id: String,
    /// Number of its record.
    pub first_sequence: u64,
    /// Time of the last.
    pub last_time: Timestamp,
    /// Image of the process of the last.
    pub image: Option<String>,
}

impl Lineage {
    /// What the records amount to.
    #[must_use]
    pub fn report(&self) -> LineageReport {
        let roots = self.roots.iter().copied();
        LineageReport {
            files: roots.filter_map(|root| self.root(root)).collect(),
            limits: self.limits,
        }
    }

    /// What shares blocks with a file.
    fn root(&self, root: usize) -> Option<RootReport> {
        let own = self.maps.get(&root)?;
        let (now, ever) = (own.labels(), own.ever());
        let edges = self.edges.iter();
        let edges = edges.filter(|(_, edge)| edge.labels.common(ever) > 0);
        let mut edges: Vec<(usize, usize, &Edge)> = edges
            .map(|((source, target), edge)| (*source, *target, edge))
            .collect();
        edges.sort_by_key(|(source, target, edge)| (edge.first, *source, *target));
        let ends: Vec<(usize, usize)> = edges.iter().map(|edge| (edge.0, edge.1)).collect();
        let relation = |found: &Found| {
            let (source, target, edge) = edges.get(found.edge)?;
            let map = self.maps.get(&found.file)?;
            Some(Relation {
                file: self.file(found.file)?,
                shared_now: map.bytes_in(&now),
                shared_ever: map.ever().common(ever),
                parent: found.parent,
                has_received: *target == found.file,
                depth: found.depth,
                clone: self.clone_report(*source, *target, edge)?,
            })
        };
        let shares = tree::reach(root, &ends);
        let clones = edges.iter();
        Some(RootReport {
            file: self.file(root)?,
            shares: shares.iter().filter_map(relation).collect(),
            clones: clones
                .filter_map(|(source, target, edge)| self.clone_report(*source, *target, edge))
                .collect(),
        })
    }

    fn file(&self, number: usize) -> Option<FileReport> {
        Some(FileReport {
            key: self.files.key(number)?.clone(),
            names: self.files.names(number).to_vec(),
        })
    }

    fn clone_report(&self, source: usize, target: usize, edge: &Edge) -> Option<CloneReport> {
        let (first_time, boot_id, first_sequence) = edge.first;
        Some(CloneReport {
            source: self.files.key(source)?.clone(),
            target: self.files.key(target)?.clone(),
            clones: edge.clones,
            byte_count: edge.byte_count,
            first_time,
            first_boot_id: hex(&boot_id),
            first_sequence,
            last_time: edge.last_time,
            image: edge.image.clone(),
        })
    }
}
