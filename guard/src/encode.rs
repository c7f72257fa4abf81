//! The parts of a draft, each into the fields that are its own.

use crate::record::{Judged, Requestor, Seen, VolumeFacts};
use crate::{ClusterSize, Fact, FileFacts};
use wire::{FileHead, RecordHead, RecordKind, RuleId, SID_SIZE_MAX, Ternary, Verdict};
use zerocopy::little_endian::{I64, U32, U64, U128};

impl Judged<'_> {
    pub(crate) fn put(&self, head: &mut RecordHead) {
        head.kind = RecordKind::Clone.raw();
        self.put_request(head);
        self.put_judgement(head);
        self.put_facts(head);
    }

    /// The request as it was made.
    fn put_request(&self, head: &mut RecordHead) {
        head.control_code = U32::new(self.capture.code.raw());
        head.input_length = U32::new(self.capture.input_length);
        head.output_length = U32::new(self.capture.output_length);
        if let Ok(claim) = self.claim {
            head.claim_known = 1;
            head.source_offset = I64::new(claim.source_offset);
            head.target_offset = I64::new(claim.target_offset);
            head.byte_count = I64::new(claim.byte_count);
            head.ex_size = U64::new(claim.ex_size.unwrap_or(0));
            head.ex_flags = U32::new(claim.flags);
        }
    }

    /// What was decided.
    fn put_judgement(&self, head: &mut RecordHead) {
        let judgement = self.judgement;
        head.verdict = judgement.verdict.raw();
        head.rules = U128::new(judgement.findings.fired.bits());
        head.grounds = U128::new(judgement.findings.grounds.bits());
        head.deciding_rule = judgement.deciding.map_or(0, RuleId::number);
        head.refusal = U32::new(judgement.refusal.unwrap_or(0));
        head.policy_revision = U64::new(self.policy.revision);
        head.policy_match = self.policy.answer.raw();
        head.policy_rule = U32::new(self.policy.rule);
    }

    /// By what it was decided.
    fn put_facts(&self, head: &mut RecordHead) {
        let facts = self.facts;
        head.source_state = facts.source.to_wire().raw();
        head.source_status = U32::new(facts.source.status());
        head.source_reason = U32::new(facts.source.reason());
        head.granted_access = U32::new(facts.source.granted().unwrap_or(0));
        head.same_stream = ternary(facts.same_stream).raw();
        let (state, reason) = facts.volume.to_wire();
        head.volume_state = state.raw();
        head.volume_reason = U32::new(reason);
        head.volume_attributes = U32::new(facts.volume.known().map_or(0, |volume| volume.0));
        head.files = [facts.source_file.head(), facts.target_file.head()];
    }
}

impl Seen {
    pub(crate) fn put(&self, head: &mut RecordHead) {
        head.kind = RecordKind::Seen.raw();
        head.verdict = Verdict::Passed.raw();
        head.source_state = wire::SourceState::NotInspected.raw();
        head.control_code = U32::new(self.code.raw());
        head.input_length = U32::new(self.input_length);
        head.output_length = U32::new(self.output_length);
    }
}

impl Requestor<'_> {
    pub(crate) fn put(&self, head: &mut RecordHead) {
        head.time = U64::new(self.time);
        head.duration = U64::new(self.started);
        head.requestor_mode = self.mode.to_wire().raw();
        head.bitness = self.bitness.to_wire().raw();
        head.process_id = U32::new(self.process_id);
        head.thread_id = U32::new(self.thread_id);
        head.remote = ternary(self.remote).raw();
        head.user_reason = U32::new(self.user_reason);
        if let Some((size, sid)) = self.user_sid.and_then(whole_sid)
            && let Some(place) = head.user_sid.get_mut(..sid.len())
        {
            place.copy_from_slice(sid);
            head.user_sid_size = size;
        }
    }
}

impl VolumeFacts {
    pub(crate) fn put(&self, head: &mut RecordHead) {
        head.file_system = U32::new(self.file_system);
        head.cluster_size = U32::new(self.cluster_size.map_or(0, ClusterSize::get));
        head.volume_flags = U32::new(self.flags);
        head.volume_guid_known = u8::from(self.guid.is_some());
        head.volume_guid = self.guid.unwrap_or([0; 16]);
        head.cluster_reason = U32::new(self.cluster_reason);
        head.guid_reason = U32::new(self.guid_reason);
    }
}

impl Fact<FileFacts> {
    pub(crate) fn head(self) -> FileHead {
        let (state, reason) = self.to_wire();
        let known = self.known();
        FileHead {
            state: state.raw(),
            kind: known.map_or(0, |file| file.kind.raw()),
            reserved: [0; 2],
            reason: U32::new(reason),
            attributes: U32::new(known.map_or(0, |file| file.attributes)),
            padding: U32::ZERO,
            end_of_file: I64::new(known.map_or(0, |file| file.end_of_file)),
            allocation_size: I64::new(known.map_or(0, |file| file.allocation_size)),
        }
    }
}

/// An answer that may be unknown, for the wire.
const fn ternary(answer: Option<bool>) -> Ternary {
    match answer {
        None => Ternary::Unasked,
        Some(false) => Ternary::No,
        Some(true) => Ternary::Yes,
    }
}

/// The bytes and their number, if they are one whole SID by its own count of sub-authorities.
fn whole_sid(sid: &[u8]) -> Option<(u8, &[u8])> {
    let count = sid.get(1)?;
    let size = count.checked_mul(4)?.checked_add(8)?;
    let whole = sid.len() == usize::from(size) && sid.len() <= SID_SIZE_MAX;
    whole.then_some((size, sid))
}
