//! The bytes that cross `CloneGuard`'s port, in both directions.
//!
//! A program connects with a [`ConnectRequest`], receives batches ([`Batch`]) of records
//! ([`Record`]) and answers each with an [`Ack`]. All integers are little-endian and unaligned,
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
mod check;
mod connect;
mod error;
mod facts;
#[cfg(test)]
mod layout;
mod open;
pub mod policy;
mod record;
mod rule;
mod text;
mod view;

pub use ack::Ack;
pub use batch::{Batch, BatchHead, Counters, Records};
pub use connect::{ConnectRequest, Request};
pub use error::DecodeError;
pub use facts::File;
pub use open::{
    Bitness, FactState, FileKind, Mode, NameState, OutcomeKind, PolicyEvent, PolicyMatch,
    RecordKind, SourceAfter, SourceState, Ternary, Verdict,
};
pub use record::{
    FILES, FileHead, NAMES, NameHead, RecordHead, SID_SIZE_MAX, record_size, write_record,
};
pub use rule::{RULE_NAMES, RuleId, RuleIds, RuleSet};
pub use text::{Text, Units};
pub use view::{Claim, Name, Record};

/// Version of every layout in this crate. 0 means: not frozen yet, both ends must be of one build.
pub const VERSION: u16 = 0;

/// Size of a boot id: a random 128-bit value, new with every load of the driver.
pub const BOOT_ID_SIZE: usize = 16;
