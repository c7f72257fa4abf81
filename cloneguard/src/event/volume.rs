//! What a record says of a volume.

use crate::NtStatus;
use crate::label::{guid_text, reason};
use crate::names::file_system;
use serde::Serialize;

/// The WDK page on `PFLT_INSTANCE_SETUP_CALLBACK` gives both values.
const SETUP_DEV_VOLUME: u32 = 0x10;
const SETUP_TRUSTED_VOLUME: u32 = 0x20;

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Volume {
    /// `FLT_FILESYSTEM_TYPE`.
    pub file_system_type: u32,
    /// Name of the file system, if this build knows it.
    pub file_system: Option<&'static str>,
    /// Cluster size in bytes; none if unknown.
    pub cluster_size: Option<u32>,
    /// Why it is unknown.
    pub cluster_reason: Option<NtStatus>,
    /// Its GUID; none if unknown.
    pub guid: Option<String>,
    /// Why it is unknown.
    pub guid_reason: Option<NtStatus>,
    /// `FileSystemAttributes`; none if nobody had to ask.
    pub attributes: Option<u32>,
    /// Why they are unknown, if somebody asked.
    pub attributes_reason: Option<NtStatus>,
    /// Flags of the instance's set-up.
    pub setup_flags: u32,
    /// Whether it is a Dev Drive (`FLTFL_INSTANCE_SETUP_DEV_VOLUME`).
    pub is_dev_drive: bool,
    /// Whether the administrator trusts it (`FLTFL_INSTANCE_SETUP_TRUSTED_VOLUME`).
    pub is_trusted: bool,
}

/// The volume of a source, which may be another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceVolume {
    /// Its GUID; none if unknown.
    pub guid: Option<String>,
    /// Why it is unknown, if somebody asked.
    pub guid_reason: Option<NtStatus>,
}

impl Volume {
    pub(super) fn new(volume: &wire::Volume) -> Self {
        Self {
            file_system_type: volume.file_system,
            file_system: file_system(volume.file_system),
            cluster_size: volume.cluster_size,
            cluster_reason: reason(volume.cluster_reason),
            guid: volume.guid.map(guid_text),
            guid_reason: reason(volume.guid_reason),
            attributes: volume.attributes,
            attributes_reason: reason(volume.attributes_reason),
            setup_flags: volume.setup_flags,
            is_dev_drive: volume.setup_flags & SETUP_DEV_VOLUME != 0,
            is_trusted: volume.setup_flags & SETUP_TRUSTED_VOLUME != 0,
        }
    }
}

impl SourceVolume {
    pub(super) fn new(volume: &wire::SourceVolume) -> Self {
        Self {
            guid: volume.guid.map(guid_text),
            guid_reason: reason(volume.reason),
        }
    }
}
