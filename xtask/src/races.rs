//! `races`: the threads that race against the driver in `./dev test`, for longer.

use std::process::Command;

use anyhow::Result;

use crate::{files, program};

/// How many times as long, for the tests.
const LONGER: &str = "CLONEGUARD_RACES";
/// Tells tests of the test-bed where the image is.
const IMAGE: &str = "CLONEGUARD_IMAGE";

/// Options of the races.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many times as long as in ./dev test: 200 is a million swaps of a handle
    #[arg(default_value_t = 200)]
    times: u64,
    /// Only races whose name has this in it
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// Builds the driver and lets threads race.
pub(crate) fn run(options: &Options) -> Result<()> {
    let image = program::driver()?;
    let only = options.only.as_deref().unwrap_or_default();
    let mut tests = Command::new("cargo");
    tests
        .current_dir(files::root())
        .env("CARGO_PROFILE_DEV_PANIC", "unwind")
        .env(IMAGE, image)
        .env(LONGER, options.times.to_string())
        .args(["test", "--package", "testbed", "--test", "driver", "--"])
        .args([format!("races::{only}").as_str(), "--test-threads=1"]);
    program::run(&mut tests)
}
