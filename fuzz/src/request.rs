//! The bytes of a request through `guard`: captured, read, judged.
//!
//! The referee reads each field from its offset in winioctl.h by hand, and says in plain arithmetic which definite
//! rules of docs/rules.md are broken.

use guard::{
    Bitness, CAPTURE_SIZE, Capture, Claim, ClusterSize, ControlCode, Facts, Findings, Powers,
    RequestorMode, StructuralFinding, Subject, Verdict, decide, find,
};
use wire::{PolicyMatch, RuleSet};

use crate::take;

/// Judges one request.
///
/// # Panics
/// If `guard` and the referee are of two minds.
pub fn body(mut bytes: &[u8]) {
    let [choices, cluster, policy, cut] = take(&mut bytes);
    let capture = capture(choices, cut, bytes);
    let claim = capture.read();
    assert_eq!(claim.map(|claim| Fields::of(&claim)), expected(&capture));
    let mode = if choices & 0x40 == 0 {
        RequestorMode::User
    } else {
        RequestorMode::Kernel
    };
    let facts = Facts {
        cluster_size: ClusterSize::try_new(256 << (cluster % 16)),
        is_refs: choices & 0x20 != 0,
        ..Facts::unknown(mode)
    };
    let findings = find(&Subject {
        capture: &capture,
        claim: &claim,
        facts: &facts,
        policy: PolicyMatch::from_raw(policy),
    });
    if let Ok(claim) = claim {
        let fired = findings.fired.iter().map(|id| id.number());
        let fired: Vec<u8> = fired.filter(|id| ARITHMETIC.contains(id)).collect();
        assert_eq!(fired, broken(&claim, facts.cluster_size), "{claim:?}");
    }
    modes_agree(&findings, choices & 0x80 != 0);
}

/// What observe mode says would be refused is what enforce mode refuses.
fn modes_agree(findings: &Findings, refuse_unaudited: bool) {
    assert!(findings.grounds.is_subset(findings.fired));
    let [observed, enforced] = [false, true].map(|enforce| {
        let powers = Powers {
            enforce,
            enforced: RuleSet::EMPTY,
            refuse_unaudited,
        };
        decide(findings, 0xC000_0008, &powers)
    });
    let is_refused = enforced.verdict == Verdict::Refused;
    assert_ne!(observed.verdict, Verdict::Refused);
    assert_eq!(observed.verdict == Verdict::WouldRefuse, is_refused);
    assert_eq!(enforced.refusal.is_some(), is_refused);
    assert_eq!(
        (observed.deciding, observed.refusal),
        (enforced.deciding, enforced.refusal)
    );
}

/// The fields of a claim as plain numbers.
#[derive(Debug, PartialEq, Eq)]
struct Fields {
    handle: u64,
    range: [i64; 3],
    size: Option<u64>,
    flags: u64,
}

impl Fields {
    fn of(claim: &Claim) -> Self {
        Self {
            handle: claim.handle.value(),
            range: [claim.source_offset, claim.target_offset, claim.byte_count],
            size: claim.ex_size,
            flags: claim.flags.into(),
        }
    }
}

/// Rules about the numbers alone.
const ARITHMETIC: [u8; 10] = [10, 11, 12, 13, 14, 15, 16, 20, 21, 22];

/// A capture as the driver makes it: of the input's length there is no more than its first bytes.
fn capture(choices: u8, cut: u8, input: &[u8]) -> Capture {
    let code = if choices & 1 == 0 {
        ControlCode::Duplicate
    } else {
        ControlCode::DuplicateEx
    };
    let bitness = if choices & 2 == 0 {
        Bitness::Bits64
    } else {
        Bitness::Bits32
    };
    let mut capture = Capture::empty(code, bitness);
    capture.input_length = u32::try_from(input.len()).unwrap_or(u32::MAX);
    capture.output_length = u32::from(choices >> 4 & 1) * 16;
    capture.buffer_present = choices & 4 == 0;
    let mut length = input.len().min(CAPTURE_SIZE);
    if choices & 8 != 0 {
        length = length.min(usize::from(cut));
    }
    if capture.buffer_present {
        capture.captured = u32::try_from(length).unwrap_or(0);
        capture.bytes[..length].copy_from_slice(&input[..length]);
    }
    capture
}

/// What has to be read from a capture.
fn expected(capture: &Capture) -> Result<Fields, StructuralFinding> {
    // Size of the structure, offset and width of the handle, offset of the first number.
    let (size, handle_at, width, range_at) = match (capture.code, capture.bitness) {
        (ControlCode::Duplicate, Bitness::Bits64) => (0x20, 0, 8, 8),
        (ControlCode::Duplicate, Bitness::Bits32) => (0x20, 0, 4, 8),
        (ControlCode::DuplicateEx, Bitness::Bits64) => (0x30, 8, 8, 16),
        (ControlCode::DuplicateEx, Bitness::Bits32) => (0x28, 4, 4, 8),
    };
    if (capture.input_length as usize) < size {
        return Err(StructuralFinding::Short);
    }
    if !capture.buffer_present {
        return Err(StructuralFinding::Missing);
    }
    if (capture.captured as usize) < size {
        return Err(StructuralFinding::NotCaptured);
    }
    let number = |at: usize, width: usize| {
        let bytes = capture.bytes[at..at + width].iter().rev();
        bytes.fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let handle = number(handle_at, width);
    // A 32-bit handle is sign-extended.
    let is_negative = width == 4 && handle >= 1 << 31;
    let upper = if is_negative { 0xFFFF_FFFF << 32 } else { 0 };
    let is_ex = capture.code == ControlCode::DuplicateEx;
    Ok(Fields {
        handle: handle | upper,
        range: [0, 8, 16].map(|behind| number(range_at + behind, 8).cast_signed()),
        size: is_ex.then(|| number(0, handle_at)),
        flags: if is_ex { number(range_at + 24, 4) } else { 0 },
    })
}

/// The rules about numbers that a claim breaks, in order.
fn broken(claim: &Claim, cluster: Option<ClusterSize>) -> Vec<u8> {
    let wide = [claim.source_offset, claim.target_offset, claim.byte_count].map(i128::from);
    let [source, target, count] = wide;
    let end = i128::from(i64::MAX);
    let unit = cluster.map(|size| i128::from(size.get()));
    let is_uneven = |value: i128| unit.is_some_and(|unit| value % unit != 0);
    let rules = [
        (10, source < 0),
        (11, target < 0),
        (12, count < 0),
        (13, source >= 0 && count >= 0 && source + count > end),
        (14, target >= 0 && count >= 0 && target + count > end),
        (15, count >= 1 << 32),
        (16, count == 0),
        (20, is_uneven(source)),
        (21, is_uneven(target)),
        (22, is_uneven(count)),
    ];
    let broken = rules.iter().filter(|(_, is_broken)| *is_broken);
    broken.map(|(rule, _)| *rule).collect()
}
