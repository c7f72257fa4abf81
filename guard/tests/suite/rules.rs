//! Every rule on the input fires for its one flipped field and for nothing else. The files are so large
//! here that no rule about them fires.

use crate::common::{CALLERS, FILE, Request, facts, judged};
use guard::{
    Bitness, Capture, Class, ClusterSize, ControlCode, Fact, Facts, FileFacts, RULES, RuleId,
    RuleSet, StructuralFinding, Verdict,
};
use proptest::prelude::*;

/// Facts of files that nothing ends past.
fn vast() -> Facts {
    let file = FileFacts {
        end_of_file: TOP,
        allocation_size: i64::MAX,
        ..FILE
    };
    Facts {
        source_file: Fact::Known(file),
        target_file: Fact::Known(file),
        ..facts()
    }
}

/// Asserts that exactly these rules fire, that the first decides, and the verdict.
#[track_caller]
fn expect(capture: &Capture, fired: &[RuleId], verdict: Verdict) {
    let judgement = judged(capture, &vast());
    let set: RuleSet = fired.iter().copied().collect();
    let numbers: Vec<u8> = judgement
        .findings
        .fired
        .iter()
        .map(RuleId::number)
        .collect();
    assert_eq!(
        judgement.findings.fired, set,
        "fired {numbers:?} for {capture:?}"
    );
    assert_eq!(judgement.deciding, fired.first().copied());
    assert_eq!(judgement.verdict, verdict);
}

/// A valid request with another range, for every caller. The numbers of a 32-bit EX caller are only
/// noted, because nobody says how a file system reads them.
#[track_caller]
fn expect_range(range: [i64; 3], fired: &[RuleId], verdict: Verdict) {
    for (code, bitness) in CALLERS {
        let noted = (code, bitness) == (ControlCode::DuplicateEx, Bitness::Bits32);
        let verdict = match verdict {
            Verdict::WouldRefuse if noted => Verdict::Flagged,
            other => other,
        };
        let request = Request {
            range,
            ..Request::valid(code, bitness)
        };
        expect(&request.capture(), fired, verdict);
    }
}

const C: i64 = 0x1_0000;
/// The largest multiple of the cluster size.
const TOP: i64 = i64::MAX - (C - 1);

#[test]
fn a_valid_request_passes() {
    for (code, bitness) in CALLERS {
        expect(
            &Request::valid(code, bitness).capture(),
            &[],
            Verdict::Passed,
        );
    }
}

#[test]
fn rule_1_one_byte_short() {
    for (code, bitness) in CALLERS {
        let bytes = Request::valid(code, bitness).bytes();
        let short = crate::common::capture(code, bitness, &bytes[..bytes.len() - 1]);
        expect(&short, &[RuleId::INPUT_SHORT], Verdict::WouldRefuse);
        expect(
            &Capture::empty(code, bitness),
            &[RuleId::INPUT_SHORT],
            Verdict::WouldRefuse,
        );
    }
}

#[test]
fn rule_2_length_without_buffer() {
    for (code, bitness) in CALLERS {
        let mut missing = Capture::empty(code, bitness);
        missing.input_length = code.input_size(bitness);
        expect(&missing, &[RuleId::INPUT_MISSING], Verdict::WouldRefuse);
        // Too short as well: both only noted, since nobody says which of the two is noticed first.
        missing.input_length = code.input_size(bitness) - 1;
        expect(
            &missing,
            &[RuleId::INPUT_SHORT, RuleId::INPUT_MISSING],
            Verdict::Flagged,
        );
    }
}

#[test]
fn rule_3_refuses_64_bit_callers_only() {
    let request = Request::valid(ControlCode::DuplicateEx, Bitness::Bits64);
    for size in [0, 0x28, 0x2F, 0x31, 0x38, u64::MAX] {
        let wrong = Request { size, ..request };
        expect(&wrong.capture(), &[RuleId::EX_SIZE], Verdict::WouldRefuse);
    }
    let request = Request::valid(ControlCode::DuplicateEx, Bitness::Bits32);
    for size in [0, 0x27, 0x29, 0x30] {
        let wrong = Request { size, ..request };
        expect(&wrong.capture(), &[RuleId::EX_SIZE], Verdict::Flagged);
    }
}

#[test]
fn rule_3_of_a_32_bit_caller_leaves_its_numbers_to_the_file_system() {
    let request = Request::valid(ControlCode::DuplicateEx, Bitness::Bits32);
    let wrong = Request {
        size: 0x30,
        range: [0, 1, C],
        ..request
    };
    let fired = [RuleId::EX_SIZE, RuleId::UNALIGNED_TARGET];
    expect(&wrong.capture(), &fired, Verdict::Flagged);
}

#[test]
fn rule_4_trailing_bytes_or_output() {
    for (code, bitness) in CALLERS {
        let valid = Request::valid(code, bitness).capture();
        let trailing = Capture {
            input_length: valid.input_length + 1,
            ..valid
        };
        expect(&trailing, &[RuleId::TRAILING_OR_OUTPUT], Verdict::Flagged);
        let output = Capture {
            output_length: 1,
            ..valid
        };
        expect(&output, &[RuleId::TRAILING_OR_OUTPUT], Verdict::Flagged);
    }
}

#[test]
fn rules_10_to_12_negative() {
    expect_range([-C, 0, C], &[RuleId::NEGATIVE_SOURCE], Verdict::WouldRefuse);
    expect_range([0, -C, C], &[RuleId::NEGATIVE_TARGET], Verdict::WouldRefuse);
    expect_range([0, 0, -C], &[RuleId::NEGATIVE_COUNT], Verdict::WouldRefuse);
    let all = [
        RuleId::NEGATIVE_SOURCE,
        RuleId::NEGATIVE_TARGET,
        RuleId::NEGATIVE_COUNT,
    ];
    expect_range([i64::MIN; 3], &all, Verdict::WouldRefuse);
}

#[test]
fn a_negative_offset_of_a_zero_count_is_only_noted() {
    let fired = [RuleId::NEGATIVE_SOURCE, RuleId::ZERO_COUNT];
    expect_range([-C, 0, 0], &fired, Verdict::Flagged);
    let fired = [RuleId::NEGATIVE_TARGET, RuleId::ZERO_COUNT];
    expect_range([0, -C, 0], &fired, Verdict::Flagged);
}

#[test]
fn an_unaligned_offset_of_a_zero_count_is_only_noted() {
    let fired = [
        RuleId::UNALIGNED_SOURCE,
        RuleId::NEGATIVE_SOURCE,
        RuleId::ZERO_COUNT,
    ];
    expect_range([-1, 0, 0], &fired, Verdict::Flagged);
    let fired = [RuleId::UNALIGNED_TARGET, RuleId::ZERO_COUNT];
    expect_range([0, 512, 0], &fired, Verdict::Flagged);
}

#[test]
fn rules_13_and_14_overflow() {
    expect_range(
        [TOP, 0, C],
        &[RuleId::OVERFLOW_SOURCE],
        Verdict::WouldRefuse,
    );
    expect_range(
        [0, TOP, C],
        &[RuleId::OVERFLOW_TARGET],
        Verdict::WouldRefuse,
    );
    expect_range([TOP - C, 0, C], &[], Verdict::Passed);
    expect_range([0, TOP - C, C], &[], Verdict::Passed);
}

#[test]
fn rules_15_and_16_huge_and_zero() {
    let four_gib = 0x1_0000_0000;
    expect_range([0, 0, four_gib - C], &[], Verdict::Passed);
    let unaligned = [RuleId::UNALIGNED_COUNT];
    expect_range([0, 0, four_gib - 1], &unaligned, Verdict::WouldRefuse);
    expect_range([0, 0, four_gib], &[RuleId::HUGE_COUNT], Verdict::Flagged);
    expect_range([0, 0, 0], &[RuleId::ZERO_COUNT], Verdict::Flagged);
}

#[test]
fn rules_20_to_22_unaligned() {
    for off in [1, C / 2, C - 1] {
        expect_range(
            [C + off, 0, C],
            &[RuleId::UNALIGNED_SOURCE],
            Verdict::WouldRefuse,
        );
        expect_range(
            [0, C + off, C],
            &[RuleId::UNALIGNED_TARGET],
            Verdict::WouldRefuse,
        );
        expect_range(
            [0, 0, C + off],
            &[RuleId::UNALIGNED_COUNT],
            Verdict::WouldRefuse,
        );
    }
}

#[test]
fn rules_30_to_32_flags() {
    for bitness in [Bitness::Bits32, Bitness::Bits64] {
        let valid = Request::valid(ControlCode::DuplicateEx, bitness);
        for bit in 0..32 {
            let rule = match bit {
                0 => RuleId::FLAG_ATOMIC,
                1 => RuleId::FLAG_ASYNC,
                _ => RuleId::FLAGS_UNKNOWN,
            };
            let flagged = Request {
                flags: 1 << bit,
                ..valid
            };
            expect(&flagged.capture(), &[rule], Verdict::Flagged);
        }
        let all = [
            RuleId::FLAGS_UNKNOWN,
            RuleId::FLAG_ASYNC,
            RuleId::FLAG_ATOMIC,
        ];
        expect(
            &Request {
                flags: u32::MAX,
                ..valid
            }
            .capture(),
            &all,
            Verdict::Flagged,
        );
    }
}

#[test]
fn an_unknown_cluster_size_makes_nothing_unaligned() {
    let unknown = Facts {
        cluster_size: None,
        ..vast()
    };
    let request = Request::valid(ControlCode::Duplicate, Bitness::Bits64);
    let odd = Request {
        range: [1, 3, 5],
        ..request
    }
    .capture();
    assert_eq!(judged(&odd, &unknown).verdict, Verdict::Passed);
    let small = Facts {
        cluster_size: ClusterSize::try_new(512),
        ..unknown
    };
    assert_eq!(judged(&odd, &small).verdict, Verdict::WouldRefuse);
}

#[test]
fn our_own_failure_to_capture_blames_nobody() {
    let mut capture = Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture();
    capture.captured = 0;
    assert_eq!(capture.read(), Err(StructuralFinding::NotCaptured));
    expect(&capture, &[RuleId::NOT_INSPECTED], Verdict::NotInspected);
}

#[test]
fn structure_decides_before_alignment_and_alignment_before_sign() {
    let request = Request::valid(ControlCode::DuplicateEx, Bitness::Bits64);
    let bad = Request {
        size: 0,
        range: [-1, 0, C],
        ..request
    };
    let fired = [
        RuleId::EX_SIZE,
        RuleId::UNALIGNED_SOURCE,
        RuleId::NEGATIVE_SOURCE,
    ];
    expect(&bad.capture(), &fired, Verdict::WouldRefuse);
    let bad = Request { size: 0x30, ..bad };
    expect(&bad.capture(), &fired[1..], Verdict::WouldRefuse);
}

proptest! {
    #[test]
    fn the_deciding_rule_is_the_first_of_the_table(
        range in any::<[i64; 3]>(), size in any::<u8>(), flags in any::<u32>(), caller in 0_usize..4,
    ) {
        let (code, bitness) = CALLERS[caller];
        let size = u64::from(size);
        let request = Request { range, size, flags, ..Request::valid(code, bitness) };
        let judgement = judged(&request.capture(), &vast());
        let grounds = judgement.findings.grounds;
        let first = |set: RuleSet| RULES.iter().find(|rule| set.contains(rule.id)).map(|rule| rule.id);
        let definite = |id| RULES.iter().any(|rule| rule.id == id && rule.class == Class::Definite);
        prop_assert!(grounds.iter().all(definite));
        if grounds.is_empty() {
            prop_assert_eq!(judgement.deciding, first(judgement.findings.fired));
            prop_assert_ne!(judgement.verdict, Verdict::WouldRefuse);
        } else {
            prop_assert_eq!(judgement.deciding, first(grounds));
            prop_assert_eq!(judgement.verdict, Verdict::WouldRefuse);
        }
    }
}
