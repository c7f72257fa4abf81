//! Every switch of [`FsSpec`] with all its values, for tests that draw combinations.
//!
//! A filter that refuses by itself may do so only where the file system would refuse with the same
//! status. What it refuses without knowing the files is its definite rules, whose numbers `docs/rules.md`
//! has; they hold on ReFS alone, the only file system that the documents describe. An answer that such a
//! rule excludes is marked with a [`Contradiction`]: nowhere else is that written. All other answers leave
//! the definite rules alone.

use super::choices::{
    Accounting, Alignment, AsyncFlag, BadHandle, Callers32, ExCode, ExSize, FullDisk, HugeCount,
    IntegrityMismatch, Locks, MissingAccess, NamedStreams, NoBuffer, OtherVolume, Overlap,
    ReadOnlyCheck, SourceEnd, SourceRange, TargetEnd, TargetKind, TargetRange, ZeroCount,
    ZeroElsewhere,
};
use super::spec::{FsKind, FsSpec};
use super::status::Status;

/// One question, and every answer that can be played.
#[derive(Debug)]
pub struct Switch {
    /// The field of [`FsSpec`].
    pub name: &'static str,
    /// The answers, the default first.
    pub values: &'static [SwitchValue],
    /// Whether \[MS-FSA\] leaves it open: where not, only a volume that the documents do not describe
    /// ([`FsKind::is_documented`]) can have another value than the default.
    pub is_open: bool,
}

impl Switch {
    /// The values that a volume of this kind can have, the default first.
    #[must_use]
    pub fn values_on(&self, kind: FsKind) -> &'static [SwitchValue] {
        if self.is_open || !kind.is_documented() {
            self.values
        } else {
            self.values.get(..1).unwrap_or_default()
        }
    }
}

/// One answer.
#[derive(Debug)]
pub struct SwitchValue {
    /// The value as it is written.
    pub name: &'static str,
    /// The definite rules of a filter that are wrong on a ReFS that answers so; `None` if all are right.
    pub contradicts: Option<Contradiction>,
    set: fn(&mut FsSpec),
}

impl SwitchValue {
    /// Sets the switch to this value.
    pub fn apply(&self, spec: &mut FsSpec) {
        (self.set)(spec);
    }
}

/// Why a filter that trusts the documents must not meet a ReFS with this answer. Should one be found, the
/// rules become notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The rules, in ascending order.
    pub rules: &'static [u8],
    /// What they rest on.
    pub reason: &'static str,
}

macro_rules! contradiction {
    () => {
        None
    };
    ($rules:tt $reason:literal) => {
        Some(Contradiction {
            rules: &$rules,
            reason: $reason,
        })
    };
}

macro_rules! is_open {
    () => {
        true
    };
    (settled) => {
        false
    };
}

/// Written once, expanded into the table; the compiler sees to it that the values exist.
macro_rules! switches {
    ($($($settled:ident)? [$field:ident: $type:ident] {
        $($value:ident $(($status:expr))? $(=> $rules:tt $reason:literal)?,)*
    })*) => {
        /// Every switch.
        pub const SWITCHES: &[Switch] = &[$(
            Switch {
                name: stringify!($field),
                values: &[$(
                    SwitchValue {
                        name: concat!(stringify!($value) $(, "(", stringify!($status), ")")?),
                        contradicts: contradiction!($($rules $reason)?),
                        set: |spec| spec.$field = $type::$value $(($status))?,
                    },
                )*],
                is_open: is_open!($($settled)?),
            },
        )*];
    };
}

switches! {
    [source_end: SourceEnd] {
        AllocationSize,
        EndOfFile,
        Capped,
    }
    [target_end: TargetEnd] {
        Dropped,
        StartBehindRefused,
        Refused(Status::INVALID_PARAMETER),
        Refused(Status::NOT_SUPPORTED),
    }
    [source_range: SourceRange] {
        InvalidParameter,
        NotSupported => [10, 12, 13]
            "MS-FSCC 2.3.7.1 forbids the numbers, the status is inferred",
    }
    [target_range: TargetRange] {
        InvalidParameter,
        NotSupported => [11, 14]
            "MS-FSCC 2.3.7.1 forbids the numbers, the status is inferred",
        Dropped => [11, 14]
            "MS-FSCC 2.3.7.1 forbids the numbers",
    }
    [huge_count: HugeCount] {
        Refused(Status::INVALID_PARAMETER),
        Refused(Status::NOT_SUPPORTED),
        Accepted,
    }
    [zero_count: ZeroCount] {
        AfterNumbers,
        BeforeNumbers,
        AfterSource,
    }
    [zero_elsewhere: ZeroElsewhere] {
        Refused,
        Succeeds,
    }
    [no_buffer: NoBuffer] {
        InvalidParameter,
        InvalidUserBuffer => [2]
            "no page says what ReFS does; the status is inferred",
        BufferTooSmall => [2]
            "no page says what ReFS does; the status is inferred",
    }
    settled [ex_code: ExCode] {
        Known,
        Unknown,
    }
    [ex_size: ExSize] {
        NotSupported,
        BufferTooSmall => [3]
            "MS-FSA 2.1.5.10.5 names STATUS_NOT_SUPPORTED; only OpenZFS answers otherwise",
    }
    [callers_32: Callers32] {
        Converted,
        ConvertedAnySize,
        Ignored,
    }
    settled [read_only_check: ReadOnlyCheck] {
        AfterStructure,
        First,
    }
    settled [alignment: Alignment] {
        Cluster,
        Sector,
        Unchecked,
    }
    [target_kind: TargetKind] {
        AfterNumbers,
        BeforeNumbers,
        First,
    }
    [named_streams: NamedStreams] {
        Cloned,
        Refused,
    }
    [bad_handle: BadHandle] {
        Passed,
        Replaced(Status::INVALID_PARAMETER),
        Replaced(Status::OBJECT_NAME_NOT_FOUND),
    }
    [missing_access: MissingAccess] {
        InvalidParameter,
        AccessDenied,
        Ignored,
    }
    [other_volume: OtherVolume] {
        InvalidParameter,
        InvalidHandle,
    }
    [overlap: Overlap] {
        Refused(Status::NOT_SUPPORTED),
        Refused(Status::INVALID_PARAMETER),
        Allowed,
    }
    [integrity: IntegrityMismatch] {
        Refused(Status::NOT_SUPPORTED),
        Refused(Status::INVALID_PARAMETER),
        Allowed,
    }
    [locks: Locks] {
        Ignored,
        Checked,
    }
    [async_flag: AsyncFlag] {
        Ignored,
        Refused(Status::NOT_SUPPORTED),
        Refused(Status::INVALID_PARAMETER),
    }
    [full_disk: FullDisk] {
        Clones,
        Refused,
    }
    [accounting: Accounting] {
        Lazy,
        Exact,
    }
}

#[cfg(test)]
mod tests {
    use super::{FsKind, FsSpec, SWITCHES, Switch};

    #[test]
    fn the_first_value_is_the_default_and_no_two_are_the_same() {
        let default = FsSpec::third_party(4096);
        for switch in SWITCHES {
            let specs: Vec<FsSpec> = switch
                .values
                .iter()
                .map(|value| {
                    let mut spec = default.clone();
                    value.apply(&mut spec);
                    assert_eq!(spec.validate(), Ok(()), "{} {}", switch.name, value.name);
                    spec
                })
                .collect();
            assert_eq!(specs[0], default, "{}", switch.name);
            for (i, spec) in specs.iter().enumerate() {
                assert!(
                    !specs[..i].contains(spec),
                    "{} twice",
                    switch.values[i].name
                );
            }
            assert!(specs.len() > 1, "{}", switch.name);
        }
    }

    /// The fields of the specification that are facts about the volume, not questions.
    const FACTS: [&str; 7] = [
        "kind",
        "cluster_size",
        "capacity_clusters",
        "read_only",
        "dev_drive",
        "block_refcounting",
        "reference_limit",
    ];

    #[test]
    fn every_question_is_in_the_table() {
        let text = format!("{:#?}", FsSpec::refs(4096));
        let fields = text.lines().filter_map(|line| line.strip_prefix("    "));
        let fields = fields.filter(|line| !line.starts_with([' ', ')', ']']));
        let names: Vec<&str> = fields
            .filter_map(|line| Some(line.split_once(':')?.0))
            .collect();
        let listed = SWITCHES.iter().map(|switch| switch.name);
        let expected: Vec<&str> = FACTS.into_iter().chain(listed).collect();
        assert_eq!(names, expected);
    }

    /// The switches of which ReFS and NTFS have the default only.
    fn settled() -> impl Iterator<Item = &'static Switch> {
        SWITCHES.iter().filter(|switch| !switch.is_open)
    }

    #[test]
    fn what_the_documents_settle_is_refused_where_they_hold() {
        let names: Vec<&str> = settled().map(|switch| switch.name).collect();
        assert_eq!(names, ["ex_code", "read_only_check", "alignment"]);
        for (switch, mut spec) in settled()
            .flat_map(|switch| [FsSpec::refs(4096), FsSpec::ntfs(4096)].map(|spec| (switch, spec)))
        {
            assert_eq!(switch.values_on(spec.kind).len(), 1);
            assert!(switch.values_on(FsKind::ThirdParty).len() > 1);
            for value in &switch.values[1..] {
                value.apply(&mut spec);
                let error = spec.validate().unwrap_err();
                assert!(error.starts_with(switch.name), "{error}");
            }
        }
    }

    #[test]
    fn what_is_open_can_be_played_everywhere() {
        for switch in SWITCHES.iter().filter(|switch| switch.is_open) {
            for mut spec in [FsSpec::refs(4096), FsSpec::ntfs(4096)] {
                assert_eq!(switch.values_on(spec.kind).len(), switch.values.len());
                for value in switch.values {
                    value.apply(&mut spec);
                    assert_eq!(spec.validate(), Ok(()), "{} {}", switch.name, value.name);
                }
            }
        }
    }

    /// The whole list, so that nothing joins it unseen.
    #[test]
    fn what_contradicts_a_definite_rule() {
        let mut found = Vec::new();
        for switch in SWITCHES {
            for value in switch.values {
                found.extend(
                    value
                        .contradicts
                        .map(|one| (switch.name, value.name, one.rules)),
                );
            }
        }
        let expected: [(&str, &str, &[u8]); 6] = [
            ("source_range", "NotSupported", &[10, 12, 13]),
            ("target_range", "NotSupported", &[11, 14]),
            ("target_range", "Dropped", &[11, 14]),
            ("no_buffer", "InvalidUserBuffer", &[2]),
            ("no_buffer", "BufferTooSmall", &[2]),
            ("ex_size", "BufferTooSmall", &[3]),
        ];
        assert_eq!(found, expected);
    }
}
