//! The program `cloneguard`. What it does is in the library; this is its front: see `cli.rs`.
#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
