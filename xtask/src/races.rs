//! `races`: the threads that race against the driver in `./dev test`, for longer, and the moments at which one is held, all of them.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::{files, program};

/// How many times as long, for the tests.
const LONGER: &str = "CLONEGUARD_RACES";
/// Tells tests of the test-bed where the image is.
const IMAGE: &str = "CLONEGUARD_IMAGE";

/// The modules with what runs for longer.
const GROUPS: [&str; 2] = ["moments::", "races::"];

/// Options of the races.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many times as long as in ./dev test: 200 is a million swaps of a handle
    #[arg(default_value_t = 200)]
    times: u64,
    /// Only tests whose name has this in it: races::volumes, moments
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// Builds the driver and lets threads race.
pub(crate) fn run(options: &Options) -> Result<()> {
    let image = program::driver()?;
    let listed = listed()?;
    let names = chosen(&listed, options.only.as_deref().unwrap_or_default());
    ensure!(!names.is_empty(), "no race has that in its name");
    let mut tests = tests();
    tests
        .env(IMAGE, image)
        .env(LONGER, options.times.to_string())
        .args(["--exact", "--test-threads=1"])
        .args(names);
    program::run(&mut tests)
}

/// The tests of the driver; options of the harness may follow.
fn tests() -> Command {
    let mut tests = Command::new("cargo");
    tests
        .current_dir(files::root())
        .env("CARGO_PROFILE_DEV_PANIC", "unwind")
        .args(["test", "--package", "testbed", "--test", "driver", "--"]);
    tests
}

/// What the harness has, a line each.
fn listed() -> Result<String> {
    let listed = tests()
        .args(["--list", "--format", "terse"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(listed.status.success(), "the tests did not build");
    Ok(String::from_utf8(listed.stdout)?)
}

/// The names among them that are meant.
fn chosen<'l>(listed: &'l str, only: &str) -> Vec<&'l str> {
    let tests = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"));
    let is_meant = |name: &&str| GROUPS.iter().any(|group| name.starts_with(group));
    tests
        .filter(is_meant)
        .filter(|name| name.contains(only))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn races_and_moments_are_chosen_by_what_is_in_their_names() {
        let listed = "moments::volumes::a: test\nraces::volumes::b: test\nunload::races: test\n";
        assert_eq!(
            chosen(listed, ""),
            ["moments::volumes::a", "races::volumes::b"]
        );
        assert_eq!(chosen(listed, "moments"), ["moments::volumes::a"]);
        assert_eq!(chosen(listed, "races::vol"), ["races::volumes::b"]);
        assert!(chosen(listed, "unload").is_empty());
    }
}
