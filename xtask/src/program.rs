//! Programs of this repository that run on this host: built quick to run, then run in place of this one.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::build::Arch;
use crate::{files, image};

/// Builds the program of a member and prepares to run it.
pub(crate) fn built(package: &str) -> Result<Command> {
    let target = files::root().join("target");
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--profile", "demo"])
        .args(["--package", package])
        .current_dir(files::root())
        .env("CARGO_TARGET_DIR", &target)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "{package} did not build");
    Ok(Command::new(target.join("demo").join(package)))
}

/// The driver, built for x64 and examined.
pub(crate) fn driver() -> Result<PathBuf> {
    let images = image::checked_images(&[Arch::X64])?;
    let driver = images.first().context("no image was built")?;
    Ok(driver.sys.clone())
}

/// Runs it. Its failure is this program's: the exit status is passed on, and what it was about has been
/// said.
pub(crate) fn run(program: &mut Command) -> Result<()> {
    let status = program
        .status()
        .with_context(|| format!("cannot run {}", program.get_program().display()))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => std::process::exit(code),
        None => anyhow::bail!(
            "{} was ended by a signal: {status}",
            program.get_program().display()
        ),
    }
}

/// Runs it to its end in place of this program where the host can do that, so that a signal for the end reaches it alone
/// and the shell waits for it.
pub(crate) fn run_in_place(program: &mut Command) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;

        // It returns only if there is nothing to run.
        let error = program.exec();
        Err(error).with_context(|| format!("cannot run {}", program.get_program().display()))
    }
    #[cfg(not(unix))]
    run(program)
}
