//! `demo`: builds the driver and the test-bed, and lets the one run in the other.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::build::Arch;
use crate::{files, image};

/// Options of the demo; `testbed demo` has the same.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The directory whose files are cloned; the sources of this repository without one
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Write every record as a line of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print every record, not a sample of the well-behaved ones
    #[arg(long)]
    all: bool,
}

/// Runs the demo and passes its failure on.
pub(crate) fn run(options: &Options) -> Result<()> {
    let directory = options.directory.clone().unwrap_or_else(files::root);
    ensure!(
        directory.is_dir(),
        "{}: no such directory",
        directory.display()
    );
    let images = image::checked_images(&[Arch::X64])?;
    let driver = images.first().context("no image was built")?;
    let built = Command::new("cargo")
        .args([
            "build",
            "--quiet",
            "--profile",
            "demo",
            "--package",
            "testbed",
        ])
        .current_dir(files::root())
        .env("CARGO_TARGET_DIR", files::root().join("target"))
        .status()
        .context("cannot run cargo")?;
    ensure!(built.success(), "the test-bed did not build");
    let mut demo = Command::new(files::root().join("target/demo/testbed"));
    demo.arg("demo")
        .arg("--image")
        .arg(&driver.sys)
        .arg(directory);
    if let Some(json) = &options.json {
        demo.arg("--json").arg(json);
    }
    if options.all {
        demo.arg("--all");
    }
    let status = demo.status().context("cannot run the test-bed")?;
    ensure!(status.success(), "the demo failed");
    Ok(())
}
