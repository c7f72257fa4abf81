//! The status report: the one message that a status connection receives.

use crate::connect::exact;
use crate::policy::PolicyMode;
use crate::{BOOT_ID_SIZE, Counters, DecodeError, VERSION};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// `CGST` as bytes in memory.
const MAGIC: u32 = u32::from_le_bytes(*b"CGST");
/// Size of [`StatusReport`] as it stands in its own field.
const SIZE: u16 = 264;
const _: () = assert!(
    size_of::<StatusReport>() == 264,
    "SIZE is not the size of StatusReport"
);

/// How things stand with the driver.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(C)]
pub struct StatusReport {
    /// `CGST`.
    pub magic: U32,
    /// [`VERSION`].
    pub version: U16,
    /// Bytes of the report.
    pub size: U16,
    /// The load of the driver.
    pub boot_id: [u8; BOOT_ID_SIZE],
    /// When it was loaded: FILETIME, 100 ns since 1601-01-01 UTC.
    pub started: U64,
    /// When the report was made, likewise.
    pub now: U64,
    /// The last sequence number that was handed out.
    pub last_sequence: U64,
    /// Bytes that the journal has for records.
    pub journal_size: U64,
    /// Bytes of it in use.
    pub journal_used: U64,
    /// Revision of the policy in force; 0 for the default.
    pub policy_revision: U64,
    /// [`crate::policy::PolicyMode`] in force.
    pub policy_mode: u8,
    /// 1 if the policy is locked until the driver is loaded anew.
    pub locked: u8,
    /// 1 if a program receives records.
    pub consumer: u8,
    /// Zero.
    pub reserved: u8,
    /// Volumes that are watched.
    pub volumes_attached: U32,
    /// Volumes that could share blocks and are not watched.
    pub volumes_not_attached: U32,
    /// Zero.
    pub padding: U32,
    /// Version of the driver: major, minor, patch, build.
    pub driver_version: [U16; 4],
    /// The counters.
    pub counters: Counters,
}

impl StatusReport {
    /// Puts what every report has in common into a report of zeros, in its place.
    pub const fn begin(&mut self, boot_id: [u8; BOOT_ID_SIZE]) {
        self.magic = U32::new(MAGIC);
        self.version = U16::new(VERSION);
        self.size = U16::new(SIZE);
        self.boot_id = boot_id;
    }

    /// Checks a report. Its length must be exact.
    ///
    /// # Errors
    ///
    /// `Short` or `Length` for another size, then `Magic`, `Version`, `HeadSize`, `Reserved`, `Status`.
    pub fn parse(bytes: &[u8]) -> Result<&Self, DecodeError> {
        let raw = exact::<Self>(bytes)?;
        if raw.magic != MAGIC {
            return Err(DecodeError::Magic(raw.magic.get()));
        }
        if raw.version != VERSION {
            return Err(DecodeError::Version(raw.version.get()));
        }
        if raw.size != SIZE {
            return Err(DecodeError::HeadSize(raw.size.get()));
        }
        if raw.reserved != 0 || raw.padding != 0 {
            return Err(DecodeError::Reserved);
        }
        let mode_exists = PolicyMode::from_raw(raw.policy_mode).is_some();
        if !mode_exists || raw.locked > 1 || raw.consumer > 1 {
            return Err(DecodeError::Status);
        }
        Ok(raw)
    }
}
