//! What a run showed, kept for a later report.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cases;
use crate::run::{Outcome, Verdict};
use crate::stages::{StageKind, StageReport};

/// A stage.
#[derive(Debug, Serialize, Deserialize)]
struct Stage {
    stage: String,
    seconds: f64,
    end: Vec<String>,
    rows: Vec<Row>,
}

/// A run of a case.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    id: String,
    code: String,
    seconds: f64,
    outcome: Kept,
}

/// An [`Outcome`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Passed,
    Failed(Vec<String>),
    OtherSide(Vec<String>),
    Skipped(String),
}

/// Writes the stages that ended.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(path: &Path, reports: &[StageReport]) -> Result<(), String> {
    let stages: Vec<Stage> = reports.iter().map(keep).collect();
    let text = serde_json::to_string(&stages).map_err(|error| error.to_string())?;
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads them.
///
/// # Errors
/// What is wrong with the file, or that a case in it is none of this program.
pub(crate) fn read(path: &Path) -> Result<Vec<StageReport>, String> {
    let wrong = |why: String| format!("{}: {why}", path.display());
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let stages: Vec<Stage> =
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    stages
        .into_iter()
        .map(|stage| report(stage).map_err(wrong))
        .collect()
}

fn keep(report: &StageReport) -> Stage {
    let row = |verdict: &Verdict| Row {
        id: verdict.case.id.to_owned(),
        code: verdict.code.to_string(),
        seconds: verdict.duration.as_secs_f64(),
        outcome: match verdict.outcome.clone() {
            Outcome::Passed => Kept::Passed,
            Outcome::Failed(faults) => Kept::Failed(faults),
            Outcome::OtherSide(answers) => Kept::OtherSide(answers),
            Outcome::Skipped(reason) => Kept::Skipped(reason),
        },
    };
    Stage {
        stage: report.stage.name().to_owned(),
        seconds: report.duration.as_secs_f64(),
        end: report.end.clone(),
        rows: report.verdicts.iter().map(row).collect(),
    }
}

fn report(kept: Stage) -> Result<StageReport, String> {
    let mut kinds = StageKind::ALL.iter();
    let kind = kinds.find(|kind| kind.name() == kept.stage);
    Ok(StageReport {
        stage: *kind.ok_or_else(|| format!("no stage {}", kept.stage))?,
        verdicts: kept
            .rows
            .into_iter()
            .map(verdict)
            .collect::<Result<_, _>>()?,
        end: kept.end,
        duration: seconds(kept.seconds),
    })
}

fn verdict(row: Row) -> Result<Verdict, String> {
    let case = cases::all().find(|case| case.id == row.id);
    let case = *case.ok_or_else(|| format!("no case {}", row.id))?;
    let mut codes = case.codes.iter();
    let code = codes.find(|code| code.to_string() == row.code);
    Ok(Verdict {
        case,
        code: *code.ok_or_else(|| format!("{} has no code {}", row.id, row.code))?,
        outcome: match row.outcome {
            Kept::Passed => Outcome::Passed,
            Kept::Failed(faults) => Outcome::Failed(faults),
            Kept::OtherSide(answers) => Outcome::OtherSide(answers),
            Kept::Skipped(reason) => Outcome::Skipped(reason),
        },
        duration: seconds(row.seconds),
    })
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::{read, write};
    use crate::cases;
    use crate::run::{Outcome, Verdict};
    use crate::stages::{StageKind, StageReport};

    /// A report with every way in which a run ends.
    fn report() -> StageReport {
        let outcomes = [
            Outcome::Passed,
            Outcome::Failed(vec!["a".to_owned(), "b".to_owned()]),
            Outcome::OtherSide(vec!["c".to_owned()]),
            Outcome::Skipped("not run here: d".to_owned()),
        ];
        let rows = cases::all()
            .zip(outcomes.clone())
            .map(|(case, outcome)| Verdict {
                case: *case,
                code: case.codes[0],
                outcome,
                duration: Duration::from_millis(1500),
            });
        StageReport {
            stage: StageKind::Enforce,
            verdicts: rows.collect(),
            end: vec!["left behind".to_owned()],
            duration: Duration::from_secs(2),
        }
    }

    #[test]
    fn what_was_written_is_reported_the_same() {
        let name = format!("conformance-results-{}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        let report = report();
        write(&path, std::slice::from_ref(&report)).unwrap();
        let again = read(&path).unwrap();
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].stage, StageKind::Enforce);
        assert_eq!(
            (again[0].duration, &again[0].end),
            (report.duration, &report.end)
        );
        for (is, was) in again[0].verdicts.iter().zip(&report.verdicts) {
            assert_eq!((is.case.id, is.code), (was.case.id, was.code));
            assert_eq!((&is.outcome, is.duration), (&was.outcome, was.duration));
        }
        assert_eq!(again[0].verdicts.len(), 4);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(
            &path,
            text.replacen(report.verdicts[0].case.id, "nothing", 1),
        )
        .unwrap();
        let error = read(&path).unwrap_err();
        fs::remove_file(&path).unwrap();
        assert!(error.ends_with("no case nothing"), "{error}");
    }
}
