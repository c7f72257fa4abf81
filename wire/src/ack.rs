//! The acknowledgement: the program's reply to a batch.
//!
//! The reply buffer of `FltSendMessage` receives exactly these bytes. A record leaves the driver
//! only when an acknowledgement names its sequence number or a later one.

use crate::connect::exact;
use crate::{BOOT_ID_SIZE, DecodeError, VERSION};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// `CGAK` as bytes in memory.
const MAGIC: u32 = u32::from_le_bytes(*b"CGAK");

/// The bytes of an acknowledgement. A value from [`Ack::parse`] has all fields checked.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct Ack {
    pub(crate) magic: U32,
    pub(crate) version: U16,
    pub(crate) reserved: U16,
    pub(crate) boot_id: [u8; BOOT_ID_SIZE],
    pub(crate) through_sequence: U64,
}

impl Ack {
    /// An acknowledgement of everything up to and including `through_sequence`.
    #[must_use]
    pub const fn new(boot_id: [u8; BOOT_ID_SIZE], through_sequence: u64) -> Self {
        Self {
            magic: U32::new(MAGIC),
            version: U16::new(VERSION),
            reserved: U16::ZERO,
            boot_id,
            through_sequence: U64::new(through_sequence),
        }
    }

    /// Checks a reply. Its length must be exact: a reply of another length is no acknowledgement.
    ///
    /// # Errors
    ///
    /// `Short` or `Length` for another size, then `Magic`, `Version`, `Reserved`.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let raw = exact::<Self>(bytes)?;
        if raw.magic != MAGIC {
            return Err(DecodeError::Magic(raw.magic.get()));
        }
        if raw.version != VERSION {
            return Err(DecodeError::Version(raw.version.get()));
        }
        if raw.reserved != U16::ZERO {
            return Err(DecodeError::Reserved);
        }
        Ok(*raw)
    }

    /// The load of the driver whose records are acknowledged.
    #[must_use]
    pub const fn boot_id(&self) -> [u8; BOOT_ID_SIZE] {
        self.boot_id
    }

    /// The last sequence number that the program has made durable.
    #[must_use]
    pub const fn through_sequence(&self) -> u64 {
        self.through_sequence.get()
    }

    /// The bytes to send.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}
