//! `ExUuidCreate`.

use crate::boundary::import::Call;
use crate::status::{NtStatus, STATUS_SUCCESS};
use crate::verifier::Violation;

/// "ExUuidCreate function (ntddk.h)", Microsoft Learn. A version 4 UUID (RFC 9562 5.4) made from the
/// machine's seed, so that two machines differ and one run can be repeated.
pub(crate) fn ex_uuid_create(call: &Call, uuid: u64) -> Result<NtStatus, Violation> {
    let machine = call.machine();
    let (high, low) = (u128::from(machine.random()), u128::from(machine.random()));
    let random = high << 64 | low;
    let mut bytes = random.to_le_bytes();
    // GUID: Data3 is the little-endian word at 6, its high nibble the version; byte 8 the variant.
    bytes[7] = bytes[7] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    call.guest().write_bytes(uuid, &bytes, "Uuid")?;
    Ok(STATUS_SUCCESS)
}
