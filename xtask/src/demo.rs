//! `demo`: builds the driver and the test-bed, and lets the one run in the other.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::{files, program};

/// Options of the demo; `testbed demo` has the same.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The directory whose files are cloned; the sources of this repository without one
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Write every record as a line of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Keep every record in the journal of this directory
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
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
    let image = options.image.clone().map_or_else(program::driver, Ok)?;
    let mut demo = program::built("testbed")?;
    demo.arg("demo").arg("--image").arg(&image);
    if let Some(json) = &options.json {
        demo.arg("--json").arg(json);
    }
    if let Some(journal) = &options.journal {
        demo.arg("--journal").arg(journal);
    }
    if options.all {
        demo.arg("--all");
    }
    // A name that begins with a dash is a directory here too.
    program::run(demo.arg("--").arg(directory))
}
