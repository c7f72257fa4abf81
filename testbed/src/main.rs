//! The program `testbed`: runs a built driver without Windows.
//!
//! `testbed demo` is the main job: real files are cloned on a modelled volume under the eyes of the
//! shipped driver, and what it reports is compared with what was done. `testbed serve` lets the driver
//! see a load of clones and offers its port on a socket, for programs to connect to. `testbed faults` lets what the
//! driver asks of the kernel fail, each call in turn; `testbed soak` does everything at once.
#![forbid(unsafe_code)]

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod command;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod demo;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod faults;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod serve;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod soak;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn main() -> std::process::ExitCode {
    command::main()
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn main() -> std::process::ExitCode {
    eprintln!(
        "error: the test-bed runs on Linux on x86-64 only: the driver's machine code is for it"
    );
    std::process::ExitCode::FAILURE
}
