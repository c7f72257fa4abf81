//! The frame of all commands: what is common on the command line, how a command ends, and what the
//! program exits with.
//!
//! Each command is a module with its `Args` and a `run` that returns an [`End`] or a [`Trouble`]; this
//! one gives them to [`exit`], which has the one table of exit codes. [`interrupt`] is about Ctrl-C,
//! [`screen`] about colours and progress, [`files`] about files.

mod completions;
mod doctor;
mod driver;
mod entries;
mod exit;
mod export;
mod files;
mod interrupt;
mod lineage;
mod policy;
mod reload;
mod schema;
mod screen;
mod search;
mod stats;
mod status;
mod verify;
mod watch;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use exit::{EXIT_CODES, End, Trouble};
use std::process::ExitCode;

/// Audits block clones: the user-mode side of CloneGuard.
#[derive(Parser)]
#[command(name = "cloneguard", version, after_help = EXIT_CODES)]
struct Cli {
    /// Colours: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    color: clap::ColorChoice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check, compile, show and try out policies
    #[command(subcommand)]
    Policy(policy::Command),
    /// Prove a journal, or name what is wrong with it
    Verify(verify::Args),
    /// Show records of a journal
    Search(Box<search::Args>),
    /// Write the records of a journal for another program
    Export(export::Args),
    /// Print the JSON Schema of the records, or the list of their fields
    Schema(schema::Args),
    /// Say what the records of a journal amount to: rates, durations, who and where, losses
    Stats(stats::Args),
    /// Say which files share blocks with a file, from a journal
    Lineage(lineage::Args),
    /// Say what is not as it should be with a journal and a driver, and how to mend it
    Doctor(doctor::Args),
    /// Print the script that makes a shell complete this program's command lines
    Completions(completions::Args),
    Watch(watch::Args),
    Status(status::Args),
    Reload(reload::Args),
}

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    exit::code(perform())
}

/// Does what the command line says.
fn perform() -> Result<End, Trouble> {
    // Help and messages are coloured before the options are known.
    screen::set_colours(screen::choice_among(std::env::args_os().skip(1)));
    let matches = Cli::command().try_get_matches();
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(message) => return exit::command_line(&message),
    };
    screen::set_colours(cli.color);
    interrupt::exit_at_once()?;
    match cli.command {
        Command::Policy(command) => policy::run(command),
        Command::Verify(args) => verify::run(&args),
        Command::Search(args) => search::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Lineage(args) => lineage::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Reload(args) => reload::run(&args),
    }
}
