//! The connect context: what a program asks for when it opens the port.
//!
//! It travels as an extended attribute of the open, so the driver sees a kernel copy of unaligned
//! bytes (`FilterConnectCommunicationPort`, `lpContext`). There is no other way to ask for anything:
//! the port has no message callback.

use crate::{BOOT_ID_SIZE, DecodeError, VERSION};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// `CGCR` as bytes in memory.
const MAGIC: u32 = u32::from_le_bytes(*b"CGCR");
/// Kind: deliver records.
const KIND_WATCH: u16 = 1;
/// Kind: read the stored policy again.
const KIND_RELOAD: u16 = 2;
/// Kind: say how things stand.
const KIND_STATUS: u16 = 3;

/// The bytes of a connect context.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct ConnectRequest {
    /// `CGCR`.
    pub magic: U32,
    /// [`VERSION`].
    pub version: U16,
    /// 1 watch, 2 reload, 3 status.
    pub kind: U16,
    /// Zero.
    pub reserved: U64,
    /// The load of the driver that `after_sequence` belongs to; zero for none.
    pub boot_id: [u8; BOOT_ID_SIZE],
    /// The last sequence number that the program has already made durable; zero for none.
    pub after_sequence: U64,
}

/// A connect context that has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectKind {
    /// Deliver records, each acknowledged before it leaves the driver.
    Watch {
        /// The load that `after_sequence` belongs to; zero for none.
        boot_id: [u8; BOOT_ID_SIZE],
        /// The last sequence number that the program has already made durable; zero for none.
        after_sequence: u64,
    },
    /// Read the stored policy again. What became of it is told by a record of kind `policy`; the
    /// connection itself carries nothing.
    Reload,
    /// Send one [`crate::StatusReport`].
    Status,
}

impl ConnectRequest {
    /// A request to deliver records. Without a `boot_id` there is no number either: the driver refuses it.
    #[must_use]
    pub const fn watch(boot_id: [u8; BOOT_ID_SIZE], after_sequence: u64) -> Self {
        Self {
            boot_id,
            after_sequence: U64::new(after_sequence),
            ..Self::bare(KIND_WATCH)
        }
    }

    /// A request to read the stored policy again.
    #[must_use]
    pub const fn reload() -> Self {
        Self::bare(KIND_RELOAD)
    }

    /// A request for one [`crate::StatusReport`].
    #[must_use]
    pub const fn status() -> Self {
        Self::bare(KIND_STATUS)
    }

    /// A request that says nothing but its kind.
    const fn bare(kind: u16) -> Self {
        Self {
            magic: U32::new(MAGIC),
            version: U16::new(VERSION),
            kind: U16::new(kind),
            reserved: U64::ZERO,
            boot_id: [0; BOOT_ID_SIZE],
            after_sequence: U64::ZERO,
        }
    }

    /// Checks a connect context. Its length must be exact.
    ///
    /// # Errors
    ///
    /// `Short` or `Length` for another size, then `Magic`, `Version`, `Reserved`, `Kind`.
    pub fn parse(bytes: &[u8]) -> Result<ConnectKind, DecodeError> {
        let raw = exact::<Self>(bytes)?;
        if raw.magic != MAGIC {
            return Err(DecodeError::Magic(raw.magic.get()));
        }
        if raw.version != VERSION {
            return Err(DecodeError::Version(raw.version.get()));
        }
        if raw.reserved != U64::ZERO {
            return Err(DecodeError::Reserved);
        }
        let kind = raw.kind.get();
        if kind == KIND_WATCH {
            return Ok(ConnectKind::Watch {
                boot_id: raw.boot_id,
                after_sequence: raw.after_sequence.get(),
            });
        }
        let bare = match kind {
            KIND_RELOAD => ConnectKind::Reload,
            KIND_STATUS => ConnectKind::Status,
            other => return Err(DecodeError::Kind(other)),
        };
        if raw.boot_id == [0; BOOT_ID_SIZE] && raw.after_sequence == 0 {
            Ok(bare)
        } else {
            Err(DecodeError::Reserved)
        }
    }
}

/// The bytes as a `T`, if they are exactly as long as one.
///
/// # Errors
///
/// `Short` if there are fewer bytes, `Length` if there are more.
pub(crate) fn exact<T>(bytes: &[u8]) -> Result<&T, DecodeError>
where
    T: FromBytes + KnownLayout + Immutable + Unaligned,
{
    let needed = size_of::<T>();
    let found = bytes.len();
    let Ok((value, rest)) = T::ref_from_prefix(bytes) else {
        return Err(DecodeError::Short { needed, found });
    };
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(DecodeError::Length {
            stated: u64::try_from(needed).unwrap_or(u64::MAX),
            found,
        })
    }
}
