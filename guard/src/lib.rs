//! The portable core of `CloneGuard`: bytes to claim, claim and facts to verdict, verdict to record.
//!
//! The driver fills a [`Capture`] once, [`Capture::read`] turns it into a [`Claim`], [`find`] runs every
//! rule over the claim and the [`Facts`], [`decide`] makes a verdict of what fired, and a [`Draft`] puts
//! it all into the [`Journal`], which holds the record until its request has ended and a consumer has
//! acknowledged it. No function here asks the system anything, allocates or waits.
//!
//! [`policy`] evaluates what an administrator says about all this.
//!
//! Read `table.rs` first: one table with every rule. Below is `wire` (the layout of what leaves),
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

mod check;
mod code;
mod encode;
mod extent;
mod facts;
mod gap;
mod identity;
mod journal;
mod keyed;
mod name;
mod note;
mod outcome;
pub mod policy;
mod reader;
mod record;
mod request;
mod ring;
mod rules;
mod summary;
mod sync;
mod table;
mod tally;
mod ticket;
mod verdict;

pub use code::{Bitness, ControlCode, RequestorMode, SeenCode};
pub use extent::{ClusterSize, Extent, ExtentError};
pub use facts::{Fact, Facts, FileFacts, SourceState, VolumeAttributes};
pub use gap::GapKeeper;
pub use identity::{Identity, Parent, Process, TokenFacts, User};
pub use journal::{JOURNAL_SIZE_MIN, Journal, StaleTicket, TooSmall, Usage, journal_words};
pub use keyed::{Keyed, KeyedSlot};
pub use name::{NAME_UNITS_MAX, Name};
pub use note::{
    ConsumerNote, GapNote, HeartbeatNote, Note, NoteEvent, PolicyNote, PreviousLoad, StartedNote,
    VolumeNote,
};
pub use outcome::Outcome;
pub use reader::{AckError, BATCH_SIZE_MIN, Filled, LATE_AFTER, Reader};
pub use record::{
    Draft, EncodeError, Judged, Matter, Names, Places, PolicyMark, RECORD_SIZE_MAX,
    RECORD_SIZE_MIN, Requestor, Seen, VolumeFacts, VolumeGuid,
};
pub use request::{CAPTURE_SIZE, Capture, Claim, ClaimedHandle, StructuralFinding};
pub use rules::{Answer, Class, Findings, Rule, Subject, find};
pub use summary::{
    Begun, Emitted, Flight, GivenUp, Passed, Summaries, SummaryEntry, SummaryTicket,
};
pub use table::RULES;
pub use ticket::Ticket;
pub use verdict::{Judgement, Powers, UNAUDITED, decide};
pub use wire::{
    Counters, FileKind, LossCause, LossClass, NameState, OutcomeKind, PolicyEvent, PolicyMatch,
    RuleId, RuleSet, SourceAfter, Verdict,
};
