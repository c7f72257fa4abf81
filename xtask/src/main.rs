//! All automation of the project, behind `./dev` on Linux and `cargo xtask` anywhere.
//!
//! One module for each job: [`build`] makes driver images, with [`kit`] in place of a WDK;
//! [`image`] judges them; [`package`] makes of them what can be installed; [`test`](mod@test) runs everything that decides whether a change is good, [`lint`] the
//! rules of the house, and [`mutate`] tests the tests.

#![forbid(unsafe_code)]

mod bench;
mod build;
mod conformance;
mod demo;
mod deny;
mod faults;
mod files;
mod fuzz;
mod harness;
mod image;
mod imports;
#[cfg(unix)]
mod kit;
mod lint;
mod miri;
mod mutate;
mod package;
mod program;
mod races;
mod sanitize;
mod serve;
mod soak;
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
    /// Run the driver in the test-bed under a load of clones, with its port on a socket
    Serve(serve::Options),
    /// Run the list of conformance cases on every stage, or list it
    Conformance(conformance::Options),
    /// Let each call of the kernel fail that can, alone and in pairs, and see what comes of it
    Faults(faults::Options),
    /// Feed a target of fuzz/ with what libFuzzer makes up
    Fuzz(fuzz::Options),
    /// Make the driver package for x64 and ARM64, signed for tests, and verify it
    Package(package::Options),
    /// What the driver costs: instructions, calls, bytes, time, beside no filter and one that calls nothing
    Bench(bench::Options),
    /// Everything at once, at random: load, consumers killed, policies, failures, unloads
    Soak(soak::Options),
    /// Threads that race against the driver, for longer than in test
    Races(races::Options),
    /// The tests of the portable members under AddressSanitizer
    Sanitize(sanitize::Options),
    /// The tests of wire, guard and what flt shares without a lock, interpreted by Miri
    Miri(miri::Options),
    /// Licences, versions and sources of other people's crates, by cargo-deny
    Deny(deny::Options),
    /// Formats, lints, all tests, image rules
    Test,
    /// The rules of the house that no compiler knows
    Lint,
    /// Break the guard in one place at a time, in a copy, and see whether a test fails
    Mutate(mutate::Options),
}

fn main() -> ExitCode {
    run(Arguments::parse().command).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> Result<ExitCode> {
    let done = match command {
        Command::Image => image::build_and_report(),
        Command::Build => build(),
        Command::Demo(options) => demo::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Conformance(options) => return Ok(conformance::run(&options)),
        Command::Faults(options) => faults::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Package(options) => package::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Races(options) => races::run(&options),
        Command::Sanitize(options) => sanitize::run(&options),
        Command::Miri(options) => miri::run(&options),
        Command::Deny(options) => deny::run(&options),
        Command::Test => test::run(),
        Command::Lint => lint::run(),
        Command::Mutate(options) => mutate::run(&options),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn build() -> Result<()> {
    for image in image::checked_images(&[Arch::X64])? {
        println!("{}", image.sys.display());
    }
    Ok(())
}
