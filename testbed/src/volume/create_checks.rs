//! What a create is refused for, and what it is granted: the parameters, the kind and the attributes of
//! what exists (\[MS-FSA\] 2.1.5.1, phase 1, 2.1.5.1.2 and 2.1.5.1.2.1).

use super::access::{
    DELETE, Disposition, FILE_ALL_ACCESS, FILE_APPEND_DATA, FILE_ATTRIBUTE_HIDDEN,
    FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_SYSTEM, FILE_DELETE_CHILD, FILE_DELETE_ON_CLOSE,
    FILE_DIRECTORY_FILE, FILE_NON_DIRECTORY_FILE, FILE_SYNCHRONOUS_IO_ALERT,
    FILE_SYNCHRONOUS_IO_NONALERT, FILE_WRITE_DATA, MAXIMUM_ALLOWED, OpenRequest, SYNCHRONIZE,
};
use super::names::{Path, split};
use super::state::{NodeId, ROOT};
use super::status::Status;

/// Phase 1: parameters that no volume could honour.
pub(super) fn validate<'a>(request: &OpenRequest, path: &'a str) -> Result<Path<'a>, Status> {
    let directory = request.has(FILE_DIRECTORY_FILE);
    let data = request.has(FILE_NON_DIRECTORY_FILE);
    let makes_directories = matches!(
        request.disposition,
        Disposition::Create | Disposition::Open | Disposition::OpenIf
    );
    if request.has(FILE_DELETE_ON_CLOSE) && request.access & DELETE == 0 {
        return Err(Status::INVALID_PARAMETER);
    }
    if directory && !data && !makes_directories {
        return Err(Status::INVALID_PARAMETER);
    }
    if request.access == 0 || request.access & 0x0CE0_FE00 != 0 {
        return Err(Status::ACCESS_DENIED);
    }
    if directory && data {
        return Err(Status::INVALID_PARAMETER);
    }
    let synchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    let both = request.options & synchronous == synchronous;
    if both || request.has(synchronous) && request.access & (SYNCHRONIZE | MAXIMUM_ALLOWED) == 0 {
        return Err(Status::INVALID_PARAMETER);
    }
    let path = split(path)?;
    if path.trailing && data {
        return Err(Status::OBJECT_NAME_INVALID);
    }
    if path.stream.is_some() && directory {
        return Err(Status::NOT_A_DIRECTORY);
    }
    Ok(path)
}

/// Whether the node that was found is what was asked for.
pub(super) fn check_kind(
    id: NodeId,
    directory: bool,
    path: &Path<'_>,
    request: &OpenRequest,
) -> Result<(), Status> {
    let creates = request.disposition == Disposition::Create;
    let opens = matches!(request.disposition, Disposition::Open | Disposition::OpenIf);
    let status = if directory {
        match (request.has(FILE_NON_DIRECTORY_FILE), opens) {
            (true, _) => Status::FILE_IS_A_DIRECTORY,
            (false, true) => return Ok(()),
            (false, false) if id == ROOT => Status::ACCESS_DENIED,
            (false, false) => Status::OBJECT_NAME_COLLISION,
        }
    } else if request.has(FILE_DIRECTORY_FILE) && !creates {
        Status::NOT_A_DIRECTORY
    } else if path.trailing && !request.has(FILE_DIRECTORY_FILE) {
        Status::OBJECT_NAME_INVALID
    } else if creates {
        Status::OBJECT_NAME_COLLISION
    } else {
        return Ok(());
    };
    Err(status)
}

/// What the attributes of an existing file forbid: 2.1.5.1.2 and 2.1.5.1.2.1. Emptying a file counts
/// as writing to it.
pub(super) fn check_attributes(
    attributes: u32,
    read_only: bool,
    directory: bool,
    request: &OpenRequest,
) -> Result<(), Status> {
    let protected = attributes & FILE_ATTRIBUTE_READONLY != 0;
    let opens = matches!(request.disposition, Disposition::Open | Disposition::OpenIf);
    let special = attributes & (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM);
    if !opens && special & !request.attributes != 0 {
        return Err(Status::ACCESS_DENIED);
    }
    let writes = !opens || request.access & (FILE_WRITE_DATA | FILE_APPEND_DATA) != 0;
    if !directory && protected && writes {
        return Err(Status::ACCESS_DENIED);
    }
    if (protected || read_only) && request.has(FILE_DELETE_ON_CLOSE) {
        return Err(Status::CANNOT_DELETE);
    }
    Ok(())
}

/// The rights of the open. MAXIMUM_ALLOWED gives everything, less the writing rights where a
/// read-only attribute or volume stands against them (2.1.5.1.2.1).
pub(super) const fn grant(access: u32, limited: bool) -> u32 {
    if access & MAXIMUM_ALLOWED == 0 {
        return access;
    }
    let denied = FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_DELETE_CHILD;
    let most = if limited {
        FILE_ALL_ACCESS & !denied
    } else {
        FILE_ALL_ACCESS
    };
    access & !MAXIMUM_ALLOWED | most
}
