//! The virtual disks with the volumes that cases run on.
//!
//! [`prepare`] makes the files once; they grow as they are written to. [`attach`] attaches them for as long as a run
//! lasts: they go away with the program, however it ends. They have no drive letters.

use std::fs;
use std::io;
use std::os::windows::io::OwnedHandle;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use super::ledger::{Change, Ledger};
use super::stage::{Volume, describe};
use super::sys;
use super::volumes::FOLDER;
use super::workplace::Workplace;

/// What AttachVirtualDisk wants of its caller (Win32).
const PRIVILEGE: &str = "SeManageVolumePrivilege";
/// How often and how long to wait until a volume is there.
const TRIES: u32 = 120;
const PAUSE: Duration = Duration::from_millis(500);

/// A disk to make.
struct Disk {
    name: &'static str,
    file_system: &'static str,
    cluster: u32,
    /// The same, as format spells it.
    unit: &'static str,
    /// Attached read-only once it is made.
    is_read_only: bool,
    size: u64,
}

const GIB: u64 = 1 << 30;

/// Sizes are limits: the files begin small. Cases have files of more than 4 GiB.
const DISKS: [Disk; 4] = [
    Disk {
        name: "refs-4k",
        file_system: "ReFS",
        cluster: 4096,
        unit: "4096",
        is_read_only: false,
        size: 64 * GIB,
    },
    Disk {
        name: "refs-64k",
        file_system: "ReFS",
        cluster: 65536,
        unit: "64K",
        is_read_only: false,
        size: 64 * GIB,
    },
    Disk {
        name: "refs-read-only",
        file_system: "ReFS",
        cluster: 4096,
        unit: "4096",
        is_read_only: true,
        size: 8 * GIB,
    },
    Disk {
        name: "ntfs-4k",
        file_system: "NTFS",
        cluster: 4096,
        unit: "4096",
        is_read_only: false,
        size: 8 * GIB,
    },
];

/// A disk that is attached as long as this value lives.
pub(crate) struct Attached {
    pub(crate) volume: Volume,
    _disk: OwnedHandle,
}

/// What says that a disk is finished.
pub(crate) fn marker(disk: &Path) -> PathBuf {
    disk.with_extension("ready")
}

/// Whether every disk is made.
pub(crate) fn are_prepared(workplace: &Workplace) -> bool {
    let is_ready = |disk: &Disk| {
        let path = workplace.disk(disk.name);
        path.is_file() && marker(&path).is_file()
    };
    DISKS.iter().all(is_ready)
}

/// Makes the disks that are not made yet.
pub(crate) fn prepare(
    workplace: &Workplace,
    ledger: &mut Ledger,
    tell: &mut dyn FnMut(&str),
) -> Result<(), String> {
    sys::machine::enable(PRIVILEGE).map_err(|error| format!("{PRIVILEGE}: {error}"))?;
    for disk in &DISKS {
        let path = workplace.disk(disk.name);
        if path.is_file() && marker(&path).is_file() {
            tell(&format!("{}: is there", disk.name));
            continue;
        }
        let change = Change::Disk { path: path.clone() };
        if !ledger.open().any(|open| *open == change) {
            ledger.record(change).map_err(|error| error.to_string())?;
        }
        make(disk, &path).map_err(|why| format!("{}: {why}", disk.name))?;
        tell(&format!(
            "{}: {} with clusters of {} bytes",
            disk.name, disk.file_system, disk.cluster
        ));
    }
    Ok(())
}

fn make(disk: &Disk, path: &Path) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    // What an interrupted run left.
    super::workplace::absent(fs::remove_file(path)).map_err(text)?;
    let handle = sys::disk::create(path, disk.size).map_err(text)?;
    sys::disk::attach(&handle, false).map_err(text)?;
    let number = sys::disk::number(&handle).map_err(text)?;
    sys::disk::partition(number, disk.size).map_err(text)?;
    let volume = volume_on(number)?;
    format(&volume, disk)?;
    let info = describe(&volume)?;
    if info.file_system != disk.file_system || info.cluster != disk.cluster {
        return Err(format!(
            "format made {} with clusters of {} bytes",
            info.file_system, info.cluster
        ));
    }
    drop(handle);
    fs::write(marker(path), "").map_err(text)
}

/// Attaches every disk.
pub(crate) fn attach(workplace: &Workplace) -> Result<Vec<Attached>, String> {
    sys::machine::enable(PRIVILEGE).map_err(|error| format!("{PRIVILEGE}: {error}"))?;
    let attach_one = |disk: &Disk| {
        let text = |error: io::Error| format!("{}: {error}", disk.name);
        let handle = sys::disk::open(&workplace.disk(disk.name)).map_err(text)?;
        sys::disk::attach(&handle, disk.is_read_only).map_err(text)?;
        let number = sys::disk::number(&handle).map_err(text)?;
        let root = volume_on(number)?;
        let info = describe(&root)?;
        Ok(Attached {
            volume: Volume {
                root,
                folder: FOLDER.to_owned(),
                info,
            },
            _disk: handle,
        })
    };
    let mut attached = Vec::new();
    for disk in &DISKS {
        match attach_one(disk) {
            Ok(disk) => attached.push(disk),
            // It only shows what is known: that nothing can be opened for writing on it.
            Err(why) if disk.is_read_only => eprintln!("note: {why}; the cases run without it"),
            Err(why) => return Err(why),
        }
    }
    Ok(attached)
}

/// The volume on a disk, once it is there.
fn volume_on(number: u32) -> Result<String, String> {
    for _ in 0..TRIES {
        let volumes = sys::disk::volumes().map_err(|error| error.to_string())?;
        let on_it = |name: &String| sys::disk::disk_of(name) == Some(number);
        if let Some(name) = volumes.into_iter().find(on_it) {
            return Ok(name);
        }
        thread::sleep(PAUSE);
    }
    Err(format!("no volume appears on disk {number}"))
}

/// Formats a volume with the program of Windows: no documented function of Win32 does it. Its exit status is
/// documented, its words are not looked at (Windows Commands, format). Whether it wants a volume's name with the last
/// backslash the page does not say: it is called with and without.
fn format(volume: &str, disk: &Disk) -> Result<(), String> {
    let mut words = Vec::new();
    for name in [volume.to_owned(), format!("{volume}\\")] {
        let output = format_com(&name, disk).map_err(|error| format!("format.com: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let told = String::from_utf8_lossy(&output.stdout);
        words.push(format!("{}: {}", output.status, told.trim()));
    }
    let (file_system, unit) = (disk.file_system, disk.unit);
    Err(format!(
        "format.com {volume} /FS:{file_system} /A:{unit} ended with {}",
        words.join("; ")
    ))
}

fn format_com(name: &str, disk: &Disk) -> io::Result<Output> {
    let system = std::env::var("SystemRoot").unwrap_or_else(|_| r"C:\Windows".to_owned());
    Command::new(format!(r"{system}\System32\format.com"))
        .arg(name)
        .arg(format!("/FS:{}", disk.file_system))
        .arg(format!("/A:{}", disk.unit))
        .args(["/Q", "/Y", "/V:cloneguard"])
        .stdin(Stdio::null())
        .output()
}
