//! For machines: one JSON document.

use serde::Serialize;

use super::Counts;
use crate::case::{Case, Code, Confidence};
use crate::expect::Expect;
use crate::run::{Outcome, Verdict};
use crate::side::Side;
use crate::stages::StageReport;

/// A case of the list.
#[derive(Serialize)]
struct ListedCase {
    id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<u16>,
    codes: &'static [Code],
    rules: Vec<u8>,
    near: &'static [u8],
    source: &'static str,
    confidence: Confidence,
    #[serde(skip_serializing_if = "<[Side]>::is_empty")]
    disputed: &'static [Side],
    is_for_the_test_bed: bool,
    expect: Expect,
}

#[derive(Serialize)]
struct Run<'a> {
    stages: Vec<Stage<'a>>,
}

#[derive(Serialize)]
struct Stage<'a> {
    stage: &'static str,
    counts: Counts,
    seconds: f64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    end: &'a [String],
    cases: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'static str,
    code: Code,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    faults: &'a [String],
    seconds: f64,
}

/// The list of cases.
pub(crate) fn list(cases: &[&'static Case]) -> Result<String, serde_json::Error> {
    let listed: Vec<ListedCase> = cases.iter().map(|case| listed(case)).collect();
    serde_json::to_string_pretty(&listed)
}

fn listed(case: &Case) -> ListedCase {
    ListedCase {
        id: case.id,
        reference: case.reference,
        codes: case.codes,
        rules: case.rules().collect(),
        near: case.near,
        source: case.source,
        confidence: case.confidence,
        disputed: case.volume.sides,
        is_for_the_test_bed: case.is_for_the_test_bed(),
        expect: case.expect,
    }
}

/// A run.
pub(crate) fn run(reports: &[StageReport]) -> Result<String, serde_json::Error> {
    let stages = reports.iter().map(stage).collect();
    serde_json::to_string_pretty(&Run { stages })
}

fn stage(report: &StageReport) -> Stage<'_> {
    Stage {
        stage: report.stage.name(),
        counts: Counts::of(report),
        seconds: report.duration.as_secs_f64(),
        end: &report.end,
        cases: report.verdicts.iter().map(row).collect(),
    }
}

fn row(verdict: &Verdict) -> Row<'_> {
    let (outcome, reason, faults) = match &verdict.outcome {
        Outcome::Passed => ("passed", None, &[][..]),
        Outcome::Failed(faults) => ("failed", None, faults.as_slice()),
        Outcome::Skipped(reason) => ("skipped", Some(reason.as_str()), &[][..]),
        Outcome::OtherSide(answers) => ("other_side", None, answers.as_slice()),
    };
    Row {
        id: verdict.case.id,
        code: verdict.code,
        outcome,
        reason,
        faults,
        seconds: verdict.duration.as_secs_f64(),
    }
}
