//! `soak`: builds the driver and the test-bed, and lets everything happen at once for as long as one likes.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::{files, program};

/// Options of the soak.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long
    #[arg(value_name = "MINUTES", default_value_t = 1)]
    minutes: u64,
    /// What everything is drawn from; without it a new one, which is printed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Where the records are kept; target/soak without it, made anew
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// Load this image instead of the driver that is built from the sources
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
}

/// Soaks. Its failure is this program's: the exit status is passed on, and what it was about has been said.
pub(crate) fn run(options: &Options) -> Result<()> {
    let image = options.image.clone().map_or_else(program::driver, Ok)?;
    let mut soak = program::built("testbed")?;
    soak.arg("soak").arg("--image").arg(image);
    soak.arg("--seconds")
        .arg(options.minutes.saturating_mul(60).to_string());
    if let Some(seed) = options.seed {
        soak.arg("--seed").arg(seed.to_string());
    }
    let journal = options.journal.clone().map_or_else(fresh_journal, Ok)?;
    soak.arg("--journal").arg(journal);
    program::run(&mut soak)
}

/// An empty place for a journal.
fn fresh_journal() -> Result<PathBuf> {
    let path = files::root().join("target/soak");
    if path.exists() {
        std::fs::remove_dir_all(&path)
            .with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(path)
}
