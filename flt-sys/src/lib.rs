//! The filter manager's ABI, declared by hand: types, constants and imports that `wdk-sys` lacks.
//!
//! Little more than what `flt` uses, under the C names, one file a family. Nothing here runs. Sizes and field offsets
//! are asserted when the crate compiles ([`LAYOUTS`]); `tests/` compares them with headers of other
//! projects. Every imported name stands once, in an `imports!` table, with the Windows version that
//! introduced it and its highest IRQL ([`IMPORTS`]); `imports.txt` is the same list for tools that read
//! the finished image.
//!
//! Types and tables build on any 64-bit host; the imports exist on Windows targets only. `flt` is the
//! one crate that may depend on this one.
//!
//! Source of the facts: the Windows driver documentation, `learn.microsoft.com/windows-hardware/drivers/ddi`,
//! page `fltkernel/nf-fltkernel-<function>` and relatives, unless an item names another.

#![no_std]
#![expect(
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    reason = "C names are kept, so that every item is found in the documentation under its own name"
)]
#![cfg_attr(
    windows,
    expect(
        unsafe_code,
        reason = "foreign declarations, which the lint counts; no unsafe block"
    )
)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("flt-sys declares the 64-bit layouts only: build for a 64-bit target");

#[macro_use]
mod imports;

pub mod callback;
pub mod context;
pub mod file;
mod layout;
pub mod name;
pub mod nt;
pub mod port;
pub mod process;
pub mod registration;
pub mod registry;
pub mod types;
pub mod volume;

pub use imports::{IMPORTS, Import, Irql};
pub use layout::{FieldLayout, LAYOUTS, Layout};
