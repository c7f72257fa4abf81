//! Opening and creating files: \[MS-FSA\] 2.1.5.1, in its order.
//!
//! Not modelled: share modes, security descriptors, reparse points, hard links, named streams.

use super::access::{
    CreateAction, DELETE, Disposition, FILE_ALL_ACCESS, FILE_APPEND_DATA, FILE_ATTRIBUTE_ARCHIVE,
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_READONLY,
    FILE_ATTRIBUTE_SYSTEM, FILE_DELETE_CHILD, FILE_DELETE_ON_CLOSE, FILE_DIRECTORY_FILE,
    FILE_NON_DIRECTORY_FILE, FILE_WRITE_DATA, MAXIMUM_ALLOWED, OpenRequest, SETTABLE_ATTRIBUTES,
    map_generic,
};
use super::names::{Path, split};
use super::state::{Body, NodeId, ROOT, State};
use super::status::Status;
use super::stream::DataStream;

/// A finished open, before it becomes an `OpenFile`.
pub(super) struct Created {
    pub(super) node: NodeId,
    pub(super) directory: bool,
    pub(super) granted: u32,
    pub(super) action: CreateAction,
}

/// Where a path leads: an existing node, or a free name in a directory.
enum Place<'a> {
    Found(NodeId),
    Free { parent: NodeId, name: &'a str },
}

/// Opens or creates what `path` names.
pub(super) fn create(
    state: &mut State,
    read_only: bool,
    path: &str,
    request: &OpenRequest,
) -> Result<Created, Status> {
    let access = map_generic(request.access);
    let request = OpenRequest { access, ..*request };
    let path = validate(&request, path)?;
    let makes = !matches!(request.disposition, Disposition::Open | Disposition::OpenIf);
    if read_only && makes {
        return Err(Status::MEDIA_WRITE_PROTECTED);
    }
    match locate(state, &path)? {
        Place::Found(node) => open_existing(state, read_only, node, (&path, &request)),
        Place::Free { parent, name } => {
            if matches!(
                request.disposition,
                Disposition::Open | Disposition::Overwrite
            ) {
                return Err(Status::OBJECT_NAME_NOT_FOUND);
            }
            if read_only {
                return Err(Status::MEDIA_WRITE_PROTECTED);
            }
            create_new(state, parent, name, (&path, &request))
        }
    }
}

/// Phase 1: parameters that no volume could honour.
fn validate<'a>(request: &OpenRequest, path: &'a str) -> Result<Path<'a>, Status> {
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
    let path = split(path)?;
    if path.trailing && data {
        return Err(Status::OBJECT_NAME_INVALID);
    }
    Ok(path)
}

/// Phase 6: every component but the last must be a directory that stays.
fn locate<'a>(state: &State, path: &Path<'a>) -> Result<Place<'a>, Status> {
    let Some((&name, parents)) = path.components.split_last() else {
        return Ok(Place::Found(ROOT));
    };
    let mut parent = ROOT;
    for component in parents {
        parent = state
            .find(parent, component)
            .ok_or(Status::OBJECT_PATH_NOT_FOUND)?;
        match state.nodes.get(&parent) {
            Some(node) if node.deleted => return Err(Status::DELETE_PENDING),
            Some(node) if matches!(node.body, Body::Directory(_)) => {}
            _ => return Err(Status::OBJECT_PATH_NOT_FOUND),
        }
    }
    Ok(state
        .find(parent, name)
        .map_or(Place::Free { parent, name }, Place::Found))
}

/// Section 2.1.5.1.1.
fn create_new(
    state: &mut State,
    parent: NodeId,
    name: &str,
    (path, request): (&Path<'_>, &OpenRequest),
) -> Result<Created, Status> {
    let directory = request.has(FILE_DIRECTORY_FILE);
    if path.trailing && !directory {
        return Err(Status::OBJECT_NAME_INVALID);
    }
    if request.attributes & FILE_ATTRIBUTE_READONLY != 0 && request.has(FILE_DELETE_ON_CLOSE) {
        return Err(Status::CANNOT_DELETE);
    }
    let kind = if directory {
        FILE_ATTRIBUTE_DIRECTORY
    } else {
        FILE_ATTRIBUTE_ARCHIVE
    };
    let attributes = request.attributes & SETTABLE_ATTRIBUTES | kind;
    let body = if directory {
        Body::Directory(std::collections::BTreeMap::new())
    } else {
        Body::Data(DataStream::new())
    };
    let node = state.add(parent, name, body, attributes);
    Ok(Created {
        node,
        directory,
        granted: grant(request.access, false),
        action: CreateAction::Created,
    })
}

/// Phase 7 and section 2.1.5.1.2.
fn open_existing(
    state: &mut State,
    read_only: bool,
    id: NodeId,
    (path, request): (&Path<'_>, &OpenRequest),
) -> Result<Created, Status> {
    let node = state.nodes.get(&id).ok_or(Status::OBJECT_NAME_NOT_FOUND)?;
    let directory = matches!(node.body, Body::Directory(_));
    let attributes = node.attributes;
    if node.deleted {
        return Err(Status::DELETE_PENDING);
    }
    check_kind(id, directory, path, request)?;
    check_attributes(attributes, read_only, directory, request)?;
    let opens = matches!(request.disposition, Disposition::Open | Disposition::OpenIf);
    let action = if opens {
        CreateAction::Opened
    } else {
        overwrite(state, id, request)?
    };
    let limited = attributes & FILE_ATTRIBUTE_READONLY != 0 || read_only;
    Ok(Created {
        node: id,
        directory,
        granted: grant(request.access, limited),
        action,
    })
}

/// Whether the node that was found is what was asked for.
fn check_kind(
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
fn check_attributes(
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

/// Empties a data file. Its stream is plain again, because the attributes are the request's.
fn overwrite(state: &mut State, id: NodeId, request: &OpenRequest) -> Result<CreateAction, Status> {
    let (stream, disk) = state.stream(id).ok_or(Status::FILE_IS_A_DIRECTORY)?;
    stream.clear(disk);
    if let Some(node) = state.nodes.get_mut(&id) {
        node.attributes = request.attributes & SETTABLE_ATTRIBUTES | FILE_ATTRIBUTE_ARCHIVE;
    }
    let superseded = request.disposition == Disposition::Supersede;
    Ok(if superseded {
        CreateAction::Superseded
    } else {
        CreateAction::Overwritten
    })
}

/// The rights of the open. MAXIMUM_ALLOWED gives everything, less the writing rights where a
/// read-only attribute or volume stands against them (2.1.5.1.2.1).
const fn grant(access: u32, limited: bool) -> u32 {
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
