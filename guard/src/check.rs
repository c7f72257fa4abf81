//! What the rules of `table.rs` look for, as far as it takes more than a line.

use crate::facts::{FileFacts, SourceState};
use crate::rules::{Finding, Subject};
use crate::{Bitness, Claim, ClusterSize, Extent, ExtentError, StructuralFinding};
use wire::{FileKind, PolicyMatch};

/// Fires if the condition holds.
pub(crate) const fn fires(condition: bool) -> Finding {
    if condition {
        Finding::Fires
    } else {
        Finding::Silent
    }
}

/// Fires if there is a claim and the condition holds for it.
pub(crate) fn claims(subject: &Subject<'_>, condition: impl Fn(&Claim) -> bool) -> Finding {
    fires(subject.claim().is_some_and(condition))
}

/// Fires if the condition on the input itself holds; only notes if the file system may answer
/// otherwise.
pub(crate) fn structure(subject: &Subject<'_>, condition: bool) -> Finding {
    noted(condition, || subject.structure_decides())
}

/// Fires if the condition holds for the claimed numbers; only notes if the file system may answer
/// otherwise.
pub(crate) fn numbers(subject: &Subject<'_>, condition: impl Fn(&Claim) -> bool) -> Finding {
    noted(subject.claim().is_some_and(condition), || {
        subject.numbers_decide()
    })
}

/// Fires if the condition holds and is known to decide, which is asked only then; otherwise only notes it.
fn noted(condition: bool, decides: impl FnOnce() -> bool) -> Finding {
    if !condition {
        return Finding::Silent;
    }
    if decides() {
        Finding::Fires
    } else {
        Finding::Notes
    }
}

/// The input is shorter than its layout.
pub(crate) fn input_short(subject: &Subject<'_>) -> Finding {
    let capture = subject.capture;
    length_or_buffer(subject, capture.is_short(), capture.lacks_buffer())
}

/// There is no buffer that the length belongs to.
pub(crate) fn input_missing(subject: &Subject<'_>) -> Finding {
    let capture = subject.capture;
    length_or_buffer(subject, capture.lacks_buffer(), capture.is_short())
}

/// One of two conditions on length and buffer. Where the other holds as well, no document says which of them
/// a file system notices first, so neither decides.
fn length_or_buffer(subject: &Subject<'_>, condition: bool, other: bool) -> Finding {
    if condition && other {
        return Finding::Notes;
    }
    structure(subject, condition)
}

/// The EX structure states another size than its layout has. MS-FSA knows only the 64-bit size, so
/// a 32-bit caller's mismatch is left to the file system.
pub(crate) fn ex_size(subject: &Subject<'_>) -> Finding {
    let expected = u64::from(subject.capture.expected_length());
    let stated = subject.claim().and_then(|claim| claim.ex_size);
    let differs = stated.is_some_and(|size| size != expected);
    match (differs, subject.capture.bitness) {
        (_, Bitness::Bits64) => structure(subject, differs),
        (true, Bitness::Bits32) => Finding::Notes,
        (false, Bitness::Bits32) => Finding::Silent,
    }
}

/// A value is not a multiple of the cluster size, if both are known.
pub(crate) fn unaligned(subject: &Subject<'_>, value: impl Fn(&Claim) -> i64) -> Finding {
    let Some(cluster) = subject.facts.cluster_size else {
        return Finding::Silent;
    };
    numbers(subject, |claim| !cluster.divides(value(claim)))
}

/// Whether a range of two non-negative numbers ends past the signed 64-bit range.
pub(crate) fn overflows(offset: i64, byte_count: i64) -> bool {
    Extent::try_new(offset, byte_count) == Err(ExtentError::Overflow)
}

/// The handle leads to a file object that is no data stream, or to no file object.
pub(crate) fn source_kind(subject: &Subject<'_>) -> Finding {
    let source = subject.facts.source;
    let not_data = |file: FileFacts| file.kind != FileKind::Data;
    let known = subject.facts.source_file.known();
    fires(
        source.is_no_file()
            || matches!(source, SourceState::Foreign(_))
            || known.is_some_and(not_data),
    )
}

/// The object manager refused the handle, for another reason than the type of the object.
pub(crate) fn source_handle(subject: &Subject<'_>) -> Finding {
    let source = subject.facts.source;
    fires(matches!(source, SourceState::HandleRefused(_)) && !source.is_no_file())
}

/// The source range ends past the clusters of the source.
pub(crate) fn past_source(subject: &Subject<'_>) -> Finding {
    let Some((source, _)) = ranges(subject) else {
        return Finding::Silent;
    };
    let file = subject.facts.source_file.known();
    let is_past =
        |file: FileFacts| file.kind == FileKind::Data && source.end() > file.allocation_size;
    fires(file.is_some_and(is_past))
}

/// The target range ends past the cluster in which the target ends. Programs round the last range
/// up to a cluster, so less than that says nothing.
pub(crate) fn past_target(subject: &Subject<'_>) -> Finding {
    let (Some((_, target)), Some(cluster)) = (ranges(subject), subject.facts.cluster_size) else {
        return Finding::Silent;
    };
    let file = subject.facts.target_file.known();
    let is_past = |file: FileFacts| {
        let end = ClusterSize::round_up(cluster, file.end_of_file);
        file.kind == FileKind::Data && end.is_some_and(|end| target.end() > end)
    };
    fires(file.is_some_and(is_past))
}

/// Both ranges lie in one stream and share a byte.
pub(crate) fn overlap(subject: &Subject<'_>) -> Finding {
    let shared = ranges(subject).is_some_and(|(source, target)| source.overlaps(target));
    fires(subject.facts.same_stream == Some(true) && shared)
}

/// Both files are known data streams and the condition holds for source and target.
pub(crate) fn streams(
    subject: &Subject<'_>,
    condition: impl Fn(&FileFacts, &FileFacts) -> bool,
) -> Finding {
    let files = subject.facts.streams();
    fires(files.is_some_and(|(source, target)| condition(&source, &target)))
}

/// What the rules of the policy say.
pub(crate) const fn policy(subject: &Subject<'_>) -> Finding {
    match subject.policy {
        PolicyMatch::Deny => Finding::Fires,
        PolicyMatch::Flag => Finding::Notes,
        PolicyMatch::NoMatch
        | PolicyMatch::Allow
        | PolicyMatch::Undecided
        | PolicyMatch::Unknown(_) => Finding::Silent,
    }
}

/// Memory, context or level did not allow a look that the verdict needs.
pub(crate) fn not_inspected(subject: &Subject<'_>) -> Finding {
    let unseen = match subject.claim {
        Err(finding) => *finding == StructuralFinding::NotCaptured,
        Ok(_) => matches!(subject.facts.source, SourceState::NotInspected(_)),
    };
    fires(unseen || subject.policy == PolicyMatch::Undecided)
}

/// Source and target range, if both are ranges and hold a byte.
fn ranges(subject: &Subject<'_>) -> Option<(Extent, Extent)> {
    let claim = subject.claim().filter(|claim| claim.byte_count != 0)?;
    let source = Extent::try_new(claim.source_offset, claim.byte_count).ok()?;
    let target = Extent::try_new(claim.target_offset, claim.byte_count).ok()?;
    Some((source, target))
}
