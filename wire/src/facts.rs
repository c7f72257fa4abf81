//! What a record says of the facts and of the policy by which a request was judged.

use crate::record::FileHead;
use crate::{
    FactState, FileKind, PolicyEvent, PolicyMatch, Record, SourceAfter, SourceState, Ternary,
};

/// What the file system said of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// Whether it was asked, and answered. Otherwise what follows is zero but for `reason`.
    pub state: FactState,
    /// NTSTATUS: why it is not known; 0 if nobody asked.
    pub reason: u32,
    /// What was opened.
    pub kind: FileKind,
    /// `FILE_ATTRIBUTE_*`.
    pub attributes: u32,
    /// Bytes in the stream.
    pub end_of_file: i64,
    /// Bytes of its clusters, holes included.
    pub allocation_size: i64,
}

impl File {
    /// The native form of a checked head.
    const fn new(head: &FileHead) -> Self {
        Self {
            state: FactState::from_raw(head.state),
            reason: head.reason.get(),
            kind: FileKind::from_raw(head.kind),
            attributes: head.attributes.get(),
            end_of_file: head.end_of_file.get(),
            allocation_size: head.allocation_size.get(),
        }
    }
}

impl Record<'_> {
    /// NTSTATUS with which the request was refused, or in enforce mode would have been.
    #[must_use]
    pub const fn refusal(&self) -> Option<u32> {
        match self.head.refusal.get() {
            0 => None,
            status => Some(status),
        }
    }

    /// Revision of the policy in force; 0 for the default.
    #[must_use]
    pub const fn policy_revision(&self) -> u64 {
        self.head.policy_revision.get()
    }

    /// What the policy's own rules say.
    #[must_use]
    pub const fn policy_match(&self) -> PolicyMatch {
        PolicyMatch::from_raw(self.head.policy_match)
    }

    /// Number of the policy's rule that matched, or that could not be decided, from 1.
    #[must_use]
    pub const fn policy_rule(&self) -> Option<u32> {
        match self.head.policy_rule.get() {
            0 => None,
            number => Some(number),
        }
    }

    /// What became of a policy; `Other` in a record about something else.
    #[must_use]
    pub const fn policy_event(&self) -> PolicyEvent {
        PolicyEvent::from_raw(self.head.policy_event)
    }

    /// Where a policy is wrong, and the number of its fault; `None` unless it is faulty.
    #[must_use]
    pub fn policy_fault(&self) -> Option<(u32, u16)> {
        let fault = (self.head.policy_offset.get(), self.head.policy_fault.get());
        (self.policy_event() == PolicyEvent::Faulty).then_some(fault)
    }

    /// `FileSystemAttributes` of the volume when the request was judged; `None` if not known.
    #[must_use]
    pub fn volume_attributes(&self) -> Option<u32> {
        (self.volume_state() == FactState::Known).then(|| self.head.volume_attributes.get())
    }

    /// Whether the volume was asked for its attributes, and answered.
    #[must_use]
    pub const fn volume_state(&self) -> FactState {
        FactState::from_raw(self.head.volume_state)
    }

    /// NTSTATUS: why the volume's attributes are not known; 0 if nobody asked.
    #[must_use]
    pub const fn volume_reason(&self) -> u32 {
        self.head.volume_reason.get()
    }

    /// GUID of the volume, in the order of its fields in memory on Windows; `None` if not known.
    #[must_use]
    pub const fn volume_guid(&self) -> Option<[u8; 16]> {
        match self.head.volume_guid_known {
            0 => None,
            _ => Some(self.head.volume_guid),
        }
    }

    /// Rights of the source handle; `None` if it was not resolved.
    #[must_use]
    pub const fn granted_access(&self) -> Option<u32> {
        match self.source_state() {
            SourceState::SameVolume | SourceState::OtherVolume | SourceState::Foreign => {
                Some(self.head.granted_access.get())
            }
            SourceState::HandleRefused
            | SourceState::NotInContext
            | SourceState::NotInspected
            | SourceState::Unknown(_) => None,
        }
    }

    /// Whether the request came from another machine.
    #[must_use]
    pub const fn remote(&self) -> Ternary {
        Ternary::from_raw(self.head.remote)
    }

    /// Whether source and target are one stream.
    #[must_use]
    pub const fn same_stream(&self) -> Ternary {
        Ternary::from_raw(self.head.same_stream)
    }

    /// What the file system said of the source.
    #[must_use]
    pub const fn source_file(&self) -> File {
        let [source, _] = &self.head.files;
        File::new(source)
    }

    /// What the file system said of the target.
    #[must_use]
    pub const fn target_file(&self) -> File {
        let [_, target] = &self.head.files;
        File::new(target)
    }

    /// What the source handle named after the operation.
    #[must_use]
    pub const fn source_after(&self) -> SourceAfter {
        SourceAfter::from_raw(self.head.source_after)
    }

    /// NTSTATUS: why the source was not looked at; 0 if it was, or if nobody could ask.
    #[must_use]
    pub const fn source_reason(&self) -> u32 {
        self.head.source_reason.get()
    }

    /// NTSTATUS: why the cluster size is not known; 0 if it is.
    #[must_use]
    pub const fn cluster_reason(&self) -> u32 {
        self.head.cluster_reason.get()
    }

    /// NTSTATUS: why the GUID of the volume is not known; 0 if it is.
    #[must_use]
    pub const fn guid_reason(&self) -> u32 {
        self.head.guid_reason.get()
    }

    /// NTSTATUS: why the user is not known; 0 if it is, or if nobody could ask.
    #[must_use]
    pub const fn user_reason(&self) -> u32 {
        self.head.user_reason.get()
    }
}
