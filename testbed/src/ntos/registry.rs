//! The registry, as far as a driver reads its own `Parameters` key and keeps a state of its own.
//!
//! [`Registry`] holds the values of services, which the harness may change at any time; what a driver writes
//! stays when it is unloaded. Both keys of every service exist, as its INF and the system would have made them.
//! `key` opens them, `value` reads and writes, `filter` is somebody else who keeps a driver from that, `power` what
//! becomes of them when the machine goes down.

mod filter;
mod key;
mod power;
mod value;

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::machine::Machine;

pub use filter::Blocked;
pub(crate) use key::io_open_driver_registry_key;
pub(crate) use value::{zw_flush_key, zw_query_value_key, zw_set_value_key};

/// The data of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryValue {
    /// REG_BINARY.
    Binary(Vec<u8>),
    /// REG_DWORD.
    Dword(u32),
    /// REG_QWORD.
    Qword(u64),
    /// REG_SZ; the terminator is added.
    Text(String),
}

// REG_* of `wdm.h`.
const SZ: u32 = 1;
const BINARY: u32 = 3;
const DWORD: u32 = 4;
const QWORD: u32 = 11;

impl RegistryValue {
    /// The type and the bytes as they are stored.
    fn encode(&self) -> (u32, Vec<u8>) {
        match self {
            Self::Text(text) => {
                let units = text.encode_utf16().chain([0]);
                (SZ, units.flat_map(u16::to_le_bytes).collect())
            }
            Self::Binary(bytes) => (BINARY, bytes.clone()),
            Self::Dword(value) => (DWORD, value.to_le_bytes().to_vec()),
            Self::Qword(value) => (QWORD, value.to_le_bytes().to_vec()),
        }
    }

    /// The value that a driver has stored; `None` for what is not written so by any sane one.
    fn decode(kind: u32, bytes: &[u8]) -> Option<Self> {
        match kind {
            BINARY => Some(Self::Binary(bytes.to_vec())),
            DWORD => Some(Self::Dword(u32::from_le_bytes(bytes.try_into().ok()?))),
            QWORD => Some(Self::Qword(u64::from_le_bytes(bytes.try_into().ok()?))),
            _ => None,
        }
    }
}

/// A key of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    /// `Services\<service>\Parameters`, the "immutable parameters key".
    Parameters,
    /// The "location for mutable state to be read/written that will persist across reboots".
    State,
}

#[derive(Clone)]
struct Entry {
    service: String,
    key: KeyKind,
    name: String,
    value: RegistryValue,
}

/// The values of all services. Names of services and values ignore case.
#[derive(Default)]
pub(crate) struct Registry {
    entries: Mutex<Vec<Entry>>,
    /// What is on the disk of the states of drivers.
    flushed: Mutex<Vec<Entry>>,
    /// Whether it takes nothing any more.
    closed: AtomicBool,
    /// What a filter blocks, by services.
    blocked: Mutex<Vec<(String, Blocked)>>,
}

/// The state of one driver as it is on the disk, to be carried over to another machine.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DriverState(Vec<(String, RegistryValue)>);

impl DriverState {
    /// Puts a value in, as somebody with access to the registry would.
    pub fn set(&mut self, name: &str, value: RegistryValue) {
        self.0
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.0.push((name.to_owned(), value));
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registry({} values)", lock(&self.entries).len())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    fn remove(&self, service: &str, key: KeyKind, name: &str) -> bool {
        let mut entries = lock(&self.entries);
        let before = entries.len();
        entries.retain(|entry| !entry.is(service, key, name));
        entries.len() != before
    }

    fn set(&self, service: &str, key: KeyKind, (name, value): (&str, RegistryValue)) {
        self.remove(service, key, name);
        let (service, name) = (service.to_owned(), name.to_owned());
        lock(&self.entries).push(Entry {
            service,
            key,
            name,
            value,
        });
    }

    fn get(&self, service: &str, key: KeyKind, name: &str) -> Option<RegistryValue> {
        let entries = lock(&self.entries);
        let found = entries.iter().find(|entry| entry.is(service, key, name));
        found.map(|entry| entry.value.clone())
    }

    /// As [`Self::set`] for a driver; `false` once it is closed.
    fn set_by_driver(&self, service: &str, key: KeyKind, value: (&str, RegistryValue)) -> bool {
        let is_open = !self.is_closed();
        if is_open {
            self.set(service, key, value);
        }
        is_open
    }
}

impl Entry {
    fn is(&self, service: &str, key: KeyKind, name: &str) -> bool {
        self.is_of(service, key) && self.name.eq_ignore_ascii_case(name)
    }

    fn is_of(&self, service: &str, key: KeyKind) -> bool {
        self.key == key && self.service.eq_ignore_ascii_case(service)
    }
}

impl Machine {
    /// Sets a value of the `Parameters` key of a service, before its driver is loaded or while it runs.
    pub fn set_registry(&self, service: &str, name: &str, value: RegistryValue) {
        self.registry()
            .set(service, KeyKind::Parameters, (name, value));
    }

    /// Removes a value of the `Parameters` key of a service; answers whether there was one.
    pub fn remove_registry(&self, service: &str, name: &str) -> bool {
        self.registry().remove(service, KeyKind::Parameters, name)
    }

    /// A value of the state that a driver keeps, as it would read it now.
    #[must_use]
    pub fn driver_state_value(&self, service: &str, name: &str) -> Option<RegistryValue> {
        self.registry().get(service, KeyKind::State, name)
    }

    /// The state of a driver as the disk has it: what a machine that lost its power at this instant would find.
    /// What was written and not flushed is missing; Windows writes it "every few seconds" on its own.
    #[must_use]
    pub fn driver_state_on_disk(&self, service: &str) -> DriverState {
        let flushed = lock(&self.registry().flushed);
        let own = flushed
            .iter()
            .filter(|entry| entry.is_of(service, KeyKind::State));
        DriverState(
            own.map(|entry| (entry.name.clone(), entry.value.clone()))
                .collect(),
        )
    }

    /// Gives a driver the state that an earlier machine left on its disk.
    pub fn restore_driver_state(&self, service: &str, state: DriverState) {
        for (name, value) in state.0 {
            self.registry().set(service, KeyKind::State, (&name, value));
        }
        self.registry().flush();
    }
}

#[cfg(test)]
mod tests;
