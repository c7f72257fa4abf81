//! The program `cloneguard`: so far, policies. What it does is in the library; this is its front.
//!
//! `cli.rs` has the commands with their help, `cli/files.rs` what is read and written.
#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
