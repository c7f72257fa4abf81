//! Filters: which records somebody wants to see, as in `verdict=refused && target~"*.exe"`.
//!
//! [`Filter::parse`] reads a text of the language in `docs/tool.md`; [`Filter::matches`] asks a record.
//! The fields are those of the JSON, and they are found the way the JSON is written: [`pick`] walks what a
//! record serialises to and evaluates nothing else of it. [`crate::schema`] knows which fields there
//! are and of what kind, so a name or value that can never occur is an error and not a silence.

mod error;
mod field;
mod glob;
mod literal;
mod parse;
mod pick;
mod token;

pub use error::FilterError;
pub(crate) use glob::is_like;

use literal::{Literal, Scalar};
use serde::Serialize;

/// The longest text of a filter, in bytes.
pub const TEXT_MAX: usize = 16 * 1024;
/// How deep parentheses and negations may be nested.
pub const DEPTH_MAX: usize = 64;

/// A filter that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Node);

/// A piece of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    /// Every one of them.
    All(Vec<Self>),
    /// At least one of them.
    Any(Vec<Self>),
    /// The opposite.
    Not(Box<Self>),
    /// The record has the field; if it is a yes or no, it says yes.
    Present(Path),
    /// A value of the field stands so to the literal.
    Test(Path, Comparison, Literal),
}

/// The names on the way to a field.
type Path = Vec<&'static str>;

/// How a value stands to a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    NotLike,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// What is wrong first, with its column.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text).map(Self)
    }

    /// Whether a record passes. Anything can be asked that serialises to the JSON of a record.
    #[must_use]
    pub fn matches<T: Serialize>(&self, record: &T) -> bool {
        self.0.matches(record)
    }
}

impl Node {
    fn matches<T: Serialize>(&self, record: &T) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(record)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(record)),
            Self::Not(node) => !node.matches(record),
            Self::Present(path) => {
                let is_told =
                    |scalar: Scalar<'_>| !matches!(scalar, Scalar::Null | Scalar::Flag(false));
                any(record, path, is_told)
            }
            Self::Test(path, Comparison::NotEqual, literal) => {
                is_without(record, path, Comparison::Equal, literal)
            }
            Self::Test(path, Comparison::NotLike, literal) => {
                is_without(record, path, Comparison::Like, literal)
            }
            Self::Test(path, comparison, literal) => {
                any(record, path, |scalar| literal.compare(scalar, *comparison))
            }
        }
    }
}

/// Whether a value of a field has a property.
fn any<T: Serialize>(record: &T, path: &[&str], is: impl Fn(Scalar<'_>) -> bool) -> bool {
    let mut found = false;
    pick::pick(record, path, &mut |scalar| found |= is(scalar));
    found
}

/// Whether a field is there and none of its values stands so to the literal.
fn is_without<T: Serialize>(
    record: &T,
    path: &[&str],
    comparison: Comparison,
    literal: &Literal,
) -> bool {
    let (mut is_there, mut is_so) = (false, false);
    pick::pick(record, path, &mut |scalar| {
        is_there |= scalar != Scalar::Null;
        is_so |= literal.compare(scalar, comparison);
    });
    is_there && !is_so
}

#[cfg(test)]
mod tests;
