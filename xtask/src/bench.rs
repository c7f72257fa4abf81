//! `bench`: builds the driver, the filter that calls nothing and the program that measures, and runs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::build::Arch;
use crate::{files, program};

/// Where the filter that calls nothing is kept.
const EMPTY: &str = "testbed/tests/images/empty.rs";
/// The counts that the repository keeps.
const TABLE: &str = "bench/costs.json";
/// A driver without any library: nothing but its own code.
const LINKER: &str = "link-args=/NODEFAULTLIB /ENTRY:DriverEntry /SUBSYSTEM:NATIVE /DRIVER";

/// Options of the benchmark.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Fewer turns and sizes
    #[arg(long)]
    quick: bool,
    /// Write everything as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the times
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Only show in which functions of the driver the instructions of each request are
    #[arg(long, conflicts_with_all = ["quick", "json", "svg"])]
    profile: bool,
    /// Only count, and compare with the table that the repository keeps
    #[arg(long, conflicts_with_all = ["quick", "json", "svg", "profile"])]
    check: bool,
    /// Only count, and keep the counts in that table
    #[arg(long, conflicts_with_all = ["quick", "json", "svg", "profile", "check"])]
    accept: bool,
    /// Load this image instead of the driver that is built from the sources
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
}

/// Measures, or compares the counts.
pub(crate) fn run(options: &Options) -> Result<()> {
    let image = options.image.clone().map_or_else(program::driver, Ok)?;
    let empty = empty_filter()?;
    let mut bench = program::built("bench")?;
    bench.arg(match options {
        Options { profile: true, .. } => "profile",
        Options { check: true, .. } | Options { accept: true, .. } => "check",
        _ => "run",
    });
    bench.arg("--image").arg(image).arg("--empty").arg(empty);
    if options.quick {
        bench.arg("--quick");
    }
    if !options.profile && !options.check && !options.accept {
        let records = if options.quick { 30_000 } else { 300_000 };
        let tool = program::built("cloneguard")?;
        bench.arg("--tool").arg(tool.get_program());
        bench.arg("--journal").arg(journal(records)?);
        bench.arg("--records").arg(records.to_string());
    }
    for (name, file) in [("--json", &options.json), ("--svg", &options.svg)] {
        if let Some(file) = file {
            bench.arg(name).arg(file);
        }
    }
    if options.check || options.accept {
        bench.arg("--table").arg(files::root().join(TABLE));
    }
    if options.accept {
        bench.arg("--accept");
    }
    program::run(&mut bench)
}

/// A journal of so many records, made once.
fn journal(records: u32) -> Result<PathBuf> {
    let folder = files::root()
        .join("target/bench")
        .join(format!("journal-{records}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    // A half-made one is not taken for a whole one.
    let begun = folder.with_extension("begun");
    if begun.exists() {
        std::fs::remove_dir_all(&begun)
            .with_context(|| format!("cannot remove {}", begun.display()))?;
    }
    let status = Command::new("cargo")
        .args([
            "run",
            "--quiet",
            "--profile",
            "demo",
            "--package",
            "cloneguard",
        ])
        .args(["--example", "large_journal", "--"])
        .arg(&begun)
        .arg(records.to_string())
        .current_dir(files::root())
        .env("CARGO_TARGET_DIR", files::root().join("target"))
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the journal was not made");
    std::fs::rename(&begun, &folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

fn empty_filter() -> Result<PathBuf> {
    let folder = files::root().join("target/bench");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let image = folder.join("empty.sys");
    let status = compiler(&image).status().context("cannot run rustc")?;
    ensure!(status.success(), "{EMPTY} did not compile");
    Ok(image)
}

fn compiler(image: &Path) -> Command {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--edition", "2024", "--target", Arch::X64.target()])
        .args(["--crate-type", "cdylib", "--crate-name", "empty"])
        .args([
            "-C",
            "panic=abort",
            "-C",
            "opt-level=2",
            "-C",
            "linker=rust-lld",
        ])
        .args(["-C", LINKER, "-o"])
        .arg(image)
        .arg(files::root().join(EMPTY));
    rustc
}
