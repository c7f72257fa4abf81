//! The program `cloneguard`. What it does is in the library; this is its front: see `cli.rs`.
#![forbid(unsafe_code)]
// They panic where nobody reads: `screen::say` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
