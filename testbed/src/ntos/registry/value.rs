//! `ZwQueryValueKey`, `ZwSetValueKey`, `ZwFlushKey`.

use super::key::{QUERY_VALUE, SET_VALUE, key_of};
use super::{Blocked, RegistryValue};
use crate::boundary::import::Call;
use crate::boundary::memory::Access;
use crate::status::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_TOO_SMALL,
    STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_NOT_FOUND,
    STATUS_SUCCESS, STATUS_TOO_LATE,
};
use crate::verifier::{Rule, Violation};

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
    let key = key_of(call, key, QUERY_VALUE)?;
    let name = value_name(call, name)?;
    if length != 0 {
        guest.check_aligned(information, 4, "KeyValueInformation")?;
        let size = u64::from(length);
        guest.check(information, size, Access::ReadWrite, "KeyValueInformation")?;
    }
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let registry = call.machine().registry();
    if registry.blocks(&key.service, key.kind, Blocked::Query) {
        return Ok(STATUS_ACCESS_DENIED);
    }
    let Some(value) = registry.get(&key.service, key.kind, &name) else {
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

/// Bytes of the largest value that the model stores ("Registry Element Size Limits", Microsoft Learn: 1 MB in
/// the standard format; larger ones belong into files).
const LARGEST: u32 = 1 << 20;

/// "ZwSetValueKey function (wdm.h)", Microsoft Learn. Stricter: as [`zw_query_value_key`], and a value needs a
/// name, a type that the model knows and the size of that type.
pub(crate) fn zw_set_value_key(
    call: &Call,
    (key, name, title, kind, data, size): (u64, u64, u32, u32, u64, u32),
) -> Result<NtStatus, Violation> {
    if title != 0 {
        return Err(call.violation(Rule::Argument, format!("TitleIndex {title}, not zero")));
    }
    let key = key_of(call, key, SET_VALUE)?;
    let name = value_name(call, name)?;
    if name.is_empty() || size > LARGEST {
        let detail = format!("{size} bytes under the name {name:?}");
        return Err(call.violation(Rule::NotModelled, detail));
    }
    let bytes = call.guest().bytes(data, u64::from(size), "Data")?;
    let Some(value) = RegistryValue::decode(kind, &bytes) else {
        let detail = format!("{size} bytes of type {kind}");
        return Err(call.violation(Rule::NotModelled, detail));
    };
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    let registry = call.machine().registry();
    if !registry.set_by_driver(&key.service, key.kind, (&name, value)) {
        return Ok(STATUS_TOO_LATE);
    }
    Ok(STATUS_SUCCESS)
}

/// "ZwFlushKey function (wdm.h)", Microsoft Learn.
pub(crate) fn zw_flush_key(call: &Call, key: u64) -> Result<NtStatus, Violation> {
    key_of(call, key, 0)?;
    if call.machine().injection().fails(call) {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    }
    if call.machine().registry().is_closed() {
        return Ok(STATUS_TOO_LATE);
    }
    call.machine().registry().flush();
    Ok(STATUS_SUCCESS)
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
