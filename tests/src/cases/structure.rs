//! Lengths, the `Size` field, buffers.

use crate::case::{BOTH, Case, EX, PLAIN, case};
use crate::expect::{definite, flagged};
use crate::side::side;
use crate::stage::Who;
use crate::status::{BUFFER_TOO_SMALL, INVALID_PARAMETER, NOT_SUPPORTED, SUCCESS};

/// The length check.
const LENGTH: &str = "MS-FSA 2.1.5.10.4 and .5: InputBufferSize below the structure";
/// The check of the Size field.
const SIZE: &str = "MS-FSA 2.1.5.10.5: StructureSize is not 0x30";

/// An EX request of a 64-bit caller with this Size field, in a buffer that is long enough for any.
macro_rules! sized {
    ($id:literal, $size:literal) => {
        case($id, EX, |s| s.send(s.ask().size($size).trailing(0x10)))
            .takes(&[side("ex_size", "NotSupported")])
            .number(10)
            .documented(SIZE)
            .expects(definite(NOT_SUPPORTED, &[3, 4]))
    };
}

pub(super) const CASES: &[Case] = &[
    case("structure.empty", BOTH, |s| s.send(s.ask().no_input()))
        .number(1)
        .documented(LENGTH)
        .expects(definite(BUFFER_TOO_SMALL, &[1])),
    case("structure.empty-with-output", BOTH, |s| {
        s.send(s.ask().no_input().output(64))
    })
    .inferred("MS-FSA 2.1.5.10.4 and .5: the input length alone counts")
    .expects(definite(BUFFER_TOO_SMALL, &[1, 4])),
    case("structure.one-byte", BOTH, |s| s.send(s.ask().length(1)))
        .documented(LENGTH)
        .expects(definite(BUFFER_TOO_SMALL, &[1])),
    case("structure.plain-one-byte-short", PLAIN, |s| {
        s.send(s.ask().short_by(1))
    })
    .number(2)
    .documented(LENGTH)
    .expects(definite(BUFFER_TOO_SMALL, &[1])),
    // The one good request of this list: its padding is garbage, as that of every other is.
    case("structure.exact", BOTH, |s| s.send(s.ask()))
        .number(3)
        .documented("MS-FSA 2.1.5.10.4 and .5: nothing of what is checked is wrong")
        .near(&[1, 2, 3, 4, 30, 31, 32, 40, 41, 42, 43, 44, 52, 54]),
    case("structure.plain-trailing", PLAIN, |s| {
        s.send(s.ask().trailing(8))
    })
    .number(4)
    .inferred("MS-FSA 2.1.5.10.4: only less is an error")
    .near(&[1])
    .expects(flagged(SUCCESS, &[4])),
    case("structure.ex-one-byte-short", EX, |s| {
        s.send(s.ask().short_by(1))
    })
    .number(5)
    .documented(LENGTH)
    .expects(definite(BUFFER_TOO_SMALL, &[1])),
    case("structure.ex-without-tail-padding", EX, |s| {
        s.send(s.ask().length(0x2C))
    })
    .number(6)
    .documented("MS-FSA 2.1.5.10.5: 0x30; the diagram of MS-FSCC 2.3.9.1 ends at 0x2C")
    .expects(definite(BUFFER_TOO_SMALL, &[1])),
    case("structure.ex-trailing", EX, |s| s.send(s.ask().trailing(8)))
        .number(8)
        .inferred("MS-FSA 2.1.5.10.5: only less is an error")
        .near(&[1, 3])
        .expects(flagged(SUCCESS, &[4])),
    case("structure.a-page-of-trailing", BOTH, |s| {
        s.send(s.ask().trailing(4096))
    })
    .inferred("MS-FSA 2.1.5.10.4 and .5: only less is an error")
    .expects(flagged(SUCCESS, &[4])),
    case("structure.ex-size-zero", EX, |s| s.send(s.ask().size(0)))
        .takes(&[side("ex_size", "NotSupported")])
        .number(9)
        .documented(SIZE)
        .expects(definite(NOT_SUPPORTED, &[3])),
    sized!("structure.ex-size-one-less", 0x2F),
    sized!("structure.ex-size-one-more", 0x31),
    sized!("structure.ex-size-of-smb2", 0x38),
    sized!("structure.ex-size-of-32-bit", 0x28),
    sized!("structure.ex-size-in-the-low-half", 0x1_0000_0030),
    case("structure.ex-code-with-plain-length", EX, |s| {
        s.send(s.ask().length(0x20))
    })
    .number(11)
    .documented(LENGTH)
    .expects(definite(BUFFER_TOO_SMALL, &[1])),
    case("structure.ex-short-comes-before-size", EX, |s| {
        s.send(s.ask().size(0).short_by(1))
    })
    .documented("MS-FSA 2.1.5.10.5: the order of the checks")
    .expects(definite(BUFFER_TOO_SMALL, &[1])),
    // Every request of this list has garbage in its padding; this one is here for its name.
    case("structure.output-buffer", BOTH, |s| {
        s.send(s.ask().output(64))
    })
    .number(13)
    .inferred("MS-FSCC 2.3.8 and 2.3.10: there is no output")
    .near(&[1])
    .expects(flagged(SUCCESS, &[4])),
    case("structure.short-comes-before-read-only", BOTH, |s| {
        s.protect()?;
        s.send(s.ask().short_by(1))
    })
    .number(15)
    .documented("MS-FSA 2.1.5.10.4 and .5: the order of the checks")
    .expects(definite(BUFFER_TOO_SMALL, &[1])),
    case("structure.size-comes-before-read-only", EX, |s| {
        s.protect()?;
        s.send(s.ask().size(0))
    })
    .takes(&[side("ex_size", "NotSupported")])
    .number(16)
    .documented("MS-FSA 2.1.5.10.5: the order of the checks")
    .expects(definite(NOT_SUPPORTED, &[3])),
    case("structure.no-buffer", BOTH, |s| {
        let ask = s.ask_by(Who::Kernel)?;
        s.send(ask.without_buffer())
    })
    .takes(&[side("no_buffer", "InvalidParameter")])
    .undocumented("WDK, Buffer Descriptions for I/O Control Codes: what the buffer is for")
    .expects(definite(INVALID_PARAMETER, &[2])),
];
