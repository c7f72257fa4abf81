//! The modelled disk: which clusters are free, how often each is referenced, and what it holds.
//!
//! \[MS-FSA\] 2.1.1.1 keeps an array ClusterRefcount per volume; here it is a run-length map. Contents
//! are stored only for clusters that were written, and only as far as they were written; the rest of
//! an allocated cluster reads as zeros. A cluster whose count falls to zero is freed and forgotten.

use std::collections::BTreeMap;
use std::ops::Range;

use super::runs::{Carried, Run, Runs};
use super::status::Status;

/// The number of a cluster on the disk, as an extent carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lcn(pub(super) u64);

impl Carried for Lcn {
    fn after(self, distance: u64) -> Self {
        Self(self.0 + distance)
    }
}

impl Run<Lcn> {
    /// The clusters on the disk that the run maps.
    pub(super) fn clusters(&self) -> Range<u64> {
        self.value.0..self.value.0 + self.length
    }
}

/// How many extents map a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count(pub(super) u32);

/// The mark of a free cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Free;

/// The mark of a cluster that is shared as often as it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// What every cluster of a run carries alike.
macro_rules! carried_alike {
    ($($type:ty),*) => {
        $(impl Carried for $type {
            fn after(self, _: u64) -> Self {
                self
            }
        })*
    };
}

carried_alike!(Count, Free, Full);

/// Clusters, counts and contents.
#[derive(Debug)]
pub(super) struct Disk {
    cluster_size: u64,
    capacity: u64,
    /// The highest count a cluster may reach.
    limit: u32,
    /// With lazy accounting, the clusters that were at the limit or above it when the counts last
    /// settled; only those refuse another reference. Without it the counts themselves decide.
    full: Option<Runs<Full>>,
    free: Runs<Free>,
    free_clusters: u64,
    references: Runs<Count>,
    /// Cluster -> its bytes up to the last one written.
    contents: BTreeMap<u64, Vec<u8>>,
}

impl Disk {
    /// An empty disk of `capacity` clusters of `cluster_size` bytes.
    pub(super) fn new(cluster_size: u32, capacity: u64, limit: Option<u32>) -> Self {
        let mut free = Runs::new();
        free.insert(Run {
            start: 0,
            length: capacity,
            value: Free,
        });
        Self {
            cluster_size: u64::from(cluster_size),
            capacity,
            limit: limit.unwrap_or(u32::MAX),
            full: None,
            free,
            free_clusters: capacity,
            references: Runs::new(),
            contents: BTreeMap::new(),
        }
    }

    /// The same with lazy accounting: see [`Disk::settle`].
    pub(super) fn lazy(self) -> Self {
        Self {
            full: Some(Runs::new()),
            ..self
        }
    }

    /// With lazy accounting, finds the clusters that are at the limit, and those that no longer are.
    pub(super) fn settle(&mut self) {
        let Some(full) = &mut self.full else {
            return;
        };
        *full = Runs::new();
        for run in self.references.iter() {
            if run.value.0 >= self.limit {
                full.insert(Run {
                    start: run.start,
                    length: run.length,
                    value: Full,
                });
            }
        }
    }

    /// Bytes per cluster.
    pub(super) const fn cluster_size(&self) -> u64 {
        self.cluster_size
    }

    /// Clusters on the disk.
    pub(super) const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Clusters nobody uses.
    pub(super) const fn free_clusters(&self) -> u64 {
        self.free_clusters
    }

    /// The highest count a cluster may reach.
    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    /// The clusters found full, for the consistency check; `None` without lazy accounting.
    pub(super) const fn full(&self) -> Option<&Runs<Full>> {
        self.full.as_ref()
    }

    /// The free runs, for the consistency check.
    pub(super) const fn free(&self) -> &Runs<Free> {
        &self.free
    }

    /// The counts, for the consistency check and for statistics.
    pub(super) const fn references(&self) -> &Runs<Count> {
        &self.references
    }

    /// Takes `count` clusters, lowest first, each with one reference; they read as zeros.
    ///
    /// Lowest first means that a freed cluster is used again at once, so that a stale reference to it
    /// shows as wrong data.
    ///
    /// # Errors
    /// STATUS_DISK_FULL, with nothing taken.
    pub(super) fn allocate(&mut self, count: u64) -> Result<Vec<Range<u64>>, Status> {
        if count > self.free_clusters {
            return Err(Status::DISK_FULL);
        }
        let mut pieces = Vec::new();
        let mut missing = count;
        while missing > 0 {
            let run = self.free.first().ok_or(Status::DISK_FULL)?;
            let piece = run.start..run.start + run.length.min(missing);
            let length = piece.end - piece.start;
            self.free.take(piece.clone());
            self.references.insert(Run {
                start: piece.start,
                length,
                value: Count(1),
            });
            self.free_clusters -= length;
            missing -= length;
            pieces.push(piece);
        }
        Ok(pieces)
    }

    /// Raises the counts of `clusters` from the front until one is at the limit. Returns how many
    /// clusters were raised.
    pub(super) fn share(&mut self, clusters: Range<u64>) -> u64 {
        let end = self.first_full(&clusters).unwrap_or(clusters.end);
        let mut raised = 0;
        for run in self.references.take(clusters.start..end) {
            raised += run.length;
            self.references.insert(Run {
                value: Count(run.value.0 + 1),
                ..run
            });
        }
        raised
    }

    /// The first cluster that refuses another reference.
    fn first_full(&self, clusters: &Range<u64>) -> Option<u64> {
        if let Some(full) = &self.full {
            return full.view(clusters.clone()).first().map(|run| run.start);
        }
        let counts = self.references.view(clusters.clone());
        let at_limit = counts.iter().find(|run| run.value.0 >= self.limit);
        at_limit.map(|run| run.start)
    }

    /// Lowers the counts of `clusters`; a cluster that reaches zero is freed and its bytes forgotten.
    pub(super) fn release(&mut self, clusters: Range<u64>) {
        for run in self.references.take(clusters) {
            if run.value.0 > 1 {
                self.references.insert(Run {
                    value: Count(run.value.0 - 1),
                    ..run
                });
            } else {
                self.forget(run.range());
                if let Some(full) = &mut self.full {
                    full.take(run.range());
                }
                self.free.insert(Run {
                    start: run.start,
                    length: run.length,
                    value: Free,
                });
                self.free_clusters += run.length;
            }
        }
    }

    /// The parts of `clusters` that more than one extent maps.
    pub(super) fn shared(&self, clusters: Range<u64>) -> Vec<Range<u64>> {
        let runs = self.references.view(clusters);
        runs.into_iter()
            .filter(|run| run.value.0 > 1)
            .map(|run| run.range())
            .collect()
    }

    /// The clusters of a range that hold written bytes, with those bytes.
    pub(super) fn written(&self, clusters: Range<u64>) -> impl Iterator<Item = (u64, &[u8])> {
        self.contents
            .range(clusters)
            .map(|(&lcn, bytes)| (lcn, bytes.as_slice()))
    }

    /// Writes into one cluster from byte `at`; the caller has made sure that nobody shares it.
    pub(super) fn write(&mut self, lcn: u64, at: usize, data: &[u8]) {
        debug_assert!(
            self.shared(lcn..lcn + 1).is_empty(),
            "write to shared cluster {lcn}"
        );
        let bytes = self.contents.entry(lcn).or_default();
        if bytes.len() < at {
            bytes.resize(at, 0);
        }
        let (over, behind) = data.split_at(data.len().min(bytes.len() - at));
        bytes[at..at + over.len()].copy_from_slice(over);
        bytes.extend_from_slice(behind);
    }

    /// Zeroes bytes of one cluster that nobody shares.
    pub(super) fn zero(&mut self, lcn: u64, bytes: Range<usize>) {
        debug_assert!(
            self.shared(lcn..lcn + 1).is_empty(),
            "zeroes to shared cluster {lcn}"
        );
        if let Some(content) = self.contents.get_mut(&lcn) {
            let end = bytes.end.min(content.len());
            if bytes.start < end {
                content[bytes.start..end].fill(0);
            }
        }
    }

    /// Whether these bytes of a cluster read as zeros.
    pub(super) fn is_zero(&self, lcn: u64, bytes: Range<usize>) -> bool {
        let Some(content) = self.contents.get(&lcn) else {
            return true;
        };
        let end = bytes.end.min(content.len());
        bytes.start >= end || content[bytes.start..end].iter().all(|&byte| byte == 0)
    }

    /// Whether all bytes of these clusters read as zeros.
    pub(super) fn are_zero(&self, clusters: Range<u64>) -> bool {
        self.written(clusters)
            .all(|(_, bytes)| bytes.iter().all(|&byte| byte == 0))
    }

    /// Gives cluster `to` the bytes of cluster `from`.
    pub(super) fn copy(&mut self, from: u64, to: u64) {
        match self.contents.get(&from).cloned() {
            Some(bytes) => self.contents.insert(to, bytes),
            None => self.contents.remove(&to),
        };
    }

    /// Makes clusters that nobody shares read as zeros.
    pub(super) fn forget(&mut self, clusters: Range<u64>) {
        let written: Vec<u64> = self.contents.range(clusters).map(|(&lcn, _)| lcn).collect();
        for lcn in written {
            self.contents.remove(&lcn);
        }
    }

    /// What is wrong with the stored bytes, if anything.
    pub(super) fn content_faults(&self) -> impl Iterator<Item = String> + '_ {
        self.contents.iter().filter_map(|(&lcn, bytes)| {
            if self.references.view(lcn..lcn + 1).is_empty() {
                return Some(format!(
                    "cluster {lcn} is free but holds {} bytes",
                    bytes.len()
                ));
            }
            let length = bytes.len() as u64;
            (length > self.cluster_size)
                .then(|| format!("cluster {lcn} holds {length} bytes, more than a cluster"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Disk;
    use crate::volume::status::Status;

    /// The clusters taken, one by one.
    fn take(disk: &mut Disk, count: u64) -> Result<Vec<u64>, Status> {
        Ok(disk.allocate(count)?.into_iter().flatten().collect())
    }

    #[test]
    fn a_full_disk_takes_nothing() {
        let mut disk = Disk::new(4096, 8, None);
        assert_eq!(take(&mut disk, 5), Ok(vec![0, 1, 2, 3, 4]));
        assert_eq!(take(&mut disk, 4), Err(Status::DISK_FULL));
        assert_eq!(disk.free_clusters(), 3);
        disk.release(1..3);
        assert_eq!(take(&mut disk, 4), Ok(vec![1, 2, 5, 6]));
    }

    #[test]
    fn the_last_release_frees_and_forgets() {
        let mut disk = Disk::new(4096, 8, None);
        take(&mut disk, 1).unwrap();
        disk.write(0, 10, b"abc");
        assert_eq!(disk.share(0..1), 1);
        disk.release(0..1);
        assert!(!disk.is_zero(0, 0..4096));
        disk.release(0..1);
        assert_eq!(disk.free_clusters(), 8);
        assert_eq!(take(&mut disk, 1), Ok(vec![0]));
        assert!(disk.is_zero(0, 0..4096));
    }

    #[test]
    fn sharing_stops_in_front_of_the_limit() {
        let mut disk = Disk::new(4096, 8, Some(2));
        take(&mut disk, 4).unwrap();
        assert_eq!(disk.share(2..3), 1);
        assert_eq!(disk.share(0..4), 2);
        let shared: Vec<u64> = disk.shared(0..4).into_iter().flatten().collect();
        assert_eq!(shared, [0, 1, 2]);
    }

    #[test]
    fn lazy_counts_refuse_what_was_full_when_they_settled() {
        let mut disk = Disk::new(4096, 8, Some(2)).lazy();
        take(&mut disk, 2).unwrap();
        for _ in 0..3 {
            assert_eq!(disk.share(0..2), 2);
        }
        disk.release(1..2);
        disk.release(1..2);
        disk.release(1..2);
        disk.settle();
        assert_eq!((disk.share(0..2), disk.share(1..2)), (0, 1));
        for _ in 0..3 {
            disk.release(0..1);
        }
        assert_eq!(disk.share(0..1), 0, "released, but not settled");
        disk.settle();
        assert_eq!((disk.share(0..1), disk.share(1..2)), (1, 0));
    }

    #[test]
    fn a_freed_cluster_starts_anew() {
        let mut disk = Disk::new(4096, 1, Some(1)).lazy();
        take(&mut disk, 1).unwrap();
        disk.settle();
        assert_eq!(disk.share(0..1), 0);
        disk.release(0..1);
        take(&mut disk, 1).unwrap();
        assert_eq!(disk.share(0..1), 1);
    }
}
