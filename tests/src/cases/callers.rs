//! Who asks and how: 32-bit programs, kernel code, flags, other control codes.

use crate::case::{BOTH, Case, EX, PLAIN, case};
use crate::expect::{definite, flagged, passes, seen, strict, unrecorded};
use crate::scene::{Handle, TARGET};
use crate::side::side;
use crate::stage::{Carriage, FileSystemKind, Open, VolumeSpec, Who};
use crate::status::{
    BUFFER_TOO_SMALL, INVALID_DEVICE_REQUEST, INVALID_HANDLE, INVALID_PARAMETER, NOT_SUPPORTED,
    OBJECT_TYPE_MISMATCH, SUCCESS,
};
use crate::windows::{
    ASYNC, DUPLICATE_CLUSTER, DUPLICATE_EXTENTS, DUPLICATE_EXTENTS_EX, GET_INTEGRITY,
    QUERY_ASYNC_STATUS, READ_ATTRIBUTES, READ_DATA, SOURCE_ACCESS, SOURCE_ATOMIC, STREAM_SNAPSHOT,
};

const LAYOUT_32: &str = "winioctl.h: DUPLICATE_EXTENTS_DATA32 and DUPLICATE_EXTENTS_DATA_EX32";
const NO_LAYOUT: &str = "MS-FSA 2.1.5.10.5 knows the 64-bit structure only";
const IGNORED: &str = "MS-FSCC 2.3.9.1: other bits must be ignored";
const UNKNOWN: &str = "MS-FSA 2.1.5.10: a control code that is not implemented";

const C: i64 = 4096;

pub(super) const CASES: &[Case] = &[
    case("flags.atomic", EX, |s| s.send(s.ask().flags(SOURCE_ATOMIC)))
        .number(85)
        .observed("WindowsProtocolTestSuites IsSourceAtomicSupported")
        .near(&[30, 31])
        .expects(flagged(SUCCESS, &[32])),
    case("flags.unknown", EX, |s| s.send(s.ask().flags(0xFFFF_FFFC)))
        .number(86)
        .documented(IGNORED)
        .near(&[31, 32])
        .expects(flagged(SUCCESS, &[30])),
    case("flags.one-unknown", EX, |s| s.send(s.ask().flags(4)))
        .number(86)
        .documented(IGNORED)
        .expects(flagged(SUCCESS, &[30])),
    case("flags.async", EX, |s| s.send(s.ask().flags(ASYNC)))
        .takes(&[side("async_flag", "Ignored")])
        .number(87)
        .undocumented(IGNORED)
        .near(&[30, 32])
        .expects(flagged(SUCCESS, &[31])),
    case("flags.async-and-atomic", EX, |s| {
        s.send(s.ask().flags(ASYNC | SOURCE_ATOMIC))
    })
    .takes(&[side("async_flag", "Ignored")])
    .number(88)
    .undocumented(IGNORED)
    .expects(flagged(SUCCESS, &[31, 32])),
    case("flags.all", EX, |s| s.send(s.ask().flags(u32::MAX)))
        .takes(&[side("async_flag", "Ignored")])
        .documented(IGNORED)
        .expects(flagged(SUCCESS, &[30, 31, 32])),
    case("callers-32.plain", PLAIN, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask)
    })
    .takes(&[side("callers_32", "Converted")])
    .number(90)
    .observed("CopyOnWrite tests/unit/32bit")
    .near(&[1]),
    case("callers-32.ex", EX, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask)
    })
    .takes(&[side("callers_32", "Converted")])
    .number(91)
    .inferred(LAYOUT_32)
    .near(&[1, 3]),
    case("callers-32.ex-one-byte-short", EX, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask.short_by(1))
    })
    .takes(&[side("callers_32", "Converted")])
    .number(92)
    .inferred(LAYOUT_32)
    .expects(definite(BUFFER_TOO_SMALL, &[1])),
    case("callers-32.plain-one-byte-short", PLAIN, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask.short_by(1))
    })
    .takes(&[side("callers_32", "Converted")])
    .inferred(LAYOUT_32)
    .expects(definite(BUFFER_TOO_SMALL, &[1])),
    case("callers-32.length-of-32-bit-from-64-bit", EX, |s| {
        s.send(s.ask().length(0x28))
    })
    .number(93)
    .documented("MS-FSA 2.1.5.10.5: InputBufferSize below the structure")
    .expects(definite(BUFFER_TOO_SMALL, &[1])),
    case("callers-32.plain-not-converted", PLAIN, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask)
    })
    .takes(&[side("bad_handle", "Passed"), side("callers_32", "Ignored")])
    .observed("WinBtrfs src/fsctl.c reads the padding as half of the handle")
    .expects(passes(INVALID_HANDLE)),
    case("callers-32.ex-not-converted", EX, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask)
    })
    .takes(&[side("callers_32", "Ignored")])
    .inferred("winioctl.h: 0x28 bytes are less than 0x30")
    .expects(passes(BUFFER_TOO_SMALL)),
    case("callers-32.ex-size-of-64-bit", EX, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask.size(0x30))
    })
    .takes(&[
        side("ex_size", "NotSupported"),
        side("callers_32", "Converted"),
    ])
    .undocumented(NO_LAYOUT)
    .expects(flagged(NOT_SUPPORTED, &[3])),
    case("callers-32.ex-size-of-64-bit-accepted", EX, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask.size(0x30))
    })
    .takes(&[side("callers_32", "ConvertedAnySize")])
    .undocumented(NO_LAYOUT)
    .expects(flagged(SUCCESS, &[3])),
    case("callers-32.ex-size-zero", EX, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask.size(0))
    })
    .takes(&[
        side("ex_size", "NotSupported"),
        side("callers_32", "ConvertedAnySize"),
    ])
    .undocumented(NO_LAYOUT)
    .expects(flagged(NOT_SUPPORTED, &[3])),
    case("callers-32.plain-unaligned", PLAIN, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask.range(1, 0, C))
    })
    .documented("MS-FSA 2.1.5.10.4: alignment; both plain structures have the same offsets")
    .expects(definite(INVALID_PARAMETER, &[20])),
    case("callers-32.ex-unaligned", EX, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask.range(1, 0, C))
    })
    .takes(&[side("callers_32", "Converted")])
    .undocumented(NO_LAYOUT)
    .expects(flagged(INVALID_PARAMETER, &[20])),
    case("callers-32.ex-negative", EX, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask.range(-C, 0, C))
    })
    .takes(&[
        side("source_range", "InvalidParameter"),
        side("callers_32", "Converted"),
    ])
    .undocumented(NO_LAYOUT)
    .expects(flagged(INVALID_PARAMETER, &[10])),
    case("callers-32.pseudo-handle", BOTH, |s| {
        let ask = s.ask_by(Who::Program32)?;
        s.send(ask.from(Handle::of_value(0xFFFF_FFFF)))
    })
    .takes(&[
        side("bad_handle", "Passed"),
        side("callers_32", "Converted"),
    ])
    .inferred("Win32, Interprocess Communication Between 32-bit and 64-bit: sign-extended")
    .expects(strict(OBJECT_TYPE_MISMATCH, &[41]).refused_with(INVALID_PARAMETER)),
    case("kernel.system-process", BOTH, |s| {
        let ask = s.ask_by(Who::Kernel)?;
        s.send(ask)
    })
    .number(95)
    .inferred("WDK, Object Handles: kernel handles resolve in KernelMode"),
    case("kernel.in-a-32-bit-process", BOTH, |s| {
        let ask = s.ask_by(Who::KernelIn32)?;
        s.send(ask)
    })
    .inferred("WDK, IoIs32bitProcess: kernel code has 64-bit structures"),
    case("kernel.target-opened-read-only", BOTH, |s| {
        let ask = s.ask_by(Who::Kernel)?;
        let rights = READ_DATA | READ_ATTRIBUTES;
        let target = s.open_file(ask.by, TARGET, rights)?;
        s.send(ask.to(target))
    })
    .number(96)
    .undocumented("ReactOS iofunc.c: the code's access is enforced on user mode only"),
    case("kernel.directory-as-source", BOTH, |s| {
        let ask = s.ask_by(Who::Kernel)?;
        let what = Open::Directory(s.volume(), r"\directory");
        let directory = s.open(ask.by, what, SOURCE_ACCESS)?;
        s.send(ask.from(directory))
    })
    .documented("MS-FSA 2.1.5.10.4 and .5: the source is not a DataStream")
    .expects(strict(INVALID_PARAMETER, &[41])),
    case("kernel.unaligned", BOTH, |s| {
        let ask = s.ask_by(Who::Kernel)?;
        s.send(ask.range(0, 1, C))
    })
    .documented("MS-FSA 2.1.5.10.4 and .5: alignment")
    .expects(definite(INVALID_PARAMETER, &[21])),
    case("server.plain-clone", BOTH, |s| {
        let ask = s.ask_by(Who::Server)?;
        s.send(ask)
    })
    .number(99)
    .observed("smbtorture dup_extents_simple"),
    case("server.unaligned", BOTH, |s| {
        let ask = s.ask_by(Who::Server)?;
        s.send(ask.range(0, 0, 1))
    })
    .documented("MS-SMB2 3.3.5.15.8: the object store's status is returned")
    .expects(definite(INVALID_PARAMETER, &[22])),
    case("server.closed-source", BOTH, |s| {
        let ask = s.ask_by(Who::Server)?;
        s.send(ask.from(Handle::of_value(0x7FFC)))
    })
    .takes(&[side("bad_handle", "Passed")])
    .number(103)
    .observed("smbtorture dup_extents_bad_handle")
    .expects(strict(INVALID_HANDLE, &[40])),
    case("minor-code.kernel-call", BOTH, |s| {
        s.send(s.ask().carried(Carriage::KernelCall))
    })
    .number(97)
    .observed("WinBtrfs src/fsctl.c treats both minor codes alike"),
    case("minor-code.verify-volume", BOTH, |s| {
        s.send(s.ask().carried(Carriage::VerifyVolume))
    })
    .number(137)
    .undocumented("WDK, FLT_PARAMETERS for IRP_MJ_FILE_SYSTEM_CONTROL: it has no buffer")
    .expects(unrecorded(SUCCESS)),
    case("other-code.duplicate-cluster", PLAIN, |s| {
        s.send(s.ask().code(DUPLICATE_CLUSTER))
    })
    .number(136)
    .undocumented("winioctl.h has the code, and no page says what it does")
    .expects(seen(NOT_SUPPORTED)),
    case("other-code.duplicate-cluster-short", PLAIN, |s| {
        s.send(s.ask().code(DUPLICATE_CLUSTER).short_by(1))
    })
    .number(136)
    .undocumented("winioctl.h has the code, and no page says what it does")
    .expects(seen(BUFFER_TOO_SMALL)),
    case("other-code.query-async-status", PLAIN, |s| {
        s.send(s.ask().code(QUERY_ASYNC_STATUS).no_input().output(0x28))
    })
    .number(136)
    .undocumented("winioctl.h: ASYNC_DUPLICATE_EXTENTS_STATUS")
    .expects(seen(SUCCESS)),
    case("other-code.stream-snapshot", PLAIN, |s| {
        let nameless = s.ask().from(Handle::of_value(1));
        s.send(nameless.code(STREAM_SNAPSHOT))
    })
    .number(136)
    .documented("MS-FSA 2.1.5.10.29: a snapshot without a name")
    .expects(seen(INVALID_PARAMETER)),
    case("other-code.stream-snapshot-on-ntfs", PLAIN, |s| {
        s.send(s.ask().code(STREAM_SNAPSHOT))
    })
    .on(VolumeSpec::of(FileSystemKind::Ntfs))
    .number(136)
    .documented(UNKNOWN)
    .expects(seen(INVALID_DEVICE_REQUEST)),
    case("other-code.below-the-plain-one", PLAIN, |s| {
        s.send(s.ask().code(DUPLICATE_EXTENTS - 4))
    })
    .number(136)
    .documented(UNKNOWN)
    .expects(unrecorded(INVALID_DEVICE_REQUEST)),
    case("other-code.above-the-plain-one", PLAIN, |s| {
        s.send(s.ask().code(DUPLICATE_EXTENTS + 4))
    })
    .number(136)
    .documented(UNKNOWN)
    .expects(unrecorded(INVALID_DEVICE_REQUEST)),
    case("other-code.below-the-ex-one", PLAIN, |s| {
        s.send(s.ask().code(DUPLICATE_EXTENTS_EX - 4))
    })
    .number(136)
    .documented(UNKNOWN)
    .expects(unrecorded(INVALID_DEVICE_REQUEST)),
    case("other-code.above-the-ex-one", PLAIN, |s| {
        s.send(s.ask().code(DUPLICATE_EXTENTS_EX + 4))
    })
    .number(136)
    .documented(UNKNOWN)
    .expects(unrecorded(INVALID_DEVICE_REQUEST)),
    case("other-code.get-integrity", PLAIN, |s| {
        s.send(s.ask().code(GET_INTEGRITY).no_input().output(0x10))
    })
    .number(136)
    .documented("MS-FSCC 2.3.20: how programs learn the cluster size")
    .expects(unrecorded(SUCCESS)),
];
