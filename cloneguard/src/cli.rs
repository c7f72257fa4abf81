//! The commands, and what they exit with.

mod files;
mod policy;

use clap::{Parser, Subcommand};
use std::io;
use std::process::ExitCode;

/// Audits block clones: the user-mode side of CloneGuard.
#[derive(Parser)]
#[command(name = "cloneguard", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check, compile, show and try out policies
    #[command(subcommand)]
    Policy(policy::Command),
}

/// What the program exits with, for every help text.
const EXIT_CODES: &str = "\
Exit codes:
  0  done; for `policy test`: nothing would be decided otherwise
  1  the policy or the records are wrong; each error was printed, nothing was written
  2  the command line is wrong
  3  `policy test`: some request would be decided otherwise
  4  a file cannot be read or written";

/// How a command ended.
enum End {
    /// All is well.
    Done,
    /// `policy test` found a request that would be decided otherwise.
    Changed,
}

/// Why a command did not do what it should. The text has been made for people.
enum Trouble {
    /// What the user gave is wrong: one line for each error.
    Wrong(Vec<String>),
    /// A file, or the output.
    File(String),
    /// Whoever read the output has stopped.
    NobodyReads,
}

impl From<io::Error> for Trouble {
    /// An error of the standard output.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::NobodyReads
        } else {
            Self::File(format!("standard output: {error}"))
        }
    }
}

/// Most errors that are printed.
const ERRORS_MAX: usize = 50;

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    // On a wrong command line this prints what is wrong and exits with 2.
    let Command::Policy(command) = Cli::parse().command;
    match policy::run(command) {
        Ok(End::Done) | Err(Trouble::NobodyReads) => ExitCode::SUCCESS,
        Ok(End::Changed) => ExitCode::from(3),
        Err(Trouble::Wrong(lines)) => {
            for line in lines.iter().take(ERRORS_MAX) {
                eprintln!("{}", cloneguard::table::printable(line));
            }
            if let Some(more @ 1..) = lines.len().checked_sub(ERRORS_MAX) {
                eprintln!("... and {more} more errors");
            }
            ExitCode::from(1)
        }
        Err(Trouble::File(line)) => {
            eprintln!("{}", cloneguard::table::printable(&line));
            ExitCode::from(4)
        }
    }
}
