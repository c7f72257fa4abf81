//! A record about the driver itself: what became of a policy.

use crate::{EncodeError, RECORD_SIZE_MIN};
use wire::{NAMES, OutcomeKind, PolicyEvent, RecordHead, RecordKind, Verdict};
use zerocopy::little_endian::{U16, U32, U64};

/// A policy that was loaded, or was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyNote {
    /// What became of it.
    pub event: PolicyEvent,
    /// Revision of the policy in force afterwards; 0 for the default.
    pub revision: u64,
    /// Of a faulty one: the byte at which it is wrong, and the number of its fault.
    pub fault: Option<(u32, u16)>,
    /// Of an unreadable one: NTSTATUS.
    pub status: u32,
    /// When: FILETIME, 100 ns since 1601-01-01 UTC.
    pub time: u64,
}

impl PolicyNote {
    /// The record, for [`crate::Journal::note`].
    ///
    /// # Errors
    ///
    /// `WrongSize` never, as the place has the size of a record without names.
    pub fn encode(&self, out: &mut [u8; RECORD_SIZE_MIN]) -> Result<(), EncodeError> {
        let mut head = RecordHead::zeroed();
        head.kind = RecordKind::Policy.raw();
        head.verdict = Verdict::Passed.raw();
        head.outcome = OutcomeKind::Completed.raw();
        head.source_state = wire::SourceState::NotInspected.raw();
        head.bitness = wire::Bitness::Bits64.raw();
        head.time = U64::new(self.time);
        head.policy_event = self.event.raw();
        head.policy_revision = U64::new(self.revision);
        head.status = U32::new(self.status);
        let (offset, fault) = self.fault.unwrap_or((0, 0));
        head.policy_offset = U32::new(offset);
        head.policy_fault = U16::new(fault);
        wire::write_record(&head, &[&[]; NAMES], out).ok_or(EncodeError::WrongSize)
    }
}
