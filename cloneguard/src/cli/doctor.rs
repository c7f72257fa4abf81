//! `cloneguard doctor`: what is not as it should be, and how to mend it.
//!
//! A [`Check`] is a question with its answer. `journal.rs` asks a journal on the disk, `driver.rs` a
//! driver that runs. What cannot be asked here is said to be unchecked, and never to be fine.

mod check;
mod driver;
mod journal;

use super::exit::{self, EXIT_CODES, End, Trouble};
use check::{Check, State};
use clap::builder::styling::{AnsiColor, Style};
use cloneguard::table::printable;
use serde_json::json;
use std::io::{self, Write as _};
use std::path::PathBuf;

const HELP: &str = "\
Each check is a line: whether all is well, what was found, and how to mend it. The exit code is that of
the first check that went wrong.

Examples:
  cloneguard doctor JOURNAL
  cloneguard doctor JOURNAL --json";

#[derive(clap::Args)]
#[command(after_help = format!("{HELP}\n\n{EXIT_CODES}"))]
pub(super) struct Args {
    /// The journal to look at: a directory
    journal: Option<PathBuf>,
    /// The socket of a test-bed (`./dev serve`), whose driver is asked
    #[cfg(unix)]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<End, Trouble> {
    let mut checks = match &args.journal {
        Some(directory) => journal::checks(directory),
        None => vec![Check::unchecked(
            "journal",
            "name its directory to have it looked at",
        )],
    };
    checks.extend(driver_checks(args));
    let written = if args.json {
        print_json(&checks)
    } else {
        print_lines(&checks)
    };
    // What was found stands, whether or not anybody reads it.
    exit::printed(End::Done, written)?;
    let fault = checks.iter().find_map(|check| match check.state {
        State::Bad(fault) => Some((fault, check.name)),
        State::Fine | State::Note | State::Unchecked => None,
    });
    fault.map_or(Ok(End::Done), |(fault, name)| fault.end(name))
}

/// What a driver says that runs.
#[cfg(unix)]
fn driver_checks(args: &Args) -> Vec<Check> {
    let Some(socket) = &args.socket else {
        return vec![
            Check::unchecked(
                "driver",
                "only Windows has one; --socket asks that of a test-bed",
            ),
            Check::unchecked("volumes", "needs a driver"),
        ];
    };
    driver::checks(&cloneguard::live::socket::Socket::new(socket.clone()))
}

/// What the driver of this computer says.
#[cfg(windows)]
fn driver_checks(_: &Args) -> Vec<Check> {
    let mut checks = driver::checks(&cloneguard::live::windows::FilterManager);
    let what = "not asked here: `sc query cloneguard`, `fltmc instances -f CloneGuard`";
    checks.push(Check::unchecked("service", what));
    checks
}

fn print_lines(checks: &[Check]) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    for check in checks {
        let style = style(check.state);
        let (state, name) = (check.state.word(), check.name);
        let says = printable(&check.says);
        writeln!(out, "{style}{state:<11}{style:#} {name:<14} {says}")?;
        if let Some(mend) = &check.mend {
            writeln!(out, "{:<26} to mend it: {}", "", printable(mend))?;
        }
    }
    out.flush()
}

/// How the word for a state looks.
const fn style(state: State) -> Style {
    match state {
        State::Fine => AnsiColor::Green.on_default(),
        State::Note => AnsiColor::Yellow.on_default(),
        State::Bad(_) => AnsiColor::Red.on_default().bold(),
        State::Unchecked => Style::new().dimmed(),
    }
}

fn print_json(checks: &[Check]) -> io::Result<()> {
    let checks = checks.iter().map(|check| {
        json!({
            "name": check.name,
            "state": check.state.word(),
            "says": check.says,
            "mend": check.mend,
        })
    });
    let mut out = io::stdout().lock();
    let checks = json!({ "checks": checks.collect::<Vec<_>>() });
    cloneguard::json::write_line(&mut out, &checks)?;
    out.flush()
}
