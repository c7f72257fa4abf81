//! Volumes in the words of the test-bed: which file system, and which side of each dispute.

use testbed::volume::{FsSpec, SWITCHES};

use crate::side::Side;
use crate::stage::{FileSystemKind, Trouble, VolumeSpec};

/// What the test-bed's file system is asked to play.
pub(super) fn of(spec: &VolumeSpec) -> Result<FsSpec, Trouble> {
    let mut played = match spec.kind {
        FileSystemKind::Refs => FsSpec::refs(spec.cluster),
        FileSystemKind::OldRefs => FsSpec {
            block_refcounting: false,
            ..FsSpec::refs(spec.cluster)
        },
        FileSystemKind::Ntfs => FsSpec::ntfs(spec.cluster),
        FileSystemKind::ThirdParty => FsSpec::third_party(spec.cluster),
        FileSystemKind::Fat => {
            let reason = "the test-bed has no FAT";
            return Err(Trouble::Unable(reason.to_owned()));
        }
    };
    if let Some(clusters) = spec.capacity {
        played.capacity_clusters = clusters;
    }
    if spec.reference_limit.is_some() {
        played.reference_limit = spec.reference_limit;
    }
    for side in spec.sides {
        take(&mut played, *side)?;
    }
    Ok(played)
}

/// Turns the switch of a side.
fn take(spec: &mut FsSpec, side: Side) -> Result<(), Trouble> {
    let switch = SWITCHES.iter().find(|switch| switch.name == side.switch);
    let mut values = switch.into_iter().flat_map(|switch| switch.values);
    let value = values.find(|value| value.name == side.value);
    let unknown = || Trouble::Failed(format!("the test-bed has no side {side}"));
    value.ok_or_else(unknown)?.apply(spec);
    Ok(())
}
