//! `IoOpenDriverRegistryKey`, and what a key handle leads to. The handle is one of the System process and means
//! nothing elsewhere.

use std::sync::Arc;

use super::{Blocked, KeyKind};
use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::ntos::handle::{self, HandleEntry};
use crate::ntos::object::{Kind, ObjectAddress};
use crate::status::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS,
};
use crate::thread::Mode;
use crate::verifier::{Rule, Violation};

/// What a key handle leads to.
pub(super) struct Key {
    pub(super) service: Arc<str>,
    pub(super) kind: KeyKind,
}

/// DRIVER_REGKEY_TYPE `DriverRegKeyParameters` and `DriverRegKeyPersistentState`.
const PARAMETERS: u32 = 0;
const PERSISTENT_STATE: u32 = 1;

// Rights (wdm.h). KEY_READ and KEY_WRITE are what the generic rights mean.
pub(super) const QUERY_VALUE: u32 = 0x1;
pub(super) const SET_VALUE: u32 = 0x2;
pub(super) const READ: u32 = 0x0002_0019;
pub(super) const WRITE: u32 = 0x0002_0006;
const GENERIC_READ: u32 = 0x8000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;

/// "IoOpenDriverRegistryKey function (wdm.h)", Microsoft Learn: "at IRQL = PASSIVE_LEVEL in the context
/// of a system thread", with the caller's own driver object. Stricter: the one key is the "immutable
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
    let kind = check_access(call, kind, access)?;
    let guest = call.guest();
    guest.check_aligned(out, 8, "DriverRegKey")?;
    guest.check(out, 8, Access::ReadWrite, "DriverRegKey")?;
    if machine.injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let service = &call.site().driver_name;
    if machine.registry().blocks(service, kind, Blocked::Open) {
        return Ok(STATUS_ACCESS_DENIED);
    }
    guest.write_u64(out, open_key(call, kind, granted(access)), "DriverRegKey")?;
    Ok(STATUS_SUCCESS)
}

/// The kind of key, and that the caller asks for no more than it may do there.
fn check_access(call: &Call, kind: u32, access: u32) -> Result<KeyKind, Violation> {
    let (kind, rights, name) = match kind {
        PARAMETERS => (
            KeyKind::Parameters,
            READ | GENERIC_READ,
            "the immutable Parameters key",
        ),
        PERSISTENT_STATE => (
            KeyKind::State,
            READ | GENERIC_READ | WRITE | GENERIC_WRITE,
            "the key of the driver's state",
        ),
        other => return Err(call.violation(Rule::NotModelled, format!("RegKeyType {other}"))),
    };
    if access & !rights == 0 {
        return Ok(kind);
    }
    let detail = format!("DesiredAccess {access:#x} to {name}");
    Err(call.violation(Rule::NotModelled, detail))
}

fn granted(access: u32) -> u32 {
    let mut granted = access & !(GENERIC_READ | GENERIC_WRITE);
    if access & GENERIC_READ != 0 {
        granted |= READ;
    }
    if access & GENERIC_WRITE != 0 {
        granted |= WRITE;
    }
    granted
}

/// Makes a handle of the System process; the key object lives as long as the handle.
pub(super) fn open_key(call: &Call, kind: KeyKind, access: u32) -> u64 {
    let machine = call.machine();
    let service = Arc::clone(&call.site().driver_name);
    let label = match kind {
        KeyKind::Parameters => format!(r"the key {service}\Parameters"),
        KeyKind::State => format!("the key of the state of {service}"),
    };
    let object = machine
        .objects()
        .create(Kind::Key, label, Arc::new(Key { service, kind }));
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

/// The key that a handle of the present process leads to. Stricter: a handle without the right `needed` is a
/// violation.
pub(super) fn key_of(call: &Call, value: u64, needed: u32) -> Result<Arc<Key>, Violation> {
    let (machine, process) = (call.machine(), call.thread().process());
    // The Zw form sets the previous mode to kernel.
    let found = handle::lookup(machine, process, Mode::Kernel, value).ok();
    let Some(entry) = found.filter(|entry| entry.driver == call.driver()) else {
        let detail = format!("{value:#x} is no handle that the driver has open in this process");
        return Err(call.violation(Rule::Handle, detail));
    };
    let key = machine.objects().payload(entry.object, Kind::Key)?;
    if entry.access & needed != needed {
        let detail = format!("the key was opened with {:#x}", entry.access);
        return Err(call.violation(Rule::Handle, detail));
    }
    Ok(key)
}
