//! Files: where they come from, and where they go.

use std::collections::BTreeSet;

use super::when;
use crate::inf::{Inf, Section};
use crate::install::{self, DRIVER_STORE, DRIVERS, Promise, Range};
use crate::problem::Problem;

/// What each range installs, as far as it can be told.
pub(super) fn promises(inf: &Inf) -> Vec<(Range, Promise)> {
    let ranges = install::ranges(inf).unwrap_or_default();
    ranges
        .into_iter()
        .filter_map(|range| {
            let promise = Promise::of(inf, &range).ok()?;
            Some((range, promise))
        })
        .collect()
}

/// What `[SourceDisksFiles]` lists: the line's number, the file, the number of its disk.
fn listed(inf: &Inf) -> impl Iterator<Item = (usize, &str, &str)> {
    let lines = inf.section("SourceDisksFiles").map(|s| s.lines.as_slice());
    let lines = lines.unwrap_or_default().iter();
    lines.filter_map(|line| Some((line.number, line.key.as_deref()?, line.get(0))))
}

fn has_disk(disks: Option<&Section>, disk: &str) -> bool {
    disks.is_some_and(|disks| disks.all(disk).next().is_some())
}

/// Every copied file has a source, and every source a disk and a use.
pub(super) fn sources(inf: &Inf) -> Vec<Problem> {
    let promises = promises(inf);
    let files = promises.iter().flat_map(|(_, promise)| &promise.files);
    let copied: BTreeSet<_> = files.map(|file| file.name.to_ascii_lowercase()).collect();
    let sources: BTreeSet<_> = listed(inf)
        .map(|(_, file, _)| file.to_ascii_lowercase())
        .collect();
    let missing = copied.difference(&sources);
    let mut wrong: Vec<_> = missing
        .map(|file| format!("{file} is copied, and [SourceDisksFiles] does not list it"))
        .map(Problem::whole)
        .collect();
    let idle = sources.difference(&copied);
    let idle = idle.map(|file| format!("{file} is listed, and nothing copies it"));
    wrong.extend(idle.map(Problem::whole));
    let disks = inf.section("SourceDisksNames");
    for (number, file, disk) in listed(inf) {
        if !has_disk(disks, disk) {
            let what = format!("{file} is on disk {disk}, which [SourceDisksNames] does not list");
            wrong.push(Problem::at(number, what));
        }
    }
    wrong
}

/// What the plain sections list is all there is.
pub(super) fn decorated(inf: &Inf) -> Vec<Problem> {
    install::decorated_sources(inf)
        .map(|section| {
            let what = "is for one architecture, which is not understood here";
            Problem::at(section.number, format!("[{}] {what}", section.name))
        })
        .collect()
}

pub(super) fn twice(inf: &Inf) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let again = listed(inf).filter(|(_, file, _)| !seen.insert(file.to_ascii_lowercase()));
    again
        .map(|(number, file, _)| Problem::at(number, format!("{file} is listed twice")))
        .collect()
}

/// Directory 13 is the rule of driver package isolation. /h lets 12 pass for the time being, so only older Windows may
/// have it (`devtest/infverif_h`).
pub(super) fn directories(inf: &Inf) -> Vec<Problem> {
    let mut wrong = Vec::new();
    for (range, promise) in promises(inf) {
        let is_allowed = |directory| {
            directory == DRIVER_STORE || directory == DRIVERS && !range.has_parameters()
        };
        let files = promise
            .files
            .iter()
            .filter(|file| !is_allowed(file.directory));
        wrong.extend(files.map(|file| {
            Problem::whole(format!(
                "[{}] copies {} to directory {}",
                range.section, file.name, file.directory
            ))
        }));
    }
    wrong
}

/// The service runs a file that was copied, from where it was copied to.
pub(super) fn binary(inf: &Inf) -> Vec<Problem> {
    let promises = promises(inf);
    let wrong = promises.iter().flat_map(|(range, promise)| {
        let (directory, name) = &promise.service.binary;
        let is_copied = promise
            .files
            .iter()
            .any(|file| file.directory == *directory && file.name.eq_ignore_ascii_case(name));
        when(!is_copied, || {
            format!(
                "[{}] runs %{directory}%\\{name}, which it does not copy",
                range.section
            )
        })
    });
    wrong.collect()
}
