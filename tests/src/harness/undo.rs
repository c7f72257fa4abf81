//! Takes back what this program changed.

use std::io;
use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use super::ledger::{Change, Undo};
use super::workplace::absent;
use super::{disks, service, sys};

/// What DiUninstallDriver says of a package that is not in the driver store: ERROR_FILE_NOT_FOUND and ERROR_NOT_FOUND
/// (winerror.h). Its page (Win32) does not name this error, so that any other one is a failure that is told.
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
    if !inf.try_exists()? {
        return without_inf(inf);
    }
    match sys::driver::uninstall(inf) {
        Ok(needs_restart) => {
            if needs_restart {
                println!("Windows wants a restart before the driver is gone for good");
            }
            Ok(())
        }
        // It never got there.
        Err(error) if is_not_in_store(&error) && !service::is_installed()? => Ok(()),
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!(
                "{error}; if pnputil /enum-drivers does not show cloneguard.inf, remove {}",
                inf.display()
            ),
        )),
    }
}

fn is_not_in_store(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code.is_some_and(|code| NOT_IN_STORE.contains(&code))
}

/// A package without the file that it was installed by, which is removed after it: it was never installed, or somebody
/// removed the file.
fn without_inf(inf: &Path) -> io::Result<()> {
    if service::is_installed()? {
        return Err(io::Error::other(format!(
            "{} is missing, and the driver is installed; copy the package there",
            inf.display()
        )));
    }
    Ok(())
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
