//! A JSON object in each line, as `cloneguard schema` describes it.

use super::Format;
use crate::Entry;
use std::io;

/// JSON lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jsonl;

impl Format for Jsonl {
    fn begin(&mut self, _out: &mut dyn io::Write) -> io::Result<()> {
        Ok(())
    }

    fn entry(&mut self, entry: &Entry, out: &mut dyn io::Write) -> io::Result<bool> {
        entry.write_json_line(out).map(|()| true)
    }

    fn end(&mut self, _out: &mut dyn io::Write) -> io::Result<()> {
        Ok(())
    }
}
