//! Many passed requests together.

use super::{ControlCode, EventName, EventProcess, EventUsers, Volume};
use crate::label::{answer, labelled, reason};
use crate::{EntryHead, NtStatus, Timestamp};
use serde::Serialize;
use wire::{Bitness, Mode, Ternary};

/// Passed requests of one process, between two directories, within one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// What the entries of all kinds have.
    #[serde(flatten)]
    pub head: EntryHead,
    /// Of the first decision.
    pub first_time: Timestamp,
    /// Of the last decision.
    pub last_time: Timestamp,
    /// The window in seconds.
    pub window_seconds: u32,
    /// Requests that ended.
    pub count: u64,
    /// Those that ended with a success status.
    pub completed: u64,
    /// Those that ended with another status.
    pub failed: u64,
    /// Those whose status is not known, because the instance went away.
    pub draining: u64,
    /// Requests of the window that had not ended; another summary counts them.
    pub pending: u32,
    /// Bytes of the completed requests together.
    pub byte_count: u64,
    /// Durations of all requests together, in 100 ns.
    pub duration_sum_100ns: u64,
    /// Status of the last one that failed.
    pub last_failure: Option<NtStatus>,
    /// The codes that occurred.
    pub control_codes: Vec<ControlCode>,
    /// Who asked: `kernel` or `user`.
    pub requestor_mode: String,
    /// Pointer width of the caller: 32 or 64.
    pub bitness: u8,
    /// Whether the requests came from another machine; none if unknown.
    pub remote: Option<bool>,
    /// Revision of the policy in force; 0 for the default.
    pub policy_revision: u64,
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
    /// Directory of the sources.
    pub source_directory: EventName,
    /// Directory of the targets.
    pub target_directory: EventName,
    /// The volume of the targets.
    pub volume: Volume,
}

impl Summary {
    pub(crate) fn new(head: EntryHead, summary: &wire::Summary<'_>) -> Self {
        let body = summary.body();
        Self {
            head,
            first_time: Timestamp::from_filetime(body.first_time.get()),
            last_time: Timestamp::from_filetime(body.last_time.get()),
            window_seconds: body.window_seconds.get(),
            count: body.count.get(),
            completed: body.completed.get(),
            failed: body.failed.get(),
            draining: body.draining.get(),
            pending: body.pending.get(),
            byte_count: body.byte_count.get(),
            duration_sum_100ns: body.duration_sum.get(),
            last_failure: reason(body.last_failure.get()),
            control_codes: control_codes(body.control_codes),
            requestor_mode: labelled!(Mode::from_raw(body.requestor_mode)),
            bitness: Bitness::from_raw(body.bitness).raw(),
            remote: answer(Ternary::from_raw(body.remote)),
            policy_revision: body.policy_revision.get(),
            process: EventProcess::new(&summary.process()),
            users: EventUsers::new(&summary.effective_user(), &summary.primary_user()),
            image: EventName::new(&summary.image()),
            parent_image: EventName::new(&summary.parent_image()),
            source_directory: EventName::new(&summary.source()),
            target_directory: EventName::new(&summary.target()),
            volume: Volume::new(&summary.volume()),
        }
    }
}

/// The codes of the bits: 1 the plain one, 2 the EX one.
fn control_codes(bits: u8) -> Vec<ControlCode> {
    let codes = [(1, ControlCode::CLONE), (2, ControlCode::CLONE_EX)];
    let present = codes.into_iter().filter(|(bit, _)| bits & bit != 0);
    present.map(|(_, code)| code).collect()
}
