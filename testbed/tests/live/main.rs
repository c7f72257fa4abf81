//! The programs together: `testbed serve` with the shipped driver under load, and `cloneguard` at its socket.
//!
//! [`rig`] starts and signals them, [`kept`] reads the journal that is left. Nothing here waits for a time to pass:
//! a test waits until something is there, and the limit is only that of a test that hangs.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "../shared/driver_image.rs"]
mod driver_image;
mod hostile;
mod kept;
mod kill;
mod manners;
mod rig;
