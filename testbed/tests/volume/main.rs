//! The modelled file system by itself, without kernel, filter manager or driver.
//!
//! The `table` files hold the cases of the public specification and of public test suites;
//! `property` compares with a byte vector; `sharing` is about what clones do to each other; `names`
//! about opens; `threads` about many callers at once. `rig` is what they stand on.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod names;
mod property;
mod rig;
mod sharing;
mod table;
mod table_callers;
mod table_state;
mod threads;
