//! Records in the formats of other programs.
//!
//! A [`Format`] writes entries one by one; nothing is kept in memory. [`Jsonl`] is the JSON of this
//! program, [`Csv`] a table, [`Ecs`] and [`Ocsf`] are schemas that others have published. Each format is
//! a file here, and `cloneguard export` has them by name.

mod csv;
mod document;
pub mod ecs;
mod jsonl;
pub mod ocsf;

pub use csv::{COLUMNS, Csv};
pub use ecs::Ecs;
pub use jsonl::Jsonl;
pub use ocsf::Ocsf;

use crate::Entry;
use std::io;

/// How entries are written.
pub trait Format {
    /// Writes what comes before all entries.
    ///
    /// # Errors
    ///
    /// What the writer reports.
    fn begin(&mut self, out: &mut dyn io::Write) -> io::Result<()>;

    /// Writes an entry. One that the format has no place for is left out; then this is `false`.
    ///
    /// # Errors
    ///
    /// What the writer reports.
    fn entry(&mut self, entry: &Entry, out: &mut dyn io::Write) -> io::Result<bool>;

    /// Writes what comes behind all entries.
    ///
    /// # Errors
    ///
    /// What the writer reports.
    fn end(&mut self, out: &mut dyn io::Write) -> io::Result<()>;
}
