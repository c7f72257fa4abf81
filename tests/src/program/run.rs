//! `run` on the stages of the test-bed.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{CANNOT_RUN, Failure, SOME_FAILED, cannot_write, usage};
use crate::report::{Counts, Format, Progress};
use crate::stages::{self, CannotRun, StageKind, StageReport};
use crate::{cases, selection};

#[derive(clap::Args)]
pub(super) struct RunOptions {
    /// Only these stages: bare, observe, enforce, policy
    #[arg(long = "stage", value_name = "STAGE")]
    stages: Vec<String>,
    /// Only these cases: an id, or a pattern with * and ?
    #[arg(long = "case", value_name = "ID")]
    cases: Vec<String>,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write the report to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The driver; otherwise CLONEGUARD_IMAGE, or what ./dev image built last
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Check the words of this command line, and run nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the chosen cases on the chosen stages.
pub(super) fn run(options: &RunOptions) -> Result<ExitCode, Failure> {
    let chosen = selection::cases(cases::all(), &options.cases).map_err(usage)?;
    let stages = selection::stages(&options.stages).map_err(usage)?;
    if options.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let path = options.output.as_deref();
    let unwritable = |error: std::io::Error| cannot_write(path, &error);
    let mut progress = Progress::begin(options.format, path).map_err(unwritable)?;
    let mut stopped = None;
    for stage in stages {
        let tell = &mut |verdict: &_| progress.case(stage, verdict);
        match stages::run(stage, options.image.as_deref(), &chosen, tell) {
            Ok(report) => progress.stage(report).map_err(unwritable)?,
            Err(CannotRun(why)) => {
                stopped = Some(cannot(stage, &why));
                break;
            }
        }
    }
    // What the stages before it showed is told in any case.
    let reports = progress.end().map_err(unwritable)?;
    stopped.map_or_else(|| Ok(status(&reports)), Err)
}

fn status(reports: &[StageReport]) -> ExitCode {
    if reports.iter().all(|report| Counts::of(report).failed == 0) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(SOME_FAILED)
    }
}

fn cannot(stage: StageKind, why: &str) -> Failure {
    Failure(CANNOT_RUN, format!("stage {}: {why}", stage.name()))
}
