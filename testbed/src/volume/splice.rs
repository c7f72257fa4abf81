//! Making one stream map the clusters of another: step 16 and 17 of \[MS-FSA\] 2.1.5.10.5.
//!
//! The section goes cluster by cluster; here it goes run by run, with the same result. First a plan is
//! made of the parts where target and source map different clusters (the section leaves equal ones
//! alone), then each step raises the source's counts and drops the target's. Without SOURCE_ATOMIC
//! what was done before a failure stays; with it all counts are raised before the target is touched.

use std::ops::Range;

use super::disk::{Disk, Lcn};
use super::runs::{Run, Runs};
use super::status::Status;
use super::stream::DataStream;

/// Target clusters, and what they shall map: disk clusters from the given one on, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    target: Range<u64>,
    source: Option<Lcn>,
}

/// The source's mapping of `vcns`, moved to start at target cluster `target`; holes are kept as holes.
pub(super) fn mapping(source: &Runs<Lcn>, vcns: Range<u64>, target: u64) -> Vec<Step> {
    let moved =
        |range: Range<u64>| range.start - vcns.start + target..range.end - vcns.start + target;
    let mapped = source.view(vcns.clone()).into_iter();
    let mut steps: Vec<Step> = mapped
        .map(|run| Step {
            target: moved(run.range()),
            source: Some(run.value),
        })
        .chain(source.gaps(vcns.clone()).into_iter().map(|gap| Step {
            target: moved(gap),
            source: None,
        }))
        .collect();
    steps.sort_by_key(|step| step.target.start);
    steps
}

/// The mapping for a target range that begins inside its own source range, `target` behind its start:
/// going cluster by cluster in ascending order, as \[MS-FSA\] does, the clusters in front of `target`
/// repeat.
pub(super) fn forward_overlap(source: &Runs<Lcn>, vcns: Range<u64>, target: u64) -> Vec<Step> {
    let distance = target - vcns.start;
    let end = target + (vcns.end - vcns.start);
    let mut steps: Vec<Step> = Vec::new();
    let mut at = target;
    while at < end {
        let length = distance.min(end - at);
        for step in mapping(source, vcns.start..vcns.start + length, at) {
            match steps.last_mut() {
                Some(last) if last.source.is_none() && step.source.is_none() => {
                    last.target.end = step.target.end;
                }
                _ => steps.push(step),
            }
        }
        at += length;
    }
    steps
}

/// How far a splice came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The target cluster in front of which it stopped: the end of the range after a success.
    pub(super) reached: u64,
    /// Success, or why it stopped.
    pub(super) status: Status,
}

/// Makes `target` map what `steps` say. The steps are in ascending order and leave no gap.
pub(super) fn splice(
    target: &mut DataStream,
    disk: &mut Disk,
    steps: &[Step],
    atomic: bool,
) -> Outcome {
    let plan: Vec<Step> = steps
        .iter()
        .flat_map(|step| differing(target, step))
        .collect();
    let stopped = if atomic {
        let failed = !all_or_nothing(target, disk, &plan);
        steps
            .first()
            .filter(|_| failed)
            .map(|first| first.target.start)
    } else {
        as_far_as_possible(target, disk, &plan)
    };
    match stopped {
        Some(reached) => Outcome {
            reached,
            status: Status::BLOCK_TOO_MANY_REFERENCES,
        },
        None => Outcome {
            reached: steps.last().map_or(0, |step| step.target.end),
            status: Status::SUCCESS,
        },
    }
}

/// Step by step; returns where it had to stop.
fn as_far_as_possible(target: &mut DataStream, disk: &mut Disk, plan: &[Step]) -> Option<u64> {
    for step in plan {
        let end = step.target.start + raise(disk, step);
        apply(
            target,
            disk,
            &Step {
                target: step.target.start..end,
                source: step.source,
            },
        );
        if end < step.target.end {
            return Some(end);
        }
    }
    None
}

/// Raises every count first; returns whether that and so everything was possible.
fn all_or_nothing(target: &mut DataStream, disk: &mut Disk, plan: &[Step]) -> bool {
    for (done, step) in plan.iter().enumerate() {
        let raised = raise(disk, step);
        if raised < step.target.end - step.target.start {
            lower(disk, step, raised);
            for earlier in &plan[..done] {
                lower(disk, earlier, earlier.target.end - earlier.target.start);
            }
            return false;
        }
    }
    for step in plan {
        apply(target, disk, step);
    }
    true
}

/// The parts of a step that change something.
fn differing(target: &DataStream, step: &Step) -> Vec<Step> {
    let Some(source) = step.source else {
        return vec![step.clone()];
    };
    let wanted = |vcn: u64| Lcn(source.0 + (vcn - step.target.start));
    let mut parts = Vec::new();
    let mut next = step.target.start;
    for run in target.extents.view(step.target.clone()) {
        if run.value == wanted(run.start) {
            parts.push(next..run.start);
            next = run.range().end;
        }
    }
    parts.push(next..step.target.end);
    parts.retain(|part| !part.is_empty());
    parts
        .into_iter()
        .map(|part| Step {
            source: Some(wanted(part.start)),
            target: part,
        })
        .collect()
}

/// Raises the counts of the step's source clusters; returns for how many that was possible.
fn raise(disk: &mut Disk, step: &Step) -> u64 {
    let length = step.target.end - step.target.start;
    step.source
        .map_or(length, |lcn| disk.share(lcn.0..lcn.0 + length))
}

/// Takes back the first `length` counts of [`raise`].
fn lower(disk: &mut Disk, step: &Step, length: u64) {
    if let Some(lcn) = step.source {
        disk.release(lcn.0..lcn.0 + length);
    }
}

/// Maps the step's clusters, whose counts are raised already, and drops what the target mapped.
fn apply(target: &mut DataStream, disk: &mut Disk, step: &Step) {
    let old = target.extents.take(step.target.clone());
    if let Some(value) = step.source {
        let start = step.target.start;
        target.extents.insert(Run {
            start,
            length: step.target.end - start,
            value,
        });
    }
    for run in old {
        disk.release(run.clusters());
    }
}

#[cfg(test)]
mod tests {
    use super::{Disk, Outcome, Status, forward_overlap, mapping, splice};
    use crate::volume::stream::DataStream;

    fn written(disk: &mut Disk, clusters: usize, byte: u8) -> DataStream {
        let mut stream = DataStream::new();
        stream.write(disk, 0, &vec![byte; clusters * 512]).unwrap();
        stream
    }

    /// Two streams of four clusters; cluster 2 of the source is at the limit of two references.
    fn limited() -> (Disk, DataStream, DataStream) {
        let mut disk = Disk::new(512, 100, Some(2));
        let source = written(&mut disk, 4, 1);
        let target = written(&mut disk, 4, 2);
        assert_eq!(disk.share(2..3), 1);
        (disk, source, target)
    }

    #[test]
    fn a_plain_clone_stops_at_the_limit_and_keeps_what_it_did() {
        let (mut disk, source, mut target) = limited();
        let steps = mapping(&source.extents, 0..4, 0);
        let outcome = splice(&mut target, &mut disk, &steps, false);
        assert_eq!(
            outcome,
            Outcome {
                reached: 2,
                status: Status::BLOCK_TOO_MANY_REFERENCES
            }
        );
        let bytes = target.read(&disk, 0, 2048).unwrap();
        assert_eq!((bytes[1023], bytes[1024]), (1, 2));
    }

    #[test]
    fn an_atomic_clone_undoes_everything() {
        let (mut disk, source, mut target) = limited();
        let before = (disk.references().clone(), target.extents.clone());
        let steps = mapping(&source.extents, 0..4, 0);
        let outcome = splice(&mut target, &mut disk, &steps, true);
        assert_eq!(
            outcome,
            Outcome {
                reached: 0,
                status: Status::BLOCK_TOO_MANY_REFERENCES
            }
        );
        assert_eq!((disk.references().clone(), target.extents.clone()), before);
    }

    #[test]
    fn a_forward_overlap_repeats_what_lies_in_front() {
        let mut disk = Disk::new(512, 100, None);
        let mut stream = DataStream::new();
        for (i, byte) in [1, 2, 3, 4, 5, 6].into_iter().enumerate() {
            let at = i as u64 * 512;
            stream.write(&mut disk, at, &[byte; 512]).unwrap();
        }
        let steps = forward_overlap(&stream.extents, 0..4, 2);
        let outcome = splice(&mut stream, &mut disk, &steps, true);
        assert_eq!((outcome.reached, outcome.status), (6, Status::SUCCESS));
        let bytes = stream.read(&disk, 0, 6 * 512).unwrap();
        let firsts: Vec<u8> = bytes.iter().step_by(512).copied().collect();
        assert_eq!(firsts, [1, 2, 1, 2, 1, 2]);
    }

    #[test]
    fn equal_mappings_are_left_alone_even_at_the_limit() {
        let mut disk = Disk::new(512, 100, Some(2));
        let source = written(&mut disk, 4, 1);
        let mut target = written(&mut disk, 4, 2);
        let steps = mapping(&source.extents, 0..4, 0);
        for _ in 0..2 {
            assert_eq!(
                splice(&mut target, &mut disk, &steps, false).status,
                Status::SUCCESS
            );
            assert_eq!(disk.free_clusters(), 96);
        }
    }
}
