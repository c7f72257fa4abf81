//! All automation of the project, behind `./dev` on Linux and `cargo xtask` anywhere.
//!
//! One module for each job: [`build`] makes driver images, with [`kit`] in place of a WDK;
//! [`image`] judges them.

#![forbid(unsafe_code)]

mod build;
mod files;
mod image;
mod imports;
#[cfg(unix)]
mod kit;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::build::{Arch, Driver};

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
    Build {
        /// Also build the driver that is broken on purpose, for the tests of the test-bed
        #[arg(long)]
        faulty: bool,
    },
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
        Command::Build { faulty } => build(faulty),
    }
}

fn build(faulty: bool) -> Result<()> {
    let mut images = image::checked_images(&[Arch::X64])?;
    if faulty {
        images.extend(build::images(&[Driver::Faulty], &[Arch::X64])?);
    }
    for image in images {
        println!("{}", image.sys.display());
    }
    Ok(())
}
