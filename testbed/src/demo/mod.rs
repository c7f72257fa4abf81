//! `testbed demo`: the shipped driver sees real files being cloned, and its records are checked.
//!
//! [`files`] finds what to clone, [`stage`] sets up the machine; [`clones`] plays well-behaved callers
//! in the [`styles`] of real programs, [`hostile`] the others; what they sent is kept as
//! [`sent::Sent`]. [`audit`] is the consumer of the port, [`verdict`] compares the records with what
//! was sent, [`summary`] sums up.

mod audit;
mod caller;
mod clones;
mod files;
mod hostile;
mod output;
mod sent;
mod stage;
mod styles;
mod summary;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use self::audit::{Journal, Records, Trail, TrailOptions};
use self::files::Found;
use self::output::say;
use self::sent::Sent;
use self::stage::Stage;
use self::summary::Numbers;

#[derive(Parser)]
#[command(
    name = "testbed",
    about = "Runs a built driver without Windows",
    version
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Clone real files on a modelled volume under the eyes of the driver, and check what it records
    Demo(Options),
}

#[derive(clap::Args)]
struct Options {
    /// The driver image to load
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// The directory whose files are cloned
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Write every record as a line of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print every record, not a sample of the well-behaved ones
    #[arg(long)]
    all: bool,
}

/// Parses the command line and runs. Status 0: all is well; 1: not, or the run was not possible; 2: the
/// command line is wrong; 86: the driver broke a rule of the kernel and the run was stopped.
pub(crate) fn main() -> ExitCode {
    let Command::Demo(options) = Arguments::parse().command;
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let found = files::find(&options.directory)?;
    if let Some(json) = &options.json {
        found.keep_from(json)?;
    }
    let stage = Stage::set_up(&options.image)?;
    let journal = options.json.as_deref().map(Journal::create).transpose()?;
    say(&format!(
        "Driver {} loaded; {} files, {}, from {}",
        options.image.display(),
        found.files.len(),
        summary::size(found.bytes),
        options.directory.display()
    ));
    if let Some(left_out) = found.left_out() {
        say(&format!("Left out: {left_out}"));
    }
    let bar = progress_bar();
    let trail = Trail::start(
        &stage,
        TrailOptions {
            bar: bar.clone(),
            show_all: options.all,
            expected: found.requests(),
            journal,
        },
    )?;
    let outcome = act(&stage, &found, &trail, &bar);
    bar.finish_and_clear();
    match outcome {
        Ok(outcome) => conclude(options, &stage, trail, outcome),
        Err(error) => Err(give_up(&stage, trail, error)),
    }
}

/// A run that could not go on still says what the driver leaves behind, which may be the reason.
fn give_up(stage: &Stage, trail: Trail, error: anyhow::Error) -> anyhow::Error {
    let mut faults = stage.tear_down();
    faults.extend(trail.finish().failure);
    faults
        .into_iter()
        .rev()
        .fold(error, |error, fault| error.context(fault))
}

/// What was done on the machine, and what is wrong with it.
struct Outcome {
    sent: Vec<Sent>,
    faults: Vec<String>,
    numbers: Numbers,
}

/// Plays all callers.
fn act(stage: &Stage, found: &Found, trail: &Trail, bar: &ProgressBar) -> Result<Outcome> {
    let mut done = clones::run(stage, &found.files, bar)?;
    clones::huge(stage, &mut done)?;
    bar.finish_and_clear();
    let mut faults = Vec::new();
    let numbers = Numbers {
        files: found.files.len(),
        bytes_shared: done.bytes_shared(stage, &mut faults),
    };
    trail.begin_hostile(seen(&done.sent));
    let hostile = hostile::run(stage, trail)?;
    faults.extend(hostile.faults);
    faults.extend(done.verify(stage, &found.files)?);
    let mut sent = done.sent;
    sent.extend(hostile.sent);
    trail.wait_for(seen(&sent));
    Ok(Outcome {
        sent,
        faults,
        numbers,
    })
}

/// How many requests the driver has seen.
fn seen(sent: &[Sent]) -> usize {
    sent.iter().filter(|sent| sent.is_seen).count()
}

/// Takes everything down, compares, and sums up.
fn conclude(options: &Options, stage: &Stage, trail: Trail, outcome: Outcome) -> Result<()> {
    say("");
    let mut faults = outcome.faults;
    faults.extend(stage.tear_down());
    let records: Records = trail.finish();
    faults.extend(verdict::compare(&outcome.sent, &records));
    say("\nSummary");
    summary::print(&outcome.numbers, &outcome.sent, &records);
    if let Some(path) = &options.json {
        let count = records.events.len();
        summary::line("json", &format!("{count} lines in {}", path.display()));
    }
    summary::conclude(&faults)
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("  {bar:40} {pos}/{len} files  {wide_msg}") {
        bar.set_style(style);
    }
    bar
}
