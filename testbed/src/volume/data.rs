//! The bytes of an open stream: reading, writing, sizes, byte-range locks.
//!
//! The I/O manager checks the rights of a handle before a read, a write or a lock, so these do not;
//! what \[MS-FSA\] lets the file system check (end of file, allocation) is checked here against the
//! rights of the open.

use super::access::FILE_WRITE_DATA;
use super::disk::Disk;
use super::locks::Bytes;
use super::open::OpenFile;
use super::status::Status;
use super::stream::DataStream;

impl OpenFile {
    /// Reads up to `length` bytes from `offset`, less at the end of file (\[MS-FSA\] 2.1.5.3).
    ///
    /// # Errors
    /// STATUS_END_OF_FILE; STATUS_INVALID_PARAMETER for a range that is not a signed 64-bit one;
    /// STATUS_FILE_LOCK_CONFLICT; STATUS_INVALID_DEVICE_REQUEST for a directory or volume;
    /// STATUS_FILE_CLOSED.
    pub fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Status> {
        self.with_stream(Status::INVALID_DEVICE_REQUEST, |stream, disk| {
            if offset > i64::MAX as u64 - u64::from(length) {
                return Err(Status::INVALID_PARAMETER);
            }
            let bytes = Bytes {
                offset,
                length: u64::from(length),
            };
            if stream.locks.forbids_reading(bytes, self.number()) {
                return Err(Status::FILE_LOCK_CONFLICT);
            }
            stream.data.read(disk, offset, length as usize)
        })
    }

    /// Writes at `offset`, extending the file if needed; returns the bytes written, always all
    /// (\[MS-FSA\] 2.1.5.4).
    ///
    /// # Errors
    /// STATUS_MEDIA_WRITE_PROTECTED, STATUS_DISK_FULL, STATUS_FILE_LOCK_CONFLICT;
    /// STATUS_INVALID_PARAMETER for a range behind the longest possible file;
    /// STATUS_INVALID_DEVICE_REQUEST for a directory or volume; STATUS_FILE_CLOSED. What the file reads
    /// as is unchanged then.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> Result<usize, Status> {
        let protected = self.shared().is_read_only();
        self.with_stream(Status::INVALID_DEVICE_REQUEST, |stream, disk| {
            if protected {
                return Err(Status::MEDIA_WRITE_PROTECTED);
            }
            let length = bytes.len() as u64;
            if offset > i64::MAX as u64 - length {
                return Err(Status::INVALID_PARAMETER);
            }
            let range = Bytes { offset, length };
            if stream.locks.forbids_writing(range, self.number()) {
                return Err(Status::FILE_LOCK_CONFLICT);
            }
            stream.data.write(disk, offset, bytes)?;
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

    /// Takes a byte-range lock (\[MS-FSA\] 2.1.5.8), without waiting for one that is in the way. It ends
    /// with [`OpenFile::unlock`] or with the open.
    ///
    /// # Errors
    /// STATUS_LOCK_NOT_GRANTED; STATUS_INVALID_LOCK_RANGE; STATUS_INVALID_PARAMETER for a directory or
    /// volume; STATUS_FILE_CLOSED.
    pub fn lock(&self, offset: u64, length: u64, exclusive: bool) -> Result<(), Status> {
        let owner = self.number();
        self.with_stream(Status::INVALID_PARAMETER, |stream, _| {
            if length != 0 && offset.checked_add(length - 1).is_none() {
                return Err(Status::INVALID_LOCK_RANGE);
            }
            let taken = stream
                .locks
                .take(Bytes { offset, length }, exclusive, owner);
            taken.then_some(()).ok_or(Status::LOCK_NOT_GRANTED)
        })
    }

    /// Gives one lock of exactly this range back (\[MS-FSA\] 2.1.5.9).
    ///
    /// # Errors
    /// STATUS_RANGE_NOT_LOCKED; STATUS_INVALID_PARAMETER for a directory or volume;
    /// STATUS_FILE_CLOSED.
    pub fn unlock(&self, offset: u64, length: u64) -> Result<(), Status> {
        let owner = self.number();
        self.with_stream(Status::INVALID_PARAMETER, |stream, _| {
            let given = stream.locks.give_back(Bytes { offset, length }, owner);
            given.then_some(()).ok_or(Status::RANGE_NOT_LOCKED)
        })
    }

    /// What [`OpenFile::set_end_of_file`] and [`OpenFile::set_allocation`] have in common, in the
    /// order of \[MS-FSA\] 2.1.5.15.
    fn resize(
        &self,
        operation: impl FnOnce(&mut DataStream, &mut Disk) -> Result<(), Status>,
    ) -> Result<(), Status> {
        if self.shared().is_read_only() {
            return Err(Status::MEDIA_WRITE_PROTECTED);
        }
        self.data(Status::INVALID_PARAMETER, |stream, disk| {
            if self.granted() & FILE_WRITE_DATA == 0 {
                return Err(Status::ACCESS_DENIED);
            }
            operation(stream, disk)
        })
    }
}
