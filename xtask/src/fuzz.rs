//! `fuzz`: builds a target of `fuzz/` for libFuzzer and runs it.
//!
//! cargo-fuzz does both, without a sanitizer: the code under test is safe Rust, and the test-bed, which watches the
//! driver's memory itself, could not run under one. So the stable toolchain is enough. What is found that is new goes
//! to `target/fuzz`, never into the corpus of the repository; an input that fails is kept beside it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::{files, program};

/// Where the targets are, from the root of the repository: one file for each.
const TARGETS: &str = "fuzz/fuzz_targets";
/// The target that runs the driver.
const IMAGE: &str = "image";

/// What `fuzz` can be told.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The target; otherwise each of them, one after the other
    target: Option<String>,
    /// How long each runs
    #[arg(default_value_t = 60)]
    seconds: u32,
}

/// Fuzzes; the first input that fails ends it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let known = targets()?;
    let chosen: Vec<String> = match &options.target {
        Some(name) => vec![name.clone()],
        None => known.clone(),
    };
    for name in &chosen {
        ensure!(
            known.contains(name),
            "there is no target {name:?}: {}",
            known.join(", ")
        );
    }
    ensure!(
        is_there(),
        "cargo-fuzz is missing: cargo install cargo-fuzz (and a C++ compiler, for libFuzzer itself)"
    );
    for name in &chosen {
        println!("\n== {name}, {} s", options.seconds);
        fuzz(name, options.seconds)?;
    }
    Ok(())
}

/// The names of all targets, in their order.
fn targets() -> Result<Vec<String>> {
    let folder = files::root().join(TARGETS);
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        names.extend(stem.map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn is_there() -> bool {
    let asked = Command::new("cargo").args(["fuzz", "--version"]).output();
    asked.is_ok_and(|answer| answer.status.success())
}

fn fuzz(name: &str, seconds: u32) -> Result<()> {
    let root = files::root();
    let kept = root.join("target/fuzz");
    let (corpus, failed) = (
        kept.join("corpus").join(name),
        kept.join("failed").join(name),
    );
    for folder in [&corpus, &failed] {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut command = Command::new("cargo");
    command
        .args(["fuzz", "run", "--fuzz-dir", "fuzz", "--sanitizer", "none"])
        .args(["--features", "libfuzzer", "--target-dir"])
        .arg(&kept)
        .arg(name)
        // What is new goes into the first of these.
        .args([corpus, root.join("fuzz/corpus").join(name)])
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        // A script that waits for what never comes is a failure too.
        .args(["-timeout=60", "-max_len=4096"])
        .arg(format!("-artifact_prefix={}/", failed.display()))
        .current_dir(root)
        // Quicker to build than what ships, and with lines in its reports.
        .envs([
            ("CARGO_PROFILE_RELEASE_LTO", "off"),
            ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
            ("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only"),
        ]);
    if name == IMAGE {
        let driver: PathBuf = program::driver()?;
        command.env("CLONEGUARD_IMAGE", driver);
    }
    program::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::{IMAGE, targets};
    use crate::files;

    #[test]
    fn every_target_has_a_corpus_and_a_place_in_the_manifest() {
        let manifest = files::read_text(&files::root().join("fuzz/Cargo.toml")).unwrap();
        let names = targets().unwrap();
        assert!(names.iter().any(|name| name == IMAGE));
        for name in names {
            assert!(
                files::root().join("fuzz/corpus").join(&name).is_dir(),
                "{name}"
            );
            let path = format!("path = \"fuzz_targets/{name}.rs\"");
            assert!(manifest.contains(&path), "{name}");
        }
    }
}
