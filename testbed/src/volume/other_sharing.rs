//! The other control codes that share clusters, or ask about it.
//!
//! None is modelled beyond its documented checks: what would share is STATUS_NOT_SUPPORTED. A test sees
//! what arrived by [`super::FileSystem::last_control`].

use super::access::{FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA};
use super::control::ControlRequest;
use super::open::{OpenFile, OpenKind};
use super::status::Status;

/// FSCTL_DUPLICATE_CLUSTER (winioctl.h of SDK 22621).
pub const FSCTL_DUPLICATE_CLUSTER: u32 = 0x0009_045C;
/// FSCTL_QUERY_ASYNC_DUPLICATE_EXTENTS_STATUS (winioctl.h of SDK 17763).
pub const FSCTL_QUERY_ASYNC_DUPLICATE_EXTENTS_STATUS: u32 = 0x0009_0430;
/// FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT (\[MS-FSCC\] 2.3).
pub const FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT: u32 = 0x0009_0440;

/// The size of DUPLICATE_CLUSTER_DATA: two cluster numbers, a file offset, a limit, padding.
const CLUSTER_LENGTH: usize = 0x20;
/// The size of ASYNC_DUPLICATE_EXTENTS_STATUS, which is its version too.
const STATUS_LENGTH: u32 = 0x28;
/// The fixed part of REFS_STREAM_SNAPSHOT_MANAGEMENT_INPUT_BUFFER.
const SNAPSHOT_LENGTH: usize = 24;
/// What LIST and QUERY_DELTAS put out in front of their arrays.
const LIST_OUTPUT: u32 = 16;
const DELTAS_OUTPUT: u32 = 16;
/// The size of REFS_STREAM_SNAPSHOT_QUERY_DELTAS_INPUT_BUFFER.
const DELTAS_INPUT: u16 = 16;

/// A page describes neither its checks nor its effect; the structure is in public headers only. A
/// short input is STATUS_BUFFER_TOO_SMALL as for its neighbours (inferred).
pub(super) fn duplicate_cluster(
    open: &OpenFile,
    request: &ControlRequest<'_>,
) -> Result<Vec<u8>, Status> {
    if !open.spec().has_refs_codes() {
        return Err(Status::INVALID_DEVICE_REQUEST);
    }
    if request.input.length() < CLUSTER_LENGTH {
        return Err(Status::BUFFER_TOO_SMALL);
    }
    request.input.bytes(Status::INVALID_PARAMETER)?;
    Err(Status::NOT_SUPPORTED)
}

/// The state of a clone in the background: there is none, since ASYNC is never honoured. Version, State
/// (FileSnapStateInactive, 0), three numbers of the range, BytesDuplicated; from public headers.
pub(super) fn query_async_status(
    open: &OpenFile,
    request: &ControlRequest<'_>,
) -> Result<Vec<u8>, Status> {
    if !open.spec().has_refs_codes() {
        return Err(Status::INVALID_DEVICE_REQUEST);
    }
    request.input.bytes(Status::INVALID_PARAMETER)?;
    if request.output_length < STATUS_LENGTH {
        return Err(Status::BUFFER_TOO_SMALL);
    }
    if open.kind() != OpenKind::Data {
        return Err(Status::INVALID_PARAMETER);
    }
    let mut output = Vec::from(STATUS_LENGTH.to_le_bytes());
    output.resize(STATUS_LENGTH as usize, 0);
    Ok(output)
}

/// The checks of \[MS-FSA\] 2.1.5.10.29, then STATUS_NOT_SUPPORTED, which Microsoft's
/// WindowsProtocolTestSuites accept of a system without stream snapshots.
pub(super) fn snapshots(open: &OpenFile, request: &ControlRequest<'_>) -> Result<Vec<u8>, Status> {
    if !open.spec().has_refs_codes() {
        return Err(Status::INVALID_DEVICE_REQUEST);
    }
    let Some(&[a, b, c, d, e, f, g, h]) = request
        .input
        .bytes(Status::INVALID_PARAMETER)?
        .first_chunk::<8>()
    else {
        return Err(Status::BUFFER_TOO_SMALL);
    };
    let operation = u32::from_le_bytes([a, b, c, d]);
    let (name, extra) = (u16::from_le_bytes([e, f]), u16::from_le_bytes([g, h]));
    let names = if extra == 0 {
        usize::from(name)
    } else {
        usize::from(name).next_multiple_of(8) + usize::from(extra)
    };
    if request.input.length() < SNAPSHOT_LENGTH + names {
        return Err(Status::BUFFER_TOO_SMALL);
    }
    let aligned = name.is_multiple_of(2) && extra.is_multiple_of(2);
    let (fits, rights) = snapshot_operation(operation, (name, extra), request.output_length);
    if !aligned || !fits || open.kind() != OpenKind::Data {
        return Err(Status::INVALID_PARAMETER);
    }
    if open.granted() & rights != rights {
        return Err(Status::ACCESS_DENIED);
    }
    Err(Status::NOT_SUPPORTED)
}

/// Whether the lengths are what the operation wants (CREATE, LIST, QUERY_DELTAS, REVERT,
/// SET_SHADOW_BTREE, CLEAR_SHADOW_BTREE), and the rights it needs.
fn snapshot_operation(operation: u32, (name, extra): (u16, u16), output: u32) -> (bool, u32) {
    let named = name != 0;
    match operation {
        1 => (named && extra == 0 && output == 0, FILE_WRITE_ATTRIBUTES),
        2 => (
            named && extra == 0 && output >= LIST_OUTPUT,
            FILE_READ_ATTRIBUTES,
        ),
        3 => (
            named && extra == DELTAS_INPUT && output >= DELTAS_OUTPUT,
            FILE_READ_ATTRIBUTES,
        ),
        4 => (true, FILE_WRITE_ATTRIBUTES | FILE_WRITE_DATA),
        5 | 6 => (true, FILE_WRITE_ATTRIBUTES),
        _ => (false, 0),
    }
}
