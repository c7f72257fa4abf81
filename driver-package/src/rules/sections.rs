//! Sections, and the directives that name them.

use std::collections::BTreeMap;

use crate::inf::Inf;
use crate::problem::Problem;

/// Directives whose values are sections, and of which value on.
const DIRECTIVES: [(&str, usize); 7] = [
    ("CopyFiles", 0),
    ("RenFiles", 0),
    ("DelFiles", 0),
    ("AddReg", 0),
    ("DelReg", 0),
    ("BitReg", 0),
    // After the name of the service and the flags: its section, and one for the event log.
    ("AddService", 2),
];
/// Sections that Windows looks for by name, or by how the name begins.
const KNOWN: [&str; 6] = [
    "version",
    "strings",
    "sourcedisksnames",
    "sourcedisksfiles",
    "destinationdirs",
    "manufacturer",
];
const BEGINNINGS: [&str; 5] = [
    "defaultinstall",
    "defaultuninstall",
    "classinstall32",
    "sourcedisksnames.",
    "sourcedisksfiles.",
];

/// Directives and ends of names of sections that Windows no longer obeys, or only in an INF that is no driver's.
const LEGACY: [&str; 9] = [
    "BitReg",
    "Ini2Reg",
    "LogConfig",
    "ProfileItems",
    "RegisterDlls",
    "RenFiles",
    "UnregisterDlls",
    "UpdateIniFields",
    "UpdateInis",
];
const LEGACY_ENDS: [&str; 3] = [".coinstallers", ".logconfigoverride", ".factdef"];

/// A directive that names a section.
struct Reference<'a> {
    number: usize,
    directive: &'static str,
    section: &'a str,
}

fn references(inf: &Inf) -> Vec<Reference<'_>> {
    let lines = inf.sections().iter().filter(|section| {
        // What stands there are names of files and of sections, which it is not for it to define.
        !KNOWN.contains(&section.name.to_ascii_lowercase().as_str())
    });
    let lines = lines.flat_map(|section| &section.lines);
    lines
        .filter_map(|line| {
            let key = line.key.as_ref()?;
            let known = DIRECTIVES
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(key));
            known.map(|(directive, from)| (line, *directive, *from))
        })
        .flat_map(|(line, directive, from)| {
            let values = line.values.iter().skip(from);
            // A name behind @ is a file.
            let sections = values.filter(|value| !value.is_empty() && !value.starts_with('@'));
            sections.map(move |section| Reference {
                number: line.number,
                directive,
                section,
            })
        })
        .collect()
}

pub(super) fn missing(inf: &Inf) -> Vec<Problem> {
    let references = references(inf).into_iter();
    let missing = references.filter(|reference| inf.section(reference.section).is_none());
    missing
        .map(|reference| {
            let Reference {
                number,
                directive,
                section,
            } = reference;
            let what = format!("{directive} names [{section}], which is not there");
            Problem::at(number, what)
        })
        .collect()
}

pub(super) fn shared(inf: &Inf) -> Vec<Problem> {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let mut shared = Vec::new();
    for Reference {
        number,
        directive,
        section,
    } in references(inf)
    {
        let known = first
            .entry(section.to_ascii_lowercase())
            .or_insert(directive);
        if *known != directive {
            let what = format!("[{section}] is named by {known} and by {directive}");
            shared.push(Problem::at(number, what));
        }
    }
    shared
}

pub(super) fn legacy(inf: &Inf) -> Vec<Problem> {
    let mut found = Vec::new();
    for section in inf.sections() {
        let name = section.name.to_ascii_lowercase();
        if LEGACY_ENDS.iter().any(|end| name.ends_with(end)) {
            let what = format!("[{}]", section.name);
            found.push(Problem::at(section.number, what));
        }
        let lines = LEGACY.iter().flat_map(|directive| section.all(directive));
        found.extend(lines.map(|line| {
            let key = line.key.as_deref().unwrap_or_default();
            Problem::at(line.number, format!("{key} in [{}]", section.name))
        }));
    }
    found
}

/// Who needs a section of another file has to include that file, in the same section.
pub(super) fn included(inf: &Inf) -> Vec<Problem> {
    let needing = inf.sections().iter().filter(|section| {
        section.all("Needs").next().is_some() && section.all("Include").next().is_none()
    });
    needing
        .map(|section| format!("[{}] needs something and includes nothing", section.name))
        .map(Problem::whole)
        .collect()
}

pub(super) fn tokens(inf: &Inf) -> Vec<Problem> {
    let undefined = inf.undefined.iter();
    undefined
        .map(|(number, name)| Problem::at(*number, format!("%{name}% is not defined in [Strings]")))
        .collect()
}

pub(super) fn unused(inf: &Inf) -> Vec<Problem> {
    let references = references(inf);
    let sections = inf.sections().iter();
    let unused = sections.filter(|section| {
        let name = section.name.to_ascii_lowercase();
        let is_known = KNOWN.contains(&name.as_str())
            || BEGINNINGS.iter().any(|begin| name.starts_with(begin));
        !is_known
            && !references
                .iter()
                .any(|reference| reference.section.eq_ignore_ascii_case(&name))
    });
    unused
        .map(|section| Problem::at(section.number, format!("nothing uses [{}]", section.name)))
        .collect()
}
