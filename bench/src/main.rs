//! What CloneGuard costs: `bench run` measures and reports, `bench check` compares the exact counts with the table that
//! the repository keeps.
//!
//! [`rig`] is a machine with one filter or none, [`operation`] a kind of request. [`cost`] counts instructions, [`time`]
//! takes times, [`growth`] counts again while something grows; [`ring`] and [`tool`] take
//! the speed of the journal, inside the driver and on a disk. [`report`] shows all of it, [`table`] is what is kept.
#![forbid(unsafe_code)]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times and rates are told with three digits"
)]

mod cost;
mod growth;
mod operation;
mod report;
mod rig;
mod ring;
mod table;
mod time;
mod tool;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use self::operation::Operation;
use self::report::Report;
use self::rig::{Filter, Images};
use self::time::Effort;

#[derive(Parser)]
#[command(name = "bench", about = "What CloneGuard costs", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure everything and report it
    Run(RunOptions),
    /// Compare the exact counts with a table of them
    Check(CheckOptions),
    /// Show in which functions of the driver the instructions of a request are
    Profile(ImageOptions),
}

#[derive(Args)]
struct ImageOptions {
    /// The driver
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// The filter that calls nothing
    #[arg(long, value_name = "FILE")]
    empty: PathBuf,
}

#[derive(Args)]
struct RunOptions {
    #[command(flatten)]
    images: ImageOptions,
    /// Fewer turns and sizes
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    tool: tool::Options,
    /// Write everything as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the times
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[derive(Args)]
struct CheckOptions {
    #[command(flatten)]
    images: ImageOptions,
    /// The table
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// Write the counts of now into it
    #[arg(long)]
    accept: bool,
}

impl From<ImageOptions> for Images {
    fn from(options: ImageOptions) -> Self {
        Self {
            empty: options.empty,
            cloneguard: options.image,
        }
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(options) => run(options),
        Command::Check(options) => {
            let images = options.images.into();
            table::check(&images, &options.table, options.accept)
        }
        Command::Profile(options) => report::profile(&options.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: RunOptions) -> Result<()> {
    let images: Images = options.images.into();
    let effort = if options.quick {
        Effort::QUICK
    } else {
        Effort::FULL
    };
    let bar = progress_bar(effort, options.quick);
    let mut report = Report::default();
    for operation in Operation::ALL {
        bar.set_message(operation.name());
        for filter in [Filter::Empty, Filter::CloneGuard] {
            let cost = cost::of(&images, operation, filter, &operation.setting())?;
            report.costs.push(cost);
        }
        report
            .times
            .extend(time::of(&images, operation, effort, &bar)?);
    }
    bar.set_message("throughput");
    for operation in [Operation::Other, Operation::Clone4Kib] {
        let rates = time::throughput(&images, operation, effort, &bar)?;
        report.throughput.extend(rates);
    }
    bar.set_message("growth");
    report.growth = growth::measure(&images, options.quick, &bar)?;
    bar.set_message("journal");
    report.speeds = ring::measure(&images, effort.rounds)?;
    report.speeds.extend(tool::measure(&options.tool)?);
    bar.finish_and_clear();
    report.print();
    if let Some(path) = &options.json {
        report.write_json(path)?;
    }
    if let Some(path) = &options.svg {
        report.draw(path)?;
    }
    Ok(())
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar(effort: Effort, is_quick: bool) -> ProgressBar {
    let turns = Operation::ALL.len() * (effort.rounds + 1);
    let bar = ProgressBar::new((turns + 12 + growth::count(is_quick)) as u64);
    if let Ok(style) = ProgressStyle::with_template("  {bar:40} {percent}% {msg}") {
        bar.set_style(style);
    }
    bar
}
