//! Where the sources disagree, and which side a case is about.
//!
//! A [`Side`] names a switch of the test-bed's file system and one of its values, as the table of the
//! test-bed has them (`testbed::volume::SWITCHES`): that table is the list of all disputes, and
//! tests/sides.rs holds the cases against it. Without a side a volume does what Windows is documented or
//! observed to do; a real file system takes one side, so on Windows a case of another one fails.

use std::fmt;

use serde::Serialize;

/// A side of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Side {
    /// The question: the name of a switch.
    pub switch: &'static str,
    /// The answer: the name of one of its values.
    pub value: &'static str,
}

/// The side that has this value of this switch.
#[must_use]
pub const fn side(switch: &'static str, value: &'static str) -> Side {
    Side { switch, value }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.switch, self.value)
    }
}
