//! `miri`: tests interpreted by Miri, which looks at every access to memory: bounds, lifetimes, what a reference promises,
//! and two threads at one place.
//!
//! Miri is part of the nightly toolchain alone, and that of this command alone: nothing else here needs one.

use std::process::{Command, Stdio};

use anyhow::{Result, bail, ensure};

use crate::{files, program};

/// What is interpreted: the arguments of `cargo miri test`.
const TESTS: [&[&str]; 3] = [
    &["--package", "flt", "--test", "orders"],
    &["--package", "wire", "--lib", "--tests"],
    &["--package", "guard", "--test", "suite"],
];
/// Random tests draw few cases here, each of which takes hundreds of times as long; proptest keeps what fails in a file.
const CASES: (&str, &str) = ("PROPTEST_CASES", "4");
const SETTINGS: (&str, &str) = ("MIRIFLAGS", "-Zmiri-disable-isolation");

/// Options of the run.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only tests whose name has this in it
    #[arg(value_name = "TEXT")]
    only: Option<String>,
}

/// Runs the tests, one member after the other; the first that fails ends it.
pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(
        is_there()?,
        "there is no nightly toolchain with Miri: \
         rustup toolchain install nightly --component miri --component rust-src"
    );
    for arguments in TESTS {
        println!("\n== {}", arguments[1]);
        let mut tests = nightly();
        tests
            .env("CARGO_TARGET_DIR", files::root().join("target/miri"))
            .env("CARGO_PROFILE_DEV_PANIC", "unwind")
            .envs([CASES, SETTINGS])
            .arg("test")
            .args(arguments);
        if let Some(only) = &options.only {
            tests.args(["--", only]);
        }
        program::run(&mut tests)?;
    }
    Ok(())
}

/// `cargo miri` of the nightly toolchain. The variables by which rustup names this one to what it runs are taken away.
fn nightly() -> Command {
    let mut cargo = Command::new("rustup");
    cargo
        .current_dir(files::root())
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .args(["run", "nightly", "cargo", "miri"]);
    cargo
}

fn is_there() -> Result<bool> {
    let asked = nightly().arg("--version").stdout(Stdio::null()).status();
    match asked {
        Ok(status) => Ok(status.success()),
        Err(error) => bail!("rustup, which has the toolchains, does not run: {error}"),
    }
}
