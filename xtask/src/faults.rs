//! `faults`: builds the driver and the test-bed, and lets each call of the kernel fail that can.

use std::path::PathBuf;

use anyhow::Result;

use crate::program;

/// Options of the sweep; `testbed faults` has the same.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Fail only routines whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Fail single calls, and no pairs of them
    #[arg(long)]
    singles: bool,
    /// How many calls at each place are failed, one in each run; without it all
    #[arg(long, value_name = "N")]
    calls: Option<u64>,
    /// Write what each run led to as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Load this image instead of the driver that is built from the sources
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
}

/// Runs the sweep. Its failure is this program's: the exit status is passed on, and what it was about has been said.
pub(crate) fn run(options: &Options) -> Result<()> {
    let image = options.image.clone().map_or_else(program::driver, Ok)?;
    let mut faults = program::built("testbed")?;
    faults.arg("faults").arg("--image").arg(&image);
    if let Some(only) = &options.only {
        faults.arg("--only").arg(only);
    }
    if options.singles {
        faults.arg("--singles");
    }
    if let Some(calls) = options.calls {
        faults.arg("--calls").arg(calls.to_string());
    }
    if let Some(json) = &options.json {
        faults.arg("--json").arg(json);
    }
    program::run(&mut faults)
}
