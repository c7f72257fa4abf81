//! The bodies about requests: one request, its late end, many passed ones together.

use super::record_body;
use crate::part::{FILES, FileHead, NameHead, ProcessHead, SourceVolumeHead, USERS};
use crate::part::{UserHead, VolumeHead};
use zerocopy::little_endian::{I64, U32, U64, U128};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// How many names a record about a request has: image, parent's image, source, target.
pub const REQUEST_NAMES: usize = 4;

/// What the end of a request decides. In a [`RequestBody`] it comes first, so that the end is a write
/// of 40 bytes at one place.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct EndHead {
    /// [`crate::Verdict`].
    pub verdict: u8,
    /// [`crate::OutcomeKind`].
    pub outcome: u8,
    /// [`crate::SourceAfter`]: what became of the source handle meanwhile.
    pub source_after: u8,
    /// The rule that decided; 0 for none.
    pub deciding_rule: u8,
    /// Final NTSTATUS; means nothing unless `outcome` is completed or refused.
    pub status: U32,
    /// `IoStatus.Information` at the end; means nothing unless `outcome` is completed or refused.
    pub information: U64,
    /// From the decision to the end, in 100 ns; means nothing while `outcome` is pending.
    pub duration: U64,
    /// The rules that fired: bit n stands for rule n.
    pub rules: U128,
}

/// A request: who asked for what, what was found and decided, how it ended.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RequestBody {
    /// What the end decides.
    pub end: EndHead,
    /// Those of the rules that are reason enough to refuse, if mode and policy say so.
    pub grounds: U128,
    /// [`crate::Mode`].
    pub requestor_mode: u8,
    /// [`crate::Bitness`].
    pub bitness: u8,
    /// [`crate::SourceState`].
    pub source_state: u8,
    /// 1 if the claim could be read from the input; 0 if not, and then its fields are zero.
    pub claim_known: u8,
    /// [`crate::Ternary`]: whether the request came from another machine.
    pub remote: u8,
    /// [`crate::Ternary`]: whether source and target are one stream.
    pub same_stream: u8,
    /// [`crate::PolicyMatch`].
    pub policy_match: u8,
    /// Zero.
    pub reserved: u8,
    /// The file-system control code.
    pub control_code: U32,
    /// Claim: flags of the EX structure.
    pub ex_flags: U32,
    /// Length of the caller's input buffer in bytes.
    pub input_length: U32,
    /// Length of the caller's output buffer in bytes.
    pub output_length: U32,
    /// Claim: `SourceFileOffset`.
    pub source_offset: I64,
    /// Claim: `TargetFileOffset`.
    pub target_offset: I64,
    /// Claim: `ByteCount`.
    pub byte_count: I64,
    /// Claim: `Size` of the EX structure; zero for the plain code.
    pub ex_size: U64,
    /// NTSTATUS of the refused source handle; zero unless `source_state` is handle_refused.
    pub source_status: U32,
    /// NTSTATUS: why the source was not looked at; zero if it was, or if nobody could ask.
    pub source_reason: U32,
    /// Rights of the source handle; zero unless it was resolved.
    pub granted_access: U32,
    /// NTSTATUS with which the request was, or in enforce mode would be, refused; zero for none.
    pub refusal: U32,
    /// Revision of the policy in force; zero for the default.
    pub policy_revision: U64,
    /// Number of the policy's rule that matched, from 1; zero for none.
    pub policy_rule: U32,
    /// Zero.
    pub padding: U32,
    /// Who asked.
    pub process: ProcessHead,
    /// Effective user, user of the process.
    pub users: [UserHead; USERS],
    /// The volume of the target.
    pub volume: VolumeHead,
    /// The volume of the source.
    pub source_volume: SourceVolumeHead,
    /// Source, target.
    pub files: [FileHead; FILES],
    /// Image of the process, image of its parent, source, target.
    pub names: [NameHead; REQUEST_NAMES],
}
record_body!(RequestBody: Clone | Seen, REQUEST_NAMES);

/// The end of a request whose own record had to leave before it ended, or was lost.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct EndedBody {
    /// What would stand in the record of the request.
    pub end: EndHead,
}
record_body!(EndedBody: Ended);

/// Many passed requests of one process, between two directories, within one window.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct SummaryBody {
    /// Time of the window's first decision: FILETIME, 100 ns since 1601-01-01 UTC.
    pub first_time: U64,
    /// Time of its last decision, likewise.
    pub last_time: U64,
    /// Requests; `completed`, `failed` and `draining` together.
    pub count: U64,
    /// Ended with a success status.
    pub completed: U64,
    /// Ended with another status.
    pub failed: U64,
    /// The instance went away, so the status is not known.
    pub draining: U64,
    /// Bytes of the completed requests together.
    pub byte_count: U64,
    /// Durations of all requests together, in 100 ns.
    pub duration_sum: U64,
    /// NTSTATUS of the last one that failed; zero for none.
    pub last_failure: U32,
    /// The window in seconds.
    pub window_seconds: U32,
    /// The codes that occurred in the window: bit 0 (1) the plain one, bit 1 (2) the EX one.
    pub control_codes: u8,
    /// [`crate::Mode`] of the requestor.
    pub requestor_mode: u8,
    /// [`crate::Bitness`] of the requestor.
    pub bitness: u8,
    /// [`crate::Ternary`]: whether the requests came from another machine.
    pub remote: u8,
    /// Requests of the window that had not ended, and that another summary counts.
    pub pending: U32,
    /// Revision of the policy in force; zero for the default.
    pub policy_revision: U64,
    /// Who asked.
    pub process: ProcessHead,
    /// Effective user, user of the process.
    pub users: [UserHead; USERS],
    /// The volume of the targets.
    pub volume: VolumeHead,
    /// Image of the process, image of its parent, directory of the sources, directory of the targets.
    pub names: [NameHead; REQUEST_NAMES],
}
record_body!(SummaryBody: Summary, REQUEST_NAMES);
