//! What the driver knew of the request when it judged it, and the policy that it judged by.

use crate::NtStatus;
use crate::event::label;
use serde::Serialize;
use wire::{FactState, File, PolicyEvent, PolicyMatch, Record, Ternary};

/// What the file system said of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventFile {
    /// `known`, `refused` or `not_asked`.
    pub state: String,
    /// Why it is not known, if somebody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<NtStatus>,
    /// `data`, `directory` or `volume`; none if not known.
    pub kind: Option<String>,
    /// `FILE_ATTRIBUTE_*`; none if not known.
    pub attributes: Option<u32>,
    /// Bytes in the stream; none if not known.
    pub end_of_file: Option<i64>,
    /// Bytes of its clusters, holes included; none if not known.
    pub allocation_size: Option<i64>,
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
    /// What became of a policy; only in an event of kind `policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Where a faulty policy is wrong, and how; only in such an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<EventFault>,
}

/// What is wrong with a policy that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventFault {
    /// The byte of the stored policy at which it is wrong.
    pub offset: u32,
    /// The number of the fault.
    pub code: u16,
}

impl EventFile {
    /// The file of a record.
    pub(crate) fn new(file: &File) -> Self {
        let is_known = file.state == FactState::Known;
        let reason = (file.reason != 0).then(|| NtStatus::new(file.reason));
        Self {
            state: label(file.state.name(), file.state.raw()),
            reason,
            kind: is_known.then(|| label(file.kind.name(), file.kind.raw())),
            attributes: is_known.then_some(file.attributes),
            end_of_file: is_known.then_some(file.end_of_file),
            allocation_size: is_known.then_some(file.allocation_size),
        }
    }
}

impl EventPolicy {
    /// The policy of a record.
    pub(crate) fn new(record: &Record<'_>) -> Self {
        let (matched, event) = (record.policy_match(), record.policy_event());
        Self {
            revision: record.policy_revision(),
            matched: label(matched.name(), matched.raw()),
            rule: record.policy_rule(),
            event: (event != PolicyEvent::Other).then(|| label(event.name(), event.raw())),
            fault: record
                .policy_fault()
                .map(|(offset, code)| EventFault { offset, code }),
        }
    }

    /// Whether an unknown fact left open what the policy says.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        Some(self.matched.as_str()) == PolicyMatch::Undecided.name()
    }
}

/// An answer that may be unknown.
pub(crate) const fn answer(answer: Ternary) -> Option<bool> {
    match answer {
        Ternary::Yes => Some(true),
        Ternary::No => Some(false),
        Ternary::Unasked | Ternary::Unknown(_) => None,
    }
}

/// A GUID as the registry writes it, without braces: the first three fields are little-endian.
pub(crate) fn guid_text(guid: [u8; 16]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = guid;
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let (clock, node) = rest.split_at(2);
    [
        hex(&[d, c, b, a]),
        hex(&[f, e]),
        hex(&[h, g]),
        hex(clock),
        hex(node),
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use super::guid_text;

    #[test]
    fn a_guid_is_written_as_the_registry_writes_it() {
        let guid = core::array::from_fn(|index| u8::try_from(index).unwrap());
        assert_eq!(guid_text(guid), "03020100-0504-0706-0809-0a0b0c0d0e0f");
    }
}
