//! What records tell, decoded: a type for each kind, and for the parts that several kinds have.
//!
//! [`Event`] is a request. `end.rs` has how requests end, `party.rs` who asks, `file.rs` and `volume.rs`
//! what they ask about, `summary.rs` many requests together, `own.rs` what the driver tells of itself.

mod claim;
mod counters;
mod end;
mod file;
mod own;
mod party;
mod summary;
mod volume;

pub use claim::{ControlCode, EventClaim, EventPolicy};
pub use counters::{CauseCounts, CounterValues, LossCounts};
pub use end::{Ended, EventEnd, EventRule};
pub use file::{EventFile, EventName};
pub use own::{
    ConsumerChange, Gap, Heartbeat, PolicyChange, PolicyFaultAt, Started, Stopping, UnknownEntry,
    VolumeChange,
};
pub use party::{EventProcess, EventUsers, IntegrityLevel};
pub use summary::Summary;
pub use volume::{SourceVolume, Volume};

use crate::label::{answer, labelled, reason};
use crate::{EntryHead, NtStatus};
use serde::Serialize;
use wire::Request;

/// One request, complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// What the entries of all kinds have.
    #[serde(flatten)]
    pub head: EntryHead,
    /// How it ended.
    #[serde(flatten)]
    pub end: EventEnd,
    /// Those of the rules that are reason enough to refuse, if mode and policy say so.
    pub grounds: Vec<EventRule>,
    /// With what the request was refused, or in enforce mode would have been.
    pub refusal: Option<NtStatus>,
    /// The policy in force, and what its rules said.
    pub policy: EventPolicy,
    /// The control code.
    pub control_code: ControlCode,
    /// Who asked: `kernel` or `user`.
    pub requestor_mode: String,
    /// Pointer width of the caller: 32 or 64.
    pub bitness: u8,
    /// Length of the input buffer in bytes.
    pub input_length: u32,
    /// Length of the output buffer in bytes.
    pub output_length: u32,
    /// What the caller asked for; none if the input could not be read.
    pub claim: Option<EventClaim>,
    /// What became of the source handle.
    pub source_state: String,
    /// Why the source handle was refused, if it was.
    pub source_status: Option<NtStatus>,
    /// Why the source was not looked at, if somebody tried.
    pub source_reason: Option<NtStatus>,
    /// Rights of the source handle; none if it was not resolved.
    pub granted_access: Option<u32>,
    /// Whether both are one stream; none if unknown.
    pub same_stream: Option<bool>,
    /// Whether the request came from another machine; none if unknown.
    pub remote: Option<bool>,
    /// The process.
    #[serde(flatten)]
    pub process: EventProcess,
    /// For whom.
    #[serde(flatten)]
    pub users: EventUsers,
    /// Image of the process.
    pub image: EventName,
    /// Image of its parent.
    pub parent_image: EventName,
    /// Source file.
    pub source: EventName,
    /// Target file.
    pub target: EventName,
    /// What the file system said of the source.
    pub source_file: EventFile,
    /// What the file system said of the target.
    pub target_file: EventFile,
    /// The volume of the target.
    pub volume: Volume,
    /// The volume of the source.
    pub source_volume: SourceVolume,
}

impl Event {
    pub(crate) fn new(head: EntryHead, request: &Request<'_>) -> Self {
        Self {
            head,
            end: EventEnd::new(request.end()),
            grounds: request.grounds().iter().map(EventRule::new).collect(),
            refusal: request.refusal().map(NtStatus::new),
            policy: EventPolicy::new(request),
            control_code: ControlCode(request.control_code()),
            requestor_mode: labelled!(request.requestor_mode()),
            bitness: request.bitness().raw(),
            input_length: request.input_length(),
            output_length: request.output_length(),
            claim: EventClaim::new(request),
            source_state: labelled!(request.source_state()),
            source_status: request.source_status().map(NtStatus::new),
            source_reason: reason(request.source_reason()),
            granted_access: request.granted_access(),
            same_stream: answer(request.same_stream()),
            remote: answer(request.remote()),
            process: EventProcess::new(&request.process()),
            users: EventUsers::new(&request.effective_user(), &request.primary_user()),
            image: EventName::new(&request.image()),
            parent_image: EventName::new(&request.parent_image()),
            source: EventName::new(&request.source()),
            target: EventName::new(&request.target()),
            source_file: EventFile::new(&request.source_file()),
            target_file: EventFile::new(&request.target_file()),
            volume: Volume::new(&request.volume()),
            source_volume: SourceVolume::new(&request.source_volume()),
        }
    }
}
