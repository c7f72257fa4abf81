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

use super::ledger::{Change, Ledger, Undo as _};
use super::stage::{Volume, describe};
use super::sys;
use super::undo::Machine;
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
    kind: Kind,
    size: u64,
}

/// What is particular about a disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing: every machine has it.
    Usual,
    /// Attached read-only once it is made.
    ReadOnly,
    /// Formatted as a Dev Drive, which not every Windows has.
    DevDrive,
}

impl Disk {
    /// Whether cases can do without it.
    fn is_optional(&self) -> bool {
        self.kind != Kind::Usual
    }

    fn is_read_only(&self) -> bool {
        self.kind == Kind::ReadOnly
    }
}

const GIB: u64 = 1 << 30;

/// Sizes are limits: the files begin small. Cases have files of more than 4 GiB; a Dev Drive has 50 GiB at least (Microsoft
/// Learn, Set up a Dev Drive), and comes last, so that it serves only who asks for one.
const DISKS: [Disk; 5] = [
    Disk {
        name: "refs-4k",
        file_system: "ReFS",
        cluster: 4096,
        unit: "4096",
        kind: Kind::Usual,
        size: 64 * GIB,
    },
    Disk {
        name: "refs-64k",
        file_system: "ReFS",
        cluster: 65536,
        unit: "64K",
        kind: Kind::Usual,
        size: 64 * GIB,
    },
    Disk {
        name: "refs-read-only",
        file_system: "ReFS",
        cluster: 4096,
        unit: "4096",
        kind: Kind::ReadOnly,
        size: 8 * GIB,
    },
    Disk {
        name: "ntfs-4k",
        file_system: "NTFS",
        cluster: 4096,
        unit: "4096",
        kind: Kind::Usual,
        size: 8 * GIB,
    },
    Disk {
        name: "dev-drive",
        file_system: "ReFS",
        cluster: 4096,
        unit: "4096",
        kind: Kind::DevDrive,
        size: 64 * GIB,
    },
];

/// The names of all of them.
pub(crate) const NAMES: [&str; 5] = [
    DISKS[0].name,
    DISKS[1].name,
    DISKS[2].name,
    DISKS[3].name,
    DISKS[4].name,
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

/// Whether every disk is made that cases cannot do without.
pub(crate) fn are_prepared(workplace: &Workplace) -> bool {
    let mut needed = DISKS.iter().filter(|disk| disk.kind != Kind::DevDrive);
    needed.all(|disk| is_ready(&workplace.disk(disk.name)))
}

/// Whether the disk with this file is made.
fn is_ready(path: &Path) -> bool {
    path.is_file() && marker(path).is_file()
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
        if is_ready(&path) {
            tell(&format!("{}: is there", disk.name));
            continue;
        }
        let change = Change::Disk { path: path.clone() };
        if !ledger.open().any(|open| *open == change) {
            ledger.record(change).map_err(|error| error.to_string())?;
        }
        match make(disk, &path) {
            Ok(()) => tell(&format!(
                "{}: {} with clusters of {} bytes",
                disk.name, disk.file_system, disk.cluster
            )),
            Err(why) if disk.kind == Kind::DevDrive => {
                // On record it stays: cleanup looks for it once more.
                let undone = Machine.undo(&Change::Disk { path });
                undone.map_err(|error| format!("{}: {error}", disk.name))?;
                tell(&format!(
                    "{}: not made, and the cases that ask for a Dev Drive are skipped (Windows 11 22H2, build 22621, \
                     and later have them, unless a policy forbids it): {why}",
                    disk.name
                ));
            }
            Err(why) => return Err(format!("{}: {why}", disk.name)),
        }
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
    online(number, false)?;
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
    if disk.kind == Kind::DevDrive && !info.is_trusted_dev_drive() {
        return Err("format made no Dev Drive that this machine trusts".to_owned());
    }
    drop(handle);
    fs::write(marker(path), "").map_err(text)
}

/// Brings a disk online, or says what keeps it offline.
fn online(number: u32, is_read_only: bool) -> Result<(), String> {
    sys::disk::bring_online(number, is_read_only).map_err(|error| {
        format!(
            "disk {number} is attached and does not come online: {error}; the SAN policy of this machine may want new \
             disks offline (diskpart: san), or somebody else manages its disks"
        )
    })
}

/// Attaches every disk.
pub(crate) fn attach(workplace: &Workplace) -> Result<Vec<Attached>, String> {
    sys::machine::enable(PRIVILEGE).map_err(|error| format!("{PRIVILEGE}: {error}"))?;
    let attach_one = |disk: &Disk| {
        let text = |error: io::Error| format!("{}: {error}", disk.name);
        let handle = sys::disk::open(&workplace.disk(disk.name)).map_err(text)?;
        sys::disk::attach(&handle, disk.is_read_only()).map_err(text)?;
        let number = sys::disk::number(&handle).map_err(text)?;
        online(number, disk.is_read_only())?;
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
        if disk.kind == Kind::DevDrive && !is_ready(&workplace.disk(disk.name)) {
            eprintln!("note: {}: not made; the cases run without it", disk.name);
            continue;
        }
        match attach_one(disk) {
            Ok(disk) => attached.push(disk),
            // That of the read-only one only shows what is known: that nothing can be opened for writing on it.
            Err(why) if disk.is_optional() => eprintln!("note: {why}; the cases run without it"),
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
    Err(format!(
        "format.com {volume} {} ended with {}",
        options(disk).join(" "),
        words.join("; ")
    ))
}

/// What makes the volume what it is. A Dev Drive is ReFS, and the page that has the option has no other beside it
/// (Microsoft Learn, Set up a Dev Drive: `Format D: /DevDrv /Q`).
fn options(disk: &Disk) -> Vec<String> {
    match disk.kind {
        Kind::DevDrive => vec!["/DevDrv".to_owned()],
        Kind::Usual | Kind::ReadOnly => vec![
            format!("/FS:{}", disk.file_system),
            format!("/A:{}", disk.unit),
        ],
    }
}

fn format_com(name: &str, disk: &Disk) -> io::Result<Output> {
    Command::new(sys::folders::system()?.join("format.com"))
        .arg(name)
        .args(options(disk))
        .args(["/Q", "/Y", "/V:cloneguard"])
        .stdin(Stdio::null())
        .output()
}
