//! `serve`: builds the driver, the test-bed and the tool, and lets the driver run until somebody ends it.

use std::path::PathBuf;

use anyhow::Result;

use crate::{files, program};

/// Options of the server; `testbed serve` has the same.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The socket to listen on; one below target/ without it
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// How many requests a second; 0 is as many as there can be
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// What the load is drawn from
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// End after so many seconds; without it Ctrl-C ends
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// The policy in force, compiled; without it one that refuses, flags and passes
    #[arg(long, value_name = "BLOB")]
    policy: Option<PathBuf>,
    /// Load this image instead of the driver that is built from the sources
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
}

/// Runs the server. Its failure is this program's: the exit status is passed on, and what it was about has
/// been said.
pub(crate) fn run(options: &Options) -> Result<()> {
    let image = options.image.clone().map_or_else(program::driver, Ok)?;
    let tool = program::built("cloneguard")?;
    let mut serve = program::built("testbed")?;
    let beside = || files::root().join("target/serve.socket");
    let socket = options.socket.clone().unwrap_or_else(beside);
    let tool = tool.get_program().display().to_string();
    println!("In another terminal:\n");
    for command in ["watch", "status"] {
        println!("    {tool} {command} --socket {}", socket.display());
    }
    println!();
    serve.arg("serve").arg("--image").arg(&image);
    serve.arg("--socket").arg(&socket);
    let numbers = [
        ("--rate", options.rate.map(u64::from)),
        ("--seed", options.seed),
        ("--seconds", options.seconds),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            serve.arg(name).arg(number.to_string());
        }
    }
    if let Some(policy) = &options.policy {
        serve.arg("--policy").arg(policy);
    }
    program::run_in_place(&mut serve)
}
