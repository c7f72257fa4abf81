//! The kinds of records and their fields.

use super::Presence::{Always, Nullable};
use super::Shape::{Bytes, Flag, Hex, Hex64, List, Number, Text, Time, Word};
use super::parts::{
    CLAIM, CONTROL_CODE, COUNTERS, FAULT, FILE, LOSSES, NAME, POLICY, PROCESS, RULE, SOURCE_VOLUME,
    STATUS, VOLUME, field, words,
};
use super::{Field, Kind, Shape};

/// Every kind of record.
pub const KINDS: &[Kind] = &[
    Kind {
        names: &["clone", "seen"],
        about: "A request: judged, or only seen",
        fields: &[HEAD, END, REQUEST, PROCESS, FILES],
    },
    Kind {
        names: &["ended"],
        about: "The end of a request whose own record had to leave before it",
        fields: &[HEAD, END],
    },
    Kind {
        names: &["summary"],
        about: "Passed requests of one process between two directories within one window",
        fields: &[HEAD, SUMMARY, PROCESS, DIRECTORIES],
    },
    Kind {
        names: &["policy"],
        about: "A policy that was loaded, or was not",
        fields: &[HEAD, POLICY_CHANGE],
    },
    Kind {
        names: &["started"],
        about: "The driver was loaded",
        fields: &[HEAD, STARTED],
    },
    Kind {
        names: &["stopping"],
        about: "The driver is about to be unloaded",
        fields: &[HEAD, &[COUNTED]],
    },
    Kind {
        names: &["volume"],
        about: "A volume that is watched, is not, or is no longer",
        fields: &[HEAD, VOLUME_CHANGE],
    },
    Kind {
        names: &["consumer"],
        about: "A program that wanted the records",
        fields: &[HEAD, CONSUMER_CHANGE],
    },
    Kind {
        names: &["heartbeat"],
        about: "The counters, at regular intervals",
        fields: &[HEAD, HEARTBEAT, &[COUNTED]],
    },
    Kind {
        names: &["gap"],
        about: "Records were lost",
        fields: &[HEAD, GAP],
    },
    Kind {
        names: &[],
        about: "A record of a kind that this build has no name for",
        fields: &[HEAD, UNKNOWN],
    },
];

/// The modes of a policy.
const MODE: Shape = Word(|| {
    let modes = [
        wire::policy::PolicyMode::Observe,
        wire::policy::PolicyMode::Enforce,
    ];
    modes.map(wire::policy::PolicyMode::name).to_vec()
});

const HEAD: &[Field] = &[
    field("schema_version", Always, Number, "version of this JSON"),
    field(
        "kind",
        Always,
        words!(RecordKind),
        "what the record tells about",
    ),
    field("boot_id", Always, Hex(32), "the load of the driver"),
    field(
        "sequence",
        Always,
        Number,
        "number of the record within the load",
    ),
    field(
        "lost_before",
        Always,
        Number,
        "numbers directly below it that belong to lost records",
    ),
    field(
        "class",
        Always,
        words!(LossClass),
        "what it was worth when room was short",
    ),
    field(
        "time",
        Always,
        Time,
        "of the decision, else of what is told",
    ),
    field(
        "request",
        Nullable,
        Number,
        "the same in all records about one request",
    ),
];

const END: &[Field] = &[
    field("verdict", Always, words!(Verdict), "what was decided"),
    field("rules", Always, List(&RULE), "the rules that fired"),
    field("deciding_rule", Nullable, RULE, "the rule that decided"),
    field(
        "outcome",
        Always,
        words!(OutcomeKind),
        "how the end was learned",
    ),
    field(
        "status",
        Nullable,
        STATUS,
        "final status, or why something failed",
    ),
    field(
        "information",
        Nullable,
        Number,
        "final IoStatus.Information",
    ),
    field(
        "duration_100ns",
        Nullable,
        Number,
        "from the decision to the end, in 100 ns",
    ),
    field(
        "source_after",
        Always,
        words!(SourceAfter),
        "what the source handle named afterwards",
    ),
];

const REQUEST: &[Field] = &[
    field(
        "grounds",
        Always,
        List(&RULE),
        "rules that are reason enough to refuse",
    ),
    field(
        "refusal",
        Nullable,
        STATUS,
        "with what it was, or would have been, refused",
    ),
    field(
        "policy",
        Always,
        POLICY,
        "the policy in force and what it said",
    ),
    field("control_code", Always, CONTROL_CODE, "the request"),
    field("requestor_mode", Always, words!(Mode), "who asked"),
    field("bitness", Always, Number, "pointer width of the caller"),
    field("input_length", Always, Number, "bytes of the input buffer"),
    field(
        "output_length",
        Always,
        Number,
        "bytes of the output buffer",
    ),
    field("claim", Nullable, CLAIM, "what the caller asked for"),
    field(
        "source_state",
        Always,
        words!(SourceState),
        "what became of the source handle",
    ),
    field(
        "source_status",
        Nullable,
        STATUS,
        "why the source handle was refused",
    ),
    field(
        "source_reason",
        Nullable,
        STATUS,
        "why the source was not looked at",
    ),
    field(
        "granted_access",
        Nullable,
        Number,
        "rights of the source handle",
    ),
    field("same_stream", Nullable, Flag, "whether both are one stream"),
    field(
        "remote",
        Nullable,
        Flag,
        "whether it came from another machine",
    ),
];

const FILES: &[Field] = &[
    field("source", Always, NAME, "source file"),
    field("target", Always, NAME, "target file"),
    field(
        "source_file",
        Always,
        FILE,
        "what the file system said of the source",
    ),
    field(
        "target_file",
        Always,
        FILE,
        "what the file system said of the target",
    ),
    field("volume", Always, VOLUME, "the volume of the target"),
    field(
        "source_volume",
        Always,
        SOURCE_VOLUME,
        "the volume of the source",
    ),
];

const SUMMARY: &[Field] = &[
    field("first_time", Always, Time, "of the first decision"),
    field("last_time", Always, Time, "of the last decision"),
    field("window_seconds", Always, Number, "the window"),
    field("count", Always, Number, "requests"),
    field("completed", Always, Number, "ended with a success status"),
    field("failed", Always, Number, "ended with another"),
    field("draining", Always, Number, "whose status is not known"),
    field(
        "pending",
        Always,
        Number,
        "requests of the window that had not ended; another summary counts them",
    ),
    field(
        "byte_count",
        Always,
        Number,
        "bytes of the completed ones together",
    ),
    field(
        "duration_sum_100ns",
        Always,
        Number,
        "durations together, in 100 ns",
    ),
    field(
        "last_failure",
        Nullable,
        STATUS,
        "status of the last one that failed",
    ),
    field(
        "control_codes",
        Always,
        List(&CONTROL_CODE),
        "the codes that occurred",
    ),
    field("requestor_mode", Always, words!(Mode), "who asked"),
    field("bitness", Always, Number, "pointer width of the caller"),
    field(
        "remote",
        Nullable,
        Flag,
        "whether they came from another machine",
    ),
    field(
        "policy_revision",
        Always,
        Number,
        "the policy in force, 0 for the default",
    ),
];

const DIRECTORIES: &[Field] = &[
    field("source_directory", Always, NAME, "directory of the sources"),
    field("target_directory", Always, NAME, "directory of the targets"),
    field("volume", Always, VOLUME, "the volume of the targets"),
];

const POLICY_CHANGE: &[Field] = &[
    field("event", Always, words!(PolicyEvent), "what happened"),
    field("policy_mode", Always, MODE, "mode of the policy in force"),
    field(
        "policy_revision",
        Always,
        Number,
        "its revision, 0 for the default",
    ),
    field("fault", Nullable, FAULT, "where a faulty policy is wrong"),
    field("status", Nullable, STATUS, "why a policy could not be read"),
];

const STARTED: &[Field] = &[
    field("driver_version", Always, Text, "version of the driver"),
    field(
        "previous_stop",
        Always,
        words!(PreviousStop),
        "how the load before ended",
    ),
    field("previous_boot_id", Nullable, Hex(32), "the load before"),
    field(
        "previous_sequence",
        Always,
        Number,
        "the last number that it is known to have used",
    ),
    field(
        "previous_undelivered",
        Always,
        Number,
        "records that it took with it",
    ),
    field(
        "image_hash",
        Nullable,
        Hex(64),
        "SHA-256 of the driver's file",
    ),
    field(
        "image_hash_reason",
        Nullable,
        STATUS,
        "why it is unknown, if somebody asked",
    ),
    field(
        "journal_size",
        Always,
        Number,
        "bytes of the driver's journal",
    ),
    field("policy_mode", Always, MODE, "mode of the policy in force"),
    field(
        "policy_revision",
        Always,
        Number,
        "its revision, 0 for the default",
    ),
    field(
        "summarise_seconds",
        Always,
        Number,
        "window of summaries, 0 for none",
    ),
];

const VOLUME_CHANGE: &[Field] = &[
    field("event", Always, words!(VolumeEvent), "what happened"),
    field(
        "cause",
        Always,
        words!(VolumeCause),
        "why it is not watched",
    ),
    field(
        "status",
        Nullable,
        STATUS,
        "with what the driver's own set-up failed",
    ),
    field("device", Always, NAME, "its device name"),
    field("volume", Always, VOLUME, "the volume"),
];

const CONSUMER_CHANGE: &[Field] = &[
    field("event", Always, words!(ConsumerEvent), "what happened"),
    field("status", Nullable, STATUS, "with what it was refused"),
    field("process_id", Nullable, Number, "its process"),
    field(
        "process_start_key",
        Nullable,
        Hex64,
        "never used again within a boot of Windows",
    ),
    field("image", Always, NAME, "image of its process"),
    field(
        "after_sequence",
        Always,
        Number,
        "the last number that it said it has",
    ),
    field(
        "after_boot_id",
        Nullable,
        Hex(32),
        "the load that the number belongs to",
    ),
];

const HEARTBEAT: &[Field] = &[
    field(
        "uptime_100ns",
        Always,
        Number,
        "since the driver was loaded, in 100 ns",
    ),
    field(
        "interval_seconds",
        Always,
        Number,
        "from one heartbeat to the next",
    ),
    field(
        "untold",
        Always,
        Number,
        "programs at the port that no record tells of, since the driver was loaded",
    ),
];

const COUNTED: Field = field("counters", Always, COUNTERS, "the counters at that moment");

const GAP: &[Field] = &[
    field("total", Always, Number, "records lost since the gap before"),
    field("losses", Always, LOSSES, "the same by class and cause"),
    field("refused", Always, Number, "requests refused meanwhile"),
];

const UNKNOWN: &[Field] = &[field(
    "body",
    Always,
    Bytes,
    "what follows the head of the record",
)];
