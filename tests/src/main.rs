//! The program `conformance`: lists the cases, and runs them on the stages of this machine.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    conformance::program::main()
}
