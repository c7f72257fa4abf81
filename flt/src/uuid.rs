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

/// Where the hyphens of a GUID in text stand.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The id in a name of the form `\??\Volume{01234567-89ab-cdef-0123-456789abcdef}`, in the byte order in
/// which Windows stores a GUID; `None` for any other text.
pub(crate) fn of_volume_name(name: &[u16]) -> Option<[u8; 16]> {
    const BEFORE: &[u8] = br"\??\Volume{";
    let (before, rest) = name.split_at_checked(BEFORE.len())?;
    let (text, after) = rest.split_at_checked(36)?;
    let ascii = |bytes: &'static [u8]| bytes.iter().map(|byte| u16::from(*byte));
    if !before.iter().copied().eq(ascii(BEFORE)) || !after.iter().copied().eq(ascii(b"}")) {
        return None;
    }
    let mut value = 0_u128;
    for (place, unit) in text.iter().enumerate() {
        let character = char::from_u32(u32::from(*unit))?;
        if !HYPHENS.contains(&place) {
            value = (value << 4_u32) | u128::from(character.to_digit(16)?);
        } else if character != '-' {
            return None;
        }
    }
    // The first three groups are numbers, stored with the low byte first.
    let [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p] = value.to_be_bytes();
    Some([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
}
