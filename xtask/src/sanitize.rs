//! `sanitize`: the tests of the portable members, built to watch their own memory.
//!
//! AddressSanitizer belongs to the stable toolchain but for its switch, which `RUSTC_BOOTSTRAP` opens; its runtime comes with
//! the toolchain. The driver is not built so: what that may touch the test-bed watches, page by page.

use std::process::Command;

use anyhow::Result;

use crate::{files, program};

/// The host: with a target named, only what is tested is built so, and no build script. By a variable, because tests build the
/// tool by themselves.
const TARGET: (&str, &str) = ("CARGO_BUILD_TARGET", "x86_64-unknown-linux-gnu");
/// What nobody frees is not looked for: tests let a few names live for ever, and a machine that is never shut down holds on to itself.
const OPTIONS: (&str, &str) = ("ASAN_OPTIONS", "detect_leaks=0");
/// The soak finds that memory grows, which the sanitizer's own does: it keeps what was freed.
const NOT_FOR_IT: &str = "soak::everything_at_once";
/// Whose tests.
const MEMBERS: [&str; 4] = ["wire", "guard", "cloneguard", "testbed"];

/// Options of the run.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only tests whose name has this in it
    #[arg(value_name = "TEXT")]
    only: Option<String>,
}

/// Builds the driver as always and the tests with the sanitizer, and runs them.
pub(crate) fn run(options: &Options) -> Result<()> {
    let image = program::driver()?;
    let mut tests = Command::new("cargo");
    tests
        .current_dir(files::root())
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("CARGO_TARGET_DIR", files::root().join("target/sanitize"))
        .env("CARGO_PROFILE_DEV_PANIC", "unwind")
        .env("CLONEGUARD_IMAGE", image)
        .envs([OPTIONS, TARGET])
        .args(["test", "--no-fail-fast"]);
    for member in MEMBERS {
        tests.args(["--package", member]);
    }
    // What an example in the documentation shows, the tests do too.
    tests.args(["--lib", "--bins", "--tests"]);
    tests.args(["--", "--skip", NOT_FOR_IT]);
    tests.args(&options.only);
    program::run(&mut tests)
}
