//! Takes back what this program changed.

use std::io;
use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use super::ledger::{Change, Undo};
use super::preflight::Package;
use super::workplace::absent;
use super::{disks, removal, service, sys};

/// What DiUninstallDriver is taken to say of a package that is not in the driver store: ERROR_FILE_NOT_FOUND and
/// ERROR_NOT_FOUND (winerror.h). That is a reading. The page (Win32, DiUninstallDriverW) has the first for an INF file that
/// is not there, the second not at all, and no error for this case. So they are believed only where the store agrees
/// ([`nothing_is_left`]), and any other one is a failure that is told.
const NOT_IN_STORE: [i32; 2] = [2, 1168];
/// ERROR_FLT_FILTER_NOT_FOUND (winerror.h).
const NO_SUCH_FILTER: i32 = 0x801F_0013_u32.cast_signed();
/// How often and how long to wait for a file that is still being let go.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// This machine.
pub(crate) struct Machine;

impl Undo for Machine {
    fn undo(&mut self, change: &Change) -> Result<(), String> {
        let undone = match change {
            Change::Disk { path } => disk(path),
            Change::PackageCopy { path } => absent(fs::remove_dir_all(path)),
            Change::Certificate { store, file } => certificate(store, file),
            Change::Package { inf } => package(inf),
            Change::Policy { previous } => service::set_policy(previous.as_deref()),
            Change::Loaded => unload(),
        };
        undone.map_err(|error| error.to_string())
    }
}

fn disk(path: &Path) -> io::Result<()> {
    absent(fs::remove_file(disks::marker(path)))?;
    if !path.exists() {
        return Ok(());
    }
    // Attached only if another handle keeps it so; what cannot be detached cannot be removed either, and that is told.
    if let Ok(disk) = sys::disk::open(path) {
        drop(sys::disk::detach(&disk));
    }
    let mut removed = absent(fs::remove_file(path));
    for _ in 0..TRIES {
        if removed.is_ok() {
            break;
        }
        thread::sleep(PAUSE);
        removed = absent(fs::remove_file(path));
    }
    removed
}

fn certificate(store: &str, file: &Path) -> io::Result<()> {
    match fs::read(file) {
        Ok(bytes) => sys::driver::remove_certificate(store, &bytes),
        // It was there when this went on record, and goes after the certificate: without it nobody knows what to remove.
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!(
                "{}: {error}; copy it there from the package",
                file.display()
            ),
        )),
    }
}

fn package(inf: &Path) -> io::Result<()> {
    // It is removed after the package: where it is missing, the package never came into the store, or has left it, or
    // somebody has removed the file.
    if !inf.try_exists()? {
        return nothing_is_left("the file that it was installed by is missing");
    }
    match sys::driver::uninstall(inf) {
        Ok(needs_restart) => {
            if needs_restart {
                println!("Windows wants a restart before the driver is gone for good");
            }
            Ok(())
        }
        Err(error) if is_not_in_store(&error) => nothing_is_left(&error.to_string()),
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!(
                "{error}; if pnputil /enum-drivers does not show {}, remove {}",
                Package::INF,
                inf.display()
            ),
        )),
    }
}

fn is_not_in_store(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code.is_some_and(|code| NOT_IN_STORE.contains(&code))
}

/// Whether neither the store has a package of this name nor the machine the service, so that there is nothing to undo. One
/// may be there without the other: a service that somebody deleted, a package that was only added.
fn nothing_is_left(why: &str) -> io::Result<()> {
    let published = sys::store::published(Package::INF)?;
    let left = removal::left(&published, service::is_installed()?);
    left.map_or(Ok(()), |left| {
        Err(io::Error::other(format!("{why}; {left}")))
    })
}

fn unload() -> io::Result<()> {
    if !service::is_installed()? {
        return Ok(());
    }
    sys::machine::enable(service::LOAD_PRIVILEGE)?;
    match sys::driver::unload(service::NAME) {
        Err(error) if error.raw_os_error() == Some(NO_SUCH_FILTER) => Ok(()),
        other => other,
    }
}
