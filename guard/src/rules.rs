//! Every rule, in one table, in the order in which they decide.
//!
//! [`judge`] runs all of them: each that fires is recorded, and the first in the table's order
//! decides. The order is the file system's (MS-FSA 2.1.5.10.4 and .5): structure, `Size`,
//! alignment. Negative and overflowing ranges have no step there; they come after alignment, and
//! share its status, so no caller can see which of the two was looked at first. Notes come last.
//!
//! `docs/rules.md` describes the same table for people, and a test compares the two.

use crate::{Bitness, Capture, Claim, ClusterSize, Extent, ExtentError, Facts, StructuralFinding};
use wire::{RuleId, RuleSet, Verdict};

/// `STATUS_INVALID_PARAMETER` (MS-ERREF 2.3.1).
const INVALID_PARAMETER: u32 = 0xC000_000D;
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

/// What a rule may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// No legal caller does it and the status is documented: refused in enforce mode.
    Definite,
    /// Refused only when the policy lists the rule.
    Strict,
    /// Recorded, never refused: racy, disputed or legal.
    Note,
    /// Decided by the policy's own rules.
    Policy,
    /// About ourselves: a request could not be looked at.
    Engine,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its number, which never changes.
    pub id: RuleId,
    /// Its stable name.
    pub name: &'static str,
    /// What it may lead to.
    pub class: Class,
    /// The NTSTATUS that the file system documents for it; `None` for a note.
    pub status: Option<u32>,
    /// What it looks for, in one line.
    pub text: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// The check.
    check: fn(&Subject<'_>) -> Finding,
}

/// What was found about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Every rule that fired.
    pub fired: RuleSet,
    /// The rule that decides; `None` exactly if none fired.
    pub deciding: Option<RuleId>,
    /// What follows, in observe mode.
    pub verdict: Verdict,
}

/// What a check looks at.
struct Subject<'a> {
    capture: &'a Capture,
    claim: Option<&'a Claim>,
    facts: &'a Facts,
}

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    /// Nothing to say, or a fact is missing.
    Silent,
    /// The rule fires with the class it has in the table.
    Fires,
    /// The rule fires, but this caller may be legal, so it only notes.
    Notes,
}

/// Judges a request. `claim` is what [`Capture::read`] returned for `capture`.
#[must_use]
pub fn judge(
    capture: &Capture,
    claim: &Result<Claim, StructuralFinding>,
    facts: &Facts,
) -> Judgement {
    let subject = Subject {
        capture,
        claim: claim.as_ref().ok(),
        facts,
    };
    let mut fired = RuleSet::EMPTY;
    let mut definite = None;
    let mut noted = None;
    for rule in &RULES {
        let finding = (rule.check)(&subject);
        if finding == Finding::Silent {
            continue;
        }
        fired.insert(rule.id);
        if finding == Finding::Fires && rule.class == Class::Definite {
            definite = definite.or(Some(rule.id));
        } else {
            noted = noted.or(Some(rule.id));
        }
    }
    let verdict = if definite.is_some() {
        Verdict::WouldRefuse
    } else if *claim == Err(StructuralFinding::NotCaptured) {
        Verdict::NotInspected
    } else if noted.is_some() {
        Verdict::Flagged
    } else {
        Verdict::Passed
    };
    Judgement {
        fired,
        deciding: definite.or(noted),
        verdict,
    }
}

/// Every rule, in the order in which they decide.
pub const RULES: [Rule; 17] = [
    Rule {
        id: RuleId::INPUT_SHORT,
        name: "input-short",
        class: Class::Definite,
        status: Some(BUFFER_TOO_SMALL),
        text: "the input is shorter than the layout of the caller's code and bitness",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5",
        check: |s| fires(s.capture.input_length < s.capture.expected_length()),
    },
    Rule {
        id: RuleId::INPUT_MISSING,
        name: "input-missing",
        class: Class::Definite,
        status: Some(INVALID_PARAMETER),
        text: "an input length is given and there is no buffer",
        source: "WDK, Buffer Descriptions for I/O Control Codes",
        check: |s| fires(s.capture.input_length > 0 && !s.capture.buffer_present),
    },
    Rule {
        id: RuleId::EX_SIZE,
        name: "ex-size",
        class: Class::Definite,
        status: Some(NOT_SUPPORTED),
        text: "the Size field of the EX structure is not the layout's size",
        source: "MS-FSA 2.1.5.10.5",
        check: ex_size,
    },
    Rule {
        id: RuleId::UNALIGNED_SOURCE,
        name: "unaligned-source",
        class: Class::Definite,
        status: Some(INVALID_PARAMETER),
        text: "the source offset is not a multiple of the volume's cluster size",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5",
        check: |s| unaligned(s, |claim| claim.source_offset),
    },
    Rule {
        id: RuleId::UNALIGNED_TARGET,
        name: "unaligned-target",
        class: Class::Definite,
        status: Some(INVALID_PARAMETER),
        text: "the target offset is not a multiple of the volume's cluster size",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5",
        check: |s| unaligned(s, |claim| claim.target_offset),
    },
    Rule {
        id: RuleId::UNALIGNED_COUNT,
        name: "unaligned-count",
        class: Class::Definite,
        status: Some(INVALID_PARAMETER),
        text: "the byte count is not a multiple of the volume's cluster size",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5",
        check: |s| unaligned(s, |claim| claim.byte_count),
    },
    Rule {
        id: RuleId::NEGATIVE_SOURCE,
        name: "negative-source",
        class: Class::Definite,
        status: Some(INVALID_PARAMETER),
        text: "the source offset is below zero",
        source: "MS-FSCC 2.3.7.1, 2.3.9.1",
        check: |s| negative_offset(s, |claim| claim.source_offset),
    },
    Rule {
        id: RuleId::NEGATIVE_TARGET,
        name: "negative-target",
        class: Class::Definite,
        status: Some(INVALID_PARAMETER),
        text: "the target offset is below zero",
        source: "MS-FSCC 2.3.7.1, 2.3.9.1",
        check: |s| negative_offset(s, |claim| claim.target_offset),
    },
    Rule {
        id: RuleId::NEGATIVE_COUNT,
        name: "negative-count",
        class: Class::Definite,
        status: Some(INVALID_PARAMETER),
        text: "the byte count is below zero",
        source: "MS-FSCC 2.3.7.1, 2.3.9.1",
        check: |s| claims(s, |claim| claim.byte_count < 0),
    },
    Rule {
        id: RuleId::OVERFLOW_SOURCE,
        name: "overflow-source",
        class: Class::Definite,
        status: Some(INVALID_PARAMETER),
        text: "the end of the source range is past the signed 64-bit range",
        source: "MS-FSCC 2.3.7.1, 2.3.9.1",
        check: |s| claims(s, |claim| overflows(claim.source_offset, claim.byte_count)),
    },
    Rule {
        id: RuleId::OVERFLOW_TARGET,
        name: "overflow-target",
        class: Class::Definite,
        status: Some(INVALID_PARAMETER),
        text: "the end of the target range is past the signed 64-bit range",
        source: "MS-FSCC 2.3.7.1, 2.3.9.1",
        check: |s| claims(s, |claim| overflows(claim.target_offset, claim.byte_count)),
    },
    Rule {
        id: RuleId::TRAILING_OR_OUTPUT,
        name: "trailing-or-output",
        class: Class::Note,
        status: None,
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
        status: None,
        text: "the byte count is 4 GiB or more",
        source: "Win32, Block Cloning on ReFS (a limit without a status)",
        check: |s| claims(s, |claim| claim.byte_count >= HUGE_COUNT),
    },
    Rule {
        id: RuleId::ZERO_COUNT,
        name: "zero-count",
        class: Class::Note,
        status: None,
        text: "the byte count is zero",
        source: "MS-FSA 2.1.5.10.4, 2.1.5.10.5 (succeeds at once)",
        check: |s| claims(s, |claim| claim.byte_count == 0),
    },
    Rule {
        id: RuleId::FLAGS_UNKNOWN,
        name: "flags-unknown",
        class: Class::Note,
        status: None,
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
        status: None,
        text: "the undocumented flag DUPLICATE_EXTENTS_DATA_EX_ASYNC is set",
        source: "winioctl.h of the Windows SDK",
        check: |s| claims(s, |claim| claim.flags & FLAG_ASYNC != 0),
    },
    Rule {
        id: RuleId::FLAG_ATOMIC,
        name: "flag-atomic",
        class: Class::Note,
        status: None,
        text: "the flag DUPLICATE_EXTENTS_DATA_EX_SOURCE_ATOMIC is set",
        source: "MS-FSCC 2.3.9.1",
        check: |s| claims(s, |claim| claim.flags & FLAG_SOURCE_ATOMIC != 0),
    },
];

/// Fires if the condition holds.
const fn fires(condition: bool) -> Finding {
    if condition {
        Finding::Fires
    } else {
        Finding::Silent
    }
}

/// Fires if there is a claim and the condition holds for it.
fn claims(subject: &Subject<'_>, condition: impl Fn(&Claim) -> bool) -> Finding {
    fires(subject.claim.is_some_and(condition))
}

/// The EX structure states another size than its layout has. MS-FSA knows only the 64-bit size, so
/// a 32-bit caller's mismatch is left to the file system.
fn ex_size(subject: &Subject<'_>) -> Finding {
    let expected = u64::from(subject.capture.expected_length());
    let stated = subject.claim.and_then(|claim| claim.ex_size);
    match (stated, subject.capture.bitness) {
        (None, Bitness::Bits32 | Bitness::Bits64) => Finding::Silent,
        (Some(size), Bitness::Bits64) => fires(size != expected),
        (Some(size), Bitness::Bits32) if size != expected => Finding::Notes,
        (Some(_), Bitness::Bits32) => Finding::Silent,
    }
}

/// A value is not a multiple of the cluster size, if both are known.
fn unaligned(subject: &Subject<'_>, value: impl Fn(&Claim) -> i64) -> Finding {
    let Some(cluster) = subject.facts.cluster_size else {
        return Finding::Silent;
    };
    claims(subject, |claim| {
        !ClusterSize::divides(cluster, value(claim))
    })
}

/// An offset is below zero. MS-FSA returns success for an aligned zero count before it looks at
/// anything else, so with a zero count this only notes: nothing that a file system accepts may
/// ever be refused.
fn negative_offset(subject: &Subject<'_>, offset: impl Fn(&Claim) -> i64) -> Finding {
    match subject.claim {
        Some(claim) if offset(claim) < 0 && claim.byte_count == 0 => Finding::Notes,
        Some(claim) => fires(offset(claim) < 0),
        None => Finding::Silent,
    }
}

/// Whether a range of two non-negative numbers ends past the signed 64-bit range.
fn overflows(offset: i64, byte_count: i64) -> bool {
    Extent::try_new(offset, byte_count) == Err(ExtentError::Overflow)
}
