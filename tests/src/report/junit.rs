//! For build servers: JUnit XML, one suite for each stage.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::run::{Outcome, Verdict};
use crate::stages::StageReport;

/// The name of the test case that a stage which does not end clean gets.
const END: &str = "(end of the stage)";

/// A run.
pub(crate) fn run(reports: &[StageReport]) -> Result<String, SerializeError> {
    let mut document = Report::new("conformance");
    for report in reports {
        let mut suite = TestSuite::new(report.stage.name());
        suite.set_time(report.duration);
        suite.add_test_cases(report.verdicts.iter().map(test_case));
        if !report.end.is_empty() {
            suite.add_test_case(TestCase::new(END, failed(&report.end)));
        }
        document.add_test_suite(suite);
    }
    document.to_string()
}

fn test_case(verdict: &Verdict) -> TestCase {
    let status = match &verdict.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Failed(faults) => failed(faults),
        Outcome::OtherSide(answers) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message("the file system takes another side");
            status.set_description(answers.join("\n"));
            status
        }
        Outcome::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
    };
    let (case, code) = (&verdict.case, verdict.code);
    let mut row = TestCase::new(format!("{} [{code}]", case.id), status);
    let family = case
        .id
        .split_once('.')
        .map_or(case.id, |(family, _)| family);
    row.set_classname(family);
    row.set_time(verdict.duration);
    row
}

fn failed(faults: &[String]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(faults.first().map_or("", String::as_str));
    status.set_description(faults.join("\n"));
    status
}
