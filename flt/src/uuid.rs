//! Unique ids from the kernel.

#![expect(unsafe_code, reason = "asks the kernel for a unique id")]

use flt_sys::nt::{ExUuidCreate, GUID};

use crate::irql::Passive;
use crate::status::NtStatus;

/// A new unique id, in the byte order in which Windows stores a GUID.
///
/// `RPC_NT_UUID_LOCAL_ONLY` (unique on this machine only) is a success code and enough for us.
///
/// # Errors
///
/// The kernel's status: `STATUS_RETRY` when its sequence is not ready.
pub fn unique_id(_: Passive) -> Result<[u8; 16], NtStatus> {
    let mut id = GUID {
        Data1: 0,
        Data2: 0,
        Data3: 0,
        Data4: [0; 8],
    };
    // SAFETY: `id` may be written; the level is proven.
    let status = unsafe { ExUuidCreate(&raw mut id) };
    NtStatus::check(status)?;
    let [a, b, c, d] = id.Data1.to_le_bytes();
    let [e, f] = id.Data2.to_le_bytes();
    let [g, h] = id.Data3.to_le_bytes();
    let [i, j, k, l, m, n, o, p] = id.Data4;
    Ok([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
}
