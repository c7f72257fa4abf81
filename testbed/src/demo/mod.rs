//! `testbed demo`: the shipped driver sees real files being cloned, and its records are checked.
//!
//! [`files`] finds what to clone, [`stage`] sets up the machine, [`clones`] plays well-behaved
//! callers and [`hostile`] the others; both note what they sent as [`sent::Sent`]. [`audit`] is the
//! consumer of the port, [`verdict`] compares the records with what was sent and sums up.

mod audit;
mod clones;
mod files;
mod hostile;
mod sent;
mod stage;
mod verdict;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use self::audit::Trail;
use self::stage::Stage;

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
    /// Clone real files on a modelled volume and show what the driver records
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

/// Parses the command line and runs.
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
    let files = files::find(&options.directory)?;
    if files.is_empty() {
        bail!("{}: no files to clone", options.directory.display());
    }
    let mut json = options.json.as_deref().map(create).transpose()?;
    let stage = Stage::set_up(&options.image)?;
    println!(
        "Driver {} loaded; {} files from {}",
        options.image.display(),
        files.len(),
        options.directory.display()
    );

    let bar = progress_bar(files.len());
    let trail = Trail::start(&stage, bar.clone(), options.all)?;
    let mut sent = clones::run(&stage, &files, &bar)?;
    sent.extend(clones::huge_sparse_file(&stage)?);
    bar.finish_and_clear();
    trail.heading("requests that no honest caller sends");
    sent.extend(hostile::run(&stage)?);
    trail.wait(&sent);
    let mut faults = clones::verify(&stage, &files)?;
    faults.extend(stage.tear_down());
    let records = trail.finish()?;

    if let (Some(out), Some(path)) = (json.as_mut(), options.json.as_deref()) {
        save(&records, out).with_context(|| path.display().to_string())?;
    }
    faults.extend(verdict::compare(&sent, &records));
    verdict::summary(&stage, &sent, &records);
    if let Some(path) = &options.json {
        println!(
            "  JSON lines      {} in {}",
            records.events.len(),
            path.display()
        );
    }
    verdict::conclude(&faults)
}

/// Writes the records as lines of JSON.
fn save(records: &audit::Records, out: &mut BufWriter<File>) -> std::io::Result<()> {
    for event in &records.events {
        event.write_json_line(&mut *out)?;
    }
    out.flush()
}

fn create(path: &std::path::Path) -> Result<BufWriter<File>> {
    let file =
        File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(BufWriter::new(file))
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar(count: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("  {bar:40} {pos}/{len} files {wide_msg}") {
        bar.set_style(style);
    }
    bar
}
