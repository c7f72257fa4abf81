//! Holes: FSCTL_SET_SPARSE and FSCTL_SET_ZERO_DATA (\[MS-FSA\] 2.1.5.10.38 and .39).

use super::access::{FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA};
use super::control::ControlRequest;
use super::locks::Bytes;
use super::open::OpenFile;
use super::status::Status;

/// FSCTL_SET_SPARSE (\[MS-FSCC\] 2.3).
pub const FSCTL_SET_SPARSE: u32 = 0x0009_00C4;
/// FSCTL_SET_ZERO_DATA (\[MS-FSCC\] 2.3).
pub const FSCTL_SET_ZERO_DATA: u32 = 0x0009_80C8;

/// Makes a stream sparse or plain. Without an input it becomes sparse (Win32 page of
/// FSCTL_SET_SPARSE).
pub(super) fn set_sparse(open: &OpenFile, request: &ControlRequest<'_>) -> Result<(), Status> {
    let input = request.input.bytes(Status::INVALID_PARAMETER)?;
    let sparse = input.first().is_none_or(|&byte| byte != 0);
    open.data(Status::INVALID_PARAMETER, |stream, disk| {
        if open.shared().is_read_only() {
            return Err(Status::MEDIA_WRITE_PROTECTED);
        }
        if open.granted() & (FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES) == 0 {
            return Err(Status::ACCESS_DENIED);
        }
        stream.set_sparse(disk, sparse)
    })
}

/// Zeroes a range: FILE_ZERO_DATA_INFORMATION is FileOffset and BeyondFinalZero, both signed. Write
/// access is the I/O manager's business, by the code.
pub(super) fn set_zero_data(open: &OpenFile, request: &ControlRequest<'_>) -> Result<(), Status> {
    let input = request.input.bytes(Status::INVALID_PARAMETER)?;
    let Some(&[start, end]) = input.as_chunks::<8>().0.first_chunk::<2>() else {
        return Err(Status::INVALID_PARAMETER);
    };
    let (start, end) = (i64::from_le_bytes(start), i64::from_le_bytes(end));
    let (Ok(from), Ok(to)) = (u64::try_from(start), u64::try_from(end)) else {
        return Err(Status::INVALID_PARAMETER);
    };
    if from > to {
        return Err(Status::INVALID_PARAMETER);
    }
    open.with_stream(Status::INVALID_PARAMETER, |stream, disk| {
        if open.shared().is_read_only() {
            return Err(Status::MEDIA_WRITE_PROTECTED);
        }
        if stream.deleted {
            return Err(Status::FILE_DELETED);
        }
        let bytes = Bytes {
            offset: from,
            length: to.min(stream.data.end_of_file).saturating_sub(from),
        };
        if stream.locks.forbids_writing(bytes, open.number()) {
            return Err(Status::FILE_LOCK_CONFLICT);
        }
        stream.data.zero(disk, from..to)
    })
}
