//! `testbed faults`: every call of the kernel that can fail is failed, and what comes of it is looked at.
//!
//! [`act`] is one run of a machine from load to unload, in which the chosen calls fail; [`callers`] are its requests
//! and [`consumer`] the program at the port. [`observation`] is what was seen of a run, and what of it may never be.
//! [`sweep`] runs it once for each call, in a process of its own since a broken rule ends the process, and then for
//! pairs; [`report`] prints what each failure led to, with the names of the functions.

mod act;
mod callers;
mod consumer;
mod observation;
mod report;
mod sweep;

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use testbed::{Chosen, Symbols};

use self::observation::Point;
use self::sweep::Sweep;
use crate::demo::output::say;

/// Options of `testbed faults`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The driver image to load
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// Fail only routines whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Fail single calls, and no pairs of them
    #[arg(long)]
    singles: bool,
    /// How many calls at each place are failed, one in each run; without it all
    #[arg(long, value_name = "N")]
    calls: Option<u64>,
    /// Write what each run led to as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// One run alone, in which the calls of this list (JSON) fail; prints what was seen of it
    #[arg(long, value_name = "POINTS", conflicts_with_all = ["only", "singles", "json"])]
    run: Option<String>,
}

/// Runs the sweep, or one run of it.
pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(points) = &options.run {
        let points: Vec<Point> = serde_json::from_str(points).context("the points to fail")?;
        let chosen = points.into_iter().map(Chosen::from).collect();
        let observation = act::run(&options.image, chosen)?;
        say(&serde_json::to_string(&observation)?);
        return Ok(());
    }
    let sweep = Sweep::prepare(options)?;
    let outcome = sweep.run()?;
    report::print(&outcome, &Symbols::of(&options.image));
    if let Some(path) = &options.json {
        report::write_json(&outcome, path)?;
    }
    let faults = outcome.faults();
    ensure!(faults == 0, "{faults} runs ended as none may");
    Ok(())
}
