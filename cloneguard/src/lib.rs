//! The user-mode side: takes what the port delivers and shows it to people and machines.
//!
//! A [`Consumer`] is fed batches, drops what it has had before, proves that nothing is missing or
//! says what is, and yields an [`Event`] for each record together with the acknowledgement to send
//! once the events are safe. [`table`] writes events for people, [`Event::write_json_line`] for
//! machines.
//!
//! [`policy`] turns policies that people write into those that the driver takes, and says what one
//! would have done to recorded requests. The program of this package is its front.
//!
//! Bytes are decoded by `wire` alone. The connection to the port on Windows is not here yet.
#![forbid(unsafe_code)]

mod clock;
mod consumer;
mod event;
mod facts;
mod names;
pub mod policy;
mod sid;
pub mod table;

pub use clock::Timestamp;
pub use consumer::{Consumer, Delivery, Finding, Totals};
pub use event::{ControlCode, Event, EventClaim, EventName, EventRule, SCHEMA_VERSION, Volume};
pub use facts::{EventFault, EventFile, EventPolicy};
pub use names::NtStatus;
pub use sid::sid_text;
