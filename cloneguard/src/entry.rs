//! A record of any kind as an owned value with stable names, for files, for JSON and for the table.
//!
//! [`Entry::new`] decodes a record. The JSON of an entry is one flat object in snake_case, and begins in
//! all kinds with the same fields, those of [`EntryHead`]. Numbers of 64 bits are numbers unless they only
//! name something; times are RFC 3339 in UTC; statuses have a code and a name. Fields are only ever added,
//! with a new [`SCHEMA_VERSION`].

use crate::event::{
    ConsumerChange, Ended, Event, Gap, Heartbeat, PolicyChange, Started, Stopping, Summary,
    UnknownEntry, VolumeChange,
};
use crate::label::{hex, label};
use crate::{BootId, Timestamp};
use serde::{Serialize, Serializer};
use std::io;
use wire::{Body, LossClass, Record, RecordKind};

/// Version of the JSON objects.
pub const SCHEMA_VERSION: u32 = 1;

/// One record, complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Entry {
    /// A request: kinds `clone` and `seen`.
    Request(Box<Event>),
    /// The late end of a request.
    Ended(Ended),
    /// Many passed requests together.
    Summary(Box<Summary>),
    /// A policy that was loaded, or was not.
    Policy(PolicyChange),
    /// The driver was loaded.
    Started(Started),
    /// The driver is about to be unloaded.
    Stopping(Stopping),
    /// A volume that is watched, is not, or is no longer.
    Volume(VolumeChange),
    /// A program that wanted the records.
    Consumer(ConsumerChange),
    /// The counters, at regular intervals.
    Heartbeat(Heartbeat),
    /// Records were lost.
    Gap(Gap),
    /// A record of a kind that this build has no name for.
    Unknown(UnknownEntry),
}

/// What the entries of all kinds have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryHead {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What the record tells about.
    #[serde(serialize_with = "kind")]
    pub kind: RecordKind,
    /// The load of the driver.
    #[serde(serialize_with = "boot_id")]
    pub boot_id: BootId,
    /// Number of the record within the load.
    pub sequence: u64,
    /// How many numbers directly below this one belong to lost records.
    pub lost_before: u64,
    /// What the record was worth when room was short.
    #[serde(serialize_with = "class")]
    pub class: LossClass,
    /// When: of the decision about a request, else of what is told.
    pub time: Timestamp,
    /// Number of the request, the same in all records about it; none in records about none.
    pub request: Option<u64>,
}

impl Entry {
    /// The entry of a record of this load of the driver.
    #[must_use]
    pub fn new(boot_id: BootId, record: &Record<'_>) -> Self {
        let head = EntryHead::new(boot_id, record);
        match record.body() {
            Body::Request(request) => Self::Request(Box::new(Event::new(head, &request))),
            Body::Ended(ended) => Self::Ended(Ended::new(head, &ended)),
            Body::Summary(summary) => Self::Summary(Box::new(Summary::new(head, &summary))),
            Body::Policy(body) => Self::Policy(PolicyChange::new(head, body)),
            Body::Started(body) => Self::Started(Started::new(head, body)),
            Body::Stopping(body) => Self::Stopping(Stopping::new(head, body)),
            Body::Volume(note) => Self::Volume(VolumeChange::new(head, &note)),
            Body::Consumer(note) => Self::Consumer(ConsumerChange::new(head, &note)),
            Body::Heartbeat(body) => Self::Heartbeat(Heartbeat::new(head, body)),
            Body::Gap(body) => Self::Gap(Gap::new(head, body)),
            Body::Unknown(body) => Self::Unknown(UnknownEntry::new(head, body)),
        }
    }

    /// What the entries of all kinds have.
    #[must_use]
    pub const fn head(&self) -> &EntryHead {
        match self {
            Self::Request(event) => &event.head,
            Self::Ended(ended) => &ended.head,
            Self::Summary(summary) => &summary.head,
            Self::Policy(change) => &change.head,
            Self::Started(started) => &started.head,
            Self::Stopping(stopping) => &stopping.head,
            Self::Volume(change) => &change.head,
            Self::Consumer(change) => &change.head,
            Self::Heartbeat(heartbeat) => &heartbeat.head,
            Self::Gap(gap) => &gap.head,
            Self::Unknown(unknown) => &unknown.head,
        }
    }

    /// What the record tells about.
    #[must_use]
    pub const fn kind(&self) -> RecordKind {
        self.head().kind
    }

    /// What the record was worth when room was short.
    #[must_use]
    pub const fn class(&self) -> LossClass {
        self.head().class
    }

    /// The load of the driver.
    #[must_use]
    pub const fn boot_id(&self) -> BootId {
        self.head().boot_id
    }

    /// Number of the record within the load.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.head().sequence
    }

    /// How many numbers directly below this one belong to lost records.
    #[must_use]
    pub const fn lost_before(&self) -> u64 {
        self.head().lost_before
    }

    /// When: of the decision about a request, else of what is told.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.head().time
    }

    /// The request, in an entry of kind `clone` or `seen`.
    #[must_use]
    pub fn request(&self) -> Option<&Event> {
        match self {
            Self::Request(event) => Some(event),
            _ => None,
        }
    }

    /// Writes the entry as one line of JSON, the line feed included.
    ///
    /// # Errors
    ///
    /// What the writer reports.
    pub fn write_json_line(&self, out: impl io::Write) -> io::Result<()> {
        crate::json::write_line(out, self)
    }
}

impl EntryHead {
    fn new(boot_id: BootId, record: &Record<'_>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            kind: record.kind(),
            boot_id,
            sequence: record.sequence(),
            lost_before: record.lost_before(),
            class: record.class(),
            time: Timestamp::from_filetime(record.time()),
            request: record.request_number(),
        }
    }
}

/// Writes a kind by its name.
fn kind<S: Serializer>(kind: &RecordKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&label(kind.name(), kind.raw()))
}

/// Writes a class by its name.
fn class<S: Serializer>(class: &LossClass, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&label(class.name(), class.raw()))
}

/// Writes a boot id as 32 digits.
fn boot_id<S: Serializer>(boot_id: &BootId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(boot_id))
}
