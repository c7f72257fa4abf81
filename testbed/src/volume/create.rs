//! Opening and creating files: \[MS-FSA\] 2.1.5.1, in its order.
//!
//! Not modelled: share modes, security descriptors, reparse points.

use super::access::{
    CreateAction, Disposition, FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_DIRECTORY,
    FILE_ATTRIBUTE_INTEGRITY_STREAM, FILE_ATTRIBUTE_READONLY, FILE_DELETE_ON_CLOSE,
    FILE_DIRECTORY_FILE, OpenRequest, SETTABLE_ATTRIBUTES, map_generic,
};
use super::create_checks::{check_attributes, check_kind, grant, validate};
use super::integrity::checksum_of;
use super::names::{Path, fold, split};
use super::spec::FsKind;
use super::state::{Body, Entry, NodeId, ROOT, State, StreamId};
use super::status::Status;

/// A finished open, before it becomes an `OpenFile`.
pub(super) struct Created {
    pub(super) number: u64,
    pub(super) entry: Entry,
    pub(super) stream: StreamId,
    pub(super) directory: bool,
    pub(super) named: bool,
    pub(super) granted: u32,
    pub(super) action: CreateAction,
    pub(super) path: String,
}

/// What was opened or made, before it is counted.
struct Found {
    entry: Entry,
    stream: StreamId,
    granted: u32,
    action: CreateAction,
}

/// Where a path leads: an existing node, or a free name in a directory.
enum Place<'a> {
    Found(Entry),
    Free { parent: NodeId, name: &'a str },
}

/// The volume as a create needs it.
pub(super) struct Volume {
    pub(super) kind: FsKind,
    pub(super) read_only: bool,
}

/// Opens or creates what `path` names, and counts the open.
pub(super) fn create(
    state: &mut State,
    volume: &Volume,
    path: &str,
    request: &OpenRequest,
) -> Result<Created, Status> {
    let access = map_generic(request.access);
    let request = OpenRequest { access, ..*request };
    let path = validate(&request, path)?;
    let makes = !matches!(request.disposition, Disposition::Open | Disposition::OpenIf);
    if volume.read_only && makes {
        return Err(Status::MEDIA_WRITE_PROTECTED);
    }
    let found = match locate(state, &path)? {
        Place::Found(entry) => open_existing(state, volume, entry, (&path, &request))?,
        Place::Free { parent, name } => {
            if must_exist(&request) {
                return Err(Status::OBJECT_NAME_NOT_FOUND);
            }
            if volume.read_only {
                return Err(Status::MEDIA_WRITE_PROTECTED);
            }
            create_new(state, volume, (parent, name), (&path, &request))?
        }
    };
    Ok(count(state, found))
}

/// The directory and the name for a new link; the rules of a new file's path.
pub(super) fn free_place<'a>(state: &State, path: &'a str) -> Result<(NodeId, &'a str), Status> {
    let path = split(path)?;
    if path.trailing || path.stream.is_some() {
        return Err(Status::OBJECT_NAME_INVALID);
    }
    match locate(state, &path)? {
        Place::Found(_) => Err(Status::OBJECT_NAME_COLLISION),
        Place::Free { parent, name } => Ok((parent, name)),
    }
}

/// Counts the open at its name and at its stream.
fn count(state: &mut State, found: Found) -> Created {
    let number = state.number();
    let Found {
        entry,
        stream,
        granted,
        action,
    } = found;
    let mut path = state.path(entry);
    if let Some(link) = state
        .nodes
        .get_mut(&entry.node)
        .and_then(|n| n.link(entry.link))
    {
        link.opens += 1;
    }
    let opened = state.streams.get_mut(&stream);
    let name = opened.map(|stream| {
        stream.opens += 1;
        stream.name.as_str()
    });
    let (directory, named) = (name.is_none(), name.is_some_and(|name| !name.is_empty()));
    if let Some(name) = name.filter(|_| named) {
        path = format!("{path}:{name}");
    }
    Created {
        number,
        entry,
        stream,
        directory,
        named,
        granted,
        action,
        path,
    }
}

/// Whether nothing may be made.
const fn must_exist(request: &OpenRequest) -> bool {
    matches!(
        request.disposition,
        Disposition::Open | Disposition::Overwrite
    )
}

/// Phase 6: every component but the last must be a directory that stays.
fn locate<'a>(state: &State, path: &Path<'a>) -> Result<Place<'a>, Status> {
    let Some((&name, parents)) = path.components.split_last() else {
        return Ok(Place::Found(State::root()));
    };
    let mut parent = ROOT;
    for component in parents {
        let entry = state
            .find(parent, component)
            .ok_or(Status::OBJECT_PATH_NOT_FOUND)?;
        parent = entry.node;
        match state.nodes.get(&parent) {
            Some(node) if node.links.iter().any(|link| link.deleted) => {
                return Err(Status::DELETE_PENDING);
            }
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
    volume: &Volume,
    place: (NodeId, &str),
    (path, request): (&Path<'_>, &OpenRequest),
) -> Result<Found, Status> {
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
        Body::Data
    };
    let entry = state.add(place, body, attributes);
    if request.attributes & FILE_ATTRIBUTE_INTEGRITY_STREAM != 0 && volume.kind == FsKind::Refs {
        let checksum = checksum_of(state.disk.cluster_size());
        state.set_checksum(entry.node, checksum);
    }
    let stream = match path.stream.filter(|name| !name.is_empty()) {
        Some(name) => state.add_stream(entry.node, name),
        None => unnamed(state, entry.node),
    };
    Ok(Found {
        entry,
        stream,
        granted: grant(request.access, false),
        action: CreateAction::Created,
    })
}

/// The unnamed stream of a data file; a directory stands for itself.
fn unnamed(state: &State, id: NodeId) -> StreamId {
    let stream = state.nodes.get(&id).and_then(|node| node.streams.get(""));
    stream.copied().unwrap_or(id)
}

/// Phase 7 and section 2.1.5.1.2.
fn open_existing(
    state: &mut State,
    volume: &Volume,
    entry: Entry,
    (path, request): (&Path<'_>, &OpenRequest),
) -> Result<Found, Status> {
    let node = state
        .nodes
        .get_mut(&entry.node)
        .ok_or(Status::OBJECT_NAME_NOT_FOUND)?;
    let directory = matches!(node.body, Body::Directory(_));
    let attributes = node.attributes;
    if node.link(entry.link).is_none_or(|link| link.deleted) {
        return Err(Status::DELETE_PENDING);
    }
    let limited = attributes & FILE_ATTRIBUTE_READONLY != 0 || volume.read_only;
    let granted = grant(request.access, limited);
    if let Some(name) = path.stream.filter(|name| !name.is_empty()) {
        return open_named(state, volume, entry, (name, request, granted));
    }
    if directory && path.stream.is_some() {
        return Err(Status::FILE_IS_A_DIRECTORY);
    }
    check_kind(entry.node, directory, path, request)?;
    check_attributes(attributes, volume.read_only, directory, request)?;
    let stream = unnamed(state, entry.node);
    let opens = matches!(request.disposition, Disposition::Open | Disposition::OpenIf);
    let action = if opens {
        CreateAction::Opened
    } else {
        overwrite(state, entry.node, stream, request)?
    };
    Ok(Found {
        entry,
        stream,
        granted,
        action,
    })
}

/// Section 2.1.5.1.2 for a stream with a name, which may not exist yet in a file that does.
fn open_named(
    state: &mut State,
    volume: &Volume,
    entry: Entry,
    (name, request, granted): (&str, &OpenRequest, u32),
) -> Result<Found, Status> {
    let node = state.nodes.get(&entry.node);
    let node = node.ok_or(Status::OBJECT_NAME_NOT_FOUND)?;
    let protected = node.attributes & FILE_ATTRIBUTE_READONLY;
    let found = node.streams.get(&fold(name)).copied();
    let opens = matches!(request.disposition, Disposition::Open | Disposition::OpenIf);
    let Some(stream) = found else {
        judge_new_stream(protected != 0, volume, request)?;
        return Ok(Found {
            entry,
            stream: state.add_stream(entry.node, name),
            granted,
            action: CreateAction::Created,
        });
    };
    if state
        .streams
        .get(&stream)
        .is_none_or(|stream| stream.deleted)
    {
        return Err(Status::DELETE_PENDING);
    }
    if request.disposition == Disposition::Create {
        return Err(Status::OBJECT_NAME_COLLISION);
    }
    check_attributes(protected, volume.read_only, false, request)?;
    let action = if opens {
        CreateAction::Opened
    } else {
        empty(state, stream, request)?
    };
    Ok(Found {
        entry,
        stream,
        granted,
        action,
    })
}

/// Whether a file that exists can get another stream: that is writing to it.
const fn judge_new_stream(
    protected: bool,
    volume: &Volume,
    request: &OpenRequest,
) -> Result<(), Status> {
    if must_exist(request) {
        return Err(Status::OBJECT_NAME_NOT_FOUND);
    }
    if protected {
        return Err(Status::ACCESS_DENIED);
    }
    if volume.read_only {
        return Err(Status::MEDIA_WRITE_PROTECTED);
    }
    Ok(())
}

/// Empties the unnamed stream of a data file and gives the file the attributes of the request.
fn overwrite(
    state: &mut State,
    id: NodeId,
    stream: StreamId,
    request: &OpenRequest,
) -> Result<CreateAction, Status> {
    let action = empty(state, stream, request)?;
    if let Some(node) = state.nodes.get_mut(&id) {
        node.attributes = request.attributes & SETTABLE_ATTRIBUTES | FILE_ATTRIBUTE_ARCHIVE;
    }
    Ok(action)
}

/// Empties a data stream. It is plain again, as a new one is.
fn empty(
    state: &mut State,
    stream: StreamId,
    request: &OpenRequest,
) -> Result<CreateAction, Status> {
    let (stream, disk) = state.stream(stream).ok_or(Status::FILE_IS_A_DIRECTORY)?;
    stream.clear(disk);
    let superseded = request.disposition == Disposition::Supersede;
    Ok(if superseded {
        CreateAction::Superseded
    } else {
        CreateAction::Overwritten
    })
}
