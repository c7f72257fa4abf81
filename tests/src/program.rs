//! The command line, and what the exit status means.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::{self, Counts, Format, Progress};
use crate::stages::{self, CannotRun, StageKind, StageReport};
use crate::{cases, selection};

/// Some case failed, or a stage did not end clean.
const SOME_FAILED: u8 = 1;
/// The command line cannot be understood. That of clap, too.
const USAGE: u8 = 2;
/// A stage cannot run, or the report cannot be written.
const CANNOT_RUN: u8 = 3;

/// Exit statuses, for `--help`.
const EXIT_STATUSES: &str = "Exit status: 0 everything passed or was skipped; 1 something failed; \
    2 the command line is wrong; 3 a stage cannot run (no driver image, another machine) or the \
    report cannot be written; 86 the test-bed stopped the run because a rule of the kernel was \
    broken, and said which on standard error";

#[derive(Parser)]
#[command(
    name = "conformance",
    about = "One list of cases about block cloning, run on every stage",
    version,
    after_help = EXIT_STATUSES
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the cases: id, codes, status of the file system, source
    List {
        /// Only these cases: an id, or a pattern with * and ?
        #[arg(long = "case", value_name = "ID")]
        cases: Vec<String>,
        /// Everything about each case, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Run the cases
    Run(RunOptions),
    /// Compare random requests with and without the driver: the safety property of enforce mode
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Property(crate::property::PropertyOptions),
}

#[derive(clap::Args)]
struct RunOptions {
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

/// Why the program ends early, and with which status.
struct Failure(u8, String);

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::List { cases, json } => list(&cases, json),
        Command::Run(options) => run(&options),
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        Command::Property(options) => property(&options),
    };
    match done {
        Ok(status) => status,
        Err(Failure(status, message)) => {
            eprintln!("error: {message}");
            ExitCode::from(status)
        }
    }
}

fn list(patterns: &[String], json: bool) -> Result<ExitCode, Failure> {
    let chosen = selection::cases(cases::all(), patterns).map_err(usage)?;
    let text = if json {
        report::list_json(&chosen).map_err(|error| Failure(CANNOT_RUN, error.to_string()))? + "\n"
    } else {
        report::list_text(&chosen)
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn print(text: &str) -> Result<(), Failure> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| cannot_write(None, &error))
}

fn run(options: &RunOptions) -> Result<ExitCode, Failure> {
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

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn property(options: &crate::property::PropertyOptions) -> Result<ExitCode, Failure> {
    use crate::property::Stopped;
    match options.run(&mut |text| print(text).is_ok()) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Stopped::Broken(why)) => Err(Failure(CANNOT_RUN, why)),
        Err(Stopped::Failed(failure)) => {
            print(&failure.to_string())?;
            Ok(ExitCode::from(SOME_FAILED))
        }
    }
}

fn status(reports: &[StageReport]) -> ExitCode {
    if reports.iter().all(|report| Counts::of(report).failed == 0) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(SOME_FAILED)
    }
}

fn cannot_write(path: Option<&Path>, error: &std::io::Error) -> Failure {
    let place = path.map_or("standard output".into(), |path| path.display().to_string());
    Failure(CANNOT_RUN, format!("{place}: {error}"))
}

fn usage(message: String) -> Failure {
    Failure(USAGE, message)
}

fn cannot(stage: StageKind, why: &str) -> Failure {
    Failure(CANNOT_RUN, format!("stage {}: {why}", stage.name()))
}
