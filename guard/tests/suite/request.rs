//! From captured bytes to a claim: all four layouts, lengths before buffers, nothing invented.

use crate::common::{CALLERS, Request, capture};
use guard::{Bitness, CAPTURE_SIZE, Capture, Claim, ControlCode, SeenCode, StructuralFinding};
use proptest::prelude::*;

#[test]
fn every_layout_reads_what_was_written() {
    for (code, bitness) in CALLERS {
        let request = Request {
            flags: 0x8000_0003,
            ..Request::valid(code, bitness)
        };
        let claim = request.capture().read().unwrap();
        assert_eq!(claim.handle.value(), 0x1c4);
        assert_eq!(claim.source_offset, 0x1_0000);
        assert_eq!(claim.target_offset, 0x2_0000);
        assert_eq!(claim.byte_count, 0x3_0000);
        let is_ex = code == ControlCode::DuplicateEx;
        assert_eq!(claim.ex_size, is_ex.then_some(request.size));
        assert_eq!(claim.flags, if is_ex { 0x8000_0003 } else { 0 });
    }
}

#[test]
fn the_codes_are_the_published_ones() {
    assert_eq!(ControlCode::from_raw(0x98344), Some(ControlCode::Duplicate));
    assert_eq!(
        ControlCode::from_raw(0x983E8),
        Some(ControlCode::DuplicateEx)
    );
    for near in [
        0x98340,
        0x98345,
        0x983EC,
        0x9C3E8,
        0x90344,
        0x903E8,
        0,
        u32::MAX,
    ] {
        assert_eq!(ControlCode::from_raw(near), None, "{near:#x}");
    }
    for (code, _) in CALLERS {
        assert_eq!(ControlCode::from_raw(code.raw()), Some(code));
    }
}

#[test]
fn the_codes_that_are_only_seen_are_the_published_ones() {
    for raw in [0x9045C, 0x90430, 0x90440] {
        assert_eq!(SeenCode::from_raw(raw).map(SeenCode::raw), Some(raw));
        for near in [raw - 4, raw + 1, raw + 4, raw | 0x4000] {
            assert_eq!(SeenCode::from_raw(near), None, "{near:#x}");
        }
    }
    for (code, _) in CALLERS {
        assert_eq!(SeenCode::from_raw(code.raw()), None);
    }
}

#[test]
fn a_capture_of_nothing_holds_nothing() {
    for (code, bitness) in CALLERS {
        let empty = Capture::empty(code, bitness);
        assert_eq!((empty.input_length, empty.output_length), (0, 0));
        assert_eq!((empty.buffer_present, empty.captured), (false, 0));
        assert_eq!(empty.bytes, [0; CAPTURE_SIZE]);
    }
}

#[test]
fn a_32_bit_handle_is_sign_extended() {
    for code in [ControlCode::Duplicate, ControlCode::DuplicateEx] {
        let request = Request {
            handle: 0xFFFF_FFFF,
            ..Request::valid(code, Bitness::Bits32)
        };
        assert_eq!(request.capture().read().unwrap().handle.value(), u64::MAX);
        let request = Request {
            handle: 0x7FFF_FFFC,
            ..request
        };
        assert_eq!(
            request.capture().read().unwrap().handle.value(),
            0x7FFF_FFFC
        );
    }
}

#[test]
fn each_length_below_the_layout_is_short() {
    for (code, bitness) in CALLERS {
        let bytes = Request::valid(code, bitness).bytes();
        for length in 0..bytes.len() {
            let short = capture(code, bitness, &bytes[..length]);
            assert_eq!(short.read(), Err(StructuralFinding::Short), "{length}");
        }
        assert!(capture(code, bitness, &bytes).read().is_ok());
    }
}

#[test]
fn length_is_looked_at_before_the_buffer() {
    for (code, bitness) in CALLERS {
        let mut none = Capture::empty(code, bitness);
        assert_eq!(none.read(), Err(StructuralFinding::Short));
        none.input_length = code.input_size(bitness) - 1;
        assert_eq!(none.read(), Err(StructuralFinding::Short));
        none.input_length += 1;
        assert_eq!(none.read(), Err(StructuralFinding::Missing));
    }
}

#[test]
fn bytes_that_were_not_captured_are_not_read() {
    for (code, bitness) in CALLERS {
        let mut request = Request::valid(code, bitness).capture();
        request.captured -= 1;
        assert_eq!(request.read(), Err(StructuralFinding::NotCaptured));
        request.captured = u32::MAX;
        assert_eq!(request.read(), Err(StructuralFinding::NotCaptured));
    }
}

#[test]
fn a_wrong_ex_size_does_not_hide_the_rest() {
    let request = Request {
        size: 0x20,
        ..Request::valid(ControlCode::DuplicateEx, Bitness::Bits64)
    };
    let claim = request.capture().read().unwrap();
    assert_eq!((claim.ex_size, claim.byte_count), (Some(0x20), 0x3_0000));
}

/// Reads a claim at the offsets that MS-FSCC gives, written out by hand.
fn by_hand(code: ControlCode, bitness: Bitness, bytes: &[u8]) -> Claim {
    let wide = |at: usize| i64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let narrow = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (range, ex) = match (code, bitness) {
        (ControlCode::Duplicate, _) => (0x08, None),
        (_, Bitness::Bits64) => (0x10, Some((wide(0).cast_unsigned(), narrow(0x28)))),
        (_, Bitness::Bits32) => (0x08, Some((u64::from(narrow(0)), narrow(0x20)))),
    };
    let mut claim = Request::valid(code, bitness).capture().read().unwrap();
    claim.source_offset = wide(range);
    claim.target_offset = wide(range + 8);
    claim.byte_count = wide(range + 16);
    claim.ex_size = ex.map(|(size, _)| size);
    claim.flags = ex.map_or(0, |(_, flags)| flags);
    claim
}

proptest! {
    #[test]
    fn any_bytes_read_as_the_layout_says(
        bytes in proptest::collection::vec(any::<u8>(), 0..CAPTURE_SIZE + 16), caller in 0_usize..4,
    ) {
        let (code, bitness) = CALLERS[caller];
        let claim = capture(code, bitness, &bytes).read();
        if bytes.len() < code.input_size(bitness) as usize {
            prop_assert_eq!(claim, Err(StructuralFinding::Short));
        } else {
            let mut expected = by_hand(code, bitness, &bytes);
            expected.handle = claim.unwrap().handle;
            prop_assert_eq!(claim, Ok(expected));
        }
    }
}
