//! What a driver reads when it looks into a `FILE_OBJECT`: `FsContext` and `Flags`, and nothing else.
//!
//! `FsContext` belongs to the file system; to anybody else it is a number that two file objects share
//! when they are opens of one stream ("FILE_OBJECT structure (wdm.h)", Microsoft Learn). Here it is an
//! address that faults when it is followed. All other members hold the bytes [`GUARD`].

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use super::lock;
use crate::boundary::memory::Memory;
use crate::verifier::Violation;

/// Bytes of a `FILE_OBJECT` on a 64-bit system, and the two members (wdm.h).
pub(super) const SIZE: usize = 0xD8;
const FS_CONTEXT: usize = 0x18;
const FLAGS: usize = 0x50;

/// Set in the flags of every object that has a handle.
const FO_HANDLE_CREATED: u32 = 0x0004_0000;
const FO_VOLUME_OPEN: u32 = 0x0040_0000;
const FO_REMOTE_ORIGIN: u32 = 0x0100_0000;

/// Fills what is not modelled; as a pointer it is not canonical.
const GUARD: [u8; 8] = 0xBAAD_F17E_BAAD_F17E_u64.to_le_bytes();

/// What tells one stream of the machine from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StreamKey {
    /// What the file system numbers so, a volume itself included.
    Stream(u64),
    /// A file object of another driver, by a number of its own.
    Foreign(u64),
}

/// Address space for the values; one takes a pointer's worth.
const ARENA_BYTES: u64 = 1 << 32;

/// Hands out the values of `FsContext`.
#[derive(Debug, Default)]
pub(super) struct StreamContexts {
    base: OnceLock<u64>,
    known: Mutex<BTreeMap<StreamKey, u64>>,
}

impl StreamContexts {
    /// The value of a stream: the same for every open of it, never used for another.
    pub(super) fn of(&self, memory: &Memory, key: StreamKey) -> Result<u64, Violation> {
        let mut known = lock(&self.known);
        let base = match self.base.get() {
            Some(base) => *base,
            None => {
                let label = "opaque FsContext of a file object";
                let base = memory.reserve_named(ARENA_BYTES, label)?;
                *self.base.get_or_init(|| base)
            }
        };
        // Streams that come and go leave their values behind; 2^29 of them have room.
        let next = base + 8 * (known.len() as u64 + 1);
        Ok(*known.entry(key).or_insert(next))
    }
}

/// The bytes of a file object.
pub(super) fn bytes(fs_context: u64, volume: bool, remote: bool) -> Vec<u8> {
    let mut flags = FO_HANDLE_CREATED;
    if volume {
        flags |= FO_VOLUME_OPEN;
    }
    if remote {
        flags |= FO_REMOTE_ORIGIN;
    }
    let mut bytes: Vec<u8> = GUARD.iter().copied().cycle().take(SIZE).collect();
    bytes[FS_CONTEXT..FS_CONTEXT + 8].copy_from_slice(&fs_context.to_le_bytes());
    bytes[FLAGS..FLAGS + 4].copy_from_slice(&flags.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::guest::Guest;

    #[test]
    fn a_stream_has_one_value_that_leads_nowhere() {
        let memory = Memory::new().expect("memory");
        let contexts = StreamContexts::default();
        let of = |key| contexts.of(&memory, key).expect("address space");
        let keys = [
            StreamKey::Stream(7),
            StreamKey::Stream(8),
            StreamKey::Foreign(7),
        ];
        let values = keys.map(of);
        assert_eq!(keys.map(of), values);
        let distinct: std::collections::BTreeSet<_> = values.iter().collect();
        assert_eq!(distinct.len(), keys.len());
        let guest = Guest::new(&memory, 0);
        for value in values {
            let followed = guest.read_u8(value, "FsContext").unwrap_err();
            assert!(followed.detail.contains("opaque FsContext"), "{followed}");
        }
    }

    #[test]
    fn only_two_members_mean_something() {
        let body = bytes(0x1122_3344_5566_7788, true, false);
        assert_eq!(body.len(), SIZE);
        assert_eq!(body[0x18..0x20], 0x1122_3344_5566_7788_u64.to_le_bytes());
        assert_eq!(body[0x50..0x54], 0x0044_0000_u32.to_le_bytes());
        assert_eq!(
            bytes(1, false, true)[0x50..0x54],
            0x0104_0000_u32.to_le_bytes()
        );
        assert_eq!(body[..8], GUARD, "no type, no size");
        assert_eq!(body[0x20..0x28], GUARD, "no section objects");
    }
}
