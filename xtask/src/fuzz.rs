//! `fuzz`: builds a target of `fuzz/` for libFuzzer and runs it.
//!
//! cargo-fuzz builds it, without a sanitizer: the code under test is safe Rust, and the test-bed watches the driver's memory
//! itself. So the stable toolchain is enough. What is found that is new goes to `target/fuzz`, never into the corpus of the
//! repository; an input that fails is kept beside it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::{files, program};

/// Where the targets are, from the root of the repository: one file for each.
const TARGETS: &str = "fuzz/fuzz_targets";
/// The target that runs the driver.
const IMAGE: &str = "image";

/// What a target names the input that it is at, in the folder where it runs.
const CURRENT: &str = "current";

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
    let folder = |kind| kept.join(kind).join(name);
    let (corpus, failed) = (folder("corpus"), folder("failed"));
    for folder in [&corpus, &failed] {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    // Run by ourselves: cargo-fuzz would make folders beside the sources.
    let mut program = Command::new(built(name, &kept)?);
    program
        // What is new goes into the first of these.
        .args([corpus, root.join("fuzz/corpus").join(name)])
        .arg(format!("-max_total_time={seconds}"))
        // A script that waits for what never comes is a failure too.
        .args(["-timeout=60", "-max_len=4096", "-rss_limit_mb=4096"])
        .arg(format!("-artifact_prefix={}/", failed.display()))
        // Whatever it leaves behind, it leaves here.
        .current_dir(&failed);
    if name == IMAGE {
        let driver: PathBuf = program::driver()?;
        program.env("CLONEGUARD_IMAGE", driver);
    }
    let status = program
        .status()
        .with_context(|| format!("cannot run {}", program.get_program().display()))?;
    let kept = keep(&failed, status.success())?;
    ensure!(
        status.success(),
        "{name} ended with {status}; what failed is in {}",
        kept.unwrap_or(failed).display()
    );
    Ok(())
}

/// The input that a target was at when it ended, if it left one: a broken rule of the kernel ends the process at once,
/// and libFuzzer with it. Kept under a name of its own, unless all went well.
fn keep(failed: &Path, went_well: bool) -> Result<Option<PathBuf>> {
    let current = failed.join(CURRENT);
    if !current.is_file() {
        return Ok(None);
    }
    if went_well {
        std::fs::remove_file(&current).context("cannot remove the last input")?;
        return Ok(None);
    }
    let mut names = (1_u32..).map(|number| failed.join(format!("ended-{number}")));
    let name = names.find(|name| !name.exists());
    let name = name.context("there is no name left")?;
    std::fs::rename(&current, &name).context("cannot keep the last input")?;
    Ok(Some(name))
}

/// Builds the program of a target below `kept`.
fn built(name: &str, kept: &Path) -> Result<PathBuf> {
    let host = host()?;
    let status = Command::new("cargo")
        .args(["fuzz", "build", "--fuzz-dir", "fuzz", "--sanitizer", "none"])
        .args(["--features", "libfuzzer", "--target", &host, "--target-dir"])
        .arg(kept)
        .arg(name)
        .current_dir(files::root())
        // Quicker to build than what ships, and with lines in its reports.
        .envs([
            ("CARGO_PROFILE_RELEASE_LTO", "off"),
            ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
            ("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only"),
        ])
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the target {name} did not build");
    Ok(kept.join(host).join("release").join(name))
}

/// The target of this host, as rustc names it.
fn host() -> Result<String> {
    let asked = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("cannot run rustc")?;
    let answer = String::from_utf8_lossy(&asked.stdout);
    let host = answer.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not name its host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{CURRENT, IMAGE, keep, targets};
    use crate::files;

    #[test]
    fn what_a_target_was_at_when_it_ended_is_kept_once() {
        let name = format!("target/fuzz-keep-{}", std::process::id());
        let folder = files::root().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let put = |text: &str| std::fs::write(folder.join(CURRENT), text).unwrap();
        assert_eq!(keep(&folder, false).unwrap(), None, "there is none");
        put("first");
        assert_eq!(keep(&folder, false).unwrap(), Some(folder.join("ended-1")));
        put("second");
        assert_eq!(keep(&folder, false).unwrap(), Some(folder.join("ended-2")));
        put("third");
        assert_eq!(keep(&folder, true).unwrap(), None);
        assert_eq!(std::fs::read(folder.join("ended-1")).unwrap(), b"first");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
        std::fs::remove_dir_all(&folder).unwrap();
    }

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
