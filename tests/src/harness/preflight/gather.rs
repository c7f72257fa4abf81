//! Asks this machine. Nothing is changed, and nothing is read from the words of a program.

use std::path::PathBuf;

use windows_registry::LOCAL_MACHINE;

use super::facts::{Build, Facts, Known, Package, Verifier};
use crate::harness::disks;
use crate::harness::ledger::Change;
use crate::harness::sys::{folders, machine};
use crate::harness::workplace::Workplace;

const VERSION: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const SECURE_BOOT: &str = r"SYSTEM\CurrentControlSet\Control\SecureBoot\State";
/// Driver Verifier's settings (WDK, VerifyDrivers and VerifyDriverLevel).
const MEMORY_MANAGEMENT: &str =
    r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management";
/// Where `fsutil devdrv setFiltersAllowed` writes, and where a policy of the domain does (filtermanager.admx: Policy CSP,
/// FileSystem/DevDriveAttachPolicy).
const FILTER_MANAGER: [&str; 2] = [
    r"SYSTEM\CurrentControlSet\Control\FilterManager",
    r"SYSTEM\CurrentControlSet\Policies",
];
const ATTACH_POLICY: &str = "FltmgrDevDriveAttachPolicy";
/// The first Windows with Dev Drives (Windows 11 22H2).
const DEV_DRIVE_BUILD: u32 = 22621;

/// What is ReFS on a machine: the file system, and what formats it.
const REFS_FILES: [&str; 2] = [r"System32\drivers\refs.sys", r"System32\uReFS.dll"];

/// HRESULT of ERROR_FILE_NOT_FOUND.
const NOT_FOUND: i32 = 0x8007_0002_u32.cast_signed();

/// Everything, with the package in this folder.
pub(crate) fn facts(workplace: &Workplace, package: PathBuf) -> Facts {
    let build = build();
    Facts {
        elevated: machine::is_elevated().map_err(|error| error.to_string()),
        processors: processors(),
        secure_boot: optional_u32(SECURE_BOOT, "UEFISecureBootEnabled").map(|on| on == Some(1)),
        code_integrity: machine::code_integrity(),
        refs_missing: refs_missing(),
        disk_space: workplace
            .room(&disks::NAMES)
            .map_err(|error| error.to_string()),
        dev_drive_filters: dev_drive_filters(&build),
        build,
        verifier: verifier(),
        package: Package::look(package),
        leftovers: workplace
            .ledger()
            .map(|ledger| ledger.open().map(Change::to_string).collect()),
    }
}

fn processors() -> Known<(String, String)> {
    let machine = machine::processor().map_err(|error| error.to_string())?;
    let program = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    Ok((machine, program.to_owned()))
}

fn build() -> Known<Build> {
    let key = LOCAL_MACHINE
        .open(VERSION)
        .map_err(|error| error.to_string())?;
    let text = |name| {
        key.get_string(name)
            .map_err(|error| format!("{name}: {error}"))
    };
    let number = text("CurrentBuildNumber")?;
    Ok(Build {
        number: number.parse().map_err(|_| format!("build {number}"))?,
        // Missing on some embedded systems.
        edition: text("EditionID").unwrap_or_else(|_| "unknown edition".to_owned()),
    })
}

fn refs_missing() -> Known<Vec<String>> {
    let windows = folders::windows().map_err(|error| error.to_string())?;
    let is_missing = |name: &&&str| !windows.join(name).is_file();
    let missing = REFS_FILES.iter().filter(is_missing);
    Ok(missing.map(|name| (*name).to_owned()).collect())
}

/// Whether the driver is let onto trusted Dev Drives.
pub(crate) fn watches_dev_drives() -> bool {
    let filters = dev_drive_filters(&build()).ok().flatten();
    let is_it = |name: &String| name.eq_ignore_ascii_case(super::system::FILTER);
    filters.is_some_and(|filters| filters.iter().any(is_it))
}

fn dev_drive_filters(build: &Known<Build>) -> Known<Option<Vec<String>>> {
    if build
        .as_ref()
        .is_ok_and(|build| build.number < DEV_DRIVE_BUILD)
    {
        return Ok(None);
    }
    let mut names = Vec::new();
    for path in FILTER_MANAGER {
        let key = match LOCAL_MACHINE.open(path) {
            Ok(key) => key,
            Err(error) if error.code().0 == NOT_FOUND => continue,
            Err(error) => return Err(format!("{path}: {error}")),
        };
        match key.get_multi_string(ATTACH_POLICY) {
            // One string may hold several names.
            Ok(lines) => names.extend(lines.iter().flat_map(|line| {
                let parts = line.split(',').map(str::trim);
                parts.filter(|name| !name.is_empty()).map(str::to_owned)
            })),
            Err(error) if error.code().0 == NOT_FOUND => {}
            Err(error) => return Err(format!("{ATTACH_POLICY}: {error}")),
        }
    }
    Ok(Some(names))
}

fn verifier() -> Known<Verifier> {
    let key = LOCAL_MACHINE.open(MEMORY_MANAGEMENT);
    let key = key.map_err(|error| format!("{MEMORY_MANAGEMENT}: {error}"))?;
    let drivers = match key.get_string("VerifyDrivers") {
        Ok(drivers) => drivers,
        Err(error) if error.code().0 == NOT_FOUND => String::new(),
        Err(error) => return Err(format!("VerifyDrivers: {error}")),
    };
    Ok(Verifier {
        drivers,
        level: optional_u32(MEMORY_MANAGEMENT, "VerifyDriverLevel")?,
    })
}

/// A number that need not be there, nor its key.
fn optional_u32(path: &str, name: &str) -> Known<Option<u32>> {
    let read = LOCAL_MACHINE.open(path).and_then(|key| key.get_u32(name));
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code().0 == NOT_FOUND => Ok(None),
        Err(error) => Err(format!(r"{path}\{name}: {error}")),
    }
}
