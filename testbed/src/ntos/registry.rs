//! The registry, as far as a driver reads its own `Parameters` key.
//!
//! [`Registry`] holds the values of services, which the harness may change at any time; a driver opens
//! the key with `IoOpenDriverRegistryKey`, reads with `ZwQueryValueKey` and closes with `ZwClose`. The
//! key of every service exists, as its INF would have made it. The handle is one of the System
//! process and means nothing elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::machine::Machine;
use crate::ntos::handle::{self, HandleEntry};
use crate::ntos::object::{Kind, ObjectAddress};
use crate::status::{
    NtStatus, STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_TOO_SMALL, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS,
};
use crate::thread::Mode;
use crate::verifier::{Rule, Violation};

/// The data of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryValue {
    /// REG_BINARY.
    Binary(Vec<u8>),
    /// REG_DWORD.
    Dword(u32),
    /// REG_SZ; the terminator is added.
    Text(String),
}

impl RegistryValue {
    /// REG_* of `wdm.h` and the bytes as they are stored.
    fn encode(&self) -> (u32, Vec<u8>) {
        match self {
            Self::Text(text) => {
                let units = text.encode_utf16().chain([0]);
                (1, units.flat_map(u16::to_le_bytes).collect())
            }
            Self::Binary(bytes) => (3, bytes.clone()),
            Self::Dword(value) => (4, value.to_le_bytes().to_vec()),
        }
    }
}

struct Entry {
    service: String,
    name: String,
    value: RegistryValue,
}

/// The values below `Services\<service>\Parameters`. Names of both kinds ignore case.
#[derive(Default)]
pub(crate) struct Registry {
    entries: Mutex<Vec<Entry>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registry({} values)", self.entries().len())
    }
}

impl Registry {
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, service: &str, name: &str) -> bool {
        let mut entries = self.entries();
        let before = entries.len();
        entries.retain(|entry| !entry.is(service, name));
        entries.len() != before
    }

    fn set(&self, service: &str, name: &str, value: RegistryValue) {
        self.remove(service, name);
        let (service, name) = (service.to_owned(), name.to_owned());
        self.entries().push(Entry {
            service,
            name,
            value,
        });
    }

    fn get(&self, service: &str, name: &str) -> Option<RegistryValue> {
        let entries = self.entries();
        let found = entries.iter().find(|entry| entry.is(service, name));
        found.map(|entry| entry.value.clone())
    }
}

impl Entry {
    fn is(&self, service: &str, name: &str) -> bool {
        self.service.eq_ignore_ascii_case(service) && self.name.eq_ignore_ascii_case(name)
    }
}

impl Machine {
    /// Sets a value of the `Parameters` key of a service, before its driver is loaded or while it runs.
    pub fn set_registry(&self, service: &str, name: &str, value: RegistryValue) {
        self.registry().set(service, name, value);
    }

    /// Removes a value of the `Parameters` key of a service; answers whether there was one.
    pub fn remove_registry(&self, service: &str, name: &str) -> bool {
        self.registry().remove(service, name)
    }
}

/// What a key handle leads to.
struct Key {
    service: Arc<str>,
}

/// DRIVER_REGKEY_TYPE `DriverRegKeyParameters`.
const PARAMETERS: u32 = 0;
/// KEY_QUERY_VALUE, and the rights with which an immutable key can be opened: KEY_READ and what
/// GENERIC_READ means.
const QUERY_VALUE: u32 = 0x1;
const READ: u32 = 0x0002_0019;
const GENERIC_READ: u32 = 0x8000_0000;

/// "IoOpenDriverRegistryKey function (wdm.h)", Microsoft Learn: "at IRQL = PASSIVE_LEVEL in the context
/// of a system thread", with the caller's own driver object. Stricter: that key is the "immutable
/// parameters key" ("DRIVER_REGKEY_TYPE enumeration"), so access beyond reading is refused aloud.
pub(crate) fn io_open_driver_registry_key(
    call: &Call,
    (driver, kind, access, flags, out): (u64, u32, u32, u32, u64),
) -> Result<NtStatus, Violation> {
    let machine = call.machine();
    let system = machine.system();
    if call.thread().process().id() != system.id() {
        let detail = "the thread is none of the System process";
        return Err(call.violation(Rule::Handle, detail));
    }
    if machine.driver_object(call.driver()) != Some(ObjectAddress(driver)) {
        let detail = "DriverObject is not the caller's own driver object";
        return Err(call.violation(Rule::Argument, detail));
    }
    if flags != 0 {
        return Err(call.violation(Rule::Argument, format!("Flags {flags:#x}, not zero")));
    }
    if kind != PARAMETERS {
        return Err(call.violation(Rule::NotModelled, format!("RegKeyType {kind}")));
    }
    if access & !(READ | GENERIC_READ) != 0 {
        let detail = format!("DesiredAccess {access:#x} to the immutable Parameters key");
        return Err(call.violation(Rule::NotModelled, detail));
    }
    let guest = call.guest();
    guest.check_aligned(out, 8, "DriverRegKey")?;
    guest.check(out, 8, Access::ReadWrite, "DriverRegKey")?;
    if machine.injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let granted = if access & GENERIC_READ == 0 {
        access
    } else {
        READ
    };
    guest.write_u64(out, open_key(call, granted), "DriverRegKey")?;
    Ok(STATUS_SUCCESS)
}

/// Makes a handle of the System process; the key object lives as long as the handle.
fn open_key(call: &Call, access: u32) -> u64 {
    let machine = call.machine();
    let service = Arc::clone(&call.site().driver_name);
    let label = format!(r"the key {service}\Parameters");
    let object = machine
        .objects()
        .create(Kind::Key, label, Arc::new(Key { service }));
    let entry = HandleEntry {
        object,
        access,
        attributes: 0,
        driver: call.driver(),
    };
    let value = handle::create(machine, &machine.system(), false, entry);
    machine.objects().release(object);
    value
}

/// KEY_VALUE_INFORMATION_CLASS `KeyValuePartialInformation`, and how many classes there are.
const PARTIAL_INFORMATION: u32 = 2;
const CLASSES: u32 = 6;
/// KEY_VALUE_PARTIAL_INFORMATION: TitleIndex 0, Type 4, DataLength 8, Data 12.
const DATA: u32 = 12;

/// "ZwQueryValueKey function (wdm.h)" and "KEY_VALUE_PARTIAL_INFORMATION structure", Microsoft Learn.
/// Stricter: a handle that leads to no key of the caller, or that was opened without KEY_QUERY_VALUE,
/// is a violation. ResultLength is set whenever there is a value.
pub(crate) fn zw_query_value_key(
    call: &Call,
    (key, name, class, information, length, result_length): (u64, u64, u32, u64, u32, u64),
) -> Result<NtStatus, Violation> {
    let guest = call.guest();
    guest.check_aligned(result_length, 4, "ResultLength")?;
    guest.check(result_length, 4, Access::ReadWrite, "ResultLength")?;
    if class >= CLASSES {
        return Ok(STATUS_INVALID_PARAMETER);
    }
    if class != PARTIAL_INFORMATION {
        let detail = format!("KeyValueInformationClass {class}");
        return Err(call.violation(Rule::NotModelled, detail));
    }
    let key = key_of(call, key)?;
    let name = value_name(call, name)?;
    if length != 0 {
        guest.check_aligned(information, 4, "KeyValueInformation")?;
        let size = u64::from(length);
        guest.check(information, size, Access::ReadWrite, "KeyValueInformation")?;
    }
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let Some(value) = call.machine().registry().get(&key.service, &name) else {
        return Ok(STATUS_OBJECT_NAME_NOT_FOUND);
    };
    let bytes = partial_information(&value);
    guest.write_u32(result_length, bytes.len() as u32, "ResultLength")?;
    if length < DATA {
        return Ok(STATUS_BUFFER_TOO_SMALL);
    }
    let fits = bytes.len().min(length as usize);
    let part = bytes.get(..fits).unwrap_or_default();
    guest.write_bytes(information, part, "KeyValueInformation")?;
    Ok(if fits == bytes.len() {
        STATUS_SUCCESS
    } else {
        STATUS_BUFFER_OVERFLOW
    })
}

fn partial_information(value: &RegistryValue) -> Vec<u8> {
    let (kind, data) = value.encode();
    let head = [0, kind, data.len() as u32];
    let mut bytes: Vec<u8> = head.into_iter().flat_map(u32::to_le_bytes).collect();
    bytes.extend(data);
    bytes
}

/// The key that a handle of the present process leads to.
fn key_of(call: &Call, value: u64) -> Result<Arc<Key>, Violation> {
    let (machine, process) = (call.machine(), call.thread().process());
    // The Zw form sets the previous mode to kernel.
    let found = handle::lookup(machine, process, Mode::Kernel, value).ok();
    let Some(entry) = found.filter(|entry| entry.driver == call.driver()) else {
        let detail = format!("{value:#x} is no handle that the driver has open in this process");
        return Err(call.violation(Rule::Handle, detail));
    };
    let key = machine.objects().payload(entry.object, Kind::Key)?;
    if entry.access & QUERY_VALUE == 0 {
        let detail = format!("the key was opened with {:#x}", entry.access);
        return Err(call.violation(Rule::Handle, detail));
    }
    Ok(key)
}

/// A name that the model can compare: other letters would need the system's table.
fn value_name(call: &Call, address: u64) -> Result<String, Violation> {
    let units = call.guest().read_unicode_string(address, "ValueName")?;
    let name = String::from_utf16_lossy(&units);
    if name.is_ascii() {
        return Ok(name);
    }
    Err(call.violation(Rule::NotModelled, "case of a letter outside ASCII"))
}

#[cfg(test)]
mod tests;
