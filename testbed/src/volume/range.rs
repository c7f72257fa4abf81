//! The range of a clone request: the checks on its numbers alone, and against the ends of the files.
//!
//! \[MS-FSA\] 2.1.5.10.4 and .5 check the alignment of source offset, target offset and count, then answer
//! a count of zero. Where they are silent or contradicted (signs, sums, 4 GiB, ends, when zero is
//! answered), the specification of the volume decides.

use super::choices::{
    Alignment, HugeCount, SourceEnd, SourceRange, TargetEnd, TargetRange, ZeroCount,
};
use super::request::Request;
use super::spec::{FsSpec, SECTOR};
use super::status::Status;
use super::stream::DataStream;

/// A range that passed the checks that need no file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) source: u64,
    pub(super) target: u64,
    pub(super) length: u64,
    pub(super) atomic: bool,
    pub(super) asynchronous: bool,
    /// Whether all three numbers are multiples of the sector.
    pub(super) sectors: bool,
    /// Refused, but only where the ends are compared; the numbers mean nothing then.
    pub(super) late: bool,
}

/// What the numbers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Success without a look at anything else.
    Nothing,
    /// A range; of zero bytes only under [`ZeroCount::AfterSource`].
    Span(Span),
}

/// What is wrong with one side of the range.
fn is_bad(offset: i64, count: i64) -> bool {
    offset < 0 || count < 0 || offset.checked_add(count).is_none()
}

/// The checks on the numbers alone: sign, sum, alignment, size.
pub(super) fn judge_numbers(asked: &Request, spec: &FsSpec) -> Result<Numbers, Status> {
    let (source, target, count) = (asked.source_offset, asked.target_offset, asked.byte_count);
    if count == 0 && spec.zero_count == ZeroCount::BeforeNumbers {
        return Ok(Numbers::Nothing);
    }
    let bad_source = is_bad(source, count);
    // A negative count is the source's fault alone.
    let bad_target = count >= 0 && is_bad(target, count);
    if bad_source && spec.source_range == SourceRange::InvalidParameter
        || bad_target && spec.target_range == TargetRange::InvalidParameter
    {
        return Err(Status::INVALID_PARAMETER);
    }
    let cluster = i64::from(spec.cluster_size);
    let aligned = |unit: i64| {
        [source, target, count]
            .iter()
            .all(|value| value % unit == 0)
    };
    if spec.alignment == Alignment::Cluster && !aligned(cluster) {
        return Err(Status::INVALID_PARAMETER);
    }
    if count == 0 && spec.zero_count == ZeroCount::AfterNumbers {
        return Ok(Numbers::Nothing);
    }
    if let HugeCount::Refused(status) = spec.huge_count
        && count >= 1 << 32
    {
        return Err(status);
    }
    let dropped = bad_target && spec.target_range == TargetRange::Dropped;
    Ok(Numbers::Span(Span {
        source: u64::try_from(source).unwrap_or(0),
        // A negative target is as far behind the end of file as one can be.
        target: u64::try_from(target).unwrap_or(i64::MAX as u64 & !(cluster as u64 - 1)),
        length: u64::try_from(count).unwrap_or(0),
        atomic: asked.atomic,
        asynchronous: asked.asynchronous,
        sectors: aligned(i64::from(SECTOR)),
        late: bad_source || bad_target && !dropped,
    }))
}

/// The source range must end inside the source. Returns how many bytes of it are cloned.
pub(super) fn judge_source_end(
    source: &DataStream,
    span: &Span,
    spec: &FsSpec,
) -> Result<u64, Status> {
    let end = match spec.source_end {
        SourceEnd::AllocationSize | SourceEnd::Capped => source.allocation_size,
        SourceEnd::EndOfFile => source.end_of_file,
    };
    if span.late {
        return Err(Status::NOT_SUPPORTED);
    }
    if span.source + span.length <= end {
        return Ok(span.length);
    }
    if spec.source_end == SourceEnd::Capped && span.source < end {
        return Ok(end - span.source);
    }
    Err(Status::NOT_SUPPORTED)
}

/// The target range against the target's end of file. Returns how many bytes lie in front of the end
/// of its last cluster.
pub(super) fn judge_target_end(
    target: &DataStream,
    span: &Span,
    spec: &FsSpec,
) -> Result<u64, Status> {
    let end = target.end_of_file;
    let rounded = end.next_multiple_of(u64::from(spec.cluster_size));
    match spec.target_end {
        TargetEnd::StartBehindRefused if span.target > end => Err(Status::INVALID_PARAMETER),
        TargetEnd::Refused(status) if span.target + span.length > rounded => Err(status),
        TargetEnd::Dropped | TargetEnd::StartBehindRefused | TargetEnd::Refused(_) => {
            Ok(rounded.saturating_sub(span.target))
        }
    }
}
