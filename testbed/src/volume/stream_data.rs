//! The bytes of a data stream: reading, writing with copy-on-write, clearing what was never valid.

use std::ops::Range;

use super::disk::{Disk, Lcn};
use super::runs::Run;
use super::status::Status;
use super::stream::{DataStream, MAX_FILE_SIZE};

impl DataStream {
    /// Reads up to `length` bytes from `offset`, less at the end of file (\[MS-FSA\] 2.1.5.3). Holes and
    /// what lies behind the valid data length read as zeros.
    ///
    /// # Errors
    /// STATUS_END_OF_FILE if `offset` is at or behind the end of file and `length` is not zero.
    pub(super) fn read(&self, disk: &Disk, offset: u64, length: usize) -> Result<Vec<u8>, Status> {
        if length == 0 {
            return Ok(Vec::new());
        }
        if offset >= self.end_of_file {
            return Err(Status::END_OF_FILE);
        }
        let end = offset.saturating_add(length as u64).min(self.end_of_file);
        let mut out = vec![0; to_usize(end - offset)];
        let valid = end.min(self.valid_data_length);
        for run in self.extents.view(covering(disk, &(offset..valid))) {
            for (lcn, bytes) in disk.written(run.clusters()) {
                let start = (run.start + (lcn - run.value.0)) * disk.cluster_size();
                let from = start.max(offset);
                let to = (start + bytes.len() as u64).min(valid);
                if from < to {
                    out[to_usize(from - offset)..to_usize(to - offset)]
                        .copy_from_slice(&bytes[to_usize(from - start)..to_usize(to - start)]);
                }
            }
        }
        Ok(out)
    }

    /// Writes `data` at `offset`, extending the file if needed (\[MS-FSA\] 2.1.5.4). A shared cluster is
    /// replaced by a copy first.
    ///
    /// # Errors
    /// STATUS_INVALID_PARAMETER above the longest stream; STATUS_DISK_FULL. Sizes and readable bytes
    /// are unchanged then.
    pub(super) fn write(
        &mut self,
        disk: &mut Disk,
        offset: u64,
        data: &[u8],
    ) -> Result<(), Status> {
        let end = offset.saturating_add(data.len() as u64);
        if end > MAX_FILE_SIZE {
            return Err(Status::INVALID_PARAMETER);
        }
        if data.is_empty() {
            return Ok(());
        }
        self.reserve(disk, offset..end)?;
        let cluster = disk.cluster_size();
        for run in self.extents.view(covering(disk, &(offset..end))) {
            for index in 0..run.length {
                let start = (run.start + index) * cluster;
                let from = start.max(offset);
                let to = (start + cluster).min(end);
                let piece = &data[to_usize(from - offset)..to_usize(to - offset)];
                disk.write(run.value.0 + index, to_usize(from - start), piece);
            }
        }
        self.end_of_file = self.end_of_file.max(end);
        self.valid_data_length = self.valid_data_length.max(end);
        Ok(())
    }

    /// Clears mapped bytes that nobody may see: `bytes` lies behind the valid data length. What the
    /// stream reads as does not change; whole clusters of a sparse stream become holes.
    ///
    /// # Errors
    /// STATUS_DISK_FULL, if a shared cluster could not be replaced.
    pub(super) fn scrub(&mut self, disk: &mut Disk, bytes: Range<u64>) -> Result<(), Status> {
        let cluster = disk.cluster_size();
        let bytes = bytes.start..bytes.end.min(self.allocation_size);
        if bytes.is_empty() {
            return Ok(());
        }
        let first = bytes.start.next_multiple_of(cluster);
        let last = bytes.end - bytes.end % cluster;
        if first > last {
            return self.scrub_piece(disk, bytes);
        }
        self.scrub_piece(disk, bytes.start..first)?;
        self.scrub_clusters(disk, first / cluster..last / cluster)?;
        self.scrub_piece(disk, last..bytes.end)
    }

    /// Makes `bytes` read as zeros, as far as they lie in front of the end of file, which stays. Whole
    /// clusters of a sparse stream become holes (\[MS-FSA\] 2.1.5.10.39, with a compression unit of one
    /// cluster, since ReFS does not compress files).
    ///
    /// # Errors
    /// STATUS_DISK_FULL, with nothing changed.
    pub(super) fn zero(&mut self, disk: &mut Disk, bytes: Range<u64>) -> Result<(), Status> {
        let whole = bytes.end >= self.end_of_file;
        let end = if whole {
            self.end_of_file.next_multiple_of(disk.cluster_size())
        } else {
            bytes.end
        };
        let bytes = bytes.start..end;
        if bytes.start >= self.end_of_file {
            return Ok(());
        }
        if self.scrub_cost(disk, bytes.clone()) > disk.free_clusters() {
            return Err(Status::DISK_FULL);
        }
        self.scrub(disk, bytes)
    }

    /// How many new clusters [`DataStream::scrub`] takes.
    pub(super) fn scrub_cost(&self, disk: &Disk, bytes: Range<u64>) -> u64 {
        let cluster = disk.cluster_size();
        let bytes = bytes.start..bytes.end.min(self.allocation_size);
        if bytes.is_empty() {
            return 0;
        }
        let first = bytes.start.next_multiple_of(cluster);
        let last = bytes.end - bytes.end % cluster;
        if first > last {
            return self.piece_cost(disk, &bytes);
        }
        let mut cost = self.piece_cost(disk, &(bytes.start..first));
        for run in self.extents.view(first / cluster..last / cluster) {
            if !self.sparse && !disk.are_zero(run.clusters()) {
                let shared = disk.shared(run.clusters());
                cost += shared.iter().map(|part| part.end - part.start).sum::<u64>();
            }
        }
        cost + self.piece_cost(disk, &(last..bytes.end))
    }

    /// The same for a part of one cluster.
    fn piece_cost(&self, disk: &Disk, bytes: &Range<u64>) -> u64 {
        let vcns = covering(disk, bytes);
        let within = within_cluster(disk, bytes);
        let runs = self.extents.view(vcns);
        let copied = runs.iter().filter(|run| {
            !disk.is_zero(run.value.0, within.clone()) && !disk.shared(run.clusters()).is_empty()
        });
        copied.count() as u64
    }

    /// Clears a part of one cluster.
    fn scrub_piece(&mut self, disk: &mut Disk, bytes: Range<u64>) -> Result<(), Status> {
        let vcns = covering(disk, &bytes);
        let within = within_cluster(disk, &bytes);
        for run in self.extents.view(vcns) {
            if !disk.is_zero(run.value.0, within.clone()) {
                self.own(disk, run.range())?;
                for owned in self.extents.view(run.range()) {
                    disk.zero(owned.value.0, within.clone());
                }
            }
        }
        Ok(())
    }

    /// Clears whole clusters.
    fn scrub_clusters(&mut self, disk: &mut Disk, vcns: Range<u64>) -> Result<(), Status> {
        if self.sparse {
            for run in self.extents.take(vcns) {
                disk.release(run.clusters());
            }
            return Ok(());
        }
        for run in self.extents.view(vcns) {
            let clusters = run.clusters();
            if disk.are_zero(clusters.clone()) {
                continue;
            }
            for shared in disk.shared(clusters) {
                let start = run.start + (shared.start - run.value.0);
                self.replace(disk, start..start + (shared.end - shared.start), false)?;
            }
            for owned in self.extents.view(run.range()) {
                disk.forget(owned.clusters());
            }
        }
        Ok(())
    }

    /// Sees to it that a write of `bytes` cannot fail.
    ///
    /// # Errors
    /// STATUS_DISK_FULL. Sizes and readable bytes are unchanged, always.
    pub(super) fn reserve(&mut self, disk: &mut Disk, bytes: Range<u64>) -> Result<(), Status> {
        self.scrub(disk, self.valid_data_length..bytes.start)?;
        self.make_room(disk, bytes)
    }

    /// Makes `bytes` writable: allocated as far as they reach, and not shared.
    fn make_room(&mut self, disk: &mut Disk, bytes: Range<u64>) -> Result<(), Status> {
        let cluster = disk.cluster_size();
        let vcns = covering(disk, &bytes);
        let rounded = bytes.end.next_multiple_of(cluster);
        let growth = rounded.saturating_sub(self.allocation_size);
        let old_end = (self.allocation_size / cluster).max(vcns.start);
        let needed = if self.sparse {
            self.cost(disk, vcns.clone())
        } else {
            growth / cluster + self.cost(disk, vcns.start..old_end.min(vcns.end))
        };
        if needed > disk.free_clusters() {
            return Err(Status::DISK_FULL);
        }
        if growth > 0 {
            self.grow(disk, rounded)?;
        }
        self.own(disk, vcns)
    }

    /// How many new clusters it takes to own `vcns`.
    fn cost(&self, disk: &Disk, vcns: Range<u64>) -> u64 {
        let holes: u64 = self
            .extents
            .gaps(vcns.clone())
            .iter()
            .map(|gap| gap.end - gap.start)
            .sum();
        let runs = self.extents.view(vcns);
        let shared = runs.iter().flat_map(|run| disk.shared(run.clusters()));
        holes
            + shared
                .map(|clusters| clusters.end - clusters.start)
                .sum::<u64>()
    }

    /// Gives `vcns` clusters of their own: fresh ones for holes, copies for shared ones.
    fn own(&mut self, disk: &mut Disk, vcns: Range<u64>) -> Result<(), Status> {
        for gap in self.extents.gaps(vcns.clone()) {
            self.map_fresh(disk, gap)?;
        }
        for run in self.extents.view(vcns) {
            for shared in disk.shared(run.clusters()) {
                let start = run.start + (shared.start - run.value.0);
                self.replace(disk, start..start + (shared.end - shared.start), true)?;
            }
        }
        Ok(())
    }

    /// Replaces the clusters of `vcns` by new ones, with the old bytes or with zeros.
    fn replace(&mut self, disk: &mut Disk, vcns: Range<u64>, copy: bool) -> Result<(), Status> {
        let pieces = disk.allocate(vcns.end - vcns.start)?;
        let old = self.extents.take(vcns.clone());
        let mut start = vcns.start;
        for piece in pieces {
            let length = piece.end - piece.start;
            self.extents.insert(Run {
                start,
                length,
                value: Lcn(piece.start),
            });
            start += length;
        }
        for run in old {
            if copy {
                self.copy_from(disk, &run);
            }
            disk.release(run.clusters());
        }
        Ok(())
    }

    /// Copies the bytes that the stream had in `old` into the clusters it has there now.
    fn copy_from(&self, disk: &mut Disk, old: &Run<Lcn>) {
        let written: Vec<u64> = disk.written(old.clusters()).map(|(lcn, _)| lcn).collect();
        for lcn in written {
            let vcn = old.start + (lcn - old.value.0);
            for new in self.extents.view(vcn..vcn + 1) {
                disk.copy(lcn, new.value.0);
            }
        }
    }
}

/// The file clusters that hold `bytes`; empty if there are none.
fn covering(disk: &Disk, bytes: &Range<u64>) -> Range<u64> {
    if bytes.is_empty() {
        return 0..0;
    }
    bytes.start / disk.cluster_size()..bytes.end.div_ceil(disk.cluster_size())
}

/// The place of `bytes`, a part of one cluster, in that cluster.
fn within_cluster(disk: &Disk, bytes: &Range<u64>) -> Range<usize> {
    let start = bytes.start - bytes.start % disk.cluster_size();
    to_usize(bytes.start - start)..to_usize(bytes.end.saturating_sub(start))
}

/// A difference of two offsets inside one buffer, which has a length in `usize`.
const fn to_usize(bytes: u64) -> usize {
    bytes as usize
}

#[cfg(test)]
mod tests {
    use super::{DataStream, Disk};
    use crate::volume::status::Status;

    fn bytes(stream: &DataStream, disk: &Disk) -> Vec<u8> {
        stream.read(disk, 0, usize::MAX).unwrap_or_default()
    }

    #[test]
    fn stale_bytes_never_come_back() {
        let mut disk = Disk::new(512, 100, None);
        let mut stream = DataStream::new();
        stream.write(&mut disk, 0, &[9; 1024]).unwrap();
        stream.set_end_of_file(&mut disk, 600).unwrap();
        stream.set_end_of_file(&mut disk, 1024).unwrap();
        assert_eq!(bytes(&stream, &disk)[600..], [0; 424]);
        stream.write(&mut disk, 1000, &[5; 4]).unwrap();
        let mut expected = vec![9; 600];
        expected.resize(1000, 0);
        expected.extend([5; 4]);
        expected.resize(1024, 0);
        assert_eq!(bytes(&stream, &disk), expected);
    }

    #[test]
    fn a_write_behind_the_end_leaves_a_hole_only_in_a_sparse_stream() {
        for (sparse, used) in [(false, 4), (true, 1)] {
            let mut disk = Disk::new(512, 100, None);
            let mut stream = DataStream::new();
            stream.set_sparse(&mut disk, sparse).unwrap();
            stream.write(&mut disk, 3 * 512 + 5, b"end").unwrap();
            assert_eq!(100 - disk.free_clusters(), used, "sparse: {sparse}");
            assert_eq!(bytes(&stream, &disk)[3 * 512..], *b"\0\0\0\0\0end");
        }
    }

    #[test]
    fn zeroing_makes_holes_only_of_whole_clusters_of_a_sparse_stream() {
        for (sparse, used) in [(false, 4), (true, 2)] {
            let mut disk = Disk::new(512, 100, None);
            let mut stream = DataStream::new();
            stream.set_sparse(&mut disk, sparse).unwrap();
            stream.write(&mut disk, 0, &[7; 1900]).unwrap();
            stream.zero(&mut disk, 100..1024).unwrap();
            stream.zero(&mut disk, 1600..1 << 40).unwrap();
            let mut expected = vec![7; 1900];
            expected[100..1024].fill(0);
            expected[1600..].fill(0);
            assert_eq!(bytes(&stream, &disk), expected, "sparse: {sparse}");
            assert_eq!((stream.end_of_file, stream.allocation_size), (1900, 2048));
            assert_eq!(100 - disk.free_clusters(), used + u64::from(sparse));
            stream.zero(&mut disk, 1024..1 << 40).unwrap();
            assert_eq!(100 - disk.free_clusters(), if sparse { 1 } else { 4 });
        }
    }

    #[test]
    fn what_scrubbing_costs_is_what_it_takes() {
        for (sparse, from, to) in [
            (false, 100, 2048),
            (false, 0, 512),
            (false, 600, 700),
            (true, 100, 2000),
        ] {
            let mut disk = Disk::new(512, 100, None);
            let mut stream = DataStream::new();
            stream.set_sparse(&mut disk, sparse).unwrap();
            stream.write(&mut disk, 0, &[7; 2048]).unwrap();
            disk.share(0..4);
            let (free, cost) = (disk.free_clusters(), stream.scrub_cost(&disk, from..to));
            stream.scrub(&mut disk, from..to).unwrap();
            assert_eq!(free - disk.free_clusters(), cost, "{from}..{to}");
            assert!(cost > 0);
        }
    }

    #[test]
    fn a_write_that_does_not_fit_changes_nothing() {
        let mut disk = Disk::new(512, 4, None);
        let mut stream = DataStream::new();
        stream.write(&mut disk, 0, &[1; 700]).unwrap();
        assert_eq!(
            stream.write(&mut disk, 600, &[2; 2000]),
            Err(Status::DISK_FULL)
        );
        assert_eq!(bytes(&stream, &disk), vec![1; 700]);
        assert_eq!((stream.allocation_size, disk.free_clusters()), (1024, 2));
    }
}
