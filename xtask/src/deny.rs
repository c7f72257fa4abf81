//! `deny`: what the crates that others wrote may be: their licences, their number, where they come from (`deny.toml`).
//!
//! cargo-deny decides. The database of advisories is a repository on GitHub, so looking into it is asked for apart.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::{files, program};

/// Options of the check.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Look for advisories too, in a database that is fetched from GitHub
    #[arg(long)]
    advisories: bool,
}

/// Checks.
pub(crate) fn run(options: &Options) -> Result<()> {
    let asked = Command::new("cargo").args(["deny", "--version"]).output();
    let is_there = asked.is_ok_and(|answer| answer.status.success());
    ensure!(
        is_there,
        "cargo-deny is missing: cargo install --locked cargo-deny"
    );
    let mut deny = Command::new("cargo");
    deny.current_dir(files::root())
        .args(["deny", "check", "licenses", "bans", "sources"]);
    if options.advisories {
        deny.arg("advisories");
    }
    program::run(&mut deny)
}
