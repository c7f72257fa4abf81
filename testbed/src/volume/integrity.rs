//! Integrity streams: FSCTL_GET_INTEGRITY_INFORMATION and FSCTL_SET_INTEGRITY_INFORMATION.
//!
//! \[MS-FSA\] 2.1.5.10.10 and .33, \[MS-FSCC\] 2.3.20 and 2.3.73, ReFS only (notes 103 and 135). Only the
//! setting is modelled, not the checksums: a modelled disk does not decay.

use super::access::{FILE_READ_DATA, FILE_WRITE_DATA};
use super::control::ControlRequest;
use super::open::{OpenFile, OpenKind};
use super::spec::FsKind;
use super::status::Status;

/// FSCTL_GET_INTEGRITY_INFORMATION (\[MS-FSCC\] 2.3).
pub const FSCTL_GET_INTEGRITY_INFORMATION: u32 = 0x0009_027C;
/// FSCTL_SET_INTEGRITY_INFORMATION (\[MS-FSCC\] 2.3).
pub const FSCTL_SET_INTEGRITY_INFORMATION: u32 = 0x0009_C280;

/// The size of FSCTL_GET_INTEGRITY_INFORMATION_BUFFER.
const GET_LENGTH: u32 = 16;
/// CHECKSUM_TYPE_NONE.
const NONE: u16 = 0;
/// CHECKSUM_TYPE_CRC32.
const CRC32: u16 = 1;
/// CHECKSUM_TYPE_CRC64.
const CRC64: u16 = 2;
/// CHECKSUM_TYPE_UNCHANGED.
const UNCHANGED: u16 = 0xFFFF;
/// FSCTL_INTEGRITY_FLAG_CHECKSUM_ENFORCEMENT_OFF.
const ENFORCEMENT_OFF: u32 = 1;

/// The checksum that ReFS chooses (\[MS-FSA\] 2.1.5.10.33): CRC32 for 4 KiB clusters, CRC64 for 64 KiB.
pub(super) const fn checksum_of(cluster_size: u64) -> u16 {
    if cluster_size > 4096 { CRC64 } else { CRC32 }
}

/// The setting of a file or directory, and the cluster size, which public copy tools read from here.
pub(super) fn get(open: &OpenFile, request: &ControlRequest<'_>) -> Result<Vec<u8>, Status> {
    if open.spec().kind != FsKind::Refs {
        return Err(Status::INVALID_DEVICE_REQUEST);
    }
    // Input and output have one buffer, so without it there is no room for the answer.
    request.input.bytes(Status::INVALID_PARAMETER)?;
    if request.output_length < GET_LENGTH || open.kind() == OpenKind::Volume {
        return Err(Status::INVALID_PARAMETER);
    }
    let (checksum, off) = if open.kind() == OpenKind::Directory {
        let state = open.shared().lock();
        let node = state.nodes.get(&open.open_entry()?.node);
        (node.ok_or(Status::FILE_CLOSED)?.checksum, false)
    } else {
        open.data(Status::INVALID_PARAMETER, |stream, _| {
            Ok((stream.checksum, stream.enforcement_off))
        })?
    };
    let cluster_size = open.spec().cluster_size.to_le_bytes();
    let mut output = Vec::from(checksum.to_le_bytes());
    output.extend([0; 2]);
    output.extend(u32::from(off).to_le_bytes());
    output.extend(cluster_size);
    output.extend(cluster_size);
    Ok(output)
}

/// Sets it. A Dev Drive refuses (observed: cargo-bins/reflink-copy issue 27). The access bits of the
/// code demand both data rights. 2.1.5.10.33 gives a directory a checksum even if none is asked for,
/// probably an editing slip; here none is none.
pub(super) fn set(open: &OpenFile, request: &ControlRequest<'_>) -> Result<(), Status> {
    if open.spec().kind != FsKind::Refs {
        return Err(Status::INVALID_DEVICE_REQUEST);
    }
    let (checksum, off) = parse(request.input.bytes(Status::INVALID_PARAMETER)?)?;
    let kind = open.kind();
    if kind == OpenKind::Volume {
        return Err(Status::INVALID_PARAMETER);
    }
    if open.shared().is_read_only() {
        return Err(Status::MEDIA_WRITE_PROTECTED);
    }
    let both = FILE_READ_DATA | FILE_WRITE_DATA;
    if open.spec().dev_drive || open.granted() & both != both {
        return Err(Status::ACCESS_DENIED);
    }
    if kind == OpenKind::Directory {
        let mut state = open.shared().lock();
        let node = state.nodes.get_mut(&open.open_entry()?.node);
        let node = node.ok_or(Status::FILE_CLOSED)?;
        node.checksum = match checksum {
            UNCHANGED => node.checksum,
            NONE => NONE,
            _ => checksum_of(u64::from(open.spec().cluster_size)),
        };
        return Ok(());
    }
    open.data(Status::INVALID_PARAMETER, |stream, _| {
        if checksum == UNCHANGED && stream.checksum == NONE && off {
            return Err(Status::INVALID_PARAMETER);
        }
        if checksum != UNCHANGED {
            stream.checksum = checksum;
        }
        stream.enforcement_off = off;
        Ok(())
    })
}

/// The checksum asked for and whether it is not to be enforced, as far as they are possible.
fn parse(input: &[u8]) -> Result<(u16, bool), Status> {
    let Some(&[a, b, _, _, flags @ ..]) = input.first_chunk::<8>() else {
        return Err(Status::INVALID_PARAMETER);
    };
    let (checksum, flags) = (u16::from_le_bytes([a, b]), u32::from_le_bytes(flags));
    let off = flags & ENFORCEMENT_OFF != 0;
    let known = [NONE, CRC32, CRC64, UNCHANGED].contains(&checksum);
    if !known || flags != 0 && !off || checksum == NONE && off {
        return Err(Status::INVALID_PARAMETER);
    }
    Ok((checksum, off))
}
