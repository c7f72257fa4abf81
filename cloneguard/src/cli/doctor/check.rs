//! A check and what came of it.

use super::super::exit::{End, Trouble};

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) state: State,
    /// What was found.
    pub(super) says: String,
    /// What to do about it.
    pub(super) mend: Option<String>,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// All is well.
    Fine,
    /// Worth knowing, and no fault.
    Note,
    /// Not as it should be.
    Bad(Fault),
    /// Nobody could look.
    Unchecked,
}

/// What sort of fault it is, which decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NotConnected,
    Denied,
    Missing,
    Unprotected,
    File,
}

impl Check {
    pub(super) fn fine(name: &'static str, says: impl Into<String>) -> Self {
        Self::with(name, State::Fine, says.into(), None)
    }

    pub(super) fn note(name: &'static str, says: impl Into<String>, mend: &str) -> Self {
        Self::with(name, State::Note, says.into(), Some(mend.to_owned()))
    }

    pub(super) fn bad(
        name: &'static str,
        fault: Fault,
        says: impl Into<String>,
        mend: &str,
    ) -> Self {
        Self::with(name, State::Bad(fault), says.into(), Some(mend.to_owned()))
    }

    pub(super) fn unchecked(name: &'static str, says: impl Into<String>) -> Self {
        Self::with(name, State::Unchecked, says.into(), None)
    }

    const fn with(name: &'static str, state: State, says: String, mend: Option<String>) -> Self {
        Self {
            name,
            state,
            says,
            mend,
        }
    }
}

impl State {
    /// The word for it, in lines and in JSON.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Bad(_) => "bad",
            Self::Unchecked => "unchecked",
        }
    }
}

impl Fault {
    /// How the program ends with it.
    pub(super) fn end(self, name: &str) -> Result<End, Trouble> {
        let line = format!("{name}: see above");
        match self {
            Self::NotConnected => Err(Trouble::NotConnected(line)),
            Self::Denied => Err(Trouble::Denied(line)),
            Self::Missing => Ok(End::Missing),
            Self::Unprotected => Ok(End::Unprotected),
            Self::File => Err(Trouble::File(line)),
        }
    }
}
