//! Safe wrappers over the filter manager and the kernel: the only kernel-bound unsafe of the project.
//!
//! A driver implements [`filter::Minifilter`] and names it to [`driver_entry!`]; registration, start
//! and unload are then written once, in [`life`]. One file per kernel subject, each opening with
//! the reason for its unsafe. `docs/soundness.md` argues each of them.
//!
//! Two habits carry most of the soundness. What needs PASSIVE_LEVEL takes a [`irql::Passive`], which
//! is made by asking the kernel, or in the entry points documented to run there. What owns paged memory
//! is not `Send`, and the body run under a [`sync::SpinLock`] must be; text borrowed from such an owner
//! is a plain slice, so that a driver copies it before it takes a lock is a rule, not a type.

// For the model checker and for Miri single files are compiled: flt/tests/orders.
#![cfg(not(any(loom, miri)))]
#![no_std]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::integer_division,
    clippy::let_underscore_must_use,
    clippy::mem_forget,
    clippy::panic,
    clippy::string_slice,
    clippy::todo,
    clippy::unreachable,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;

mod atomics;
pub mod callback;
pub mod census;
pub mod clients;
pub mod file;
pub mod filter;
pub mod fsctl;
pub mod house;
mod image;
pub mod instance;
pub mod irql;
pub mod lending;
pub mod life;
pub mod memory;
pub mod name;
pub mod notify;
pub mod object;
pub mod place;
pub mod port;
pub mod process;
pub mod recheck;
pub mod reentry;
pub mod registry;
pub mod requestor;
pub mod shared;
mod shutdown;
mod slot;
pub mod status;
pub mod subject;
pub mod sync;
mod tables;
pub mod thread;
pub mod time;
pub mod token;
pub mod uuid;
pub mod volume;
pub mod wish;
