//! What a request asked for, and what the policy said of it.

use crate::label::labelled;
use crate::names::named_code;
use serde::{Serialize, Serializer};
use wire::{PolicyMatch, Request};

/// A file-system control code. In JSON an object with `code` and, if known, `name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlCode(pub u32);

/// What the caller asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventClaim {
    /// First byte of the source range.
    pub source_offset: i64,
    /// First byte of the target range.
    pub target_offset: i64,
    /// Bytes of the range.
    pub byte_count: i64,
    /// `Size` of the EX structure; none for the plain code.
    pub ex_size: Option<u64>,
    /// Flags of the EX structure; none for the plain code.
    pub ex_flags: Option<u32>,
}

/// The policy that was in force, and what its rules said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventPolicy {
    /// Its revision; 0 for the default.
    pub revision: u64,
    /// What its rules said.
    #[serde(rename = "match")]
    pub matched: String,
    /// Number of the rule that matched or could not be decided, from 1.
    pub rule: Option<u32>,
}

impl ControlCode {
    /// `FSCTL_DUPLICATE_EXTENTS_TO_FILE`.
    pub const CLONE: Self = Self(0x0009_8344);
    /// `FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX`.
    pub const CLONE_EX: Self = Self(0x0009_83E8);

    /// The symbolic name of the codes that the driver records (MS-FSCC 2.3, `winioctl.h`).
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::CLONE => Some("FSCTL_DUPLICATE_EXTENTS_TO_FILE"),
            Self::CLONE_EX => Some("FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX"),
            Self(0x0009_0430) => Some("FSCTL_QUERY_ASYNC_DUPLICATE_EXTENTS_STATUS"),
            Self(0x0009_0440) => Some("FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT"),
            Self(0x0009_045C) => Some("FSCTL_DUPLICATE_CLUSTER"),
            Self(_) => None,
        }
    }
}

impl Serialize for ControlCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        named_code(serializer, "ControlCode", self.0, self.name())
    }
}

impl EventClaim {
    pub(super) fn new(request: &Request<'_>) -> Option<Self> {
        let claim = request.claim()?;
        let is_ex = ControlCode(request.control_code()) == ControlCode::CLONE_EX;
        Some(Self {
            source_offset: claim.source_offset,
            target_offset: claim.target_offset,
            byte_count: claim.byte_count,
            ex_size: is_ex.then_some(claim.ex_size),
            ex_flags: is_ex.then_some(claim.ex_flags),
        })
    }
}

impl EventPolicy {
    pub(super) fn new(request: &Request<'_>) -> Self {
        Self {
            revision: request.policy_revision(),
            matched: labelled!(request.policy_match()),
            rule: request.policy_rule(),
        }
    }

    /// Whether an unknown fact left open what the policy says.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        Some(self.matched.as_str()) == PolicyMatch::Undecided.name()
    }
}
