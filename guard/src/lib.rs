//! The portable core of `CloneGuard`: bytes to claim, claim and facts to verdict, verdict to record.
//!
//! The driver fills a [`Capture`] once, [`Capture::read`] turns it into a [`Claim`], [`judge`]
//! compares the claim with the [`Facts`] of the volume, and a [`Draft`] puts it all into the
//! [`Journal`], which holds the record until its request has ended and a consumer has
//! acknowledged it. No function here asks the system anything, allocates or waits.
//!
//! Read `rules.rs` first: one table with every rule. Below is `wire` (the layout of what leaves),
//! above is `driver` (which gathers the facts).
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

mod code;
mod extent;
mod facts;
mod journal;
mod record;
mod request;
mod ring;
mod rules;
mod ticket;

pub use code::{Bitness, ControlCode, RequestorMode};
pub use extent::{ClusterSize, Extent, ExtentError};
pub use facts::{Facts, SourceState};
pub use journal::{AckError, BATCH_SIZE_MIN, Filled, Journal, StaleTicket};
pub use record::{
    Draft, EncodeError, NAME_UNITS_MAX, Name, Outcome, RECORD_SIZE_MAX, RECORD_SIZE_MIN,
    VolumeFacts,
};
pub use request::{CAPTURE_SIZE, Capture, Claim, ClaimedHandle, StructuralFinding};
pub use ring::{JOURNAL_SIZE_MIN, TooSmall};
pub use rules::{Class, Judgement, RULES, Rule, judge};
pub use ticket::Ticket;
pub use wire::{Counters, NameState, OutcomeKind, RuleId, RuleSet, Verdict};
