//! A report for people.

use super::Limits;
use super::report::{FileReport, LineageReport, Relation, RootReport};
use crate::table::{byte_size, printable};
use core::fmt;
use std::collections::HashMap;

impl fmt::Display for LineageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.files.is_empty() {
            return writeln!(f, "no clone of this file that went well is in the journal");
        }
        for root in &self.files {
            root.fmt_tree(f)?;
            writeln!(f)?;
        }
        self.limits.fmt_open(f)
    }
}

impl RootReport {
    fn fmt_tree(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", name(&self.file))?;
        let key = &self.file.key;
        writeln!(f, "file id {}, volume {}", key.id, key.volume)?;
        let is_now = |relation: &&Relation| relation.shared_now > 0;
        let now = self.shares.iter().filter(is_now).count();
        let earlier = self.shares.len() - now;
        writeln!(
            f,
            "shares blocks with {now} files, shared some with {earlier} more"
        )?;
        let last = self.last_below();
        for (place, relation) in self.shares.iter().enumerate() {
            writeln!(f, "{}{}", self.branches(place, &last), line(relation))?;
        }
        Ok(())
    }

    /// The last relation below each, and below the root.
    fn last_below(&self) -> HashMap<Option<usize>, usize> {
        let places = self.shares.iter().enumerate();
        places
            .map(|(place, relation)| (relation.parent, place))
            .collect()
    }

    /// The branches from the files above to this one.
    fn branches(&self, place: usize, last: &HashMap<Option<usize>, usize>) -> String {
        let mut pieces = Vec::new();
        let mut at = Some(place);
        while let Some(here) = at {
            let parent = self.shares.get(here).and_then(|relation| relation.parent);
            let is_last = last.get(&parent) == Some(&here);
            pieces.push(match (here == place, is_last) {
                (true, false) => "├─ ",
                (true, true) => "└─ ",
                (false, false) => "│  ",
                (false, true) => "   ",
            });
            at = parent;
        }
        pieces.reverse();
        pieces.concat()
    }
}

/// What is said of a relation.
fn line(relation: &Relation) -> String {
    let clone = &relation.clone;
    let way = if relation.has_received { "got" } else { "gave" };
    let bytes = |count: u64| byte_size(i64::try_from(count).unwrap_or(i64::MAX));
    let shared = if relation.shared_now > 0 {
        format!("{} shared", bytes(relation.shared_now))
    } else {
        "no longer shared".to_owned()
    };
    let image = clone.image.as_deref().unwrap_or("(unknown)");
    let image = image.rsplit('\\').next().unwrap_or(image);
    let (name, count) = (name(&relation.file), bytes(clone.byte_count));
    let (clones, first, image) = (clone.clones, clone.first_time, printable(image));
    let plural = if clones == 1 { "" } else { "s" };
    format!("{name}: {way} {count} in {clones} clone{plural} from {first} by {image}; {shared}")
}

/// The latest name of a file, or its id.
fn name(file: &FileReport) -> String {
    let id = || format!("(file {} without a name)", file.key.id);
    file.names.last().map_or_else(id, |name| printable(name))
}

impl Limits {
    fn fmt_open(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "What the journal cannot tell:")?;
        writeln!(
            f,
            "  whether a file was written to, cut or deleted since: its blocks part then"
        )?;
        let Some(since) = self.since else {
            return Ok(());
        };
        for (count, what) in [
            (self.lost_records, "records were lost"),
            (self.gaps, "times the driver told of losses"),
            (
                self.summarised,
                "requests are told of in summaries only, without their files",
            ),
            (
                self.unknown_ends,
                "clones have no known end, and count as none",
            ),
            (self.without_id, "clones name a file without an id"),
            (
                self.other_codes,
                "requests of other kinds share blocks too, in ranges not recorded",
            ),
        ] {
            if count > 0 {
                writeln!(f, "  {count} {what} (since {since})")?;
            }
        }
        Ok(())
    }
}
