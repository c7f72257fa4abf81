//! How large the numbers of a script may be that bytes make.

use super::act::Act;
use super::script::{Change, FILES, SLOTS, Source, Step, What};

/// Volumes of a script.
pub(super) const VOLUMES: usize = 2;
/// Clusters from the start of a file at which its owner works: 8 GiB of the smallest usual ones.
const CLUSTERS_MAX: u64 = 1 << 21;
/// Bytes that an owner writes at a time.
const WRITTEN_MAX: u64 = 0x1_0000;
/// Seconds that pass at a time: a day.
const SECONDS_MAX: u64 = 86_401;
/// Bytes of an output buffer.
const OUTPUT_MAX: u32 = 0x4001;

/// A step with numbers that mean something.
pub(super) fn bounded(mut step: Step) -> Step {
    match &mut step {
        Step::Open { slot, what, .. } => {
            *slot %= SLOTS;
            *what = bounded_place(*what);
        }
        Step::Close { slot } => *slot %= SLOTS,
        Step::Duplicate { from, to, .. } => {
            *from %= SLOTS;
            *to %= SLOTS;
        }
        Step::Change {
            volume,
            file,
            change,
        } => {
            *volume %= VOLUMES;
            *file %= FILES;
            bound_change(change);
        }
        Step::Protect { volume, .. }
        | Step::Settle { volume }
        | Step::Act(Act::Detach(volume) | Act::Dismount(volume)) => *volume %= VOLUMES,
        Step::Act(Act::Pass(seconds)) => *seconds %= SECONDS_MAX,
        Step::Send(request) => {
            request.to %= SLOTS;
            // Other methods are not modelled.
            request.code &= !3;
            request.output %= OUTPUT_MAX;
            if let Source::Slot(slot, _) = &mut request.source {
                *slot %= SLOTS;
            }
        }
        Step::Act(_) | Step::Release => {}
    }
    step
}

const fn bounded_place(what: What) -> What {
    match what {
        What::File(volume, file) => What::File(volume % VOLUMES, file % FILES),
        What::Directory(volume) => What::Directory(volume % VOLUMES),
        What::Volume(volume) => What::Volume(volume % VOLUMES),
        What::Pipe | What::Event | What::Process | What::Thread | What::Token => what,
    }
}

fn bound_change(change: &mut Change) {
    match change {
        Change::Write { at, bytes, .. } => {
            at.0 %= CLUSTERS_MAX;
            at.1 %= WRITTEN_MAX;
            *bytes %= WRITTEN_MAX;
        }
        Change::SetEnd(clusters, bytes) => {
            *clusters %= CLUSTERS_MAX + 1;
            *bytes %= WRITTEN_MAX;
        }
        Change::SetAllocation(clusters) => *clusters %= CLUSTERS_MAX,
        Change::Zero { from, to } => {
            *from %= CLUSTERS_MAX;
            *to %= CLUSTERS_MAX;
        }
        Change::Lock { at, .. } => *at %= CLUSTERS_MAX,
        Change::Trim
        | Change::Sparse(_)
        | Change::Integrity(_)
        | Change::ReadOnlyAttribute
        | Change::Delete
        | Change::Recreate => {}
    }
}
