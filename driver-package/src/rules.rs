//! The rules for the INF file: those of InfVerif that are documented and apply, and those for minifilters.
//!
//! [`RULES`] is the table; each rule says where it comes from and has a test that breaks it alone. InfVerif itself
//! comes with the WDK and has the last word: on Windows it runs beside these.

mod files;
mod minifilter;
mod primitive;
mod registry;
mod sections;
#[cfg(test)]
mod tests;
mod version;

use core::fmt;

use crate::inf::Inf;
use crate::problem::Problem;

/// "INF Validation Errors and Warnings": the numbers.
const NUMBERS: &str = "devtest/inf-validation-errors-and-warnings";
/// "Creating a new primitive driver".
const PRIMITIVE: &str = "develop/creating-a-primitive-driver";
/// "Creating an INF file for a minifilter driver".
const MINIFILTER: &str = "ifs/creating-an-inf-file-for-a-minifilter-driver";

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// InfVerif's number if it has one, else a word. 1421 is not on the page of numbers, but in the complaints about
    /// Microsoft's own samples (microsoft/Windows-driver-samples#1041).
    pub id: &'static str,
    /// The page below `learn.microsoft.com/windows-hardware/drivers/`.
    pub source: &'static str,
    check: fn(&Inf) -> Vec<Problem>,
}

const fn rule(id: &'static str, source: &'static str, check: fn(&Inf) -> Vec<Problem>) -> Rule {
    Rule { id, source, check }
}

/// In the order of the report.
pub static RULES: [Rule; 32] = [
    rule("1001", NUMBERS, version::signature),
    rule("1204", NUMBERS, version::provider),
    rule("1233", NUMBERS, version::catalog),
    rule("version", PRIMITIVE, version::complete),
    rule(
        "DriverVer",
        "install/inf-driverver-directive",
        version::stamp,
    ),
    rule("1324", NUMBERS, version::lockdown),
    rule("1203", NUMBERS, sections::missing),
    rule("1205", NUMBERS, sections::shared),
    rule("1235", NUMBERS, sections::tokens),
    rule("1300", NUMBERS, sections::legacy),
    rule("1313", NUMBERS, sections::included),
    rule("2083", NUMBERS, sections::unused),
    rule("1212", NUMBERS, primitive::manufacturer),
    rule("1285", NUMBERS, primitive::class_install),
    rule("1421", PRIMITIVE, primitive::decorations),
    rule("LegacyUninstall", PRIMITIVE, primitive::uninstall),
    rule("ranges", MINIFILTER, primitive::ranges),
    rule("install", MINIFILTER, primitive::understood),
    rule("1230", NUMBERS, files::sources),
    rule(
        "source twice",
        "install/inf-sourcedisksfiles-section",
        files::twice,
    ),
    rule(
        "decorated sources",
        "install/inf-sourcedisksfiles-section",
        files::decorated,
    ),
    rule("1322", NUMBERS, files::directories),
    rule("binary", "install/inf-addservice-directive", files::binary),
    rule("1304", NUMBERS, registry::relative),
    rule("1323", NUMBERS, registry::parameters),
    rule("1305", NUMBERS, registry::appended),
    rule("1302", NUMBERS, registry::deleted),
    rule("133x", NUMBERS, registry::contradictions),
    rule("service", MINIFILTER, minifilter::service),
    rule(
        "altitude",
        "ifs/load-order-groups-and-altitudes-for-minifilter-drivers",
        minifilter::altitude,
    ),
    rule("instances", MINIFILTER, minifilter::instances),
    rule(
        "security",
        "install/inf-addservice-directive",
        minifilter::security,
    ),
];

/// A rule that does not hold, and where.
#[derive(Debug)]
pub struct Breach {
    /// The rule.
    pub rule: &'static Rule,
    /// What it found.
    pub problem: Problem,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}): {}",
            self.rule.id, self.rule.source, self.problem
        )
    }
}

/// Everything that is wrong, in the order of the rules.
#[must_use]
pub fn breaches(inf: &Inf) -> Vec<Breach> {
    let rules = RULES.iter();
    rules
        .flat_map(|rule| {
            let found = (rule.check)(inf).into_iter();
            found.map(|problem| Breach { rule, problem })
        })
        .collect()
}

/// One finding, or none.
fn when(is_wrong: bool, what: impl FnOnce() -> String) -> Vec<Problem> {
    if is_wrong {
        vec![Problem::whole(what())]
    } else {
        Vec::new()
    }
}
