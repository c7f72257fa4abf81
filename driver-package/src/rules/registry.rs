//! What is written to the registry, and what is deleted.

use std::collections::{BTreeMap, BTreeSet};

use super::files::promises;
use crate::inf::{Inf, Line, Section};
use crate::install::{UNINSTALL, number};
use crate::problem::Problem;

/// `FLG_ADDREG_APPEND`
/// <https://learn.microsoft.com/windows-hardware/drivers/install/inf-addreg-directive>
const APPEND: u32 = 0x0000_0008;
/// Directives that delete something.
const DELETING: [&str; 3] = ["DelFiles", "DelReg", "DelService"];

/// The lines of all sections that `directive` names anywhere, each once.
fn lines<'a>(inf: &'a Inf, directive: &'a str) -> impl Iterator<Item = &'a Line> {
    let directives = inf.sections().iter().flat_map(move |s| s.all(directive));
    let names = directives.flat_map(|line| &line.values);
    let names: BTreeSet<_> = names.map(|name| name.to_ascii_lowercase()).collect();
    let sections = inf.sections().iter();
    let named = sections.filter(move |own| names.contains(&own.name.to_ascii_lowercase()));
    named.flat_map(|section| &section.lines)
}

/// The one root is that of the service itself: anything else outlives the package.
pub(super) fn relative(inf: &Inf) -> Vec<Problem> {
    let all = lines(inf, "AddReg").chain(lines(inf, "DelReg"));
    let absolute = all.filter(|line| !line.get(0).eq_ignore_ascii_case("HKR"));
    absolute
        .map(|line| Problem::at(line.number, format!("{} instead of HKR", line.get(0))))
        .collect()
}

/// Two lines that give one value different data: which of them holds?
pub(super) fn contradictions(inf: &Inf) -> Vec<Problem> {
    let mut wrong = Vec::new();
    for (range, promise) in promises(inf) {
        let mut first = BTreeMap::new();
        for later in &promise.service.settings {
            let name = [&later.key, &later.name].map(|name| name.to_ascii_lowercase());
            if *first.entry(name).or_insert(&later.data) != &later.data {
                wrong.push(Problem::whole(format!(
                    "[{}] gives {} of \"{}\" twice",
                    range.section, later.name, later.key
                )));
            }
        }
    }
    wrong
}

/// "Registry state that is provisioned by the INF for driver and Win32 services should be stored under the "Parameters"
/// subkey". The filter managers of the older range find nothing there.
pub(super) fn parameters(inf: &Inf) -> Vec<Problem> {
    let mut wrong = Vec::new();
    for (range, promise) in promises(inf) {
        let settings = promise.service.settings.iter();
        let outside = settings.filter(|setting| {
            let first = setting.key.split('\\').next().unwrap_or_default();
            range.has_parameters() && !first.eq_ignore_ascii_case("Parameters")
        });
        wrong.extend(outside.map(|setting| {
            Problem::whole(format!(
                "[{}]: {} of \"{}\" is not below Parameters",
                range.section, setting.name, setting.key
            ))
        }));
    }
    wrong
}

pub(super) fn appended(inf: &Inf) -> Vec<Problem> {
    let appends = |line: &&Line| number(line.get(3)).is_some_and(|flags| flags & APPEND != 0);
    let lines = lines(inf, "AddReg").filter(appends);
    lines
        .map(|line| Problem::at(line.number, "appends to a value"))
        .collect()
}

/// Windows undoes a primitive driver's installation by itself.
pub(super) fn deleted(inf: &Inf) -> Vec<Problem> {
    let is_legacy = |section: &&Section| {
        let name = section.name.to_ascii_lowercase();
        name.starts_with(&UNINSTALL.to_ascii_lowercase())
    };
    let sections = inf.sections().iter().filter(|section| !is_legacy(section));
    let wrong = sections.flat_map(|section| {
        let lines = DELETING.iter().flat_map(|directive| section.all(directive));
        lines.map(|line| Problem::at(line.number, format!("[{}] deletes something", section.name)))
    });
    wrong.collect()
}
