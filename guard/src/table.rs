//! The table of rules.
//!
//! The rules stand in the order in which they decide. For definite rules the order is the file
//! system's (MS-FSA 2.1.5.10.4 and .5): structure, `Size`, alignment. Negative and overflowing ranges
//! have no step there; they come after alignment, and share its status, so no caller can see which of
//! the two was looked at first. The strict rules follow in the order of the same sections, then the
//! policy, then ourselves, and notes come last.
//!
//! `docs/rules.md` describes the same table for people, and a test compares the two.

use crate::SourceState;
use crate::check::{
    claims, ex_size, fires, input_missing, input_short, not_inspected, numbers, overflows, overlap,
    past_source, past_target, policy, source_handle, source_kind, streams, unaligned,
};
use crate::rules::{Answer, Class, Finding, Rule};
use crate::verdict::UNAUDITED;
use wire::RuleId;

/// `STATUS_INVALID_PARAMETER` (MS-ERREF 2.3.1).
const INVALID_PARAMETER: u32 = 0xC000_000D;
/// `STATUS_ACCESS_DENIED` (MS-ERREF 2.3.1).
const ACCESS_DENIED: u32 = 0xC000_0022;
/// `STATUS_BUFFER_TOO_SMALL` (MS-ERREF 2.3.1).
const BUFFER_TOO_SMALL: u32 = 0xC000_0023;
/// `STATUS_NOT_SUPPORTED` (MS-ERREF 2.3.1).
const NOT_SUPPORTED: u32 = 0xC000_00BB;

/// `DUPLICATE_EXTENTS_DATA_EX_SOURCE_ATOMIC` (MS-FSCC 2.3.9.1).
const FLAG_SOURCE_ATOMIC: u32 = 0x1;
/// `DUPLICATE_EXTENTS_DATA_EX_ASYNC` (`winioctl.h`; MS-FSCC does not mention it).
const FLAG_ASYNC: u32 = 0x2;
/// Win32 "Block Cloning on `ReFS`": one call must stay below 4 GiB.
const HUGE_COUNT: i64 = 0x1_0000_0000;

/// Every rule, in the order in which they decide.
pub const RULES: [Rule; 30] = [
    Rule {
        id: RuleId::INPUT_SHORT,
        name: "input-short",
        class: Class::Definite,
        answer: Answer::Status(BUFFER_TOO_SMALL),
        text: "the input is shorter than the layout of the caller's code and bitness",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5",
        check: input_short,
    },
    Rule {
        id: RuleId::INPUT_MISSING,
        name: "input-missing",
        class: Class::Definite,
        answer: Answer::Status(INVALID_PARAMETER),
        text: "an input length is given and there is no buffer",
        source: "WDK, Buffer Descriptions for I/O Control Codes",
        check: input_missing,
    },
    Rule {
        id: RuleId::EX_SIZE,
        name: "ex-size",
        class: Class::Definite,
        answer: Answer::Status(NOT_SUPPORTED),
        text: "the Size field of the EX structure is not the layout's size",
        source: "MS-FSA 2.1.5.10.5",
        check: ex_size,
    },
    Rule {
        id: RuleId::UNALIGNED_SOURCE,
        name: "unaligned-source",
        class: Class::Definite,
        answer: Answer::Status(INVALID_PARAMETER),
        text: "the source offset is not a multiple of the volume's cluster size",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5",
        check: |s| unaligned(s, |claim| claim.source_offset),
    },
    Rule {
        id: RuleId::UNALIGNED_TARGET,
        name: "unaligned-target",
        class: Class::Definite,
        answer: Answer::Status(INVALID_PARAMETER),
        text: "the target offset is not a multiple of the volume's cluster size",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5",
        check: |s| unaligned(s, |claim| claim.target_offset),
    },
    Rule {
        id: RuleId::UNALIGNED_COUNT,
        name: "unaligned-count",
        class: Class::Definite,
        answer: Answer::Status(INVALID_PARAMETER),
        text: "the byte count is not a multiple of the volume's cluster size",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5",
        check: |s| unaligned(s, |claim| claim.byte_count),
    },
    Rule {
        id: RuleId::NEGATIVE_SOURCE,
        name: "negative-source",
        class: Class::Definite,
        answer: Answer::Status(INVALID_PARAMETER),
        text: "the source offset is below zero",
        source: "MS-FSCC 2.3.7.1, 2.3.9.1",
        check: |s| numbers(s, |claim| claim.source_offset < 0),
    },
    Rule {
        id: RuleId::NEGATIVE_TARGET,
        name: "negative-target",
        class: Class::Definite,
        answer: Answer::Status(INVALID_PARAMETER),
        text: "the target offset is below zero",
        source: "MS-FSCC 2.3.7.1, 2.3.9.1",
        check: |s| numbers(s, |claim| claim.target_offset < 0),
    },
    Rule {
        id: RuleId::NEGATIVE_COUNT,
        name: "negative-count",
        class: Class::Definite,
        answer: Answer::Status(INVALID_PARAMETER),
        text: "the byte count is below zero",
        source: "MS-FSCC 2.3.7.1, 2.3.9.1",
        check: |s| numbers(s, |claim| claim.byte_count < 0),
    },
    Rule {
        id: RuleId::OVERFLOW_SOURCE,
        name: "overflow-source",
        class: Class::Definite,
        answer: Answer::Status(INVALID_PARAMETER),
        text: "the end of the source range is past the signed 64-bit range",
        source: "MS-FSCC 2.3.7.1, 2.3.9.1",
        check: |s| numbers(s, |claim| overflows(claim.source_offset, claim.byte_count)),
    },
    Rule {
        id: RuleId::OVERFLOW_TARGET,
        name: "overflow-target",
        class: Class::Definite,
        answer: Answer::Status(INVALID_PARAMETER),
        text: "the end of the target range is past the signed 64-bit range",
        source: "MS-FSCC 2.3.7.1, 2.3.9.1",
        check: |s| numbers(s, |claim| overflows(claim.target_offset, claim.byte_count)),
    },
    Rule {
        id: RuleId::SOURCE_HANDLE,
        name: "source-handle",
        class: Class::Strict,
        answer: Answer::ObjectManager,
        text: "the object manager refuses the source handle",
        source: "MS-FSA 2.1.5.10.4 note 90, 2.1.5.10.5 note 94; WDK, ObReferenceObjectByHandle",
        check: source_handle,
    },
    Rule {
        id: RuleId::SOURCE_KIND,
        name: "source-kind",
        class: Class::Strict,
        answer: Answer::Status(INVALID_PARAMETER),
        text: "the source handle names no data stream: a directory, a volume, a pipe, no file at all",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5 (SHOULD)",
        check: source_kind,
    },
    Rule {
        id: RuleId::SOURCE_ACCESS,
        name: "source-access",
        class: Class::Strict,
        answer: Answer::Status(INVALID_PARAMETER),
        text: "a user-mode source handle grants not both FILE_READ_DATA and FILE_READ_ATTRIBUTES",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5 (SHOULD)",
        check: |s| fires(s.facts.lacks_source_rights()),
    },
    Rule {
        id: RuleId::OTHER_VOLUME,
        name: "other-volume",
        class: Class::Strict,
        answer: Answer::Status(INVALID_PARAMETER),
        text: "the source lies on another volume than the target",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5; MS-FSCC 2.3.8, 2.3.10",
        check: |s| fires(matches!(s.facts.source, SourceState::OtherVolume(_))),
    },
    Rule {
        id: RuleId::POLICY,
        name: "policy",
        class: Class::Policy,
        answer: Answer::Status(ACCESS_DENIED),
        text: "the first rule of the policy that matches flags or denies the request",
        source: "docs/policy.md",
        check: policy,
    },
    Rule {
        id: RuleId::NOT_INSPECTED,
        name: "not-inspected",
        class: Class::Engine,
        answer: Answer::Status(UNAUDITED),
        text: "memory, context or level did not allow a look that the verdict needs",
        source: "docs/policy.md",
        check: not_inspected,
    },
    Rule {
        id: RuleId::TRAILING_OR_OUTPUT,
        name: "trailing-or-output",
        class: Class::Note,
        answer: Answer::Never,
        text: "the input is longer than the layout, or there is an output buffer",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5 (longer is no error, no output is defined)",
        check: |s| {
            let trailing = s.capture.input_length > s.capture.expected_length();
            fires(trailing || s.capture.output_length > 0)
        },
    },
    Rule {
        id: RuleId::HUGE_COUNT,
        name: "huge-count",
        class: Class::Note,
        answer: Answer::Never,
        text: "the byte count is 4 GiB or more",
        source: "Win32, Block Cloning on ReFS (a limit without a status)",
        check: |s| claims(s, |claim| claim.byte_count >= HUGE_COUNT),
    },
    Rule {
        id: RuleId::ZERO_COUNT,
        name: "zero-count",
        class: Class::Note,
        answer: Answer::Never,
        text: "the byte count is zero",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5 (succeeds at once)",
        check: |s| claims(s, |claim| claim.byte_count == 0),
    },
    Rule {
        id: RuleId::FLAGS_UNKNOWN,
        name: "flags-unknown",
        class: Class::Note,
        answer: Answer::Never,
        text: "flag bits are set that no public header names",
        source: "MS-FSCC 2.3.9.1 (other bits are ignored)",
        check: |s| {
            claims(s, |claim| {
                claim.flags & !(FLAG_SOURCE_ATOMIC | FLAG_ASYNC) != 0
            })
        },
    },
    Rule {
        id: RuleId::FLAG_ASYNC,
        name: "flag-async",
        class: Class::Note,
        answer: Answer::Never,
        text: "the undocumented flag DUPLICATE_EXTENTS_DATA_EX_ASYNC is set",
        source: "winioctl.h of the Windows SDK",
        check: |s| claims(s, |claim| claim.flags & FLAG_ASYNC != 0),
    },
    Rule {
        id: RuleId::FLAG_ATOMIC,
        name: "flag-atomic",
        class: Class::Note,
        answer: Answer::Never,
        text: "the flag DUPLICATE_EXTENTS_DATA_EX_SOURCE_ATOMIC is set",
        source: "MS-FSCC 2.3.9.1",
        check: |s| claims(s, |claim| claim.flags & FLAG_SOURCE_ATOMIC != 0),
    },
    Rule {
        id: RuleId::UNRESOLVED,
        name: "unresolved",
        class: Class::Note,
        answer: Answer::Never,
        text: "the request does not run in its requestor's process, so the source handle means nothing",
        source: "WDK, Object Handles",
        check: |s| fires(s.facts.source == SourceState::NotInContext),
    },
    Rule {
        id: RuleId::SOURCE_CHANGED,
        name: "source-changed",
        class: Class::Note,
        answer: Answer::Never,
        text: "after the operation the source handle names another file than before it",
        source: "WDK, Object Handles (values are used again after a close)",
        // Found when the request has ended: `Outcome` adds it.
        check: |_| Finding::Silent,
    },
    Rule {
        id: RuleId::PAST_SOURCE,
        name: "past-source",
        class: Class::Note,
        answer: Answer::Never,
        text: "the source range ends past the clusters of the source",
        source: "MS-FSCC 2.3.8, 2.3.10 (allocation size); MS-FSA 2.1.5.10.4 says end of file",
        check: past_source,
    },
    Rule {
        id: RuleId::PAST_TARGET,
        name: "past-target",
        class: Class::Note,
        answer: Answer::Never,
        text: "the target range ends past the cluster in which the target ends",
        source: "Win32, Block Cloning on ReFS (forbidden without a status); Windows Server 2016 succeeds",
        check: past_target,
    },
    Rule {
        id: RuleId::OVERLAP,
        name: "overlap",
        class: Class::Note,
        answer: Answer::Never,
        text: "both ranges lie in one stream and share a byte",
        source: "MS-FSCC 2.3.8, 2.3.10; MS-FSA 2.1.5.10.4 has no such step",
        check: overlap,
    },
    Rule {
        id: RuleId::SPARSE_SOURCE,
        name: "sparse-source",
        class: Class::Note,
        answer: Answer::Never,
        text: "the source is sparse and the target is not",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5",
        check: |s| {
            streams(s, |source, target| {
                source.is_sparse() && !target.is_sparse()
            })
        },
    },
    Rule {
        id: RuleId::INTEGRITY_MISMATCH,
        name: "integrity-mismatch",
        class: Class::Note,
        answer: Answer::Never,
        text: "one of source and target has an integrity stream and the other has not",
        source: "Win32, Block Cloning on ReFS (forbidden without a status)",
        check: |s| {
            streams(s, |source, target| {
                source.has_integrity() != target.has_integrity()
            })
        },
    },
];
