//! Checks of the system: rights, version, file systems, what lies ready.

use super::{Check, Facts, Id};

/// Windows 10 2004: the oldest with every function that the driver imports (`ExAllocatePool2`).
const OLDEST_BUILD: u32 = 19041;
/// The filter, as `fsutil devdrv` has to name it.
pub(super) const FILTER: &str = "CloneGuard";

/// The mending of what only a privileged program sees.
const AS_ADMINISTRATOR: &str = "run this again as an administrator";

pub(super) fn administrator(facts: &Facts) -> Check {
    let mend = [
        "right-click Terminal or Command Prompt in the start menu, choose \"Run as administrator\"",
        "run this again there",
    ];
    match &facts.elevated {
        Ok(true) => Check::good(Id::Administrator, "the process is elevated"),
        Ok(false) => Check::needed(Id::Administrator, "the process is not elevated", &mend),
        Err(why) => Check::unknown(Id::Administrator, why, &mend),
    }
}

pub(super) fn processor(facts: &Facts) -> Check {
    match &facts.processors {
        Ok((machine, program)) if machine == program => Check::good(Id::Processor, machine),
        Ok((machine, program)) => {
            let mend = format!("use conformance.exe of the folder for {machine}");
            let found = format!("the machine is {machine}, this program is for {program}");
            Check::needed(Id::Processor, found, &[&mend])
        }
        Err(why) => Check::unknown(Id::Processor, why, &["use a supported version of Windows"]),
    }
}

pub(super) fn build(facts: &Facts) -> Check {
    let mend = [
        "use Windows 10 2004 (build 19041), Windows Server 2022 or later: the driver imports functions that came with it",
    ];
    match &facts.build {
        Ok(build) if build.number >= OLDEST_BUILD => {
            Check::good(Id::Build, format!("{} ({})", build.number, build.edition))
        }
        Ok(build) => {
            let found = format!("{} ({}) is too old", build.number, build.edition);
            Check::needed(Id::Build, found, &mend)
        }
        Err(why) => Check::unknown(Id::Build, why, &mend),
    }
}

pub(super) fn refs(facts: &Facts) -> Check {
    let missing = match &facts.refs_missing {
        Ok(missing) => missing,
        Err(why) => return Check::unknown(Id::Refs, why, &[AS_ADMINISTRATOR]),
    };
    let mend = [
        "use Windows Server 2022 or later, or Windows 11 Enterprise or Pro for Workstations: other editions have no ReFS to format",
    ];
    if !missing.is_empty() {
        let found = format!("not there: {}", missing.join(", "));
        return Check::needed(Id::Refs, found, &mend);
    }
    match &facts.build {
        Ok(build) if !can_format(&build.edition) => {
            let found = format!(
                "the driver is there, and {} may refuse to format",
                build.edition
            );
            Check::advice(Id::Refs, found, &mend)
        }
        Ok(_) | Err(_) => Check::good(Id::Refs, "the driver and the formatter are there"),
    }
}

/// Whether an edition is one that formats ReFS (Microsoft Learn, Resilient File System overview: creation was taken
/// out of Windows 10 Pro with 1709).
fn can_format(edition: &str) -> bool {
    let able = [
        "Server",
        "Enterprise",
        "IoTEnterprise",
        "ProfessionalWorkstation",
    ];
    able.iter().any(|name| edition.starts_with(name))
}

/// What the virtual disks come to take, with some to spare: they begin small, and cases write a few GiB (docs/vm.md).
const DISK_SPACE: u64 = 8 << 30;

pub(super) fn disk_space(facts: &Facts) -> Check {
    let mend = [
        "give the machine a larger disk, or remove what it does not need: the virtual disks of the cases lie below %ProgramFiles%",
    ];
    match facts.disk_space {
        Ok(bytes) if bytes >= DISK_SPACE => {
            Check::good(Id::DiskSpace, format!("room for {} GiB", bytes >> 30))
        }
        Ok(bytes) => {
            let found = format!(
                "room for {} MiB; the virtual disks of the cases take up to {} GiB",
                bytes >> 20,
                DISK_SPACE >> 30
            );
            Check::needed(Id::DiskSpace, found, &mend)
        }
        Err(ref why) => Check::unknown(Id::DiskSpace, why, &mend),
    }
}

/// Only trusted Dev Drives know the list. Of the volumes of this program one is a Dev Drive, and the driver is not needed
/// there, so it is advice.
pub(super) fn dev_drive(facts: &Facts) -> Check {
    let allowed = match &facts.dev_drive_filters {
        Ok(Some(allowed)) => allowed,
        Ok(None) => return Check::good(Id::DevDrive, "this Windows has no Dev Drives"),
        Err(why) => {
            return Check::with(
                Id::DevDrive,
                super::State::Advice,
                format!("unknown: {why}"),
                &[AS_ADMINISTRATOR],
            );
        }
    };
    if allowed.iter().any(|name| name.eq_ignore_ascii_case(FILTER)) {
        return Check::good(Id::DevDrive, format!("{FILTER} is let onto Dev Drives"));
    }
    // The command replaces the list.
    let mut names: Vec<&str> = allowed.iter().map(String::as_str).collect();
    names.push(FILTER);
    let command = format!("fsutil devdrv setFiltersAllowed \"{}\"", names.join(", "));
    let found = format!(
        "{FILTER} is not let onto trusted Dev Drives; with the driver the cases on a Dev Drive are skipped"
    );
    let steps = [
        "to watch Dev Drives, that of the cases too:",
        &command,
        "mount other Dev Drives again, or restart Windows",
    ];
    Check::advice(Id::DevDrive, found, &steps)
}

pub(super) fn package(facts: &Facts) -> Check {
    let package = &facts.package;
    let folder = package.folder.display();
    if package.missing.is_empty() {
        return Check::good(Id::Package, folder.to_string());
    }
    let found = format!("{folder} lacks {}", package.missing.join(", "));
    let mend = [
        "build it on Linux: ./dev package --harness",
        "copy the folder target/harness/x64 (or arm64) as a whole to this machine, and run conformance.exe there",
        "or name another folder: --package FOLDER",
    ];
    Check::needed(Id::Package, found, &mend)
}

pub(super) fn leftovers(facts: &Facts) -> Check {
    match &facts.leftovers {
        Ok(left) if left.is_empty() => Check::good(Id::Leftovers, "nothing of an earlier run"),
        Ok(left) => {
            let found = format!("{} changes are in force: {}", left.len(), left.join("; "));
            let mend = ["to go on, go on; to undo them: conformance cleanup"];
            Check::advice(Id::Leftovers, found, &mend)
        }
        Err(why) => Check::unknown(
            Id::Leftovers,
            why,
            &["mend or remove the file named, then: conformance cleanup"],
        ),
    }
}
