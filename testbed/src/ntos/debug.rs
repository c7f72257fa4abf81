//! `DbgPrint` and `KeBugCheckEx`.

use crate::boundary::import::Call;
use crate::status::{NtStatus, STATUS_SUCCESS};
use crate::verifier::{Rule, Violation};

/// Longest text of one DbgPrint: "The limit is 512 bytes" (DbgPrint page, Microsoft Learn).
const LIMIT: u64 = 512;
/// The code of the panic handler of the crate wdk-panic: "RPNC".
const RUST_PANIC: u32 = u32::from_be_bytes(*b"RPNC");

/// "DbgPrint function (wdm.h)", Microsoft Learn. The print macros of the crate wdk use the format "%s"
/// with a NUL-terminated buffer; text without any conversion is let through; others are refused.
pub(crate) fn dbg_print(call: &Call, format: u64) -> Result<NtStatus, Violation> {
    let guest = call.guest();
    let format = guest.read_c_string(format, LIMIT, "Format")?;
    let text = match format.as_slice() {
        b"%s" => guest.read_c_string(call.word(1)?, LIMIT, "argument of %s")?,
        plain if !plain.contains(&b'%') => plain.to_vec(),
        other => {
            let detail = format!("format {:?}", String::from_utf8_lossy(other));
            return Err(call.violation(Rule::NotModelled, detail));
        }
    };
    call.machine()
        .add_debug_output(&String::from_utf8_lossy(&text));
    Ok(STATUS_SUCCESS)
}

/// "KeBugCheckEx function (wdm.h)", Microsoft Learn: the end of the run.
pub(crate) fn ke_bug_check_ex(
    call: &Call,
    (code, a, b, c, d): (u32, u64, u64, u64, u64),
) -> Result<(), Violation> {
    let guest = call.guest();
    let file = if code == RUST_PANIC {
        guest.bytes(a, b.min(LIMIT), "file name").ok()
    } else {
        None
    };
    let detail = match file {
        Some(file) => format!("panic at {}:{c}:{d}", String::from_utf8_lossy(&file)),
        None => format!("code {code:#x}, parameters {a:#x} {b:#x} {c:#x} {d:#x}"),
    };
    Err(Violation::new(Rule::BugCheck, detail))
}
