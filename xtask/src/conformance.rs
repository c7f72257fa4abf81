//! `conformance`: builds the driver and the cases, and hands over to the program `conformance`.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::program;

/// Where the program looks for the driver (tests/src/stages.rs).
const IMAGE: &str = "CLONEGUARD_IMAGE";

/// The words for the program.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// What the program is to do: list, run, property, or help
    #[arg(
        value_name = "ARGUMENTS",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        default_value = "run"
    )]
    arguments: Vec<String>,
}

/// The program's status for "a stage cannot run": 1 would say that a case failed.
const CANNOT_RUN: u8 = 3;

/// The stage that runs without the driver.
const BARE: &str = "bare";

/// Runs the program; without words it runs every case on every stage. What keeps it from running is said here.
pub(crate) fn run(options: &Options) -> ExitCode {
    status(hand_over(&options.arguments))
}

fn status(ended: Result<()>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

fn hand_over(arguments: &[String]) -> Result<()> {
    let mut conformance = program::built("conformance")?;
    if needs_driver(arguments) {
        if is(arguments, "run") {
            // A wrong word shows before the driver is built.
            let mut check = Command::new(conformance.get_program());
            program::run(check.args(arguments).arg("--dry-run"))?;
        }
        conformance.env(IMAGE, program::driver()?);
    }
    program::run(conformance.args(arguments))
}

/// Whether this is the program's subcommand.
fn is(arguments: &[String], name: &str) -> bool {
    arguments.first().is_some_and(|word| word == name)
}

/// Whether something is run, and with the driver of this tree.
fn needs_driver(arguments: &[String]) -> bool {
    let is_run = is(arguments, "run") || is(arguments, "property");
    let has = |name: &str| {
        let with_value = format!("{name}=");
        let is_it = |word: &String| word == name || word.starts_with(&with_value);
        arguments.iter().any(is_it)
    };
    let does_nothing = has("--help") || has("-h") || has("--dry-run");
    is_run && !has("--image") && !does_nothing && !is_bare_alone(arguments)
}

/// Whether stages are named, and all of them are the one without the driver.
fn is_bare_alone(arguments: &[String]) -> bool {
    let next = arguments.iter().skip(1).map(String::as_str).chain([""]);
    let stages = arguments.iter().zip(next).filter_map(|(word, next)| {
        let joined = word.strip_prefix("--stage=");
        joined.or_else(|| (word == "--stage").then_some(next))
    });
    let mut stages = stages.peekable();
    stages.peek().is_some() && stages.all(|stage| stage == BARE)
}

#[cfg(test)]
mod tests {
    use super::{CANNOT_RUN, ExitCode, needs_driver, status};

    #[test]
    fn a_failed_build_is_not_a_failed_case() {
        let failed = status(Err(anyhow::anyhow!("conformance did not build")));
        assert_eq!(failed, ExitCode::from(CANNOT_RUN));
        assert_eq!(status(Ok(())), ExitCode::SUCCESS);
    }

    #[test]
    fn the_driver_is_built_for_runs_with_it_and_without_another_image() {
        for (line, expected) in [
            ("run", true),
            ("run --stage bare", false),
            ("run --stage=bare --case zero.*", false),
            ("run --stage bare --stage observe", true),
            ("run --stage=policy", true),
            ("property --requests 1000", true),
            ("property --image other.sys", false),
            ("run --case bare", true),
            ("run --image other.sys", false),
            ("run --image=other.sys", false),
            ("run --help", false),
            ("run --dry-run", false),
            ("list --json", false),
            ("", false),
        ] {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(needs_driver(&words), expected, "{line}");
        }
    }
}
