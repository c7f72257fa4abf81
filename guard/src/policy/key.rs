//! What a rule is filed under: one condition, as a number that a request has too if it fulfils it.
//!
//! A pattern begins or ends with units that are no wildcards, and a name that fits it begins or ends with
//! the same. So a rule can be found by its image, source or target from either end, by its user or by
//! its volume. A [`Key`] is which of these it is and a hash of what is there; [`keys_of`] lists those of
//! a rule, [`Lengths`] finds those of a name. A hash that is the same by chance costs a look at a
//! rule, and changes no answer.

use wire::policy::{PathPattern, PolicyRule, QUESTION, STAR, VolumeSelector, upcase};
use zerocopy::little_endian::U16;

/// Which condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kind(u8);

impl Kind {
    /// None that could be looked up.
    pub(super) const NONE: Self = Self(0);
    pub(super) const IMAGE_START: Self = Self(1);
    pub(super) const IMAGE_END: Self = Self(2);
    pub(super) const USER: Self = Self(3);
    pub(super) const TARGET_START: Self = Self(4);
    pub(super) const TARGET_END: Self = Self(5);
    pub(super) const SOURCE_START: Self = Self(6);
    pub(super) const SOURCE_END: Self = Self(7);
    pub(super) const VOLUME_DEVICE: Self = Self(8);
    pub(super) const VOLUME_GUID: Self = Self(9);
    /// How many there are.
    pub(super) const COUNT: usize = 10;

    /// A place in a table with a row for each.
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A condition that can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) kind: Kind,
    pub(super) tag: u32,
    /// How many units or bytes were hashed.
    pub(super) length: u16,
}

/// The fewest units of a pattern that a rule is filed under: every path begins with a separator.
const LITERAL_MIN: u16 = 2;

impl Key {
    /// The key of what these units say.
    pub(super) fn of(kind: Kind, units: impl Iterator<Item = u16>) -> Self {
        let mut length = 0_u16;
        let mut hash = Hash::of(kind);
        for unit in units {
            hash = hash.with(unit);
            length = length.saturating_add(1);
        }
        Self {
            kind,
            tag: hash.tag(),
            length,
        }
    }

    /// The key of bytes.
    pub(super) fn of_bytes(kind: Kind, bytes: &[u8]) -> Self {
        Self::of(kind, bytes.iter().map(|byte| u16::from(*byte)))
    }

    /// The key of a name in any letter case.
    pub(super) fn of_name(kind: Kind, name: &[u16]) -> Self {
        Self::of(kind, name.iter().map(|unit| upcase(*unit)))
    }
}

/// The conditions of a rule that can be looked up. Where two are as rare, the rule goes under the one that
/// stands first: a caller chooses its names, the one of the source most freely.
pub(super) fn keys_of(rule: &PolicyRule<'_>) -> [Option<Key>; 8] {
    let [image_start, image_end] = ends(Kind::IMAGE_START, Kind::IMAGE_END, rule.image());
    let [target_start, target_end] = ends(Kind::TARGET_START, Kind::TARGET_END, rule.target());
    let [source_start, source_end] = ends(Kind::SOURCE_START, Kind::SOURCE_END, rule.source());
    let user = rule.user().map(|sid| Key::of_bytes(Kind::USER, sid));
    let volume = match rule.volume() {
        VolumeSelector::Any => None,
        VolumeSelector::Device(name) => {
            let units = name.iter().map(|unit| unit.get());
            Some(Key::of(Kind::VOLUME_DEVICE, units))
        }
        VolumeSelector::Guid(guid) => Some(Key::of_bytes(Kind::VOLUME_GUID, &guid)),
    };
    [
        image_start,
        image_end,
        user,
        target_start,
        target_end,
        source_start,
        source_end,
        volume,
    ]
}

/// The keys of a pattern: what it begins with, and what it ends with if that is something else.
fn ends(start: Kind, end: Kind, pattern: Option<PathPattern<'_>>) -> [Option<Key>; 2] {
    let Some(PathPattern { path, .. }) = pattern else {
        return [None; 2];
    };
    let is_literal = |unit: &u16| *unit != STAR && *unit != QUESTION;
    let units = path.iter().map(|unit| U16::get(*unit));
    let is_whole = units.clone().all(|unit| is_literal(&unit));
    let first = Key::of(start, units.clone().take_while(is_literal));
    let last = Key::of(end, units.rev().take_while(is_literal));
    [
        Some(first).filter(|key| key.length >= LITERAL_MIN),
        Some(last).filter(|key| key.length >= LITERAL_MIN && !is_whole),
    ]
}

/// How long the literals of one kind are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lengths {
    /// Bit n stands for every length that leaves n when it is divided by 64.
    residues: u64,
    /// The longest.
    max: u16,
}

impl Lengths {
    /// Takes note of one.
    pub(super) fn add(&mut self, length: u16) {
        self.residues |= 1_u64.rotate_left(u32::from(length));
        self.max = self.max.max(length);
    }

    /// The longest, 0 if there is none.
    pub(super) const fn max(self) -> u16 {
        self.max
    }

    /// Tells the tag of each run of units from the start of a name that is as long as a literal of this kind.
    pub(super) fn visit(
        self,
        kind: Kind,
        name: impl Iterator<Item = u16>,
        mut found: impl FnMut(u32),
    ) {
        let mut hash = Hash::of(kind);
        let mut residues = self.residues;
        for unit in name.take(usize::from(self.max)) {
            hash = hash.with(upcase(unit));
            // The lowest bit stands for as many units as were taken.
            residues = residues.rotate_right(1);
            if residues & 1 != 0 {
                found(hash.tag());
            }
        }
    }
}

/// The state of `FxHash`, the hash of rustc's tables: a rotation, an exclusive or and a product for
/// each unit. Whoever may write a policy could make keys alike, and would slow down their own.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    /// The multiplier of `FxHash`.
    const FACTOR: u64 = 0x517C_C1B7_2722_0A95;

    /// Of nothing yet, another for each kind.
    fn of(kind: Kind) -> Self {
        Self(0).with(u16::from(kind.0))
    }

    fn with(self, unit: u16) -> Self {
        let mixed = self.0.rotate_left(5) ^ u64::from(unit);
        Self(mixed.wrapping_mul(Self::FACTOR))
    }

    /// The upper half, which each unit reaches.
    fn tag(self) -> u32 {
        u32::try_from(self.0 >> 32).unwrap_or(0)
    }
}
