//! How a command ends, and the one table of exit codes.

use super::{interrupt, screen};
use std::io;
use std::process::ExitCode;

/// The table, for the help. `docs/tool.md` has the same with more words.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
    0  done, and nothing was found that has a code of its own
    1  the command line is wrong
    2  not connected, or not installed
    3  not permitted
    4  the input is wrong: a policy, a filter, records; each error was printed
    5  records are missing, or a journal is not as it was written
    6  a volume is not protected
    7  found: a request decided otherwise by `policy test`, a match for --fail-on
    8  a file or a connection failed
  130  interrupted";

/// The most errors that are printed.
const ERRORS_MAX: usize = 50;

/// How a command ended that did what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All is well.
    Done,
    /// Records are missing, or a journal is not as it was written.
    Missing,
    /// A volume is not protected.
    Unprotected,
    /// Something was found that the user wanted to hear of.
    Found,
    /// The user asked the command to end, and it came to an end in order.
    Interrupted,
}

/// Why a command did not do what it should. The text has been made for people.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The command line is wrong. It has been printed how.
    Usage,
    /// There is nothing to connect to.
    NotConnected(String),
    /// Not permitted.
    Denied(String),
    /// What the user gave is wrong: one line for each error.
    Wrong(Vec<String>),
    /// A file, a connection, or the output.
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

/// Prints what went wrong and gives the exit code.
pub(super) fn code(result: Result<End, Trouble>) -> ExitCode {
    match &result {
        Err(Trouble::Wrong(lines)) => print(lines),
        Err(Trouble::NotConnected(line) | Trouble::Denied(line) | Trouble::File(line)) => {
            print(std::slice::from_ref(line));
        }
        Ok(_) | Err(Trouble::Usage | Trouble::NobodyReads) => {}
    }
    ExitCode::from(match result {
        // A pager that was left is no error.
        Ok(End::Done) | Err(Trouble::NobodyReads) => 0,
        Err(Trouble::Usage) => 1,
        Err(Trouble::NotConnected(_)) => 2,
        Err(Trouble::Denied(_)) => 3,
        Err(Trouble::Wrong(_)) => 4,
        Ok(End::Missing) => 5,
        Ok(End::Unprotected) => 6,
        Ok(End::Found) => 7,
        Err(Trouble::File(_)) => 8,
        Ok(End::Interrupted) => interrupt::INTERRUPTED,
    })
}

/// Prints what clap has to say: help, the version, or what is wrong with the command line.
pub(super) fn command_line(message: &clap::Error) -> Result<End, Trouble> {
    let printed = message.print();
    if message.use_stderr() {
        // It is wrong whether or not anybody hears how.
        return Err(Trouble::Usage);
    }
    printed?;
    Ok(End::Done)
}

/// How a command ends that found something out and printed it: a reader that stops takes nothing of it back.
pub(super) fn printed(end: End, written: io::Result<()>) -> Result<End, Trouble> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(end),
    }
}

/// Prints errors: only what can be printed, and not too many.
fn print(lines: &[String]) {
    for line in lines.iter().take(ERRORS_MAX) {
        screen::say(line);
    }
    if let Some(more @ 1..) = lines.len().checked_sub(ERRORS_MAX) {
        screen::say(&format!("... and {more} more errors"));
    }
}
