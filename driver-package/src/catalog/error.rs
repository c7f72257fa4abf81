//! Why a catalogue cannot be read, or made.

use core::fmt;
use std::error::Error;

/// What is wrong with a catalogue, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogError {
    what: String,
    /// What the encoding says to it.
    source: Option<der::Error>,
}

impl CatalogError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            source: None,
        }
    }

    /// Puts a failure of the encoding into words.
    pub(super) fn encoding(what: &str) -> impl FnOnce(der::Error) -> Self {
        move |source| Self {
            what: what.to_owned(),
            source: Some(source),
        }
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for CatalogError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as &dyn Error)
    }
}
