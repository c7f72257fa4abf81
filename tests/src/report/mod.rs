//! What a run tells: as text, as JSON, as JUnit XML.

mod json;
mod junit;
mod progress;
mod text;

pub(crate) use json::list as list_json;
pub(crate) use progress::{Format, Progress};
pub(crate) use text::{line, list as list_text};

use json::run as run_json;
use junit::run as run_junit;
use text::{HEADER, summary};

use crate::run::Outcome;
use crate::stages::StageReport;

/// Runs of a stage by their ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
    /// Only a real machine has any.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) other_side: usize,
}

impl Counts {
    /// Of a stage; a stage that does not end clean is one more failure.
    pub(crate) fn of(report: &StageReport) -> Self {
        let mut counts = Self {
            failed: usize::from(!report.end.is_empty()),
            ..Self::default()
        };
        for verdict in &report.verdicts {
            match verdict.outcome {
                Outcome::Passed => counts.passed += 1,
                Outcome::Failed(_) => counts.failed += 1,
                Outcome::Skipped(_) => counts.skipped += 1,
                Outcome::OtherSide(_) => counts.other_side += 1,
            }
        }
        counts
    }
}

const fn is_zero(count: &usize) -> bool {
    *count == 0
}
