//! What is wrong with an INF file, for the person who has to mend it.

use core::fmt;

/// One thing that is wrong, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The number of the line, from 1; none if no line is to blame.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl Problem {
    /// Of a line.
    pub(crate) fn at(line: usize, what: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            what: what.into(),
        }
    }

    /// Of the whole file, or of what is not there.
    pub(crate) fn whole(what: impl Into<String>) -> Self {
        Self {
            line: None,
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for Problem {}
