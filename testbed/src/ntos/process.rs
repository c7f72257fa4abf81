//! Identity of processes and threads: `Ps*`, `IoGetCurrentProcess`, `SeLocateProcessImageName`.

use crate::boundary::import::Call;
use crate::ntos::pool::{self, SYSTEM_TAG};
use crate::status::{NtStatus, STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS};
use crate::verifier::{Rule, Violation};

/// "IoGetCurrentProcess function (wdm.h)", Microsoft Learn.
pub(crate) fn io_get_current_process(call: &Call) -> Result<u64, Violation> {
    Ok(call.thread().process().object().0)
}

/// "PsGetProcessId function (ntddk.h)", Microsoft Learn.
pub(crate) fn ps_get_process_id(call: &Call, process: u64) -> Result<u64, Violation> {
    Ok(call.machine().objects().process(process)?.id())
}

/// "PsGetProcessStartKey function (ntddk.h)", Microsoft Learn.
pub(crate) fn ps_get_process_start_key(call: &Call, process: u64) -> Result<u64, Violation> {
    Ok(call.machine().objects().process(process)?.start_key())
}

/// "PsGetThreadId function (ntifs.h)", Microsoft Learn.
pub(crate) fn ps_get_thread_id(call: &Call, thread: u64) -> Result<u64, Violation> {
    let Some(thread) = call.machine().objects().thread(thread)? else {
        return Err(call.violation(
            Rule::NotModelled,
            "the thread has ended; its id is not kept",
        ));
    };
    Ok(thread.id())
}

/// "PsGetCurrentThreadId function (ntddk.h)", Microsoft Learn.
pub(crate) fn ps_get_current_thread_id(call: &Call) -> Result<u64, Violation> {
    Ok(call.thread().id())
}

/// "SeLocateProcessImageName function (ntifs.h)", Microsoft Learn: a UNICODE_STRING and its
/// characters in one block of paged pool that the caller frees with ExFreePool.
pub(crate) fn se_locate_process_image_name(
    call: &Call,
    process: u64,
    name: u64,
) -> Result<NtStatus, Violation> {
    let process = call.machine().objects().process(process)?;
    let guest = call.guest();
    guest.check_aligned(name, 8, "pImageFileName")?;
    guest.write_u64(name, 0, "pImageFileName")?;
    // The System process has no file; the name is then empty.
    let units: Vec<u16> = match process.id() {
        4 => Vec::new(),
        _ => process.image_name().encode_utf16().collect(),
    };
    let Ok(length) = u16::try_from(2 * units.len()) else {
        return Err(call.violation(Rule::Testbed, "the image name is too long"));
    };
    let size = 16 + u64::from(length);
    let Some(block) = pool::allocate_for_driver(call, size, SYSTEM_TAG)? else {
        return Ok(STATUS_INSUFFICIENT_RESOURCES);
    };
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&(block + 16).to_le_bytes());
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    guest.host_write(block, &bytes)?;
    guest.write_u64(name, block, "pImageFileName")?;
    Ok(STATUS_SUCCESS)
}
