//! `memcpy` and its relatives, as the kernel exports them for compiled code.

use crate::boundary::import::Call;
use crate::boundary::memory::{Access, host_usize};
use crate::verifier::{Rule, Violation};

/// Copies; overlapping ranges are a violation (C17 7.24.2.1).
pub(crate) fn memcpy(call: &Call, target: u64, source: u64, size: u64) -> Result<u64, Violation> {
    let distance = target.abs_diff(source);
    if distance < size && distance != 0 {
        let detail = format!("{size} bytes from {source:#x} to {target:#x} overlap");
        return Err(call.violation(Rule::Argument, detail));
    }
    memmove(call, target, source, size)
}

/// Copies, overlapping or not.
pub(crate) fn memmove(call: &Call, target: u64, source: u64, size: u64) -> Result<u64, Violation> {
    let guest = call.guest();
    let bytes = guest.bytes(source, size, "source of a copy")?;
    guest.write_bytes(target, &bytes, "target of a copy")?;
    Ok(target)
}

/// Fills.
pub(crate) fn memset(call: &Call, target: u64, byte: i32, size: u64) -> Result<u64, Violation> {
    const AT_ONCE: u64 = 4096;
    let (what, guest) = ("target of a fill", call.guest());
    guest.check(target, size, Access::ReadWrite, what)?;
    let bytes = [byte.to_le_bytes()[0]; AT_ONCE as usize];
    for offset in (0..size).step_by(AT_ONCE as usize) {
        let length = host_usize(AT_ONCE.min(size - offset));
        guest.write_bytes(target + offset, &bytes[..length], what)?;
    }
    Ok(target)
}

/// Compares; the sign tells, the value beyond it does not.
pub(crate) fn memcmp(call: &Call, left: u64, right: u64, size: u64) -> Result<i32, Violation> {
    let guest = call.guest();
    let left = guest.bytes(left, size, "left side of a comparison")?;
    let right = guest.bytes(right, size, "right side of a comparison")?;
    Ok(left.cmp(&right) as i32)
}
