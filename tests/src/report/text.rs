//! For people: a line for each run that did not pass, and a summary.

use std::fmt::Write as _;

use super::Counts;
use crate::case::Case;
use crate::run::{Outcome, Verdict};
use crate::stages::{StageKind, StageReport};

/// What is said of one run, if anything: failures in full, skips with their reason.
pub(crate) fn line(stage: StageKind, verdict: &Verdict) -> Option<String> {
    let Verdict { case, code, .. } = verdict;
    match &verdict.outcome {
        Outcome::Passed => None,
        Outcome::Skipped(reason) => Some(format!("skipped {} [{code}]: {reason}", case.id)),
        Outcome::OtherSide(answers) => Some(format!(
            "another side {} [{code}] ({}): {}",
            case.id,
            sides(case),
            answers.join("; ")
        )),
        Outcome::Failed(faults) => {
            let mut text = format!("FAILED {} [{code}] on {}\n", case.id, stage.name());
            let (expect, mode) = (&case.expect, stage.mode());
            // Writing to a String cannot fail.
            let _ = write!(text, "    expected: {}", expect.status(mode));
            if let Some(mode) = mode {
                let (rules, verdict) = (expect.rules(mode), expect.verdicts.in_mode(mode));
                let _ = write!(text, ", rules {rules:?}, {}", verdict.name());
            }
            let _ = write!(
                text,
                "\n    source: {} ({:?})",
                case.source, case.confidence
            );
            if !case.volume.sides.is_empty() {
                let _ = write!(text, "\n    disputed: {}", sides(case));
            }
            for fault in faults {
                let _ = write!(text, "\n    {fault}");
            }
            Some(text)
        }
    }
}

/// What stands above the counts.
pub(super) const HEADER: &str = "stage      passed  failed  skipped\n";

/// Counts of a stage.
pub(super) fn summary(report: &StageReport) -> String {
    let Counts {
        passed,
        failed,
        skipped,
        other_side,
    } = Counts::of(report);
    let name = report.stage.name();
    let seconds = report.duration.as_secs_f64();
    let mut text = format!("{name:<9} {passed:>7} {failed:>7} {skipped:>8}  {seconds:.1} s\n");
    if other_side > 0 {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "    and {other_side} in which the file system takes another side of a dispute"
        );
    }
    for fault in &report.end {
        let _ = writeln!(text, "    at the end: {fault}");
    }
    text
}

/// The list, a line for each case.
pub(crate) fn list(cases: &[&'static Case]) -> String {
    let width = cases.iter().map(|case| case.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for case in cases {
        let codes: Vec<String> = case.codes.iter().map(ToString::to_string).collect();
        let codes = codes.join("+");
        let (id, status) = (case.id, case.expect.status);
        let _ = write!(
            text,
            "{id:<width$}  {codes:<8}  {status:<22}  {}",
            case.source
        );
        if !case.volume.sides.is_empty() {
            let _ = write!(text, "  [disputed: {}]", sides(case));
        }
        if case.is_for_the_test_bed() {
            text.push_str("  [test-bed only]");
        }
        text.push('\n');
    }
    text
}

/// The sides that a case takes.
fn sides(case: &Case) -> String {
    let names: Vec<String> = case.volume.sides.iter().map(ToString::to_string).collect();
    names.join(", ")
}
