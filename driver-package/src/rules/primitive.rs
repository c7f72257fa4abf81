//! What makes the package a primitive driver, one that belongs to no device.

use super::when;
use crate::inf::Inf;
use crate::install::{self, PARAMETERS_BUILD, Promise, Range, UNINSTALL};
use crate::problem::Problem;

/// The architectures that Windows 11 runs on and the driver is built for.
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

pub(super) fn manufacturer(inf: &Inf) -> Vec<Problem> {
    when(inf.section("Manufacturer").is_some(), || {
        "[Manufacturer] and [DefaultInstall] cannot both be there".to_owned()
    })
}

pub(super) fn class_install(inf: &Inf) -> Vec<Problem> {
    let sections = inf.sections().iter();
    let theirs = sections.filter(|section| {
        section
            .name
            .to_ascii_lowercase()
            .starts_with("classinstall32")
    });
    theirs
        .map(|section| {
            let what = format!("[{}] is not for a class of Microsoft's", section.name);
            Problem::at(section.number, what)
        })
        .collect()
}

/// The ranges that can be understood; the others are [`decorations`]' business.
fn known(inf: &Inf) -> Vec<Range> {
    install::ranges(inf).unwrap_or_default()
}

/// "[DefaultInstall] sections must be architecture decorated, and no undecorated versions may be present."
pub(super) fn decorations(inf: &Inf) -> Vec<Problem> {
    let both = [install::ranges(inf), install::beginning(inf, UNINSTALL)];
    let mut wrong = Vec::new();
    for ranges in both {
        match ranges {
            Err(problem) => wrong.push(problem),
            Ok(ranges) => wrong.extend(ranges.iter().filter_map(undecorated)),
        }
    }
    wrong
}

fn undecorated(range: &Range) -> Option<Problem> {
    let architecture = range.architecture.as_deref();
    let is_known = architecture.is_some_and(|name| ARCHITECTURES.contains(&name));
    (!is_known).then(|| {
        Problem::whole(format!(
            "[{}] is decorated with no architecture of ours",
            range.section
        ))
    })
}

/// "[DefaultUninstall] may not be present", but with `LegacyUninstall=1` for Windows before 10 1903, and so not in
/// the newer range.
pub(super) fn uninstall(inf: &Inf) -> Vec<Problem> {
    let ranges = install::beginning(inf, UNINSTALL).unwrap_or_default();
    let wrong = ranges.iter().filter(|range| {
        let section = inf.section(&range.section);
        let legacy = section.and_then(|section| section.value("LegacyUninstall"));
        legacy != Some("1") || range.build.is_some()
    });
    wrong
        .map(|range| format!("[{}] needs LegacyUninstall = 1 and no build", range.section))
        .map(Problem::whole)
        .collect()
}

/// Each architecture has the range of the filter managers that look below `Parameters`, and the one before.
pub(super) fn ranges(inf: &Inf) -> Vec<Problem> {
    let ranges = known(inf);
    let mut wrong = when(ranges.is_empty(), || {
        "there is no [DefaultInstall]".to_owned()
    });
    for name in ARCHITECTURES {
        let own = ranges
            .iter()
            .filter(|range| range.architecture.as_deref() == Some(name));
        let mut builds: Vec<_> = own.map(|range| range.build).collect();
        builds.sort_unstable();
        if !builds.is_empty() && builds != [None, Some(PARAMETERS_BUILD)] {
            wrong.push(Problem::whole(format!(
                "{name} needs two ranges, one of them from build {PARAMETERS_BUILD} on"
            )));
        }
    }
    wrong
}

/// Everything that a range installs can be told from the file.
pub(super) fn understood(inf: &Inf) -> Vec<Problem> {
    let ranges = known(inf);
    let ranges = ranges.iter();
    ranges
        .filter_map(|range| Promise::of(inf, range).err())
        .collect()
}
