//! Runs the built driver without Windows, and watches it.
//!
//! The crate maps a native x86-64 `.sys` into a Linux process, binds its imports to functions of its
//! own and plays ntoskrnl, the filter manager, the I/O manager and a file system that clones blocks.
//! The machine code that ships is the machine code that runs. It is an instrument: stricter than
//! Windows, never softer, and what it does not model it refuses aloud ([`verifier`]).
//!
//! Start at [`Machine`]: boot, mount, load a driver, run modelled processes, unload, shut down.
//! `ntos` and `fltmgr` hold one file per kernel API family, `io` the way of a request, `volume` the
//! file system; `boundary` and `image` are the only places with unsafe code.
//!
//! Elsewhere than on Linux on x86-64 the crate is empty.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

pub mod boundary;
mod cost;
pub mod fltmgr;
pub mod image;
pub mod injection;
pub mod io;
mod loader;
pub mod machine;
pub mod ntos;
mod preemption;
pub mod process;
pub mod standstill;
pub mod status;
mod symbols;
pub mod thread;
pub mod verifier;
pub mod volume;

pub use cost::Cost;
pub use image::ImageError;
pub use injection::{Chosen, Injection, Site};
pub use loader::{LoadError, UnloadError};
pub use machine::{BootOptions, Machine, Summary};
pub use ntos::registry::{Blocked, DriverState, RegistryValue};
pub use ntos::time::ClockSource;
pub use preemption::{Held, Place, Preempted};
pub use process::{Bitness, Process, ProcessSpec};
pub use status::NtStatus;
pub use symbols::Symbols;
pub use thread::{KernelThread, Thread, UserThread};
pub use verifier::{Rule, Violation};
