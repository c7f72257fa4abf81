//! The tag of a cell: whether a record begins there, which one, how long, and where it stands.
//!
//! Tags lie apart from the records, so no content of a record can ever be taken for a tag. A tag names
//! the place of its record among all that ever were, so a tag is never taken for one of another round.

/// Bits of the state.
const STATE_BITS: u32 = 3;
/// Bits of the length.
const LENGTH_BITS: u32 = 11;
/// Bits below the place, of which the low 49 remain: more cells than a processor writes in months, and
/// more than any memory holds at once.
const POSITION_SHIFT: u32 = STATE_BITS + LENGTH_BITS;
/// The bit above the place: the record is a finding.
const FINDING: u64 = 1 << 63;
/// The largest length in words.
pub(crate) const LENGTH_MAX: u64 = (1 << LENGTH_BITS) - 1;

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its request has not ended.
    Pending,
    /// The end of its request is being written.
    Ending,
    /// It is whole.
    Committed,
    /// The reader took it over before its request ended.
    Late,
}

/// What the tag of the cell in which a record begins says. A cell in which none begins has the tag 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Number of the cell among all that were ever handed out.
    pub(crate) position: u64,
    /// Words of the record, at most [`LENGTH_MAX`].
    pub(crate) length: u64,
    /// Where it stands.
    pub(crate) state: State,
    /// Whether it is more than routine.
    pub(crate) is_finding: bool,
}

impl Tag {
    /// As a tag lies in memory; never 0.
    pub(crate) const fn pack(self) -> u64 {
        let state = match self.state {
            State::Pending => 1,
            State::Ending => 2,
            State::Committed => 3,
            State::Late => 4,
        };
        let finding = if self.is_finding { FINDING } else { 0 };
        let place = (self.position << POSITION_SHIFT) & !FINDING;
        finding | place | ((self.length & LENGTH_MAX) << STATE_BITS) | state
    }

    /// The tag of the record at `position`; `None` if no record begins there, or another one.
    pub(crate) fn read(raw: u64, position: u64) -> Option<Self> {
        let state = match raw & ((1 << STATE_BITS) - 1) {
            1 => State::Pending,
            2 => State::Ending,
            3 => State::Committed,
            4 => State::Late,
            _ => return None,
        };
        let length = (raw >> STATE_BITS) & LENGTH_MAX;
        let tag = Self {
            position,
            length,
            state,
            is_finding: raw & FINDING != 0,
        };
        (tag.pack() == raw).then_some(tag)
    }

    /// The same record in another state.
    pub(crate) const fn with(self, state: State) -> Self {
        Self { state, ..self }
    }
}
