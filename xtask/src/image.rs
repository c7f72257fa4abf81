//! The image rules: what a driver image must be before anyone is asked to load it.
//!
//! [`facts`] reads an image into plain data, [`version`] its version resource, [`panics`] the calls
//! that can still end in a panic; the table of rules stands here. Every build of the product is
//! checked, and `./dev image` prints the report.

mod facts;
mod identity;
mod panics;
#[cfg(test)]
mod tests;
mod version;

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result, bail};
use object::pe;

use crate::build::{self, Arch, Image};
use crate::files;
use crate::imports::{AllowedImports, FILTER_MANAGER, KERNEL, OLDEST_WINDOWS, is_old_enough};
use facts::Facts;
pub(crate) use identity::settle;

/// Builds the product for both processors and prints the report on both images.
pub(crate) fn build_and_report() -> Result<()> {
    let reports = reports(&build::images(&Arch::ALL)?)?;
    for report in &reports {
        println!("{}", report.text);
    }
    refuse_broken(&reports)
}

/// Builds the product for `arches` and refuses images that break a rule.
pub(crate) fn checked_images(arches: &[Arch]) -> Result<Vec<Image>> {
    let images = build::images(arches)?;
    let reports = reports(&images)?;
    for report in reports.iter().filter(|report| report.breaches > 0) {
        eprintln!("{}", report.text);
    }
    refuse_broken(&reports)?;
    Ok(images)
}

/// Refuses an image that breaks a rule, whoever built it. Of its symbols nothing is known.
pub(crate) fn refuse_broken_bytes(bytes: &[u8], arch: Arch) -> Result<()> {
    let facts = Facts::read(bytes, Vec::new()).context("it is no PE image")?;
    let mut text = String::new();
    match judge(&facts, &Expected::for_arch(arch)?, &mut text) {
        0 => Ok(()),
        breaches => bail!("image rules broken: {breaches}\n{text}"),
    }
}

/// What an image is held against.
struct Expected {
    machine: u16,
    version: String,
    allowed: AllowedImports,
}

impl Expected {
    fn for_arch(arch: Arch) -> Result<Self> {
        Ok(Self {
            machine: match arch {
                Arch::X64 => pe::IMAGE_FILE_MACHINE_AMD64,
                Arch::Arm64 => pe::IMAGE_FILE_MACHINE_ARM64,
            },
            // All packages take the version of the workspace; a resource has four numbers.
            version: concat!(env!("CARGO_PKG_VERSION"), ".0").to_owned(),
            allowed: AllowedImports::read()?,
        })
    }
}

/// One rule: `Ok` says what was found, `Err` what is wrong with it.
struct Rule {
    name: &'static str,
    check: fn(&Facts, &Expected) -> Result<String, String>,
}

/// In the order of the report.
const RULES: [Rule; 12] = [
    Rule {
        name: "machine",
        check: machine,
    },
    Rule {
        name: "subsystem",
        check: subsystem,
    },
    Rule {
        name: "checksum",
        check: checksum,
    },
    Rule {
        name: "imports",
        check: imports,
    },
    Rule {
        name: "oldest Windows",
        check: oldest_windows,
    },
    Rule {
        name: "import table",
        check: import_table,
    },
    Rule {
        name: "sections",
        check: sections,
    },
    Rule {
        name: "alignment",
        check: alignment,
    },
    Rule {
        name: "relocations",
        check: relocations,
    },
    Rule {
        name: "no execute",
        check: no_execute,
    },
    Rule {
        name: "version",
        check: version,
    },
    Rule {
        name: "stack frames",
        check: stack_frames,
    },
];

/// The outcome for one image.
struct Report {
    text: String,
    breaches: usize,
}

fn reports(images: &[Image]) -> Result<Vec<Report>> {
    images.iter().map(report).collect()
}

fn report(image: &Image) -> Result<Report> {
    let path = image.sys.display();
    let bytes = fs::read(&image.sys).with_context(|| format!("cannot read {path}"))?;
    let map = files::read_text(&image.map())?;
    let symbols = panics::symbols(&map);
    let facts = Facts::read(
        &bytes,
        symbols.iter().map(|symbol| symbol.name.clone()).collect(),
    )
    .with_context(|| format!("{path} is no PE image"))?;
    let expected = Expected::for_arch(image.arch)?;
    let shown = image
        .sys
        .strip_prefix(files::root())
        .unwrap_or(&image.sys)
        .display();
    let mut text = format!("{shown}: {} bytes\n", bytes.len());
    let breaches = judge(&facts, &expected, &mut text);
    let calls = panics::remaining(&facts, &symbols);
    let (paths, more) = panics::describe(&calls);
    text.push_str(&paths);
    Ok(Report {
        text,
        breaches: breaches + more,
    })
}

/// Applies all rules, writes a line for each, and counts those that are broken.
fn judge(facts: &Facts, expected: &Expected, text: &mut String) -> usize {
    let mut breaches = 0;
    for rule in &RULES {
        let (mark, detail) = match (rule.check)(facts, expected) {
            Ok(detail) => ("ok    ", detail),
            Err(detail) => {
                breaches += 1;
                ("BROKEN", detail)
            }
        };
        _ = writeln!(text, "  {mark}  {:<16}{detail}", rule.name);
    }
    breaches
}

fn refuse_broken(reports: &[Report]) -> Result<()> {
    match reports.iter().map(|report| report.breaches).sum() {
        0 => Ok(()),
        breaches => bail!("image rules broken: {breaches} (the lines marked BROKEN above)"),
    }
}

fn ensure(holds: bool, detail: String) -> Result<String, String> {
    if holds { Ok(detail) } else { Err(detail) }
}

/// `Ok` when nothing was found wrong.
fn none_wrong(wrong: Vec<String>, ok: String) -> Result<String, String> {
    if wrong.is_empty() {
        Ok(ok)
    } else {
        Err(wrong.join("; "))
    }
}

fn machine(facts: &Facts, expected: &Expected) -> Result<String, String> {
    ensure(
        facts.machine == expected.machine,
        format!("{:#06x}", facts.machine),
    )
}

fn subsystem(facts: &Facts, _: &Expected) -> Result<String, String> {
    if facts.subsystem == pe::IMAGE_SUBSYSTEM_NATIVE {
        Ok("native".to_owned())
    } else {
        Err(format!("{} instead of native", facts.subsystem))
    }
}

/// Windows refuses to load a boot driver without a correct checksum.
fn checksum(facts: &Facts, _: &Expected) -> Result<String, String> {
    match (facts.stored_checksum, facts.computed_checksum) {
        (0, _) => Err("not set".to_owned()),
        (stored, computed) if stored == computed => Ok(format!("{stored:#010x}")),
        (stored, computed) => Err(format!(
            "{stored:#010x} is stored, {computed:#010x} is right"
        )),
    }
}

fn imports(facts: &Facts, expected: &Expected) -> Result<String, String> {
    let unlisted = facts.imports.iter().filter(|(dll, name)| {
        expected.allowed.since(dll, name).is_none() || (dll != KERNEL && dll != FILTER_MANAGER)
    });
    let wrong = unlisted
        .map(|(dll, name)| format!("{dll} {name} is not listed"))
        .collect();
    let count = |from| facts.imports.iter().filter(|(dll, _)| dll == from).count();
    let ok = format!(
        "{} of {KERNEL}, {} of {FILTER_MANAGER}",
        count(KERNEL),
        count(FILTER_MANAGER)
    );
    none_wrong(wrong, ok)
}

fn oldest_windows(facts: &Facts, expected: &Expected) -> Result<String, String> {
    let listed = facts.imports.iter().filter_map(|(dll, name)| {
        let since = expected.allowed.since(dll, name)?;
        (!is_old_enough(since)).then(|| format!("{name} came with {since}"))
    });
    none_wrong(
        listed.collect(),
        format!("every import exists in Windows 10 {OLDEST_WINDOWS}"),
    )
}

/// Memory integrity (HVCI) forbids an import table in executable memory.
/// <https://learn.microsoft.com/windows-hardware/drivers/driversecurity/implement-hvci-compatible-code>
fn import_table(facts: &Facts, _: &Expected) -> Result<String, String> {
    let section = facts
        .sections
        .iter()
        .find(|section| section.holds(facts.import_addresses));
    match section {
        Some(section) if section.is_executable() => Err(format!("in executable {}", section.name)),
        Some(section) => Ok(format!("in {}", section.name)),
        None => Err("in no section".to_owned()),
    }
}

/// Memory integrity forbids memory that is both writable and executable (same page).
fn sections(facts: &Facts, _: &Expected) -> Result<String, String> {
    let wrong = facts.sections.iter().filter(|section| {
        section.is_executable() && section.characteristics & pe::IMAGE_SCN_MEM_WRITE != 0
    });
    let wrong = wrong.map(|section| format!("{} is writable and executable", section.name));
    let names: Vec<_> = facts
        .sections
        .iter()
        .map(|section| section.name.as_str())
        .collect();
    none_wrong(wrong.collect(), names.join(" "))
}

fn alignment(facts: &Facts, _: &Expected) -> Result<String, String> {
    const PAGE: u32 = 4096;
    ensure(
        facts.section_alignment == PAGE,
        format!("{} bytes", facts.section_alignment),
    )
}

fn relocations(facts: &Facts, _: &Expected) -> Result<String, String> {
    let mut wrong = Vec::new();
    if facts.dll_characteristics & pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE == 0 {
        wrong.push("the dynamic-base flag is not set".to_owned());
    }
    if facts.relocation_bytes == 0 {
        wrong.push("there are none".to_owned());
    }
    if facts.characteristics & pe::IMAGE_FILE_RELOCS_STRIPPED != 0 {
        wrong.push("the file says they were stripped".to_owned());
    }
    none_wrong(
        wrong,
        format!("{} bytes, dynamic base", facts.relocation_bytes),
    )
}

fn no_execute(facts: &Facts, _: &Expected) -> Result<String, String> {
    let is_set = facts.dll_characteristics & pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT != 0;
    ensure(
        is_set,
        (if is_set {
            "NX compatible"
        } else {
            "the NX flag is not set"
        })
        .to_owned(),
    )
}

fn version(facts: &Facts, expected: &Expected) -> Result<String, String> {
    let Some(found) = &facts.version else {
        return Err("no version resource".to_owned());
    };
    let mut wrong = Vec::new();
    if found.file_version != expected.version {
        wrong.push(format!(
            "file version {} instead of {}",
            found.file_version, expected.version
        ));
    }
    if found.product_name.as_deref() != Some("CloneGuard") {
        wrong.push(format!("product name {:?}", found.product_name));
    }
    none_wrong(wrong, format!("CloneGuard {}", found.file_version))
}

/// The compiler calls `__chkstk` in functions whose frame has a page or more, and only there. The
/// kernel's stack is 24 KiB, shared by all drivers of a stack of devices.
fn stack_frames(facts: &Facts, _: &Expected) -> Result<String, String> {
    const PROBE: &str = "__chkstk";
    let is_imported = facts.imports.iter().any(|(_, name)| name == PROBE);
    if is_imported || facts.symbols.iter().any(|name| name == PROBE) {
        return Err(format!("{PROBE} is linked: a frame has a page or more"));
    }
    Ok("all below a page".to_owned())
}
