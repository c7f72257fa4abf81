//! Random volumes, and which answers of the model are left out when the driver enforces.

use std::fmt;

use testbed::io::VolumeSpec;
use testbed::volume::{FsKind, FsSpec, SWITCHES};

use super::Mode;
use super::draw::Draw;
use super::script::{Drive, Kind, VolumePlan};

/// An answer that no ReFS or NTFS volume gives in enforce mode, because a definite rule rests on another. A
/// ReFS that turns out to answer like this makes the rule a note; until then the documents decide.
#[derive(Clone, Copy, Debug)]
pub struct Exclusion {
    /// A switch of the model.
    pub switch: &'static str,
    /// The value that no volume has.
    pub value: &'static str,
    /// What the definite rules rest on.
    pub reason: &'static str,
}

/// Every exclusion: what the model marks as a contradiction. All other answers are drawn.
pub fn exclusions() -> impl Iterator<Item = Exclusion> {
    SWITCHES.iter().flat_map(|switch| {
        switch.values.iter().filter_map(|value| {
            let contradiction = value.contradicts?;
            Some(Exclusion {
                switch: switch.name,
                value: value.name,
                reason: contradiction.reason,
            })
        })
    })
}

/// The sizes of a cluster.
pub(super) const CLUSTERS: [u32; 4] = [4096, 512, 0x1_0000, 0x20_0000];

/// Of pairs of a switch and a value those that a volume can give in enforce mode, each switch once.
pub(super) fn allowed(kind: Kind, pairs: Vec<u8>) -> Vec<(usize, usize)> {
    let kind = kind.played();
    let excluded: Vec<_> = exclusions().filter_map(|one| one.find()).collect();
    let mut switches: Vec<(usize, usize)> = Vec::new();
    for [switch, value] in pairs.as_chunks::<2>().0 {
        let switch = usize::from(*switch) % SWITCHES.len();
        let value = usize::from(*value) % SWITCHES[switch].values_on(kind).len();
        let is_excluded = kind.is_documented() && excluded.contains(&(switch, value));
        let is_there = switches.iter().any(|(other, _)| *other == switch);
        if value != 0 && !is_excluded && !is_there {
            switches.push((switch, value));
        }
    }
    switches
}

/// What of the model is fixed or left out in a run.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    pub(super) mode: Mode,
    /// Answers that every ReFS and NTFS volume gives, excluded or not.
    pub(super) forced: Option<(usize, usize)>,
}

/// The volumes of a script: the first is where most requests go.
pub(super) fn draw_volumes(draw: &mut Draw, answers: &Answers) -> Vec<VolumePlan> {
    let kinds: &[Kind] = &[Kind::Refs, Kind::Ntfs, Kind::OldRefs, Kind::ThirdParty];
    let first = if draw.chance(15) {
        draw.pick(kinds)
    } else {
        Kind::Refs
    };
    let second = draw.pick(kinds);
    [first, second]
        .map(|kind| draw_volume(draw, kind, answers))
        .into()
}

fn draw_volume(draw: &mut Draw, kind: Kind, answers: &Answers) -> VolumePlan {
    let usual = draw.pick(&[4096, 4096, 4096, 512, 512, 0x1_0000]);
    VolumePlan {
        kind,
        cluster: if draw.chance(2) { 0x20_0000 } else { usual },
        capacity: draw.chance(15).then(|| 8 + draw.below(60)),
        reference_limit: draw.chance(15).then(|| 1 + draw.below(5) as u32),
        drive: match draw.below(20) {
            0 => Drive::Trusted,
            1 => Drive::Untrusted,
            _ => Drive::Ordinary,
        },
        switches: draw_switches(draw, kind.played(), answers),
    }
}

/// Half of all volumes give the documented answers only; on the others each question has any answer that
/// such a file system can give.
fn draw_switches(draw: &mut Draw, kind: FsKind, answers: &Answers) -> Vec<(usize, usize)> {
    let mut switches = Vec::new();
    if draw.chance(50) {
        for (index, switch) in SWITCHES.iter().enumerate() {
            let value = draw.index(switch.values_on(kind).len());
            if value != 0 {
                switches.push((index, value));
            }
        }
    }
    if !kind.is_documented() {
        return switches;
    }
    if answers.mode == Mode::Enforce {
        let excluded: Vec<_> = exclusions().filter_map(|one| one.find()).collect();
        switches.retain(|drawn| !excluded.contains(drawn));
    }
    if let Some(forced) = answers.forced {
        switches.retain(|(index, _)| *index != forced.0);
        switches.push(forced);
    }
    switches
}

impl Exclusion {
    /// The indices of the switch and its value; `None` if the model does not know them.
    pub(super) fn find(&self) -> Option<(usize, usize)> {
        let index = SWITCHES
            .iter()
            .position(|known| known.name == self.switch)?;
        let mut values = SWITCHES[index].values.iter();
        Some((index, values.position(|known| known.name == self.value)?))
    }
}

impl Kind {
    /// What the model plays for it.
    const fn played(self) -> FsKind {
        match self {
            Self::Refs | Self::OldRefs => FsKind::Refs,
            Self::Ntfs => FsKind::Ntfs,
            Self::ThirdParty => FsKind::ThirdParty,
        }
    }
}

impl VolumePlan {
    /// What to mount.
    pub(super) fn spec(&self) -> VolumeSpec {
        let mut spec = match self.kind {
            Kind::Refs | Kind::OldRefs => FsSpec::refs(self.cluster),
            Kind::Ntfs => FsSpec::ntfs(self.cluster),
            Kind::ThirdParty => FsSpec::third_party(self.cluster),
        };
        if self.kind == Kind::OldRefs {
            spec.block_refcounting = false;
        }
        if let Some(capacity) = self.capacity {
            spec.capacity_clusters = capacity;
        }
        if self.reference_limit.is_some() {
            spec.reference_limit = self.reference_limit;
        }
        for (switch, value) in &self.switches {
            SWITCHES[*switch].values[*value].apply(&mut spec);
        }
        let volume = VolumeSpec::with(spec);
        match self.drive {
            Drive::Ordinary => volume,
            Drive::Trusted => volume.trusted(),
            Drive::Untrusted => volume.dev_drive(),
        }
    }
}

impl fmt::Display for VolumePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, clusters of {}", self.kind, self.cluster)?;
        if let Some(capacity) = self.capacity {
            write!(f, ", {capacity} of them")?;
        }
        if let Some(limit) = self.reference_limit {
            write!(f, ", {limit} references")?;
        }
        write!(f, ", {:?} drive", self.drive)?;
        for (switch, value) in &self.switches {
            let switch = &SWITCHES[*switch];
            write!(f, ", {}: {}", switch.name, switch.values[*value].name)?;
        }
        Ok(())
    }
}
