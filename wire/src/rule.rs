//! Rule ids, their names, and sets of them.
//!
//! [`RULE_NAMES`] is the one list of ids and names. `guard` hangs a check on each and `cloneguard`
//! prints them; a test of `guard` compares the two lists.

use core::fmt;

/// Number of a rule, 1 to 127. It never changes its meaning and is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleId(u8);

impl RuleId {
    /// The largest id: a set is 128 bits wide, and bit 0 stays clear because 0 means "no rule".
    pub const MAX: u8 = 127;

    /// An id from a number; `None` for 0 and above [`RuleId::MAX`].
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number == 0 || number > Self::MAX {
            None
        } else {
            Some(Self(number))
        }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The stable name, if this build knows the rule.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        RULE_NAMES
            .iter()
            .find(|(id, _)| *id == self)
            .map(|(_, name)| *name)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Declares the rules: a constant for each and the list of all.
macro_rules! rules {
    ($($constant:ident = $number:literal => $name:literal,)+) => {
        impl RuleId {
            $(
                #[doc = concat!("Rule ", $number, ", `", $name, "`.")]
                pub const $constant: Self = Self($number);
            )+
        }

        /// Every rule that exists, by rising id, with its stable name.
        pub const RULE_NAMES: &[(RuleId, &str)] = &[$((RuleId::$constant, $name),)+];
    };
}

rules! {
    INPUT_SHORT = 1 => "input-short",
    INPUT_MISSING = 2 => "input-missing",
    EX_SIZE = 3 => "ex-size",
    TRAILING_OR_OUTPUT = 4 => "trailing-or-output",
    NEGATIVE_SOURCE = 10 => "negative-source",
    NEGATIVE_TARGET = 11 => "negative-target",
    NEGATIVE_COUNT = 12 => "negative-count",
    OVERFLOW_SOURCE = 13 => "overflow-source",
    OVERFLOW_TARGET = 14 => "overflow-target",
    HUGE_COUNT = 15 => "huge-count",
    ZERO_COUNT = 16 => "zero-count",
    UNALIGNED_SOURCE = 20 => "unaligned-source",
    UNALIGNED_TARGET = 21 => "unaligned-target",
    UNALIGNED_COUNT = 22 => "unaligned-count",
    FLAGS_UNKNOWN = 30 => "flags-unknown",
    FLAG_ASYNC = 31 => "flag-async",
    FLAG_ATOMIC = 32 => "flag-atomic",
    SOURCE_HANDLE = 40 => "source-handle",
    SOURCE_KIND = 41 => "source-kind",
    OTHER_VOLUME = 42 => "other-volume",
    SOURCE_ACCESS = 43 => "source-access",
    UNRESOLVED = 44 => "unresolved",
    SOURCE_CHANGED = 45 => "source-changed",
    PAST_SOURCE = 50 => "past-source",
    PAST_TARGET = 51 => "past-target",
    OVERLAP = 52 => "overlap",
    SPARSE_SOURCE = 53 => "sparse-source",
    INTEGRITY_MISMATCH = 54 => "integrity-mismatch",
    POLICY = 60 => "policy",
    NOT_INSPECTED = 70 => "not-inspected",
}

/// A set of rules: bit n stands for rule n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleSet(u128);

impl RuleSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// A set from its bits; `None` if bit 0 is set, which stands for no rule.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Option<Self> {
        if bits & 1 == 0 {
            Some(Self(bits))
        } else {
            None
        }
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// Puts a rule into the set.
    pub const fn insert(&mut self, id: RuleId) {
        self.0 |= Self::bit(id);
    }

    /// Whether the rule is in the set.
    #[must_use]
    pub const fn contains(self, id: RuleId) -> bool {
        self.0 & Self::bit(id) != 0
    }

    /// Takes a rule out of the set.
    pub const fn remove(&mut self, id: RuleId) {
        self.0 &= !Self::bit(id);
    }

    /// Whether every rule of this set is in the other one.
    #[must_use]
    pub const fn is_subset(self, of: Self) -> bool {
        self.0 & !of.0 == 0
    }

    /// Whether the set holds nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The rules of the set, smallest id first.
    #[must_use]
    pub const fn iter(self) -> RuleIds {
        RuleIds(self.0)
    }

    /// The bit of a rule. The shift cannot wrap: an id is at most 127.
    const fn bit(id: RuleId) -> u128 {
        1_u128.rotate_left(u32_of(id.0))
    }
}

impl IntoIterator for RuleSet {
    type Item = RuleId;
    type IntoIter = RuleIds;

    fn into_iter(self) -> RuleIds {
        self.iter()
    }
}

impl FromIterator<RuleId> for RuleSet {
    fn from_iter<I: IntoIterator<Item = RuleId>>(ids: I) -> Self {
        let mut set = Self::EMPTY;
        for id in ids {
            set.insert(id);
        }
        set
    }
}

/// Iterator over a [`RuleSet`], smallest id first.
#[derive(Clone, Debug)]
pub struct RuleIds(u128);

impl Iterator for RuleIds {
    type Item = RuleId;

    fn next(&mut self) -> Option<RuleId> {
        let number = u8::try_from(self.0.trailing_zeros()).ok()?;
        // 128 trailing zeros mean an empty set, and no id is that large.
        let id = RuleId::new(number)?;
        self.0 &= !RuleSet::bit(id);
        Some(id)
    }
}

/// Widening that works in a `const fn`, where `From` does not.
#[expect(
    clippy::as_conversions,
    reason = "u8 to u32 loses nothing; `From` is not const"
)]
const fn u32_of(value: u8) -> u32 {
    value as u32
}
