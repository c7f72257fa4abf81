//! The command line of the program.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{demo, faults, serve, soak};

#[derive(Parser)]
#[command(
    name = "testbed",
    about = "Runs a built driver without Windows",
    version
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Clone real files on a modelled volume under the eyes of the driver, and check what it records
    Demo(demo::Options),
    /// Run the driver under a load of clones, and offer its port on a socket
    Serve(serve::Options),
    /// Let each call of the kernel fail that can, alone and in pairs, and see what comes of it
    Faults(faults::Options),
    /// Everything at once, at random, for as long as one likes
    Soak(soak::Options),
}

/// Parses the command line and runs. Status 0: all is well; 1: not, or the run was not possible; 2: the
/// command line is wrong; 86: the driver broke a rule of the kernel and the run was stopped.
pub(crate) fn main() -> ExitCode {
    let ended = match Arguments::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Faults(options) => faults::run(&options),
        Command::Soak(options) => soak::run(&options),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
