//! The parts of a draft, each into the fields that are its own.

use crate::record::{Judged, Matter, Places, Requestor, Seen, VolumeFacts, VolumeGuid};
use crate::{ClusterSize, Fact, FileFacts, VolumeAttributes};
use wire::{
    FileHead, GUID_SIZE, RecordKind, RequestBody, RuleId, SourceVolumeHead, Ternary, Verdict,
    VolumeHead,
};
use zerocopy::little_endian::{I64, U32, U64, U128};

impl Matter<'_> {
    /// The kind of its record.
    pub(crate) const fn kind(&self) -> RecordKind {
        match self {
            Self::Clone(_) => RecordKind::Clone,
            Self::Seen(_) => RecordKind::Seen,
        }
    }
}

impl Judged<'_> {
    pub(crate) fn put(&self, body: &mut RequestBody) {
        self.put_request(body);
        self.put_judgement(body);
        self.put_facts(body);
    }

    /// The request as it was made.
    fn put_request(&self, body: &mut RequestBody) {
        body.control_code = U32::new(self.capture.code.raw());
        body.input_length = U32::new(self.capture.input_length);
        body.output_length = U32::new(self.capture.output_length);
        if let Ok(claim) = self.claim {
            body.claim_known = 1;
            body.source_offset = I64::new(claim.source_offset);
            body.target_offset = I64::new(claim.target_offset);
            body.byte_count = I64::new(claim.byte_count);
            body.ex_size = U64::new(claim.ex_size.unwrap_or(0));
            body.ex_flags = U32::new(claim.flags);
        }
    }

    /// What was decided.
    fn put_judgement(&self, body: &mut RequestBody) {
        let judgement = self.judgement;
        body.end.verdict = judgement.verdict.raw();
        body.end.rules = U128::new(judgement.findings.fired.bits());
        body.grounds = U128::new(judgement.findings.grounds.bits());
        body.end.deciding_rule = judgement.deciding.map_or(0, RuleId::number);
        body.refusal = U32::new(judgement.refusal.unwrap_or(0));
        body.policy_revision = U64::new(self.policy.revision);
        body.policy_match = self.policy.answer.raw();
        body.policy_rule = U32::new(self.policy.rule);
    }

    /// By what it was decided.
    fn put_facts(&self, body: &mut RequestBody) {
        let facts = self.facts;
        body.source_state = facts.source.to_wire().raw();
        body.source_status = U32::new(facts.source.status());
        body.source_reason = U32::new(facts.source.reason());
        body.granted_access = U32::new(facts.source.granted().unwrap_or(0));
        body.same_stream = ternary(facts.same_stream).raw();
        put_attributes(facts.volume, &mut body.volume);
        let [source, target] = &mut body.files;
        facts.source_file.put(source);
        facts.target_file.put(target);
    }
}

impl Seen {
    pub(crate) fn put(&self, body: &mut RequestBody) {
        body.end.verdict = Verdict::Passed.raw();
        body.source_state = wire::SourceState::NotInspected.raw();
        body.control_code = U32::new(self.code.raw());
        body.input_length = U32::new(self.input_length);
        body.output_length = U32::new(self.output_length);
    }
}

impl Requestor<'_> {
    pub(crate) fn put(&self, body: &mut RequestBody) {
        body.end.duration = U64::new(self.started);
        body.requestor_mode = self.mode.to_wire().raw();
        body.bitness = self.bitness.to_wire().raw();
        body.remote = ternary(self.remote).raw();
        self.identity.put(&mut body.process, &mut body.users);
    }
}

impl Places {
    pub(crate) fn put(&self, body: &mut RequestBody) {
        self.volume.put(&mut body.volume);
        put_source_volume(self.source_volume, &mut body.source_volume);
        let [source, target] = &mut body.files;
        put_id(self.source_id, source);
        put_id(self.target_id, target);
    }
}

impl VolumeFacts {
    /// Everything but the attributes, which are asked for anew when they matter.
    pub(crate) fn put(&self, head: &mut VolumeHead) {
        head.file_system = U32::new(self.file_system);
        head.cluster_size = U32::new(self.cluster_size.map_or(0, ClusterSize::get));
        head.cluster_reason = U32::new(self.cluster_reason);
        head.setup_flags = U32::new(self.flags);
        head.guid_known = u8::from(self.guid.is_some());
        head.guid_reason = U32::new(self.guid_reason);
        head.guid = self.guid.map_or([0; GUID_SIZE], |guid| guid.0);
    }
}

impl Fact<FileFacts> {
    fn put(self, head: &mut FileHead) {
        let (state, reason) = self.to_wire();
        head.state = state.raw();
        head.reason = U32::new(reason);
        if let Some(file) = self.known() {
            head.kind = file.kind.raw();
            head.attributes = U32::new(file.attributes);
            head.end_of_file = I64::new(file.end_of_file);
            head.allocation_size = I64::new(file.allocation_size);
        }
    }
}

fn put_attributes(attributes: Fact<VolumeAttributes>, head: &mut VolumeHead) {
    let (state, reason) = attributes.to_wire();
    head.state = state.raw();
    head.attributes_reason = U32::new(reason);
    head.attributes = U32::new(attributes.known().map_or(0, |attributes| attributes.0));
}

fn put_source_volume(guid: Fact<VolumeGuid>, head: &mut SourceVolumeHead) {
    let (_, reason) = guid.to_wire();
    head.guid_known = u8::from(guid.known().is_some());
    head.reason = U32::new(reason);
    head.guid = guid.known().map_or([0; GUID_SIZE], |guid| guid.0);
}

fn put_id(id: Fact<u128>, head: &mut FileHead) {
    let (state, reason) = id.to_wire();
    head.id_state = state.raw();
    head.id_reason = U32::new(reason);
    head.id = id.known().unwrap_or(0).to_le_bytes();
}

/// An answer that may be unknown, for the wire.
pub(crate) const fn ternary(answer: Option<bool>) -> Ternary {
    match answer {
        None => Ternary::Unasked,
        Some(false) => Ternary::No,
        Some(true) => Ternary::Yes,
    }
}
