//! `testbed demo`: the shipped driver sees real files being cloned, and its records are checked.
//!
//! [`files`] finds what to clone, [`stage`] sets up the machine; [`clones`] plays well-behaved callers
//! in the [`styles`] of real programs, [`hostile`] the others; what they sent is kept as
//! [`sent::Sent`]. [`audit`] is the consumer of the port, [`verdict`] compares the records with what
//! was sent, [`summary`] sums up.

mod audit;
pub(crate) mod caller;
mod clones;
mod files;
mod hostile;
pub(crate) mod output;
pub(crate) mod sent;
pub(crate) mod stage;
mod styles;
mod summary;
mod verdict;

use std::path::{Path, PathBuf};

use anyhow::Result;
use cloneguard::journal::Limits;
use cloneguard::live::Store;
use indicatif::{ProgressBar, ProgressStyle};

use self::audit::{JsonFile, Records, Trail, TrailOptions};
use self::files::Found;
use self::output::say;
use self::sent::Sent;
use self::stage::Stage;
use self::summary::Numbers;
use self::verdict::Setting;

/// Options of `testbed demo`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The driver image to load
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// The directory whose files are cloned
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Write every record as a line of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Keep every record in the journal of this directory, for `cloneguard verify` and its like
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// Print every record, not a sample of the well-behaved ones
    #[arg(long)]
    all: bool,
}

/// Runs the demo.
pub(crate) fn run(options: &Options) -> Result<()> {
    let found = files::find(&options.directory)?;
    if let Some(json) = &options.json {
        found.keep_from(json)?;
    }
    let stage = Stage::set_up(&options.image)?;
    let json = options.json.as_deref().map(JsonFile::create).transpose()?;
    let journal = options.journal.as_deref().map(open_journal).transpose()?;
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
            json,
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

/// Opens a journal, or begins one.
fn open_journal(path: &Path) -> Result<Store> {
    let (store, opened) = Store::open(path, Limits::default())?;
    for finding in &opened.findings {
        say(&format!("{}: {finding}", path.display()));
    }
    Ok(store)
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
    let setting = Setting::of(stage);
    faults.extend(verdict::compare(&setting, &outcome.sent, &records));
    say("\nSummary");
    summary::print(&outcome.numbers, &outcome.sent, &records);
    if let Some(path) = &options.json {
        let count = records.events.len() + records.own.len();
        summary::line("json", &format!("{count} lines in {}", path.display()));
    }
    if let Some(path) = &options.journal {
        let show = path.display();
        summary::line("journal", &format!("{show}; cloneguard verify {show}"));
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
