//! What the handle in the structure leads to: nothing, no file, no data, elsewhere, or too few rights.

use crate::case::{BOTH, Case, case};
use crate::expect::flagged;
use crate::expect::strict;
use crate::scene::{ActorRef, Handle, SOURCE};
use crate::side::side;
use crate::stage::{Carriage, FileSystemKind, Open, VolumeSpec, Who};
use crate::status::{
    ACCESS_DENIED, INVALID_HANDLE, INVALID_PARAMETER, NOT_SUPPORTED, OBJECT_TYPE_MISMATCH, SUCCESS,
};
use crate::windows::{READ_ATTRIBUTES, READ_DATA, SOURCE_ACCESS, SYNCHRONIZE};

const MANAGER: &str = "WDK, ObReferenceObjectByHandle: the statuses of the object manager";
const CLOSED: &str = "MS-FSA 2.1.5.10.4 note 90 and 2.1.5.10.5 note 94: STATUS_INVALID_HANDLE";
const STREAM: &str = "MS-FSA 2.1.5.10.4 and .5: the source is not a DataStream";
const RIGHTS: &str =
    "MS-FSA 2.1.5.10.4 and .5: the source is not open for FILE_READ_DATA and FILE_READ_ATTRIBUTES";
const VOLUME: &str = "MS-FSA 2.1.5.10.4 and .5: Source.Volume is another; MS-FSCC 2.3.8";

const C: i64 = 4096;
/// A volume that clones, beside the case's.
const OTHER: VolumeSpec = VolumeSpec::refs(4096);

pub(super) const CASES: &[Case] = &[
    case("source-handle.null", BOTH, |s| {
        s.send(s.ask().from(Handle::of_value(0)))
    })
    .takes(&[side("bad_handle", "Passed")])
    .number(63)
    .inferred(MANAGER)
    .near(&[41])
    .expects(strict(INVALID_HANDLE, &[40])),
    case("source-handle.closed", BOTH, |s| {
        let handle = s.source();
        s.close(handle)?;
        s.send(s.ask())
    })
    .takes(&[side("bad_handle", "Passed")])
    .number(64)
    .documented(CLOSED)
    .expects(strict(INVALID_HANDLE, &[40])),
    case("source-handle.never-used", BOTH, |s| {
        s.send(s.ask().from(Handle::of_value(0x7FFC)))
    })
    .takes(&[side("bad_handle", "Passed")])
    .number(65)
    .documented(MANAGER)
    .expects(strict(INVALID_HANDLE, &[40])),
    case("source-handle.of-the-kernel", BOTH, |s| {
        s.send(s.ask().from(Handle::of_value(0xFFFF_FFFF_8000_0004)))
    })
    .takes(&[side("bad_handle", "Passed")])
    .number(71)
    .documented(MANAGER)
    .expects(strict(INVALID_HANDLE, &[40])),
    case("source-handle.opened-by-the-kernel", BOTH, |s| {
        let kernel = s.start(Who::Kernel)?;
        let handle = s.open_file(kernel, SOURCE, SOURCE_ACCESS)?;
        s.send(s.ask().from(handle))
    })
    .takes(&[side("bad_handle", "Passed")])
    .documented("WDK, Object Handles: a program has no use of a kernel handle")
    .expects(strict(INVALID_HANDLE, &[40])),
    case("source-handle.closed-and-used-again", BOTH, |s| {
        let handle = s.source();
        s.close(handle)?;
        let volume = s.volume();
        let other = s.add_file(volume, r"\successor", 8 * C)?;
        let again = s.open_file(ActorRef::PROGRAM, other, SOURCE_ACCESS)?;
        s.send(s.ask().from(again))
    })
    .inferred("WDK, Object Handles: the value names what is open under it now"),
    case("source-handle.a-duplicate", BOTH, |s| {
        let handle = s.source();
        let duplicate = s.duplicate(handle, None)?;
        s.close(handle)?;
        s.send(s.ask().from(duplicate))
    })
    .number(74)
    .inferred("WDK, Object Handles: both name one file object"),
    case("source-handle.event", BOTH, |s| {
        let event = s.open(ActorRef::PROGRAM, Open::Event, 0)?;
        s.send(s.ask().from(event))
    })
    .takes(&[side("bad_handle", "Passed")])
    .number(66)
    .documented(MANAGER)
    .near(&[40])
    .expects(strict(OBJECT_TYPE_MISMATCH, &[41]).refused_with(INVALID_PARAMETER)),
    case("source-handle.the-present-process", BOTH, |s| {
        s.send(s.ask().from(Handle::of_value(u64::MAX)))
    })
    .takes(&[side("bad_handle", "Passed")])
    .number(67)
    .inferred("Win32, GetCurrentProcess: a process is no file")
    .expects(strict(OBJECT_TYPE_MISMATCH, &[41]).refused_with(INVALID_PARAMETER)),
    case("source-handle.the-present-thread", BOTH, |s| {
        s.send(s.ask().from(Handle::of_value(u64::MAX - 1)))
    })
    .takes(&[side("bad_handle", "Passed")])
    .number(67)
    .inferred("Win32, GetCurrentThread: a thread is no file")
    .expects(strict(OBJECT_TYPE_MISMATCH, &[41]).refused_with(INVALID_PARAMETER)),
    case("source-kind.volume", BOTH, |s| {
        let volume = Open::Volume(s.volume());
        let handle = s.open(ActorRef::PROGRAM, volume, SOURCE_ACCESS)?;
        s.send(s.ask().from(handle))
    })
    .number(68)
    .observed("WinBtrfs src/fsctl.c; MS-FSA 2.1.5.10.4: not a DataStream")
    .expects(strict(INVALID_PARAMETER, &[41])),
    case("source-kind.directory", BOTH, |s| {
        let directory = Open::Directory(s.volume(), r"\directory");
        let handle = s.open(ActorRef::PROGRAM, directory, SOURCE_ACCESS)?;
        s.send(s.ask().from(handle))
    })
    .documented(STREAM)
    .expects(strict(INVALID_PARAMETER, &[41])),
    case("source-kind.pipe", BOTH, |s| {
        let pipe = s.open(ActorRef::PROGRAM, Open::Pipe, SOURCE_ACCESS)?;
        s.send(s.ask().from(pipe))
    })
    .number(69)
    .inferred("MS-FSA 2.1.5.10.4: not a DataStream; WDK, Failure to Validate Object Handles")
    .near(&[42])
    .expects(strict(INVALID_PARAMETER, &[41])),
    case("source-access.without-read-data", BOTH, |s| {
        let rights = READ_ATTRIBUTES | SYNCHRONIZE;
        let handle = s.open_file(ActorRef::PROGRAM, SOURCE, rights)?;
        s.send(s.ask().from(handle))
    })
    .takes(&[side("missing_access", "InvalidParameter")])
    .number(80)
    .documented(RIGHTS)
    .expects(strict(INVALID_PARAMETER, &[43])),
    case("source-access.without-read-attributes", BOTH, |s| {
        let rights = READ_DATA | SYNCHRONIZE;
        let handle = s.open_file(ActorRef::PROGRAM, SOURCE, rights)?;
        s.send(s.ask().from(handle))
    })
    .takes(&[side("missing_access", "InvalidParameter")])
    .number(81)
    .documented(RIGHTS)
    .expects(strict(INVALID_PARAMETER, &[43])),
    case("source-access.denied", BOTH, |s| {
        let rights = READ_ATTRIBUTES | SYNCHRONIZE;
        let handle = s.open_file(ActorRef::PROGRAM, SOURCE, rights)?;
        s.send(s.ask().from(handle))
    })
    .takes(&[side("missing_access", "AccessDenied")])
    .number(80)
    .observed("WinBtrfs src/fsctl.c and Samba")
    .expects(strict(ACCESS_DENIED, &[43]).refused_with(INVALID_PARAMETER)),
    case("source-access.a-duplicate-with-less", BOTH, |s| {
        let handle = s.source();
        let duplicate = s.duplicate(handle, Some(READ_ATTRIBUTES | SYNCHRONIZE))?;
        s.send(s.ask().from(duplicate))
    })
    .takes(&[side("missing_access", "InvalidParameter")])
    .inferred("WDK, Object Handles: rights are those of the handle")
    .expects(strict(INVALID_PARAMETER, &[43])),
    case("source-access.no-more-than-needed", BOTH, |s| {
        let rights = READ_DATA | READ_ATTRIBUTES;
        let handle = s.open_file(ActorRef::PROGRAM, SOURCE, rights)?;
        s.send(s.ask().from(handle))
    })
    .documented(RIGHTS)
    .near(&[43]),
    case("source-access.kernel-needs-none", BOTH, |s| {
        let ask = s.ask_by(Who::Kernel)?;
        let handle = s.open_file(ask.by, SOURCE, SYNCHRONIZE)?;
        s.send(ask.from(handle))
    })
    .inferred("WDK, ObReferenceObjectByHandle: no access check for KernelMode")
    .near(&[43]),
    case("other-volume.refs", BOTH, |s| {
        let handle = s.open_elsewhere(&OTHER, SOURCE_ACCESS)?;
        s.send(s.ask().from(handle))
    })
    .takes(&[side("other_volume", "InvalidParameter")])
    .number(53)
    .documented(VOLUME)
    .near(&[41])
    .expects(strict(INVALID_PARAMETER, &[42])),
    case("other-volume.ntfs", BOTH, |s| {
        let ntfs = VolumeSpec::of(FileSystemKind::Ntfs);
        let handle = s.open_elsewhere(&ntfs, SOURCE_ACCESS)?;
        s.send(s.ask().from(handle))
    })
    .takes(&[side("other_volume", "InvalidParameter")])
    .number(54)
    .documented(VOLUME)
    .expects(strict(INVALID_PARAMETER, &[42])),
    case("other-volume.dev-drive", BOTH, |s| {
        let dev_drive = VolumeSpec {
            dev_drive: true,
            ..OTHER
        };
        let handle = s.open_elsewhere(&dev_drive, SOURCE_ACCESS)?;
        s.send(s.ask().from(handle))
    })
    .takes(&[side("other_volume", "InvalidParameter")])
    .documented(VOLUME)
    .expects(strict(INVALID_PARAMETER, &[42])),
    case("other-volume.behind-its-end", BOTH, |s| {
        let handle = s.open_elsewhere(&OTHER, SOURCE_ACCESS)?;
        s.send(s.ask().from(handle).range(64 * C, 0, C))
    })
    .takes(&[side("other_volume", "InvalidParameter")])
    .documented("MS-FSA 2.1.5.10.4 and .5: the size is compared before the volume")
    .near(&[50])
    .expects(strict(NOT_SUPPORTED, &[42]).refused_with(INVALID_PARAMETER)),
    case("other-volume.without-rights", BOTH, |s| {
        let handle = s.open_elsewhere(&OTHER, SYNCHRONIZE)?;
        s.send(s.ask().from(handle))
    })
    .takes(&[
        side("other_volume", "InvalidParameter"),
        side("missing_access", "InvalidParameter"),
    ])
    .documented(RIGHTS)
    .expects(strict(INVALID_PARAMETER, &[43, 42])),
    case("unresolved.posted", BOTH, |s| {
        let mut handle = s.source();
        // A value that the System process, where it is resolved now, does not have.
        for _ in 0..64 {
            handle = s.duplicate(handle, None)?;
        }
        s.send(s.ask().from(handle).carried(Carriage::Posted))
    })
    .takes(&[side("bad_handle", "Passed")])
    .inferred("WDK, Object Handles: a handle means something in its own process only")
    .near(&[70])
    .expects(flagged(INVALID_HANDLE, &[44])),
    case("not-inspected.at-apc-level", BOTH, |s| {
        s.send(s.ask().carried(Carriage::AtApcLevel))
    })
    .undocumented("WDK, ObReferenceObjectByHandle: PASSIVE_LEVEL only")
    .near(&[40, 41, 42, 43, 44])
    .expects(flagged(SUCCESS, &[70]).not_inspected()),
    case("not-inspected.unaligned-at-apc-level", BOTH, |s| {
        s.send(s.ask().range(1, 0, C).carried(Carriage::AtApcLevel))
    })
    .documented("MS-FSA 2.1.5.10.4 and .5: alignment; nobody can be asked about the volume here")
    .expects(flagged(INVALID_PARAMETER, &[20, 70]).not_inspected()),
];
