//! Compares the declarations of flt-sys with what other projects say about the same ABI.
//!
//! `wine` asks a C compiler about the kernel headers of Wine; `windows_sys` asks the crate generated from
//! the Windows metadata; `imports` holds the list of imports against the declarations; `coverage` sees to
//! it that no structure, constant or import goes without a referee unless a list here says so and why.

mod coverage;
mod imports;
mod windows_sys;
mod wine;
