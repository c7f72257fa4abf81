//! What a driver package says: its INF file, its catalogue, and the digests of its files.
//!
//! [`Inf`](inf::Inf) is an INF file that could be read, [`Promise`](install::Promise) what it installs, and [`rules`] say
//! what is wrong with it, as [`Problem`](problem::Problem)s. [`Catalog`](catalog::Catalog) is read and written; the
//! [`digest`] of a file is what it says of that file. [`stamp`] is the date and the version that both have.
//!
//! Everything here is a function of bytes: it opens no file, runs no program and knows no signature's key. Whoever makes
//! and verifies packages does that (`xtask/src/package`).

#![forbid(unsafe_code)]

pub mod catalog;
pub mod digest;
pub mod inf;
pub mod install;
pub mod problem;
pub mod rules;
pub mod stamp;

/// A decimal number without a sign, which Rust would take.
fn digits<T: core::str::FromStr>(text: &str) -> Option<T> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}
