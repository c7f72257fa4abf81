//! Requests to the file systems of Windows through ntdll, and a process of its own that sends them.
//!
//! [`Call`] is what can be asked for and [`Reply`] what comes of it, both as lines of JSON. `local` does it in this
//! process, by the calls of `nt`, the one module with unsafe code. [`serve`] does it for another process: the program of
//! this package, built for 32 bits, is the 32-bit caller of the cases (`tests/src/harness`).
//!
//! It depends on nothing of the project: `guard` is 64-bit code, and this is not.

#[cfg(windows)]
mod local;
#[cfg(windows)]
pub mod nt;
mod protocol;

#[cfg(windows)]
pub use local::Local;
pub use protocol::{Answer, Call, Caller, Opened, Reply, serve};
