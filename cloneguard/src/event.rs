//! A record as an owned value with stable names, for files, for JSON and for the table.
//!
//! The JSON of an event is one object in snake_case. 64-bit numbers are numbers, times are RFC 3339
//! in UTC, statuses have a code and a name. Fields are only ever added, with a new
//! [`SCHEMA_VERSION`].

use crate::facts::{EventFile, EventPolicy, answer, guid_text};
use crate::names::{file_system, named_code};
use crate::{NtStatus, Timestamp, sid_text};
use serde::{Serialize, Serializer};
use std::io;
use wire::{Name, NameState, Record, RuleId, Verdict};

/// Version of the JSON object. 0: not frozen yet, like the wire below it.
pub const SCHEMA_VERSION: u32 = 0;

/// One record, complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What the event tells about.
    pub kind: String,
    /// The load of the driver, 32 hexadecimal digits.
    pub boot_id: String,
    /// Number of the record within the load.
    pub sequence: u64,
    /// How many numbers directly below this one belong to lost records.
    pub lost_before: u64,
    /// Time of the decision.
    pub time: Timestamp,
    /// From the decision to the end, in 100 ns.
    pub duration_100ns: u64,
    /// What was decided.
    #[serde(serialize_with = "verdict")]
    pub verdict: Verdict,
    /// The rules that fired, smallest id first.
    pub rules: Vec<EventRule>,
    /// Those of them that are reason enough to refuse, if mode and policy say so.
    pub grounds: Vec<EventRule>,
    /// The rule that decided.
    pub deciding_rule: Option<EventRule>,
    /// With what the request was refused, or in enforce mode would have been.
    pub refusal: Option<NtStatus>,
    /// The policy in force, and what its rules said.
    pub policy: EventPolicy,
    /// How the end of the request was learned.
    pub outcome: String,
    /// Final status; none if the end was not seen.
    pub status: Option<NtStatus>,
    /// Final `IoStatus.Information`; none if the end was not seen.
    pub information: Option<u64>,
    /// The control code.
    pub control_code: ControlCode,
    /// Who asked: `kernel` or `user`.
    pub requestor_mode: String,
    /// Pointer width of the caller: 32 or 64.
    pub bitness: u8,
    /// Length of the input buffer in bytes.
    pub input_length: u32,
    /// Length of the output buffer in bytes.
    pub output_length: u32,
    /// What the caller asked for; none if the input could not be read.
    pub claim: Option<EventClaim>,
    /// What became of the source handle.
    pub source_state: String,
    /// Why the source handle was refused, if it was.
    pub source_status: Option<NtStatus>,
    /// Why the source was not looked at, if somebody tried.
    pub source_reason: Option<NtStatus>,
    /// What the source handle named after the operation: `unasked`, `same`, `changed` or `unseen`.
    pub source_after: String,
    /// Rights of the source handle; none if it was not resolved.
    pub granted_access: Option<u32>,
    /// What the file system said of the source.
    pub source_file: EventFile,
    /// What the file system said of the target.
    pub target_file: EventFile,
    /// Whether both are one stream; none if unknown.
    pub same_stream: Option<bool>,
    /// Whether the request came from another machine; none if unknown.
    pub remote: Option<bool>,
    /// The volume of the target.
    pub volume: Volume,
    /// Process of the requestor; none if unknown.
    pub process_id: Option<u32>,
    /// Thread of the requestor; none if unknown.
    pub thread_id: Option<u32>,
    /// User as `S-1-...`; none if unknown.
    pub user_sid: Option<String>,
    /// Why it is unknown, if somebody asked.
    pub user_reason: Option<NtStatus>,
    /// Image of the process.
    pub image: EventName,
    /// Source file.
    pub source: EventName,
    /// Target file.
    pub target: EventName,
}

/// A rule that fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventRule {
    /// Its number.
    pub id: u8,
    /// Its name; left out if this build does not know the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'static str>,
}

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

/// The volume of the target.
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
    /// `FileSystemAttributes` at the decision; none unless a rule depended on them.
    pub attributes: Option<u32>,
    /// Flags of the instance's set-up.
    pub setup_flags: u32,
    /// Whether it is a Dev Drive (`FLTFL_INSTANCE_SETUP_DEV_VOLUME`).
    pub is_dev_drive: bool,
    /// Whether the administrator trusts it (`FLTFL_INSTANCE_SETUP_TRUSTED_VOLUME`).
    pub is_trusted: bool,
}

/// A name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventName {
    /// The name, or as much of it as the record holds; none if there is none. What is no character
    /// is U+FFFD.
    pub text: Option<String>,
    /// The units as they are; only if `text` does not say them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utf16: Option<Vec<u16>>,
    /// Where it comes from.
    pub state: String,
    /// Why there is no name, or why not the normalised one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<NtStatus>,
    /// Whether the record holds less than the whole name.
    pub is_truncated: bool,
}

/// The WDK page on `PFLT_INSTANCE_SETUP_CALLBACK` gives both values.
const SETUP_DEV_VOLUME: u32 = 0x10;
const SETUP_TRUSTED_VOLUME: u32 = 0x20;

impl Event {
    /// The event of a record of this load of the driver.
    #[must_use]
    #[expect(
        clippy::too_many_lines,
        reason = "a line for each field, and no step but one"
    )]
    pub fn new(boot_id: [u8; wire::BOOT_ID_SIZE], record: &Record<'_>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            kind: label(record.kind().name(), record.kind().raw()),
            boot_id: boot_id.iter().map(|byte| format!("{byte:02x}")).collect(),
            sequence: record.sequence(),
            lost_before: record.lost_before(),
            time: Timestamp::from_filetime(record.time()),
            duration_100ns: record.duration(),
            verdict: record.verdict(),
            rules: record.rules().iter().map(EventRule::new).collect(),
            grounds: record.grounds().iter().map(EventRule::new).collect(),
            deciding_rule: record.deciding_rule().map(EventRule::new),
            refusal: record.refusal().map(NtStatus::new),
            policy: EventPolicy::new(record),
            outcome: label(record.outcome().name(), record.outcome().raw()),
            status: record.status().map(NtStatus::new),
            information: record.information(),
            control_code: ControlCode(record.control_code()),
            requestor_mode: mode(record.requestor_mode()),
            bitness: record.bitness().raw(),
            input_length: record.input_length(),
            output_length: record.output_length(),
            claim: EventClaim::new(record),
            source_state: label(record.source_state().name(), record.source_state().raw()),
            source_status: record.source_status().map(NtStatus::new),
            source_reason: reason(record.source_reason()),
            source_after: label(record.source_after().name(), record.source_after().raw()),
            granted_access: record.granted_access(),
            source_file: EventFile::new(&record.source_file()),
            target_file: EventFile::new(&record.target_file()),
            same_stream: answer(record.same_stream()),
            remote: answer(record.remote()),
            volume: Volume::new(record),
            process_id: known(record.process_id()),
            thread_id: known(record.thread_id()),
            user_sid: record.user_sid().and_then(sid_text),
            user_reason: reason(record.user_reason()),
            image: EventName::new(&record.image()),
            source: EventName::new(&record.source()),
            target: EventName::new(&record.target()),
        }
    }

    /// Writes the event as one line of JSON, the line feed included.
    ///
    /// # Errors
    ///
    /// What the writer reports.
    pub fn write_json_line(&self, mut out: impl io::Write) -> io::Result<()> {
        serde_json::to_writer(&mut out, self)?;
        out.write_all(b"\n")
    }
}

impl EventRule {
    /// A rule with its name.
    fn new(id: RuleId) -> Self {
        Self {
            id: id.number(),
            name: id.name(),
        }
    }
}

impl ControlCode {
    /// The symbolic name of the codes that the driver records (MS-FSCC 2.3, `winioctl.h`).
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
            0x0009_8344 => Some("FSCTL_DUPLICATE_EXTENTS_TO_FILE"),
            0x0009_83E8 => Some("FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX"),
            0x0009_0430 => Some("FSCTL_QUERY_ASYNC_DUPLICATE_EXTENTS_STATUS"),
            0x0009_0440 => Some("FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT"),
            0x0009_045C => Some("FSCTL_DUPLICATE_CLUSTER"),
            _ => None,
        }
    }

    /// Whether the input has the fields of the EX structure.
    const fn is_ex(self) -> bool {
        self.0 == 0x0009_83E8
    }
}

impl Serialize for ControlCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        named_code(serializer, "ControlCode", self.0, self.name())
    }
}

impl EventClaim {
    /// The claim of a record.
    fn new(record: &Record<'_>) -> Option<Self> {
        let claim = record.claim()?;
        let is_ex = ControlCode(record.control_code()).is_ex();
        Some(Self {
            source_offset: claim.source_offset,
            target_offset: claim.target_offset,
            byte_count: claim.byte_count,
            ex_size: is_ex.then_some(claim.ex_size),
            ex_flags: is_ex.then_some(claim.ex_flags),
        })
    }
}

impl Volume {
    /// The volume of a record.
    fn new(record: &Record<'_>) -> Self {
        let setup_flags = record.volume_flags();
        Self {
            file_system_type: record.file_system(),
            file_system: file_system(record.file_system()),
            cluster_size: record.cluster_size(),
            cluster_reason: reason(record.cluster_reason()),
            guid: record.volume_guid().map(guid_text),
            guid_reason: reason(record.guid_reason()),
            attributes: record.volume_attributes(),
            setup_flags,
            is_dev_drive: setup_flags & SETUP_DEV_VOLUME != 0,
            is_trusted: setup_flags & SETUP_TRUSTED_VOLUME != 0,
        }
    }
}

impl EventName {
    /// A name of a record.
    fn new(name: &Name<'_>) -> Self {
        let units: Vec<u16> = name.units().collect();
        let is_lossy = String::from_utf16(&units).is_err();
        let is_absent = name.state() == NameState::Absent;
        Self {
            text: (!is_absent).then(|| name.text().to_string()),
            utf16: is_lossy.then_some(units),
            state: label(name.state().name(), name.state().raw()),
            reason: (name.reason() != 0).then(|| NtStatus::new(name.reason())),
            is_truncated: name.is_truncated(),
        }
    }
}

/// A reason, if there is one.
fn reason(status: u32) -> Option<NtStatus> {
    (status != 0).then(|| NtStatus::new(status))
}

/// An id, if it is known.
fn known(id: u32) -> Option<u32> {
    (id != 0).then_some(id)
}

/// The name of a processor mode.
fn mode(mode: wire::Mode) -> String {
    label(mode.name(), mode.raw())
}

/// The name of a value, or a text with its number if this build has none for it.
pub(crate) fn label(name: Option<&str>, raw: u8) -> String {
    name.map_or_else(|| format!("unknown-{raw}"), str::to_owned)
}

/// Writes a verdict by its name.
fn verdict<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&label(verdict.name(), verdict.raw()))
}
