//! `test`: everything that decides whether a change is good, one kind after the other.
//!
//! Every kind runs, also after one has failed, so that one run tells all; the summary at the end says
//! which failed. docs/testing.md says what each is for.

mod results;

use std::env;
use std::io::{BufReader, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::build::{self, Arch};
#[cfg(unix)]
use crate::kit::Kit;
use crate::{files, harness, image, lint, package};

/// Makes a test that cannot run (no referee, no image, no target) fail instead of passing with a note.
const REQUIRE: &str = "CLONEGUARD_REQUIRE_REFEREES";
/// Tells tests of the test-bed where the image is.
const IMAGE: &str = "CLONEGUARD_IMAGE";
/// Tells tests where the programs for Windows are.
const PROGRAMS: &str = "CLONEGUARD_PROGRAMS";
/// Stands for the place of something that there is not.
const NOT_BUILT: &str = "(did not build)";
/// What Debian's package wine32 brings, which is of another architecture than this host.
const WINE_32: &str = "/usr/lib/wine/wine";
/// Clippy's arguments for every crate.
const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];
/// Where the crate that stands in for wdk-build lies.
const STAND_IN: &str = "kit/wdk-build";

/// A kind of check: its name, and what runs it and may leave a remark for the summary.
type Kind = (&'static str, fn() -> Result<String>);

const KINDS: [Kind; 8] = [
    ("format", format),
    ("clippy", clippy),
    ("image rules", image_rules),
    ("package", package),
    ("wine", wine),
    ("tests", tests),
    ("orders", orders),
    ("house lints", house_lints),
];

/// Runs every kind and reports.
pub(crate) fn run() -> Result<()> {
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for (name, check) in KINDS {
        println!("\n== {name}");
        let start = Instant::now();
        let result = check();
        let seconds = start.elapsed().as_secs_f64();
        let (verdict, remark) = match &result {
            Ok(remark) => ("ok", remark.clone()),
            Err(error) => ("FAILED", format!("{error:#}")),
        };
        let line = format!("  {name:<12} {verdict:<7} {seconds:>6.1} s  {remark}");
        lines.push(line.trim_end().to_owned());
        if result.is_err() {
            println!("   failed: {remark}");
            failed.push(name);
        }
    }
    println!("\n== summary\n{}", lines.join("\n"));
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

fn format() -> Result<String> {
    let mut stand_in = cargo();
    stand_in
        .args(["fmt", "--check", "--manifest-path"])
        .arg(files::root().join(STAND_IN).join("Cargo.toml"));
    all([
        shown(cargo().args(["fmt", "--all", "--check"])),
        shown(&mut stand_in),
    ])
}

fn clippy() -> Result<String> {
    let mut host = cargo();
    host.args(["clippy", "--quiet", "--all-targets"]);
    // In the profile of the image, so that both share what the build scripts need.
    let mut kernel = kernel_cargo()?;
    kernel
        .args(["clippy", "--quiet", "--release"])
        .args(["--target", Arch::X64.target()])
        .args(["--package", "flt", "--package", build::PACKAGE]);
    // These are built on either host. Their calls of Windows are compiled for no other target.
    let mut tool = cargo();
    tool.args(["clippy", "--quiet", "--package", "cloneguard"])
        .args(["--package", "conformance", "--package", "caller"])
        .args(["--target", Arch::X64.target()]);
    all([
        shown(host.args(DENY_WARNINGS)),
        shown(tool.args(DENY_WARNINGS)),
        shown(kernel.args(DENY_WARNINGS)),
        clippy_stand_in(),
    ])
}

/// The stand-in is no member of any workspace. It is checked through links, because beside its own
/// manifest Cargo would leave a lock file in the repository.
#[cfg(unix)]
fn clippy_stand_in() -> Result<()> {
    let kit = files::root().join("target/kit");
    let folder = kit.join("stand-in");
    for name in ["Cargo.toml", "src"] {
        files::link(&files::root().join(STAND_IN).join(name), &folder.join(name))?;
    }
    // The versions that the driver is built with.
    files::copy_if_changed(
        &kit.join("workspace/Cargo.lock"),
        &folder.join("Cargo.lock"),
    )?;
    let mut stand_in = cargo();
    stand_in
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .args(["clippy", "--quiet", "--all-targets"]);
    shown(stand_in.args(DENY_WARNINGS))
}

/// With a WDK nothing stands in.
#[cfg(windows)]
fn clippy_stand_in() -> Result<()> {
    Ok(())
}

fn image_rules() -> Result<String> {
    image::build_and_report()?;
    Ok("x64, arm64".to_owned())
}

/// On Windows the WDK makes packages.
fn package() -> Result<String> {
    if cfg!(windows) {
        return Ok("not here: cargo make".to_owned());
    }
    package::check()
}

/// Wine is where Windows is not.
fn wine() -> Result<String> {
    if cfg!(windows) {
        return Ok("not here".to_owned());
    }
    package::install_under_wine()
}

/// The tests of every member that runs on this host, with the built image at hand.
fn tests() -> Result<String> {
    let mut test = cargo();
    test.args(["test", "--no-fail-fast"]);
    // On Windows the kit's own headers are the referee; the others are Debian packages.
    if cfg!(unix) {
        test.env(REQUIRE, "1");
    }
    // Without an image the other tests still say something. An image of an earlier build would lie.
    let images = build::images(&[Arch::X64]);
    let image = images.as_ref().ok().and_then(|images| images.first());
    test.env(
        IMAGE,
        image.map_or(Path::new(NOT_BUILT), |image| &image.sys),
    );
    let programs = programs_for_wine();
    test.env(
        PROGRAMS,
        programs.as_deref().unwrap_or(Path::new(NOT_BUILT)),
    );
    announce(&test);
    let mut child = test
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let output = child.stdout.take().context("cargo has no output")?;
    let totals = results::copy(BufReader::new(output), stdout().lock())
        .context("cannot read what the tests print")?;
    let status = child.wait().context("cannot wait for cargo")?;
    ensure!(status.success(), "cargo test ended with {status}: {totals}");
    images?;
    programs?;
    Ok(format!("{totals}{}", not_run()))
}

/// The programs for Windows, which tests run under Wine; on Windows that is no way to test them.
fn programs_for_wine() -> Result<PathBuf> {
    if cfg!(windows) {
        return Ok(PathBuf::from(NOT_BUILT));
    }
    println!("   (the programs for Windows)");
    harness::build_for_tests()
}

/// What the tests leave out on this host although it was built.
fn not_run() -> &'static str {
    if cfg!(windows) || Path::new(WINE_32).exists() {
        return "";
    }
    "; not run: the 32-bit caller, for there is no 32-bit Wine (package wine32, architecture i386)"
}

/// The journal of guard, and what flt shares without a lock, under the model checker loom, which tries every order of their
/// steps. Everything is built anew for that, so it has a target directory of its own.
fn orders() -> Result<String> {
    let loom = |arguments: &[&str]| {
        let mut loom = cargo();
        loom.env("RUSTFLAGS", "--cfg loom")
            .env("CARGO_TARGET_DIR", files::root().join("target/loom"))
            // Hundreds of thousands of orders are worth a little optimising.
            .env("CARGO_PROFILE_TEST_OPT_LEVEL", "2")
            .arg("test")
            .args(arguments);
        shown(&mut loom)
    };
    all([
        loom(&["--package", "guard", "--lib", "interleavings"]),
        loom(&["--package", "flt", "--test", "orders"]),
    ])?;
    Ok("guard's journal, flt's state, policy, wish, places and blocks".to_owned())
}

fn house_lints() -> Result<String> {
    lint::run()?;
    Ok(String::new())
}

/// Cargo for the members of this host. The profile of the workspace aborts on a panic, for the driver;
/// tests always unwind. One way for both, or every dependency is built twice.
fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(files::root())
        .env("CARGO_PROFILE_DEV_PANIC", "unwind");
    cargo
}

#[cfg(unix)]
fn kernel_cargo() -> Result<Command> {
    Ok(Kit::prepare()?.cargo())
}

#[cfg(windows)]
fn kernel_cargo() -> Result<Command> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(files::root());
    Ok(cargo)
}

/// Prints a command, runs it, and fails when it does.
fn shown(command: &mut Command) -> Result<()> {
    let line = announce(command);
    let start = Instant::now();
    let status = command.status().context("cannot run cargo")?;
    println!("     {:.1} s", start.elapsed().as_secs_f64());
    ensure!(status.success(), "{line} ended with {status}");
    Ok(())
}

/// Prints a command, where it runs and without the settings of the kit, and returns the line.
fn announce(command: &Command) -> String {
    let root = files::root();
    let mut words = vec!["cargo".to_owned()];
    let mut arguments = command.get_args().map(|word| word.to_string_lossy());
    while let Some(word) = arguments.next() {
        if word == "--config" {
            arguments.next();
        } else {
            words.push(short(&word, &root));
        }
    }
    let folder = command.get_current_dir().unwrap_or(&root);
    if folder != root {
        words.push(format!("(in {})", short(&folder.to_string_lossy(), &root)));
    }
    let line = words.join(" ");
    println!("   {line}");
    line
}

/// A path below the repository, relative to it.
fn short(word: &str, root: &Path) -> String {
    let below = Path::new(word).strip_prefix(root);
    below.map_or_else(|_| word.to_owned(), |path| path.display().to_string())
}

/// Fails with every failure.
fn all(results: impl IntoIterator<Item = Result<()>>) -> Result<String> {
    let failures = results.into_iter().filter_map(Result::err);
    let failures: Vec<_> = failures.map(|error| format!("{error:#}")).collect();
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(String::new())
}
