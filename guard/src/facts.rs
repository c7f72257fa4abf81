//! What the driver found out about a request, beside the request itself.
//!
//! A fact that could not be had is unknown, and an unknown fact never makes a rule fire.

use crate::ClusterSize;

/// What became of the handle that the caller named as source.
///
/// It is resolved once, in the requestor's own context, with the requestor's mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// It resolved to a file object on the target's volume.
    SameVolume,
    /// It resolved to a file object elsewhere.
    OtherVolume,
    /// The object manager refused it with this NTSTATUS.
    HandleRefused(u32),
    /// The callback does not run in the requestor's process, so the value means nothing here.
    NotInContext,
    /// Nobody tried: there was no claim to read, or the level forbade it.
    NotInspected,
}

impl SourceState {
    /// The value for the wire.
    #[must_use]
    pub const fn to_wire(self) -> wire::SourceState {
        match self {
            Self::SameVolume => wire::SourceState::SameVolume,
            Self::OtherVolume => wire::SourceState::OtherVolume,
            Self::HandleRefused(_) => wire::SourceState::HandleRefused,
            Self::NotInContext => wire::SourceState::NotInContext,
            Self::NotInspected => wire::SourceState::NotInspected,
        }
    }

    /// The NTSTATUS of a refused handle; zero in every other state.
    #[must_use]
    pub const fn status(self) -> u32 {
        match self {
            Self::HandleRefused(status) => status,
            Self::SameVolume | Self::OtherVolume | Self::NotInContext | Self::NotInspected => 0,
        }
    }
}

/// The facts that rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Cluster size of the target's volume, if known.
    pub cluster_size: Option<ClusterSize>,
    /// What became of the source handle.
    pub source: SourceState,
}
