//! What cases say, in the words of scripts.

use testbed::volume::SWITCHES;

use crate::property::request::layout_size;
use crate::property::script::{
    Base, Carriage, Change, Drive, EX, Kind, Length, Minor, Number, VolumePlan,
};
use crate::stage::{self, Control, FileSystemKind, VolumeSpec};

/// The volume of a script for that of a case.
pub(super) fn plan(spec: &VolumeSpec) -> VolumePlan {
    let switches = spec.sides.iter().filter_map(|side| {
        let switch = SWITCHES
            .iter()
            .position(|known| known.name == side.switch)?;
        let mut values = SWITCHES[switch].values.iter();
        Some((switch, values.position(|known| known.name == side.value)?))
    });
    VolumePlan {
        kind: match spec.kind {
            FileSystemKind::Refs => Kind::Refs,
            FileSystemKind::OldRefs => Kind::OldRefs,
            FileSystemKind::Ntfs | FileSystemKind::Fat => Kind::Ntfs,
            FileSystemKind::ThirdParty => Kind::ThirdParty,
        },
        cluster: spec.cluster,
        capacity: spec.capacity.map(|clusters| clusters.min(200)),
        reference_limit: spec.reference_limit,
        drive: if spec.dev_drive {
            Drive::Trusted
        } else {
            Drive::Ordinary
        },
        switches: switches.collect(),
    }
}

/// A change in the words of a script.
pub(super) fn written(change: &stage::Change<'_>, cluster: u64) -> Option<Change> {
    let at = |offset: u64| (offset / cluster, offset % cluster);
    Some(match change {
        stage::Change::Write(offset, bytes) => Change::Write {
            at: at(*offset),
            bytes: bytes.len() as u64,
            fill: bytes.first().copied().unwrap_or(1),
        },
        stage::Change::SetEnd(end) => {
            let (clusters, bytes) = at(*end);
            Change::SetEnd(clusters, bytes)
        }
        stage::Change::SetAllocation(size) => Change::SetAllocation(size.div_ceil(cluster)),
        stage::Change::Trim => Change::Trim,
        stage::Change::SetSparse(on) => Change::Sparse(*on),
        stage::Change::SetIntegrity(on) => Change::Integrity(*on),
        stage::Change::Zero(from, to) => Change::Zero {
            from: from / cluster,
            to: to / cluster,
        },
        stage::Change::Lock(offset, _) => Change::Lock {
            at: offset / cluster,
            exclusive: true,
        },
        stage::Change::SetReadOnly => Change::ReadOnlyAttribute,
        stage::Change::Delete => Change::Delete,
        stage::Change::Unlock(..) | stage::Change::Link(_) => return None,
    })
}

/// A number as it is.
pub(super) const fn literal(bytes: i64) -> Number {
    Number {
        base: Base::Zero,
        clusters: 0,
        bytes,
    }
}

/// How much of the structure is sent, of which `whole` would be right.
pub(super) fn length(control: &Control<'_>, whole: usize) -> Length {
    match (control.carriage, control.input) {
        (stage::Carriage::WithoutBuffer(length), _) => Length::Claimed(length),
        (_, None) => Length::Null,
        (_, Some(input)) if input.len() == whole => Length::Exact,
        (_, Some(input)) => Length::Of(input.len()),
    }
}

/// How it travels.
pub(super) fn carriage(carriage: stage::Carriage) -> Carriage {
    let usual = Carriage::default();
    match carriage {
        stage::Carriage::Usual | stage::Carriage::WithoutBuffer(_) => usual,
        stage::Carriage::Posted => Carriage {
            posted: true,
            ..usual
        },
        stage::Carriage::AtApcLevel => Carriage {
            at_apc: true,
            ..usual
        },
        stage::Carriage::KernelCall => Carriage {
            minor: Minor::KernelCall,
            ..usual
        },
        stage::Carriage::VerifyVolume => Carriage {
            minor: Minor::VerifyVolume,
            ..usual
        },
    }
}

/// What stands in the bytes of a request; zeros behind their end.
pub(super) struct Fields {
    pub(super) size: Option<u64>,
    pub(super) handle: u64,
    pub(super) range: [i64; 3],
    pub(super) flags: u32,
}

impl Fields {
    pub(super) fn of(code: u32, narrow: bool, input: &[u8]) -> Self {
        let word: usize = if narrow { 4 } else { 8 };
        let at = |offset: usize, width: usize| {
            let bytes = input.iter().skip(offset).take(width).enumerate();
            bytes.fold(0, |number, (place, byte)| {
                number | u64::from(*byte) << (8 * place)
            })
        };
        let is_ex = code == EX;
        let handle_at = if is_ex { word } else { 0 };
        let range_at = (handle_at + word).next_multiple_of(8);
        let size = at(0, word);
        let is_usual = size == layout_size(code, narrow) as u64;
        Self {
            size: (is_ex && !is_usual).then_some(size),
            handle: at(handle_at, word),
            range: [0, 8, 16].map(|offset| at(range_at + offset, 8).cast_signed()),
            flags: if is_ex {
                at(range_at + 24, 4) as u32
            } else {
                0
            },
        }
    }
}
