//! Unique ids from the kernel.

#![expect(unsafe_code, reason = "asks the kernel for a unique id")]

use flt_sys::nt::{ExUuidCreate, GUID};

use crate::irql::Passive;
use crate::status::NtStatus;
use crate::time;

/// A new unique id, in the byte order in which Windows stores a GUID.
///
/// `RPC_NT_UUID_LOCAL_ONLY` (unique on this machine only) is a success code and enough for us. Early in
/// boot the kernel may answer `STATUS_RETRY` for longer than a driver can wait; then the two clocks
/// make the id, which differ from one load to the next.
#[must_use]
pub fn unique_id(_: Passive) -> [u8; 16] {
    let mut id = GUID {
        Data1: 0,
        Data2: 0,
        Data3: 0,
        Data4: [0; 8],
    };
    // SAFETY: `id` may be written; the level is proven.
    let status = unsafe { ExUuidCreate(&raw mut id) };
    if NtStatus::check(status).is_err() {
        let now = u128::from(time::system_time());
        return (now.rotate_left(64) | u128::from(time::monotonic())).to_le_bytes();
    }
    let [a, b, c, d] = id.Data1.to_le_bytes();
    let [e, f] = id.Data2.to_le_bytes();
    let [g, h] = id.Data3.to_le_bytes();
    let [i, j, k, l, m, n, o, p] = id.Data4;
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}
