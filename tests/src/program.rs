//! The command line, and what the exit status means.

#[cfg(not(windows))]
mod run;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{cases, report, selection};

/// Some case failed, or a stage did not end clean.
pub(crate) const SOME_FAILED: u8 = 1;
/// The command line cannot be understood. That of clap, too.
pub(crate) const USAGE: u8 = 2;
/// A stage cannot run, or the report cannot be written.
pub(crate) const CANNOT_RUN: u8 = 3;

/// Exit statuses, for `--help`.
#[cfg(not(windows))]
const EXIT_STATUSES: &str = "Exit status: 0 everything passed or was skipped; 1 something failed; \
    2 the command line is wrong; 3 a stage cannot run (no driver image, another machine) or the \
    report cannot be written; 86 the test-bed stopped the run because a rule of the kernel was \
    broken, and said which on standard error";
/// Exit statuses, for `--help`.
#[cfg(windows)]
const EXIT_STATUSES: &str = "Exit status: 0 everything passed or was skipped, or was done; 1 something failed; \
    2 the command line is wrong; 3 something could not be done, and what was changed is on record for \
    conformance cleanup; 4 the machine is not ready, which was said, and nothing was changed";

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
    #[cfg(not(windows))]
    Run(run::RunOptions),
    #[cfg(windows)]
    #[command(flatten)]
    Machine(crate::harness::command::Command),
    /// Compare random requests with and without the driver: the safety property of enforce mode
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    Property(crate::property::PropertyOptions),
}

/// Why the program ends early, and with which status.
pub(crate) struct Failure(pub(crate) u8, pub(crate) String);

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::List { cases, json } => list(&cases, json),
        #[cfg(not(windows))]
        Command::Run(options) => run::run(&options),
        #[cfg(windows)]
        Command::Machine(command) => crate::harness::command::run(&command).map(ExitCode::from),
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

/// Writes to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| cannot_write(None, &error))
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

fn cannot_write(path: Option<&Path>, error: &std::io::Error) -> Failure {
    let place = path.map_or("standard output".into(), |path| path.display().to_string());
    Failure(CANNOT_RUN, format!("{place}: {error}"))
}

fn usage(message: String) -> Failure {
    Failure(USAGE, message)
}
