//! A data stream: its extents on the disk and its three sizes.
//!
//! \[MS-FSA\] 2.1.1.5. Invariants, verified by `check`: valid data length <= end of file <= allocation
//! size; the allocation size is a multiple of the cluster; no extent lies behind it; a stream that is
//! not sparse has no hole in front of it. Bytes between the valid data length and the end of file read
//! as zeros whatever the clusters hold, so what a cluster holds behind the valid data length never
//! becomes readable: [`DataStream::scrub`] clears it before the valid data length passes it.
//!
//! This file holds the sizes; `stream_data.rs` moves bytes.

use std::ops::Range;

use super::disk::{Disk, Lcn};
use super::runs::{Run, Runs};
use super::status::Status;

/// The longest stream, so that rounding up to any cluster stays a signed 64-bit number.
pub(super) const MAX_FILE_SIZE: u64 = 0x7FFF_FFFF_FF00_0000;

/// The content of a file.
#[derive(Debug)]
pub(super) struct DataStream {
    /// File cluster -> disk cluster; a file cluster without a run is a hole.
    pub(super) extents: Runs<Lcn>,
    /// Bytes in the file.
    pub(super) end_of_file: u64,
    /// Bytes of the file's cluster space, holes included.
    pub(super) allocation_size: u64,
    /// Bytes from the start that were ever written or zeroed.
    pub(super) valid_data_length: u64,
    /// Whether the stream may have holes.
    pub(super) sparse: bool,
    /// CHECKSUM_TYPE_*; 0 for none. A stream with a checksum is an integrity stream.
    pub(super) checksum: u16,
    /// FSCTL_INTEGRITY_FLAG_CHECKSUM_ENFORCEMENT_OFF.
    pub(super) enforcement_off: bool,
}

impl DataStream {
    /// An empty stream.
    pub(super) const fn new() -> Self {
        Self {
            extents: Runs::new(),
            end_of_file: 0,
            allocation_size: 0,
            valid_data_length: 0,
            sparse: false,
            checksum: 0,
            enforcement_off: false,
        }
    }

    /// Sets the end of file (\[MS-FSA\] 2.1.5.15.5, including that only a cut of more than the last
    /// cluster gives clusters back before the file is closed).
    ///
    /// # Errors
    /// STATUS_INVALID_PARAMETER above [`MAX_FILE_SIZE`]; STATUS_DISK_FULL; nothing is changed then.
    pub(super) fn set_end_of_file(&mut self, disk: &mut Disk, size: u64) -> Result<(), Status> {
        if size > MAX_FILE_SIZE {
            return Err(Status::INVALID_PARAMETER);
        }
        let cluster = disk.cluster_size();
        if size > self.allocation_size {
            self.grow(disk, size.next_multiple_of(cluster))?;
        } else if size + cluster < self.end_of_file.next_multiple_of(cluster) {
            self.shrink(disk, size.next_multiple_of(cluster));
        }
        self.valid_data_length = self.valid_data_length.min(size);
        self.end_of_file = size;
        Ok(())
    }

    /// Sets the allocation size, cutting the end of file if it has to (\[MS-FSA\] 2.1.5.15.1).
    ///
    /// # Errors
    /// STATUS_INVALID_PARAMETER above [`MAX_FILE_SIZE`]; STATUS_DISK_FULL; nothing is changed then.
    pub(super) fn set_allocation(&mut self, disk: &mut Disk, size: u64) -> Result<(), Status> {
        if size > MAX_FILE_SIZE {
            return Err(Status::INVALID_PARAMETER);
        }
        let rounded = size.next_multiple_of(disk.cluster_size());
        if rounded > self.allocation_size {
            return self.grow(disk, rounded);
        }
        self.shrink(disk, rounded);
        self.end_of_file = self.end_of_file.min(rounded);
        self.valid_data_length = self.valid_data_length.min(self.end_of_file);
        Ok(())
    }

    /// Gives back the clusters behind the end of file (\[MS-FSA\] 2.1.5.5, phase 4).
    pub(super) fn trim(&mut self, disk: &mut Disk) {
        self.shrink(disk, self.end_of_file.next_multiple_of(disk.cluster_size()));
    }

    /// Empties the stream, for overwriting and deletion. Its checksum stays.
    pub(super) fn clear(&mut self, disk: &mut Disk) {
        self.shrink(disk, 0);
        *self = Self {
            checksum: self.checksum,
            enforcement_off: self.enforcement_off,
            ..Self::new()
        };
    }

    /// Makes the stream sparse, or fills every hole and makes it plain (\[MS-FSA\] 2.1.5.10.38).
    ///
    /// # Errors
    /// STATUS_DISK_FULL; holes filled so far stay filled, as the section allows.
    pub(super) fn set_sparse(&mut self, disk: &mut Disk, sparse: bool) -> Result<(), Status> {
        if !sparse {
            for hole in self
                .extents
                .gaps(0..self.allocation_size / disk.cluster_size())
            {
                self.map_fresh(disk, hole)?;
            }
        }
        self.sparse = sparse;
        Ok(())
    }

    /// Raises the allocation size; a stream that is not sparse gets clusters for it.
    pub(super) fn grow(&mut self, disk: &mut Disk, allocation: u64) -> Result<(), Status> {
        let cluster = disk.cluster_size();
        if !self.sparse {
            self.map_fresh(disk, self.allocation_size / cluster..allocation / cluster)?;
        }
        self.allocation_size = allocation;
        Ok(())
    }

    /// Lowers the allocation size and releases what lies behind it.
    fn shrink(&mut self, disk: &mut Disk, allocation: u64) {
        if allocation >= self.allocation_size {
            return;
        }
        let cluster = disk.cluster_size();
        let end = self.allocation_size / cluster;
        for run in self.extents.take(allocation / cluster..end) {
            disk.release(run.clusters());
        }
        self.allocation_size = allocation;
    }

    /// Maps new clusters, which read as zeros, to file clusters that have none.
    ///
    /// # Errors
    /// STATUS_DISK_FULL, with nothing mapped.
    pub(super) fn map_fresh(&mut self, disk: &mut Disk, vcns: Range<u64>) -> Result<(), Status> {
        if vcns.is_empty() {
            return Ok(());
        }
        let mut start = vcns.start;
        for piece in disk.allocate(vcns.end - vcns.start)? {
            let length = piece.end - piece.start;
            self.extents.insert(Run {
                start,
                length,
                value: Lcn(piece.start),
            });
            start += length;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{DataStream, MAX_FILE_SIZE};
    use crate::volume::disk::Disk;
    use crate::volume::status::Status;

    const C: u64 = 4096;

    fn sizes(stream: &DataStream) -> (u64, u64, u64) {
        (
            stream.end_of_file,
            stream.allocation_size,
            stream.valid_data_length,
        )
    }

    #[test]
    fn a_cut_inside_the_last_cluster_keeps_it_until_trimmed() {
        let mut disk = Disk::new(4096, 100, None);
        let mut stream = DataStream::new();
        stream.write(&mut disk, 0, &[7; 8 * 4096]).unwrap();
        stream.set_end_of_file(&mut disk, 7 * C).unwrap();
        assert_eq!(sizes(&stream), (7 * C, 8 * C, 7 * C));
        stream.trim(&mut disk);
        assert_eq!(sizes(&stream), (7 * C, 7 * C, 7 * C));
        stream.set_end_of_file(&mut disk, C + 1).unwrap();
        assert_eq!(sizes(&stream), (C + 1, 2 * C, C + 1));
        assert_eq!(disk.free_clusters(), 98);
    }

    #[test]
    fn allocation_moves_the_end_only_downwards() {
        let mut disk = Disk::new(4096, 100, None);
        let mut stream = DataStream::new();
        stream.set_allocation(&mut disk, 8 * C - 1).unwrap();
        assert_eq!(sizes(&stream), (0, 8 * C, 0));
        stream.write(&mut disk, 0, &[1; 5000]).unwrap();
        stream.set_allocation(&mut disk, 1).unwrap();
        assert_eq!(sizes(&stream), (C, C, C));
        assert_eq!(disk.free_clusters(), 99);
    }

    #[test]
    fn a_failed_growth_changes_nothing() {
        let mut disk = Disk::new(4096, 4, None);
        let mut stream = DataStream::new();
        assert_eq!(
            stream.set_end_of_file(&mut disk, 5 * C),
            Err(Status::DISK_FULL)
        );
        assert_eq!(
            stream.set_end_of_file(&mut disk, MAX_FILE_SIZE + 1),
            Err(Status::INVALID_PARAMETER)
        );
        assert_eq!(sizes(&stream), (0, 0, 0));
        stream.set_sparse(&mut disk, true).unwrap();
        stream.set_end_of_file(&mut disk, MAX_FILE_SIZE).unwrap();
        assert_eq!(disk.free_clusters(), 4);
        assert_eq!(stream.set_sparse(&mut disk, false), Err(Status::DISK_FULL));
        assert!(stream.sparse);
    }
}
