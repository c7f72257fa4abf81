//! A name on its way into a record: how much of it is stored, and what is said of the rest.

use wire::{NameHead, NameState};
use zerocopy::little_endian::{U16, U32};

/// The most 16-bit units of a name that a record stores. A longer name is cut, never inside a
/// surrogate pair, and the record keeps its full length.
pub const NAME_UNITS_MAX: usize = 1024;

/// A name as the driver has it, of any length.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// The 16-bit units, without a terminator.
    pub units: &'a [u16],
    /// How many more the name has: whoever keeps it has cut it, by [`Name::cut`].
    pub more: usize,
    /// Where the name comes from.
    pub state: NameState,
    /// NTSTATUS: why there is no name, or why not the normalised one; 0 if neither.
    pub reason: u32,
}

impl<'a> Name<'a> {
    /// No name, and why.
    #[must_use]
    pub const fn absent(reason: u32) -> Self {
        Self {
            units: &[],
            more: 0,
            state: NameState::Absent,
            reason,
        }
    }

    /// The units of a name that a record stores: who keeps a name for records need keep no more.
    #[must_use]
    pub fn cut(units: &'a [u16]) -> &'a [u16] {
        let Some((stored, rest)) = units.split_at_checked(NAME_UNITS_MAX) else {
            return units;
        };
        match (stored.split_last(), rest.first()) {
            (Some((0xD800..=0xDBFF, before)), Some(0xDC00..=0xDFFF)) => before,
            _ => stored,
        }
    }

    /// The units that a record stores.
    pub(crate) fn stored(&self) -> &'a [u16] {
        if self.state == NameState::Absent {
            return &[];
        }
        Self::cut(self.units)
    }

    /// Writes the head of the name. `stored_bytes` is left to the writer of the record.
    pub(crate) fn put(&self, head: &mut NameHead) {
        // An absent name has no length even if units came with it. A UNICODE_STRING cannot be
        // longer than 65534 bytes, so the ceiling changes nothing that Windows can hand over.
        let full_units = if self.state == NameState::Absent {
            0
        } else {
            self.units.len().saturating_add(self.more)
        };
        let full_bytes = u16::try_from(full_units)
            .ok()
            .and_then(|units| units.checked_mul(2));
        head.full_bytes = U16::new(full_bytes.unwrap_or(0xFFFE));
        head.state = self.state.raw();
        head.reason = U32::new(self.reason);
    }
}
