//! The program `caller`: reads calls from standard input, answers on standard output.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Standard input or output broke.
const BROKEN: u8 = 1;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(BROKEN)
        }
    }
}

#[cfg(windows)]
fn run() -> std::io::Result<()> {
    let local = caller::Local::default();
    caller::serve(std::io::stdin().lock(), std::io::stdout().lock(), &local)
}

#[cfg(not(windows))]
fn run() -> std::io::Result<()> {
    Err(std::io::Error::other(
        "it calls Windows, and this is another system",
    ))
}
