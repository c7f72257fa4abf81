//! `test`: everything that decides whether a change is good, one kind after the other.
//!
//! Every kind runs, also after one has failed, so that one run tells all; the summary at the end says
//! which failed.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use crate::build::{self, Arch};
#[cfg(unix)]
use crate::kit::Kit;
use crate::{files, image, lint};

/// Makes a referee test that cannot run fail instead of passing with a note.
const REQUIRE_REFEREES: &str = "CLONEGUARD_REQUIRE_REFEREES";
/// Tells tests of the test-bed where the image is.
const IMAGE: &str = "CLONEGUARD_IMAGE";

/// A kind of check: its name and what runs it.
type Kind = (&'static str, fn() -> Result<()>);

const KINDS: [Kind; 5] = [
    ("format", format),
    ("clippy", clippy),
    ("image rules", image::build_and_report),
    ("tests", tests),
    ("house lints", lint::run),
];

/// Runs every kind and reports.
pub(crate) fn run() -> Result<()> {
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for (name, check) in KINDS {
        println!("\n== {name}");
        let start = Instant::now();
        let result = check();
        if let Err(error) = &result {
            println!("failed: {error:#}");
            failed.push(name);
        }
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        lines.push(format!(
            "  {name:<14} {verdict:<7} {:>5.1} s",
            start.elapsed().as_secs_f64()
        ));
    }
    println!("\n== summary\n{}", lines.join("\n"));
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

fn format() -> Result<()> {
    let mut results = vec![shown(cargo().args(["fmt", "--all", "--check"]))];
    results.push(shown(
        cargo()
            .args(["fmt", "--check", "--manifest-path"])
            .arg(stand_in()),
    ));
    all(results)
}

fn clippy() -> Result<()> {
    let mut results = vec![shown(cargo().args([
        "clippy",
        "--quiet",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))];
    let kernel = [
        "--release",
        "--target",
        Arch::X64.target(),
        "-p",
        "flt",
        "-p",
        build::PACKAGE,
    ];
    let mut cargo = kernel_cargo()?;
    results.push(shown(
        cargo
            .args(["clippy", "--quiet"])
            .args(kernel)
            .args(["--", "-D", "warnings"]),
    ));
    all(results)
}

/// The tests of every member that runs on this host, with the built image at hand.
fn tests() -> Result<()> {
    let images = build::images(&[Arch::X64])?;
    let image = images.first().context("no image was built")?;
    let mut test = cargo();
    test.args(["test", "--quiet", "--no-fail-fast"])
        .env(IMAGE, &image.sys);
    // On Windows the kit's own headers are the referee; the others are Debian packages.
    if cfg!(unix) {
        test.env(REQUIRE_REFEREES, "1");
    }
    shown(&mut test)
}

fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(files::root());
    cargo
}

/// The kit's stand-in crate, which is no member of the workspace.
fn stand_in() -> std::path::PathBuf {
    files::root().join("kit/wdk-build/Cargo.toml")
}

#[cfg(unix)]
fn kernel_cargo() -> Result<Command> {
    Ok(Kit::prepare()?.cargo())
}

#[cfg(windows)]
fn kernel_cargo() -> Result<Command> {
    Ok(cargo())
}

/// Prints a command, runs it, and fails when it does.
fn shown(command: &mut Command) -> Result<()> {
    let words: Vec<_> = command
        .get_args()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let words: Vec<_> = words.iter().map(|word| short(word)).collect();
    println!("   cargo {}", words.join(" "));
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {} ended with {status}", words.join(" "));
    }
    Ok(())
}

/// A path below the repository, relative to it.
fn short(word: &str) -> String {
    let below = Path::new(word).strip_prefix(files::root());
    below.map_or_else(|_| word.to_owned(), |path| path.display().to_string())
}

/// Fails with every failure.
fn all(results: Vec<Result<()>>) -> Result<()> {
    let failures: Vec<String> = results
        .into_iter()
        .filter_map(Result::err)
        .map(|error| format!("{error:#}"))
        .collect();
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}
