//! What is wrong with a policy: where, what, and what to do about it.

use core::fmt;
use core::ops::Range;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1; none if the whole file is meant.
    pub line: Option<usize>,
    /// Column in characters, from 1; none if the whole line is meant.
    pub column: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

impl Problem {
    /// A problem of the whole file.
    pub(crate) fn whole(what: &str, advice: &str) -> Self {
        Self {
            line: None,
            column: None,
            what: what.to_owned(),
            advice: advice.to_owned(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if let Some(column) = self.column {
            write!(f, "{column}:")?;
        }
        write!(f, " {}; {}", self.what, self.advice)
    }
}

/// Everything that is wrong, in the order of the file. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems; at least one.
    #[must_use]
    pub fn all(&self) -> &[Problem] {
        &self.0
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(|line| line.to_string()).collect();
        f.write_str(lines.join("\n").trim_start())
    }
}

impl core::error::Error for Problems {}

/// A problem before its place has become a line and a column.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// Bytes of the text.
    pub(crate) span: Range<usize>,
    pub(crate) what: String,
    pub(crate) advice: String,
}

/// Where the lines of a text begin.
pub(crate) struct Places<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Places<'t> {
    /// The lines of a text.
    pub(crate) fn new(text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = core::iter::once(0).chain(ends.map(|(at, _)| at + 1));
        Self {
            text,
            starts: starts.collect(),
        }
    }

    /// The line of an offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// The problems of some findings, which must be at least one.
    pub(crate) fn problems(&self, mut findings: Vec<Finding>) -> Problems {
        findings.sort_by_key(|finding| finding.span.start);
        let problems = findings.into_iter().map(|finding| {
            let line = self.line(finding.span.start);
            let start = self.starts.get(line - 1).copied().unwrap_or_default();
            let before = self.text.get(start..finding.span.start);
            Problem {
                line: Some(line),
                column: before.map(|before| before.chars().count() + 1),
                what: finding.what,
                advice: finding.advice,
            }
        });
        Problems(problems.collect())
    }
}
