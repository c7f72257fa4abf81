//! Takes back what this program changed.

use std::io;
use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use super::ledger::{Change, Undo};
use super::workplace::absent;
use super::{disks, service, sys};

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
        // It is copied before it is put anywhere.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn package(inf: &Path) -> io::Result<()> {
    if !inf.exists() {
        return Ok(());
    }
    match sys::driver::uninstall(inf) {
        Ok(needs_restart) => {
            if needs_restart {
                println!("Windows wants a restart before the driver is gone for good");
            }
            Ok(())
        }
        // It never got into the driver store.
        Err(_) if !service::is_installed()? => Ok(()),
        Err(error) => Err(error),
    }
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
