//! Where the date and the version of a package come from, if nobody gives them.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use driver_package::stamp::{self, Date, Stamp, Version};

use crate::build::Arch;
use crate::files;

/// Where StampInf takes the date and the version from, too.
pub(super) const DATE_VARIABLE: &str = "STAMPINF_DATE";
pub(super) const VERSION_VARIABLE: &str = "STAMPINF_VERSION";

/// The day on which the commit that is checked out was made, in universal time, as Inf2Cat reads a date.
pub(super) fn date_of_commit() -> Result<Date> {
    let git = Command::new("git")
        .current_dir(files::root())
        .env("TZ", "UTC")
        .args(["log", "-1", "--date=format-local:%m/%d/%Y", "--format=%cd"])
        .output();
    let output = git.context("cannot run git to find the date of the commit: give --date")?;
    ensure!(
        output.status.success(),
        "git does not tell the date of the commit (give --date): {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
}

/// The version of the workspace, which is that of the image's resource.
pub(super) fn version_of_workspace() -> Result<Version> {
    Ok(concat!(env!("CARGO_PKG_VERSION"), ".0").parse()?)
}

/// What decorations call an architecture.
pub(super) fn decoration(arch: Arch) -> &'static str {
    match arch {
        Arch::X64 => "amd64",
        Arch::Arm64 => "arm64",
    }
}

/// The INF file of an INX file.
pub(super) fn inf(inx: &str, arch: Arch, stamp: Stamp) -> Result<String> {
    Ok(stamp::inf(inx, decoration(arch), stamp)?)
}
