//! FSCTL_DUPLICATE_EXTENTS_TO_FILE and _EX: the checks of \[MS-FSA\] 2.1.5.10.4 and .5, in their order.
//!
//! Where MS-FSA is silent or contradicted, `choices.rs` says what is done and who says so. Of what only
//! other sources demand, overlap comes after the check of the volume (\[MS-FSCC\] 2.3.8), integrity after
//! sparse, the undocumented flag and the full disk last. Write access to the target is the I/O
//! manager's business, by the code. `range.rs` has the numbers, `splice.rs` and `copy.rs` the work.

use std::sync::Arc;

use super::access::{FILE_READ_ATTRIBUTES, FILE_READ_DATA};
use super::choices::{
    Alignment, AsyncFlag, BadHandle, ExCode, FullDisk, IntegrityMismatch, Locks, MissingAccess,
    NamedStreams, OtherVolume, Overlap, ReadOnlyCheck, TargetKind, ZeroElsewhere,
};
use super::control::{CallerMode, ControlRequest, SourceOpen};
use super::copy::copy;
use super::locks::Bytes;
use super::open::{OpenFile, OpenKind};
use super::range::{Numbers, Span, judge_numbers, judge_source_end, judge_target_end};
use super::request::{FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX, parse};
use super::spec::FsSpec;
use super::splice::{forward_overlap, mapping, splice};
use super::state::{State, Stream, StreamId};
use super::status::Status;

/// One side of a clone: the stream, and the open as the owner of locks.
#[derive(Clone, Copy)]
struct Side {
    stream: StreamId,
    owner: u64,
}

/// Handles a clone request sent to `target`.
pub(super) fn duplicate(
    target: &OpenFile,
    request: &ControlRequest<'_>,
    resolve: &mut dyn FnMut(u64) -> Result<SourceOpen, Status>,
) -> Result<(), Status> {
    let spec = target.spec();
    let Some((handle, span)) = judge_request(target, request)? else {
        return Ok(());
    };
    let source = resolve(handle).map_err(|status| bad_handle(spec, status))?;
    let source = judge_source(target, &source, (request.caller.mode, &span))?;
    if span.length == 0 && !span.late {
        return Ok(());
    }
    judge_sectors(source, target, &span)?;
    // Declared after the source, so released before the source is dropped, which takes the lock.
    let mut state = target.shared().lock();
    let closed = |status| bad_handle(spec, status);
    let source = Side {
        stream: source.open_stream().map_err(closed)?,
        owner: source.number(),
    };
    let target = Side {
        stream: target.open_stream()?,
        owner: target.number(),
    };
    join(&mut state, (source, target), &span, spec)
}

/// What is judged before the source handle is looked at: that handle and the range, or nothing to do.
fn judge_request(
    target: &OpenFile,
    request: &ControlRequest<'_>,
) -> Result<Option<(u64, Span)>, Status> {
    let spec = target.spec();
    let ex = request.code == FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX;
    if ex && spec.ex_code == ExCode::Unknown {
        return Err(Status::INVALID_DEVICE_REQUEST);
    }
    let asked = parse(ex, request.input, request.caller.bits32, spec);
    if !spec.clones() {
        let zero = asked.is_ok_and(|asked| asked.byte_count == 0);
        return match spec.zero_elsewhere {
            ZeroElsewhere::Succeeds if zero => Ok(None),
            ZeroElsewhere::Succeeds | ZeroElsewhere::Refused => Err(Status::INVALID_DEVICE_REQUEST),
        };
    }
    judge_read_only(target, ReadOnlyCheck::First)?;
    judge_target(target, TargetKind::First)?;
    let asked = asked?;
    judge_read_only(target, ReadOnlyCheck::AfterStructure)?;
    judge_target(target, TargetKind::BeforeNumbers)?;
    let Numbers::Span(span) = judge_numbers(&asked, spec)? else {
        return Ok(None);
    };
    judge_target(target, TargetKind::AfterNumbers)?;
    if is_refused_stream(target, spec) {
        return Err(Status::NOT_SUPPORTED);
    }
    Ok(Some((asked.handle, span)))
}

/// The status that stands for what the object manager, or the closed open, says of a source handle.
const fn bad_handle(spec: &FsSpec, status: Status) -> Status {
    match spec.bad_handle {
        BadHandle::Passed => status,
        BadHandle::Replaced(other) => other,
    }
}

/// Whether this is a named stream, and the volume does not clone those.
fn is_refused_stream(open: &OpenFile, spec: &FsSpec) -> bool {
    spec.named_streams == NamedStreams::Refused && open.is_named_stream()
}

/// The volume must be writable; whether that is looked at here, the volume says.
fn judge_read_only(target: &OpenFile, here: ReadOnlyCheck) -> Result<(), Status> {
    if target.spec().read_only_check == here && target.shared().is_read_only() {
        return Err(Status::MEDIA_WRITE_PROTECTED);
    }
    Ok(())
}

/// The target must be a data stream; whether that is looked at here, the volume says.
fn judge_target(target: &OpenFile, here: TargetKind) -> Result<(), Status> {
    if target.spec().target_kind == here && target.kind() != OpenKind::Data {
        return Err(Status::NOT_SUPPORTED);
    }
    Ok(())
}

/// The source must be open (step 9 of \[MS-FSA\] 2.1.5.10.4) and a data stream of the target's volume,
/// opened for reading if user mode asks. That kernel mode needs no right is what WinBtrfs does, and
/// OpenZFS and ms-nfs41-client ask nobody for one (O); \[MS-FSA\] knows no modes.
fn judge_source<'a>(
    target: &OpenFile,
    source: &'a SourceOpen,
    (mode, span): (CallerMode, &Span),
) -> Result<&'a Arc<OpenFile>, Status> {
    let spec = target.spec();
    let SourceOpen::Open { file, granted } = source else {
        return Err(Status::INVALID_PARAMETER);
    };
    if file.is_closed() {
        return Err(bad_handle(spec, Status::FILE_CLOSED));
    }
    let elsewhere = !file.is_on(target.shared());
    if elsewhere && spec.other_volume == OtherVolume::InvalidHandle {
        return Err(Status::INVALID_HANDLE);
    }
    if file.kind() != OpenKind::Data {
        return Err(Status::INVALID_PARAMETER);
    }
    if is_refused_stream(file, spec) {
        return Err(Status::NOT_SUPPORTED);
    }
    let needed = FILE_READ_DATA | FILE_READ_ATTRIBUTES;
    if mode == CallerMode::User && granted & needed != needed {
        match spec.missing_access {
            MissingAccess::InvalidParameter => return Err(Status::INVALID_PARAMETER),
            MissingAccess::AccessDenied => return Err(Status::ACCESS_DENIED),
            MissingAccess::Ignored => {}
        }
    }
    if elsewhere {
        return Err(judge_elsewhere(file, span, spec));
    }
    Ok(file)
}

/// Why a source on another volume is refused: \[MS-FSA\] looks at its size before it compares the volumes.
fn judge_elsewhere(file: &OpenFile, span: &Span, spec: &FsSpec) -> Status {
    let end = file.data(Status::INVALID_PARAMETER, |stream, _| {
        judge_source_end(stream, span, spec)
    });
    match end {
        Ok(_) => Status::INVALID_PARAMETER,
        Err(Status::FILE_CLOSED) => bad_handle(spec, Status::FILE_CLOSED),
        Err(status) => status,
    }
}

/// Alignment where it needs both sides.
fn judge_sectors(source: &OpenFile, target: &OpenFile, span: &Span) -> Result<(), Status> {
    let named = source.is_named_stream() || target.is_named_stream();
    if target.spec().alignment == Alignment::Sector && !named && !span.sectors {
        return Err(Status::INVALID_PARAMETER);
    }
    Ok(())
}

/// The checks on both streams, and the work. The lock is held, so nothing changes in between.
fn join(
    state: &mut State,
    (source, target): (Side, Side),
    span: &Span,
    spec: &FsSpec,
) -> Result<(), Status> {
    let from = state.streams.get(&source.stream);
    let from = from.ok_or(Status::FILE_CLOSED)?;
    let to = state.streams.get(&target.stream);
    let to = to.ok_or(Status::FILE_CLOSED)?;
    let available = judge_source_end(&from.data, span, spec)?;
    let one = source.stream == target.stream;
    if let Overlap::Refused(status) = spec.overlap
        && one
        && span.source.abs_diff(span.target) < span.length
    {
        return Err(status);
    }
    judge_pair(from, to, spec)?;
    judge_locks((from, source.owner), (to, target.owner), span, spec)?;
    let length = available.min(judge_target_end(&to.data, span, spec)?);
    if let AsyncFlag::Refused(status) = spec.async_flag
        && span.asynchronous
    {
        return Err(status);
    }
    if length == 0 {
        return Ok(());
    }
    if spec.full_disk == FullDisk::Refused && state.disk.free_clusters() == 0 {
        return Err(Status::DISK_FULL);
    }
    let (streams, span) = ((source.stream, target.stream), Span { length, ..*span });
    let cluster = state.disk.cluster_size();
    let whole = |value: u64| value.is_multiple_of(cluster);
    if whole(span.source) && whole(span.target) && whole(length) {
        remap(state, streams, &span)
    } else {
        copy(state, streams, &span)
    }
}

/// What must be the same on both sides, or may differ one way only.
fn judge_pair(from: &Stream, to: &Stream, spec: &FsSpec) -> Result<(), Status> {
    if from.data.sparse && !to.data.sparse {
        return Err(Status::NOT_SUPPORTED);
    }
    match spec.integrity {
        IntegrityMismatch::Refused(status)
            if (from.data.checksum == 0) != (to.data.checksum == 0) =>
        {
            Err(status)
        }
        IntegrityMismatch::Refused(_) | IntegrityMismatch::Allowed => Ok(()),
    }
}

/// Byte-range locks: the target is written, the source is read.
fn judge_locks(
    (from, reader): (&Stream, u64),
    (to, writer): (&Stream, u64),
    span: &Span,
    spec: &FsSpec,
) -> Result<(), Status> {
    if spec.locks == Locks::Ignored {
        return Ok(());
    }
    let bytes = |offset| Bytes {
        offset,
        length: span.length,
    };
    if to.locks.forbids_writing(bytes(span.target), writer)
        || from.locks.forbids_reading(bytes(span.source), reader)
    {
        return Err(Status::FILE_LOCK_CONFLICT);
    }
    Ok(())
}

/// Makes the target map what the source maps.
fn remap(
    state: &mut State,
    (source_id, target_id): (StreamId, StreamId),
    span: &Span,
) -> Result<(), Status> {
    clear_unseen(state, (source_id, target_id), span)?;
    let (source, disk) = state.stream(source_id).ok_or(Status::FILE_CLOSED)?;
    let cluster = disk.cluster_size();
    let clusters = span.source / cluster..(span.source + span.length) / cluster;
    let to = span.target / cluster;
    let steps = if source_id == target_id && clusters.start < to && to < clusters.end {
        forward_overlap(&source.extents, clusters, to)
    } else {
        mapping(&source.extents, clusters, to)
    };
    let (target, disk) = state.stream(target_id).ok_or(Status::FILE_CLOSED)?;
    let outcome = splice(target, disk, &steps, span.atomic);
    let reached = outcome.reached * cluster;
    if reached > span.target {
        let valid = reached.min(target.end_of_file);
        target.valid_data_length = target.valid_data_length.max(valid);
    }
    if outcome.status == Status::SUCCESS {
        Ok(())
    } else {
        Err(outcome.status)
    }
}

/// Clears what is not valid but is about to become so: the part of the source range behind the
/// source's valid data length, since the target may be longer, and the gap in front of the target
/// range. Neither changes what the files read as. With SOURCE_ATOMIC nothing at all may change if it
/// fails, so the room for it is looked for first.
fn clear_unseen(
    state: &mut State,
    (source_id, target_id): (StreamId, StreamId),
    span: &Span,
) -> Result<(), Status> {
    let (source, disk) = state.stream(source_id).ok_or(Status::FILE_CLOSED)?;
    let unseen = source.valid_data_length.max(span.source)..span.source + span.length;
    let mut needed = source.scrub_cost(disk, unseen.clone());
    let (target, disk) = state.stream(target_id).ok_or(Status::FILE_CLOSED)?;
    let gap = target.valid_data_length..span.target;
    needed += target.scrub_cost(disk, gap.clone());
    if span.atomic && needed > disk.free_clusters() {
        return Err(Status::DISK_FULL);
    }
    let (source, disk) = state.stream(source_id).ok_or(Status::FILE_CLOSED)?;
    source.scrub(disk, unseen)?;
    let (target, disk) = state.stream(target_id).ok_or(Status::FILE_CLOSED)?;
    target.scrub(disk, gap)
}
