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
    /// Print every record, not a sample
    #[arg(long)]
    all: bool,
    /// Load this image instead of the driver that is built from the sources
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
}

/// Runs the demo. Its failure is this program's: the exit status is passed on, and what it was about
/// has been said.
pub(crate) fn run(options: &Options) -> Result<()> {
    let directory = options.directory.clone().unwrap_or_else(files::root);
    let trouble = if directory.exists() {
        "not a"
    } else {
        "no such"
    };
    ensure!(
        directory.is_dir(),
        "{}: {trouble} directory",
        directory.display()
    );
    let image = options.image.clone().map_or_else(built_image, Ok)?;
    build_testbed()?;
    let mut demo = Command::new(files::root().join("target/demo/testbed"));
    demo.arg("demo").arg("--image").arg(&image);
    if let Some(json) = &options.json {
        demo.arg("--json").arg(json);
    }
    if options.all {
        demo.arg("--all");
    }
    // A name that begins with a dash is a directory here too.
    demo.arg("--").arg(directory);
    let status = demo.status().context("cannot run the test-bed")?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => anyhow::bail!("the test-bed was ended by a signal: {status}"),
    }
}

fn built_image() -> Result<PathBuf> {
    let images = image::checked_images(&[Arch::X64])?;
    let driver = images.first().context("no image was built")?;
    Ok(driver.sys.clone())
}

fn build_testbed() -> Result<()> {
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
    Ok(())
}
