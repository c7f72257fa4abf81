//! What is wrong with a filter, shown below its text.

use core::fmt;
use core::ops::Range;

/// What is wrong with a filter, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    text: String,
    span: Range<usize>,
    what: String,
}

/// Columns of the text that are shown on each side of the place.
const AROUND: usize = 60;

impl FilterError {
    /// An error about some bytes of the text.
    pub(super) fn new(text: &str, span: Range<usize>, what: impl Into<String>) -> Self {
        Self {
            text: text.to_owned(),
            span,
            what: what.into(),
        }
    }

    /// The column of the place in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.before().chars().count() + 1
    }

    /// What is wrong, and what to do about it.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The three lines of the message: what, the text, and carets below the place.
    #[must_use]
    pub fn lines(&self) -> [String; 3] {
        let column = self.column();
        let first = column.saturating_sub(1).saturating_sub(AROUND);
        let wide = self.text.get(self.span.clone()).unwrap_or_default();
        let carets = wide.chars().count().clamp(1, AROUND);
        // A line feed or tab in the text would tear the carets from their place.
        let one_line = |c: char| if c.is_control() { ' ' } else { c };
        let shown = self.text.chars().skip(first).take(2 * AROUND).map(one_line);
        [
            format!("filter, column {column}: {}", self.what),
            format!("  {}", shown.collect::<String>()),
            format!("  {}{}", " ".repeat(column - 1 - first), "^".repeat(carets)),
        ]
    }

    /// The text before the place.
    fn before(&self) -> &str {
        self.text.get(..self.span.start).unwrap_or(&self.text)
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl core::error::Error for FilterError {}
