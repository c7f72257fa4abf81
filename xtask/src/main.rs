//! All automation of the project, behind `./dev` on Linux and `cargo xtask` anywhere.
//!
//! One module for each job: [`build`] makes driver images, with [`kit`] in place of a WDK;
//! [`image`] judges them; [`test`](mod@test) runs everything that decides whether a change is good, [`lint`] the
//! rules of the house.

#![forbid(unsafe_code)]

mod build;
mod demo;
mod files;
mod image;
mod imports;
#[cfg(unix)]
mod kit;
mod lint;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::build::Arch;

#[derive(Parser)]
#[command(
    name = "./dev",
    bin_name = "./dev",
    about = "Build, examine, test and demonstrate CloneGuard",
    version
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the driver for x64 and ARM64 and check both images against the image rules
    Image,
    /// Build the driver for x64 and print where the image is
    Build,
    /// Clone real files in the test-bed under the eyes of the driver, and check what it records
    Demo(demo::Options),
    /// Formats, lints, all tests, image rules
    Test,
    /// The rules of the house that no compiler knows
    Lint,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Image => image::build_and_report(),
        Command::Build => build(),
        Command::Demo(options) => demo::run(&options),
        Command::Test => test::run(),
        Command::Lint => lint::run(),
    }
}

fn build() -> Result<()> {
    for image in image::checked_images(&[Arch::X64])? {
        println!("{}", image.sys.display());
    }
    Ok(())
}
