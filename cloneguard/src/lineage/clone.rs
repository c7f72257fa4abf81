//! What a record tells of shared blocks.

use crate::{BootId, Entry, Event, EventFile, EventName, Timestamp};
use serde::Serialize;
use wire::{OutcomeKind, RecordKind};

/// A stream of a file: which volume, which file, which stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct FileKey {
    /// GUID of the volume.
    pub volume: String,
    /// Id of the file, 32 hexadecimal digits.
    pub id: String,
    /// Name of the stream in upper case; empty for the main one.
    pub stream: String,
}

/// A clone with all that lineage needs of it.
#[derive(Clone, Debug)]
pub(super) struct Cloned {
    pub(super) source: FileKey,
    pub(super) target: FileKey,
    pub(super) source_name: Option<String>,
    pub(super) target_name: Option<String>,
    pub(super) source_offset: u64,
    pub(super) target_offset: u64,
    pub(super) byte_count: u64,
    pub(super) time: Timestamp,
    pub(super) boot_id: BootId,
    pub(super) sequence: u64,
    pub(super) image: Option<String>,
}

/// What a record tells.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// A clone that went well.
    Clone(Cloned),
    /// A clone whose end another record will tell, by the number of the request.
    Pending(u64, Cloned),
    /// The end of such a request, and whether it went well.
    Ended(u64, bool),
    /// A clone whose end nobody knows.
    UnknownEnd,
    /// A clone of files that cannot be told from others.
    WithoutId,
    /// A request that shares blocks in another way.
    OtherCode,
    /// So many requests without their files.
    Summary(u64),
    /// Losses.
    Gap,
    /// Nothing of shared blocks.
    Nothing,
}

impl Told {
    pub(super) fn by(entry: &Entry) -> Self {
        match entry {
            Entry::Request(event) => Self::by_request(event),
            Entry::Ended(ended) => match (ended.head.request, ended.end.status) {
                (Some(number), Some(status)) => Self::Ended(number, is_success(status.code())),
                // An end that is not known leaves the request what it was: one of unknown end.
                _ => Self::Nothing,
            },
            Entry::Summary(summary) => Self::Summary(summary.count),
            Entry::Gap(_) => Self::Gap,
            _ => Self::Nothing,
        }
    }

    fn by_request(event: &Event) -> Self {
        if event.head.kind == RecordKind::Seen {
            return Self::OtherCode;
        }
        let has_succeeded = event.end.status.map(|status| is_success(status.code()));
        if has_succeeded == Some(false) || event.end.outcome == OutcomeKind::Refused {
            return Self::Nothing;
        }
        let Some(cloned) = Cloned::of(event) else {
            return Self::WithoutId;
        };
        if cloned.byte_count == 0 {
            return Self::Nothing;
        }
        match (has_succeeded, event.end.outcome, event.head.request) {
            (Some(_), ..) => Self::Clone(cloned),
            (None, OutcomeKind::Pending, Some(number)) => Self::Pending(number, cloned),
            (None, ..) => Self::UnknownEnd,
        }
    }
}

impl Cloned {
    fn of(event: &Event) -> Option<Self> {
        let claim = event.claim.as_ref()?;
        // A clone stays on its volume, so the volume of the target will do where that of the source
        // could not be told.
        let volume = event.volume.guid.as_ref()?;
        let source_volume = event.source_volume.guid.as_ref().unwrap_or(volume);
        Some(Self {
            source: key(source_volume, &event.source_file, &event.source)?,
            target: key(volume, &event.target_file, &event.target)?,
            source_name: event.source.text.clone(),
            target_name: event.target.text.clone(),
            source_offset: u64::try_from(claim.source_offset).ok()?,
            target_offset: u64::try_from(claim.target_offset).ok()?,
            byte_count: u64::try_from(claim.byte_count).ok()?,
            time: event.head.time,
            boot_id: event.head.boot_id,
            sequence: event.head.sequence,
            image: event.image.text.clone(),
        })
    }
}

/// The stream that a record tells of.
fn key(volume: &str, file: &EventFile, name: &EventName) -> Option<FileKey> {
    let last = name.text.as_deref().unwrap_or_default();
    let last = last.rsplit('\\').next().unwrap_or_default();
    let stream = last.split_once(':').map_or("", |(_, stream)| stream);
    let stream = stream.strip_suffix(":$DATA").unwrap_or(stream);
    Some(FileKey {
        volume: volume.to_owned(),
        id: file.id.clone()?,
        stream: stream.to_uppercase(),
    })
}

/// Whether a status is one of success or information (MS-ERREF 2.3).
const fn is_success(status: u32) -> bool {
    status >> 31 == 0
}
