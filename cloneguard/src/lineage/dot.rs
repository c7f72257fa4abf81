//! A report as a graph for Graphviz.

use super::report::{LineageReport, RootReport};
use crate::table::byte_size;
use core::fmt::{self, Write as _};
use std::collections::BTreeSet;

impl LineageReport {
    /// The report in the DOT language: a node for each file, an edge for the clones from one to another.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut text = String::from("digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n");
        for root in &self.files {
            // Writing to a string cannot fail.
            let _: fmt::Result = root.write_dot(&mut text);
        }
        text.push_str("}\n");
        text
    }
}

impl RootReport {
    fn write_dot(&self, out: &mut String) -> fmt::Result {
        let relations = self.shares.iter().map(|relation| (&relation.file, ""));
        for (file, style) in relations.chain([(&self.file, ", style=bold")]) {
            let key = &file.key;
            let node = Quoted(&[&key.volume, &key.id, &key.stream]);
            let name = file.names.last().map_or("", String::as_str);
            writeln!(out, "  {node} [label={}{style}];", Quoted(&[name, &key.id]))?;
        }
        let mut edges = BTreeSet::new();
        for clone in &self.clones {
            if !edges.insert((&clone.source, &clone.target)) {
                continue;
            }
            let (source, target) = (&clone.source, &clone.target);
            let source = Quoted(&[&source.volume, &source.id, &source.stream]);
            let target = Quoted(&[&target.volume, &target.id, &target.stream]);
            let bytes = byte_size(i64::try_from(clone.byte_count).unwrap_or(i64::MAX));
            writeln!(
                out,
                "  {source} -> {target} [label=\"{bytes}, {} clones\"];",
                clone.clones
            )?;
        }
        Ok(())
    }
}

/// Texts in lines as one string of DOT, in which only the quote and what escapes it mean anything.
struct Quoted<'t>(&'t [&'t str]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for (number, text) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\\n")?;
            }
            for character in crate::table::printable(text).chars() {
                if matches!(character, '"' | '\\') {
                    f.write_char('\\')?;
                }
                f.write_char(character)?;
            }
        }
        f.write_char('"')
    }
}
