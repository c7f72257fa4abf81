//! Objects that occur in records of several kinds.

use super::Presence::{Always, Nullable, Optional};
use super::Shape::{Code, Flag, Guid, Hex, Hex64, List, Number, Object, Signed, Text, Time, Word};
use super::{Field, Presence, Shape};

/// The words of an open list of the wire.
macro_rules! words {
    ($list:ident) => {
        Word(|| {
            let known = wire::$list::KNOWN.iter();
            known.filter_map(|value| value.name()).collect()
        })
    };
}
pub(super) use words;

/// A field.
pub(super) const fn field(
    name: &'static str,
    presence: Presence,
    shape: Shape,
    about: &'static str,
) -> Field {
    Field {
        name,
        presence,
        shape,
        about,
    }
}

/// A number of Windows with the name that it has there.
const fn coded(name: &'static str) -> [Field; 2] {
    [
        field("code", Always, Code, name),
        field(
            "name",
            Optional,
            Text,
            "its symbolic name, if it is known here",
        ),
    ]
}

pub(super) const STATUS: Shape = Object(&coded("the NTSTATUS"));
pub(super) const CONTROL_CODE: Shape = Object(&coded("the control code"));
pub(super) const INTEGRITY: Shape = Object(&coded("last sub-authority of the level's SID"));

pub(super) const RULE: Shape = Object(&[
    field("id", Always, Number, "its number in docs/rules.md"),
    field("name", Optional, Text, "its name, if it is known here"),
]);

pub(super) const NAME: Shape = Object(&[
    field(
        "text",
        Nullable,
        Text,
        "the name; what is no character is U+FFFD",
    ),
    field(
        "utf16",
        Optional,
        List(&Number),
        "its units, only if `text` does not say them all",
    ),
    field("state", Always, words!(NameState), "where it comes from"),
    field(
        "reason",
        Optional,
        STATUS,
        "why there is none, or not the normalised one",
    ),
    field(
        "is_truncated",
        Always,
        Flag,
        "whether the record holds less than the whole",
    ),
]);

pub(super) const FILE: Shape = Object(&[
    field(
        "state",
        Always,
        words!(FactState),
        "whether the file system told",
    ),
    field(
        "reason",
        Optional,
        STATUS,
        "why it is not known, if somebody asked",
    ),
    field("kind", Nullable, words!(FileKind), "what was opened"),
    field("attributes", Nullable, Number, "FILE_ATTRIBUTE_*"),
    field("end_of_file", Nullable, Signed, "bytes in the stream"),
    field("allocation_size", Nullable, Signed, "bytes of its clusters"),
    field("id", Nullable, Hex(32), "id of the file on its volume"),
    field(
        "id_reason",
        Optional,
        STATUS,
        "why the id is not known, if somebody asked",
    ),
]);

pub(super) const CLAIM: Shape = Object(&[
    field(
        "source_offset",
        Always,
        Signed,
        "first byte of the source range",
    ),
    field(
        "target_offset",
        Always,
        Signed,
        "first byte of the target range",
    ),
    field("byte_count", Always, Signed, "bytes of the range"),
    field("ex_size", Nullable, Number, "`Size` of the EX structure"),
    field("ex_flags", Nullable, Number, "flags of the EX structure"),
]);

pub(super) const POLICY: Shape = Object(&[
    field(
        "revision",
        Always,
        Number,
        "its revision, 0 for the default",
    ),
    field("match", Always, words!(PolicyMatch), "what its rules said"),
    field(
        "rule",
        Nullable,
        Number,
        "the rule that matched or was undecided, from 1",
    ),
]);

pub(super) const FAULT: Shape = Object(&[
    field("offset", Always, Number, "the byte of the stored policy"),
    field("code", Always, Number, "the number of the fault"),
    field("name", Optional, Text, "its name, if it is known here"),
]);

pub(super) const VOLUME: Shape = Object(&[
    field("file_system_type", Always, Number, "FLT_FILESYSTEM_TYPE"),
    field(
        "file_system",
        Nullable,
        Text,
        "its name, if it is known here",
    ),
    field("cluster_size", Nullable, Number, "in bytes"),
    field("cluster_reason", Nullable, STATUS, "why it is unknown"),
    field("guid", Nullable, Guid, "the volume GUID"),
    field("guid_reason", Nullable, STATUS, "why it is unknown"),
    field(
        "attributes",
        Nullable,
        Number,
        "FileSystemAttributes, if somebody asked",
    ),
    field(
        "attributes_reason",
        Nullable,
        STATUS,
        "why they are unknown, if somebody asked",
    ),
    field("setup_flags", Always, Number, "FLTFL_INSTANCE_SETUP_*"),
    field("is_dev_drive", Always, Flag, "whether it is a Dev Drive"),
    field(
        "is_trusted",
        Always,
        Flag,
        "whether the administrator trusts it",
    ),
]);

pub(super) const SOURCE_VOLUME: Shape = Object(&[
    field("guid", Nullable, Guid, "the volume GUID"),
    field(
        "guid_reason",
        Nullable,
        STATUS,
        "why it is unknown, if somebody asked",
    ),
]);

pub(super) const LOSSES: Shape = Object(&[
    field(
        "routine",
        Always,
        CAUSES,
        "passed requests, and what belongs to them",
    ),
    field("finding", Always, CAUSES, "findings and refusals"),
    field("state", Always, CAUSES, "what the driver says of itself"),
]);

const CAUSES: Shape = Object(&[
    field(
        "quota",
        Always,
        Number,
        "what room was left is kept for the other classes",
    ),
    field("full", Always, Number, "there was no room at all"),
    field("fault", Always, Number, "the record could not be written"),
]);

pub(super) const COUNTERS: Shape = Object(&[
    field("seen", Always, Number, "requests"),
    field("completed", Always, Number, "ended with a success status"),
    field("failed", Always, Number, "ended otherwise"),
    field("refused", Always, Number, "refused by the driver"),
    field(
        "not_inspected",
        Always,
        Number,
        "passed down without a look and without a record",
    ),
    field("in_flight", Always, Number, "judged and not yet ended"),
    field(
        "delivered",
        Always,
        Number,
        "records that were acknowledged",
    ),
    field(
        "lost",
        Always,
        Number,
        "records for which there was no room",
    ),
    field("held", Always, Number, "records in the driver"),
    field("losses", Always, LOSSES, "`lost` by class and cause"),
    field(
        "summarised",
        Always,
        Number,
        "requests that only a summary tells of",
    ),
    field(
        "refused_unaudited",
        Always,
        Number,
        "refused because they could not be recorded",
    ),
    field(
        "memory",
        Always,
        Number,
        "bytes of memory that the driver holds",
    ),
]);

/// The process of a request, flat.
pub(super) const PROCESS: &[Field] = &[
    field("process_id", Nullable, Number, "process of the requestor"),
    field("thread_id", Nullable, Number, "thread of the requestor"),
    field(
        "process_start_key",
        Nullable,
        Hex64,
        "never used again within a boot of Windows",
    ),
    field(
        "process_create_time",
        Nullable,
        Time,
        "when the process was made",
    ),
    field("parent_process_id", Nullable, Number, "its parent"),
    field(
        "parent_start_key",
        Nullable,
        Hex64,
        "start key of the parent",
    ),
    field("session_id", Nullable, Number, "terminal-services session"),
    field(
        "logon_id",
        Nullable,
        Hex64,
        "logon session of the effective token",
    ),
    field(
        "integrity_level",
        Nullable,
        INTEGRITY,
        "of the effective token",
    ),
    field(
        "elevated",
        Nullable,
        Flag,
        "whether the effective token is elevated",
    ),
    field(
        "impersonating",
        Nullable,
        Flag,
        "whether the thread acts for another user",
    ),
    field(
        "token_reason",
        Nullable,
        STATUS,
        "why something of the token is unknown",
    ),
    field("user_sid", Nullable, Text, "effective user as S-1-..."),
    field(
        "user_reason",
        Nullable,
        STATUS,
        "why it is unknown, if somebody asked",
    ),
    field("primary_user_sid", Nullable, Text, "user of the process"),
    field(
        "primary_user_reason",
        Nullable,
        STATUS,
        "why it is unknown, if somebody asked",
    ),
    field("image", Always, NAME, "image of the process"),
    field("parent_image", Always, NAME, "image of its parent"),
];
