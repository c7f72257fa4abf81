//! The bytes that cross `CloneGuard`'s port, in both directions.
//!
//! A program connects with a [`ConnectRequest`], receives batches ([`Batch`]) of records
//! ([`Record`]) and answers each with an [`Ack`], or receives one [`StatusReport`]. All integers are little-endian and unaligned,
//! widths are fixed, padding is explicit, and no kernel address and nothing pointer-sized appears.
//!
//! Every `parse` is the only way to its type and checks every field, so code that holds a [`Batch`]
//! or a [`Record`] has nothing left to check. Nothing allocates.
//!
//! [`policy`] is the other format of this crate: what the driver reads from the registry.
//!
//! Written by `guard` (in the driver), read by `cloneguard`; `docs/wire.md` is the field table and
//! a test keeps it equal to the types.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::integer_division,
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::todo,
    clippy::wildcard_enum_match_arm,
    clippy::let_underscore_must_use,
    clippy::mem_forget,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

mod ack;
mod batch;
mod body;
mod check;
mod connect;
mod counters;
mod error;
mod facts;
mod head;
#[cfg(all(test, not(miri)))]
mod layout;
mod open;
mod part;
pub mod policy;
mod record;
mod rule;
mod status;
mod text;
mod view;
mod write;

pub use ack::Ack;
pub use batch::{Batch, BatchHead, Records};
pub use body::{
    ConsumerBody, EndHead, EndedBody, GapBody, HeartbeatBody, IMAGE_HASH_SIZE, PolicyBody,
    REQUEST_NAMES, RecordBody, RequestBody, StartedBody, StoppingBody, SummaryBody, VolumeBody,
};
pub use connect::{ConnectKind, ConnectRequest};
pub use counters::{Counters, LOSS_CAUSES, LOSS_CLASSES, Losses, loss_total};
pub use error::DecodeError;
pub use facts::{File, Process, SourceVolume, User, Volume};
pub use head::RecordHead;
pub use open::{
    Bitness, ConsumerEvent, FactState, FileKind, LossCause, LossClass, Mode, NameState,
    OutcomeKind, PolicyEvent, PolicyMatch, PreviousStop, RecordKind, SourceAfter, SourceState,
    Ternary, Verdict, VolumeCause, VolumeEvent,
};
pub use part::{
    FILE_ID_SIZE, FILES, FileHead, GUID_SIZE, NameHead, ProcessHead, SID_SIZE_MAX,
    SourceVolumeHead, USERS, UserHead, VolumeHead,
};
pub use record::{Body, Record};
pub use rule::{RULE_NAMES, RuleId, RuleIds, RuleSet};
pub use status::StatusReport;
pub use text::{Text, Units};
pub use view::{Claim, ConsumerNote, Ended, Name, Request, Summary, View, VolumeNote};
pub use write::{Heading, record_size, write_record};

/// Version of every layout in this crate. Version 1 is frozen: what a field means never changes, and
/// fields are only ever added with a new version.
pub const VERSION: u16 = 1;

/// Size of a boot id: a random 128-bit value, new with every load of the driver.
pub const BOOT_ID_SIZE: usize = 16;
