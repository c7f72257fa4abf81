//! The bodies in which the driver tells of itself.

use super::record_body;
use crate::part::{NameHead, VolumeHead};
use crate::{BOOT_ID_SIZE, Counters, Losses};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of a SHA-256.
pub const IMAGE_HASH_SIZE: usize = 32;

/// A policy that was loaded, or was not.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct PolicyBody {
    /// Revision of the policy in force afterwards; zero for the default.
    pub revision: U64,
    /// Of an unreadable policy: NTSTATUS.
    pub status: U32,
    /// Of a faulty policy: the byte at which it is wrong.
    pub offset: U32,
    /// Of a faulty policy: the number of its fault.
    pub fault: U16,
    /// [`crate::PolicyEvent`].
    pub event: u8,
    /// [`crate::policy::PolicyMode`] in force afterwards.
    pub mode: u8,
    /// Zero.
    pub reserved: U32,
}
record_body!(PolicyBody: Policy);

/// The driver was loaded.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct StartedBody {
    /// Version of the driver: major, minor, patch, build.
    pub driver_version: [U16; 4],
    /// [`crate::PreviousStop`]: how the load before ended.
    pub previous: u8,
    /// [`crate::FactState`] of `image_hash`.
    pub image_hash_state: u8,
    /// [`crate::policy::PolicyMode`] in force.
    pub policy_mode: u8,
    /// Zero.
    pub reserved: u8,
    /// NTSTATUS: why `image_hash` is not known; zero if it is, or if nobody asked.
    pub image_hash_reason: U32,
    /// Boot id of the load before; zero if unknown.
    pub previous_boot_id: [u8; BOOT_ID_SIZE],
    /// The last sequence number that the load before is known to have handed out; 0 if unknown.
    pub previous_sequence: U64,
    /// How many records the load before is known to have taken with it undelivered; 0 if unknown.
    pub previous_undelivered: U64,
    /// Bytes of memory that the journal was given.
    pub journal_size: U64,
    /// Revision of the policy in force; zero for the default.
    pub policy_revision: U64,
    /// SHA-256 of the driver's file.
    pub image_hash: [u8; IMAGE_HASH_SIZE],
    /// Window in which passed requests are summarised, in seconds; 0 for never.
    pub summarise_seconds: U32,
    /// Zero.
    pub padding: U32,
}
record_body!(StartedBody: Started);

/// The driver is about to be unloaded.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct StoppingBody {
    /// The counters at that moment, this record not counted.
    pub counters: Counters,
}
record_body!(StoppingBody: Stopping);

/// A volume that is watched, is not, or is no longer.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct VolumeBody {
    /// [`crate::VolumeEvent`].
    pub event: u8,
    /// [`crate::VolumeCause`]: why it is not watched.
    pub cause: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// NTSTATUS of the driver's own set-up; zero unless that failed.
    pub status: U32,
    /// The volume.
    pub volume: VolumeHead,
    /// Its device name.
    pub names: [NameHead; 1],
}
record_body!(VolumeBody: Volume, 1);

/// A program that wanted the records.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct ConsumerBody {
    /// [`crate::ConsumerEvent`].
    pub event: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// NTSTATUS: why it was refused; zero if it was not.
    pub status: U32,
    /// Its process; 0 if unknown.
    pub process_id: U32,
    /// Zero.
    pub padding: U32,
    /// A number of the process that is never used again within a boot; 0 if unknown.
    pub start_key: U64,
    /// The last sequence number that it said it has.
    pub after_sequence: U64,
    /// The load of the driver that it said this number belongs to.
    pub boot_id: [u8; BOOT_ID_SIZE],
    /// Image of its process.
    pub names: [NameHead; 1],
}
record_body!(ConsumerBody: Consumer, 1);

/// The counters, at regular intervals.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct HeartbeatBody {
    /// The counters at that moment, this record not counted.
    pub counters: Counters,
    /// Since the driver was loaded, in 100 ns.
    pub uptime: U64,
    /// From one heartbeat to the next.
    pub interval_seconds: U32,
    /// Programs at the port that no record tells of, since the driver was loaded.
    pub untold: U32,
}
record_body!(HeartbeatBody: Heartbeat);

/// Records were lost.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct GapBody {
    /// How many since the record of this kind before; the sum of `losses`.
    pub total: U64,
    /// The same by class and cause.
    pub losses: Losses,
    /// Requests that were meanwhile refused because nothing could be recorded of them.
    pub refused: U64,
}
record_body!(GapBody: Gap);
