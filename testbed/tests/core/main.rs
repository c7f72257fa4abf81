//! The loader, the call boundary and the modelled kernel, driven by a real image: what a well-behaved
//! driver may rely on, what the loader refuses, and how each broken rule stops the run.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "../shared/fault.rs"]
mod fault;
mod faults;
mod good;
mod image;
mod load;
