//! Handle tables, and how a handle value becomes an object.
//!
//! Values are multiples of 4 and the two low bits are ignored; the lowest free value is given out
//! first, so that reuse shows early. The table of the System process holds the kernel handles, whose
//! values have the upper bits set ("Object Handles" and "OBJ_KERNEL_HANDLE", Microsoft Learn).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::machine::Machine;
use crate::ntos::object::ObjectAddress;
use crate::process::Process;
use crate::status::{NtStatus, STATUS_INVALID_HANDLE};
use crate::thread::Mode;

/// Set in the values of kernel handles.
pub const KERNEL_BITS: u64 = 0xFFFF_FFFF_8000_0000;
/// `NtCurrentProcess()`.
pub const CURRENT_PROCESS: u64 = u64::MAX;
/// `NtCurrentThread()`.
pub const CURRENT_THREAD: u64 = u64::MAX - 1;

/// What a handle leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandleEntry {
    /// The object.
    pub object: ObjectAddress,
    /// The access that was granted when the handle was made.
    pub access: u32,
    /// Attributes as `OBJECT_HANDLE_INFORMATION` shows them (OBJ_INHERIT and so on).
    pub attributes: u32,
    /// The driver that made it (0: the host), for the report of handles left open.
    pub driver: u32,
}

/// The handles of one process.
#[derive(Debug, Default)]
pub struct HandleTable {
    entries: Mutex<BTreeMap<u64, HandleEntry>>,
}

impl HandleTable {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<u64, HandleEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry under the lowest free value, a multiple of 4 from 4 up.
    pub fn insert(&self, entry: HandleEntry) -> u64 {
        let mut entries = self.entries();
        let mut value = 4;
        for taken in entries.keys() {
            if *taken != value {
                break;
            }
            value += 4;
        }
        entries.insert(value, entry);
        value
    }

    /// The entry of a value; the two low bits are ignored.
    #[must_use]
    pub fn get(&self, value: u64) -> Option<HandleEntry> {
        self.entries().get(&(value & !3)).copied()
    }

    /// Removes an entry.
    pub fn remove(&self, value: u64) -> Option<HandleEntry> {
        self.entries().remove(&(value & !3))
    }

    /// All values with their entries.
    #[must_use]
    pub fn all(&self) -> Vec<(u64, HandleEntry)> {
        self.entries()
            .iter()
            .map(|(value, entry)| (*value, *entry))
            .collect()
    }
}

/// Whether `value` is that of a kernel handle. The pseudo-handles are not.
#[must_use]
pub fn is_kernel_value(value: u64) -> bool {
    value & KERNEL_BITS == KERNEL_BITS && value < CURRENT_THREAD - 4
}

/// Makes a handle, which holds the object: a kernel handle in the System process, or one of `process`.
pub fn create(machine: &Machine, process: &Arc<Process>, kernel: bool, entry: HandleEntry) -> u64 {
    machine.objects().add_handle(entry.object);
    if kernel {
        machine.system().handles().insert(entry) | KERNEL_BITS
    } else {
        process.handles().insert(entry)
    }
}

/// What `value` means in `process` for a caller of this mode.
///
/// # Errors
///
/// `STATUS_INVALID_HANDLE` for a value that leads nowhere, and for a kernel handle from user mode.
pub fn lookup(
    machine: &Machine,
    process: &Arc<Process>,
    mode: Mode,
    value: u64,
) -> Result<HandleEntry, NtStatus> {
    let entry = if is_kernel_value(value) {
        if mode == Mode::User {
            return Err(STATUS_INVALID_HANDLE);
        }
        machine.system().handles().get(value & !KERNEL_BITS)
    } else {
        process.handles().get(value)
    };
    entry.ok_or(STATUS_INVALID_HANDLE)
}

/// Closes a handle and gives back its entry; the object goes when nobody else holds it.
///
/// # Errors
///
/// As [`lookup`].
pub fn close(
    machine: &Machine,
    process: &Arc<Process>,
    mode: Mode,
    value: u64,
) -> Result<HandleEntry, NtStatus> {
    lookup(machine, process, mode, value)?;
    let entry = if is_kernel_value(value) {
        machine.system().handles().remove(value & !KERNEL_BITS)
    } else {
        process.handles().remove(value)
    };
    let entry = entry.ok_or(STATUS_INVALID_HANDLE)?;
    machine.objects().remove_handle(entry.object);
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_value_is_used_again() {
        let table = HandleTable::default();
        let entry = HandleEntry {
            object: ObjectAddress(1),
            access: 0,
            attributes: 0,
            driver: 0,
        };
        assert_eq!(
            [
                table.insert(entry),
                table.insert(entry),
                table.insert(entry)
            ],
            [4, 8, 12]
        );
        assert_eq!(table.remove(8 | 3), Some(entry));
        assert_eq!(table.get(8), None);
        assert_eq!([table.insert(entry), table.insert(entry)], [8, 16]);
    }

    #[test]
    fn pseudo_handles_are_no_kernel_handles() {
        assert!(is_kernel_value(KERNEL_BITS | 4));
        assert!(!is_kernel_value(CURRENT_PROCESS) && !is_kernel_value(CURRENT_THREAD));
        assert!(!is_kernel_value(4));
    }
}
