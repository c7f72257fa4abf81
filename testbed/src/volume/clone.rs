//! FSCTL_DUPLICATE_EXTENTS_TO_FILE and _EX: the checks of \[MS-FSA\] 2.1.5.10.4 and .5, in their order.
//!
//! Where MS-FSA is silent or contradicted, the order is this: negative values and sums above the
//! signed 64-bit range are STATUS_INVALID_PARAMETER together with the alignment (inferred: \[MS-FSCC\]
//! 2.3.7.1 wants them not negative and names no status); so is a count of 4 GiB or more
//! ([`HugeCount`]); overlap in one stream is STATUS_NOT_SUPPORTED (\[MS-FSCC\] 2.3.8, smbtorture
//! dup_extents_src_is_dest_overlap) after the check of the volume. Byte-range locks are not looked at
//! (notes 91, 92, 95, 96). Write access to the target is the I/O manager's business, by the code.

use std::sync::Arc;

use super::access::{FILE_READ_ATTRIBUTES, FILE_READ_DATA};
use super::control::{CallerMode, ControlRequest, SourceOpen};
use super::open::{OpenFile, OpenKind};
use super::request::{FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX, Request, parse};
use super::spec::{FsKind, FsSpec, HugeCount, MissingAccess, SourceEnd, TargetEnd};
use super::splice::{mapping, splice};
use super::state::{NodeId, State};
use super::status::Status;
use super::stream::DataStream;

/// A range that passed the checks that need no file, in bytes and aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    source: u64,
    target: u64,
    length: u64,
    atomic: bool,
}

/// Handles a clone request sent to `target`.
pub(super) fn duplicate(
    target: &OpenFile,
    request: &ControlRequest<'_>,
    resolve: &mut dyn FnMut(u64) -> Result<SourceOpen, Status>,
) -> Result<(), Status> {
    let spec = target.spec();
    if spec.kind != FsKind::Refs {
        return Err(Status::INVALID_DEVICE_REQUEST);
    }
    let ex = request.code == FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX;
    let asked = parse(ex, request.input, request.caller.bits32, spec.callers_32)?;
    if target.shared().is_read_only() {
        return Err(Status::MEDIA_WRITE_PROTECTED);
    }
    let span = judge_numbers(&asked, spec)?;
    if span.length == 0 {
        return Ok(());
    }
    if target.kind() != OpenKind::Data {
        return Err(Status::NOT_SUPPORTED);
    }
    let source = resolve(asked.handle)?;
    let source = judge_source(&source, request.caller.mode, spec)?;
    if !source.is_on(target.shared()) {
        return Err(judge_elsewhere(source, &span, spec));
    }
    // Declared after the source, so released before the source is dropped, which takes the lock.
    let mut state = target.shared().lock();
    let (source, target) = (source.open_node()?, target.open_node()?);
    join(&mut state, (source, target), &span, spec)
}

/// The checks on the numbers alone: sign, range, alignment, size.
fn judge_numbers(asked: &Request, spec: &FsSpec) -> Result<Span, Status> {
    let unsigned = |value: i64| u64::try_from(value).map_err(|_| Status::INVALID_PARAMETER);
    let span = Span {
        source: unsigned(asked.source_offset)?,
        target: unsigned(asked.target_offset)?,
        length: unsigned(asked.byte_count)?,
        atomic: asked.atomic,
    };
    let cluster = u64::from(spec.cluster_size);
    for value in [span.source, span.target, span.length] {
        if !value.is_multiple_of(cluster) {
            return Err(Status::INVALID_PARAMETER);
        }
    }
    for start in [span.source, span.target] {
        if start + span.length > i64::MAX as u64 {
            return Err(Status::INVALID_PARAMETER);
        }
    }
    match spec.huge_count {
        HugeCount::Refused(status) if span.length >= 1 << 32 => Err(status),
        HugeCount::Refused(_) | HugeCount::Accepted => Ok(span),
    }
}

/// The source must be a data stream, opened for reading if user mode asks.
fn judge_source<'a>(
    source: &'a SourceOpen,
    mode: CallerMode,
    spec: &FsSpec,
) -> Result<&'a Arc<OpenFile>, Status> {
    let SourceOpen::Open { file, granted } = source else {
        return Err(Status::INVALID_PARAMETER);
    };
    if file.kind() != OpenKind::Data {
        return Err(Status::INVALID_PARAMETER);
    }
    let needed = FILE_READ_DATA | FILE_READ_ATTRIBUTES;
    if mode == CallerMode::User && granted & needed != needed {
        return Err(match spec.missing_access {
            MissingAccess::InvalidParameter => Status::INVALID_PARAMETER,
            MissingAccess::AccessDenied => Status::ACCESS_DENIED,
        });
    }
    Ok(file)
}

/// A source on another volume: \[MS-FSA\] looks at its size before it compares the volumes.
fn judge_elsewhere(source: &OpenFile, span: &Span, spec: &FsSpec) -> Status {
    let fits = source.data(Status::INVALID_PARAMETER, |stream, _| {
        judge_source_end(stream, span, spec)
    });
    fits.err().unwrap_or(Status::INVALID_PARAMETER)
}

/// The source range must end inside the source.
fn judge_source_end(source: &DataStream, span: &Span, spec: &FsSpec) -> Result<(), Status> {
    let end = match spec.source_end {
        SourceEnd::AllocationSize => source.allocation_size,
        SourceEnd::EndOfFile => source.end_of_file,
    };
    if span.source + span.length > end {
        Err(Status::NOT_SUPPORTED)
    } else {
        Ok(())
    }
}

/// The checks on both streams, and the work. The lock is held, so nothing changes in between.
fn join(
    state: &mut State,
    (source_id, target_id): (NodeId, NodeId),
    span: &Span,
    spec: &FsSpec,
) -> Result<(), Status> {
    let (source, disk) = state.stream(source_id).ok_or(Status::FILE_CLOSED)?;
    let source_sparse = source.sparse;
    judge_source_end(source, span, spec)?;
    if source_id == target_id && span.source.abs_diff(span.target) < span.length {
        return Err(Status::NOT_SUPPORTED);
    }
    let cluster = disk.cluster_size();
    let (target, _) = state.stream(target_id).ok_or(Status::FILE_CLOSED)?;
    if source_sparse && !target.sparse {
        return Err(Status::NOT_SUPPORTED);
    }
    let end = target.end_of_file;
    if span.target > end && spec.target_end == TargetEnd::StartBehindRefused {
        return Err(Status::INVALID_PARAMETER);
    }
    let length = span
        .length
        .min(end.next_multiple_of(cluster).saturating_sub(span.target));
    if length == 0 {
        return Ok(());
    }
    let span = Span { length, ..*span };
    clear_unseen(state, (source_id, target_id), &span)?;
    let (source, _) = state.stream(source_id).ok_or(Status::FILE_CLOSED)?;
    let clusters = span.source / cluster..(span.source + length) / cluster;
    let steps = mapping(&source.extents, clusters, span.target / cluster);
    let (target, disk) = state.stream(target_id).ok_or(Status::FILE_CLOSED)?;
    let outcome = splice(target, disk, &steps, span.atomic);
    let reached = outcome.reached * cluster;
    if reached > span.target {
        target.valid_data_length = target.valid_data_length.max(reached.min(end));
    }
    if outcome.status == Status::SUCCESS {
        Ok(())
    } else {
        Err(outcome.status)
    }
}

/// Clears what is not valid but is about to become so: the part of the source range behind the
/// source's valid data length, since the target may be longer, and the gap in front of the target
/// range. Neither changes what the files read as.
fn clear_unseen(
    state: &mut State,
    (source_id, target_id): (NodeId, NodeId),
    span: &Span,
) -> Result<(), Status> {
    let (source, disk) = state.stream(source_id).ok_or(Status::FILE_CLOSED)?;
    let unseen = source.valid_data_length.max(span.source)..span.source + span.length;
    source.scrub(disk, unseen)?;
    let (target, disk) = state.stream(target_id).ok_or(Status::FILE_CLOSED)?;
    target.scrub(disk, target.valid_data_length..span.target)
}
