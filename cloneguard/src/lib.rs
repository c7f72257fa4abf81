//! The user-mode side: takes what the port delivers and shows it to people and machines.
//!
//! A [`Consumer`] is fed batches, drops what it has had before, proves that nothing is missing or
//! says what is, and yields an [`Entry`] for each record together with the acknowledgement to send
//! once they are safe. [`table`] writes entries for people, [`Entry::write_json_line`] for machines.
//!
//! [`schema`] is the table of what that JSON may contain, and [`filter`] the language in which records
//! are asked for.
//!
//! [`policy`] turns policies that people write into those that the driver takes, and says what one
//! would have done to recorded requests. The program of this package is its front.
//!
//! [`journal`] keeps records on a disk, with proof that none is missing; [`export`] writes them in the formats
//! of other programs.
//!
//! [`json`] writes lines that are safe to look at.
//!
//! [`live`] is the connection to a running driver: its port on Windows, the test-bed's socket on Linux.
//!
//! Bytes are decoded by `wire` alone. Unsafe code is denied by the workspace, and allowed in one module: the
//! Win32 calls of the port.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod clock;
mod consumer;
mod entry;
mod event;
pub mod export;
pub mod filter;
pub mod journal;
pub mod json;
mod label;
pub mod lineage;
pub mod live;
mod names;
pub mod policy;
pub mod schema;
mod sid;
pub mod stats;
pub mod table;

pub use clock::{NoTime, Timestamp};
pub use consumer::{Consumer, Delivery, Finding, Totals};
pub use entry::{Entry, EntryHead, SCHEMA_VERSION};
pub use event::{
    CauseCounts, ConsumerChange, ControlCode, CounterValues, Ended, Event, EventClaim, EventEnd,
    EventFile, EventName, EventPolicy, EventProcess, EventRule, EventUsers, Gap, Heartbeat,
    IntegrityLevel, LossCounts, PolicyChange, PolicyFaultAt, SourceVolume, Started, Stopping,
    Summary, UnknownEntry, Volume, VolumeChange,
};
pub use label::Hex64;
pub use names::NtStatus;
pub use sid::sid_text;

/// The number of a load of the driver.
pub type BootId = [u8; wire::BOOT_ID_SIZE];
