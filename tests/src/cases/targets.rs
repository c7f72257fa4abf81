//! What the request is sent to: volumes that do not clone, directories, handles with too few rights.

use crate::case::{BOTH, Case, EX, case};
use crate::expect::{flagged, passes, unrecorded};
use crate::scene::{ActorRef, TARGET};
use crate::side::side;
use crate::stage::{FileSystemKind, Open, VolumeSpec};
use crate::status::{
    ACCESS_DENIED, BUFFER_TOO_SMALL, INVALID_DEVICE_REQUEST, INVALID_HANDLE, INVALID_PARAMETER,
    MEDIA_WRITE_PROTECTED, NOT_SUPPORTED, OBJECT_TYPE_MISMATCH,
};
use crate::windows::{APPEND_DATA, READ_ATTRIBUTES, READ_DATA, SYNCHRONIZE, WRITE_DATA};

const NOT_IMPLEMENTED: &str = "MS-FSA 2.1.5.10.4 note 89 and 2.1.5.10.5 note 93: ReFS only";
const STREAM: &str = "MS-FSA 2.1.5.10.4 and .5: the target's StreamType is not DataStream";
const BITS: &str = "WDK, IRP_MJ_FILE_SYSTEM_CONTROL: the I/O manager enforces the code's access";
const ORDER: &str = "MS-FSA 2.1.5.10.4 and .5: the order of the checks";

const C: i64 = 4096;
const NTFS: VolumeSpec = VolumeSpec::of(FileSystemKind::Ntfs);

pub(super) const CASES: &[Case] = &[
    case("target-volume.ntfs", BOTH, |s| s.send(s.ask()))
        .on(NTFS)
        .number(55)
        .documented(NOT_IMPLEMENTED)
        .expects(passes(INVALID_DEVICE_REQUEST)),
    case("target-volume.ntfs-short", BOTH, |s| {
        s.send(s.ask().short_by(1))
    })
    .on(NTFS)
    .documented(NOT_IMPLEMENTED)
    .expects(flagged(INVALID_DEVICE_REQUEST, &[1])),
    case("target-volume.ntfs-size", EX, |s| s.send(s.ask().size(0)))
        .on(NTFS)
        .documented(NOT_IMPLEMENTED)
        .expects(flagged(INVALID_DEVICE_REQUEST, &[3])),
    case("target-volume.ntfs-unaligned", BOTH, |s| {
        s.send(s.ask().range(1, 0, C))
    })
    .on(NTFS)
    .documented(NOT_IMPLEMENTED)
    .expects(flagged(INVALID_DEVICE_REQUEST, &[20])),
    case("target-volume.ntfs-negative", BOTH, |s| {
        s.send(s.ask().range(-C, 0, C))
    })
    .on(NTFS)
    .documented(NOT_IMPLEMENTED)
    .expects(flagged(INVALID_DEVICE_REQUEST, &[10])),
    case("target-volume.fat", BOTH, |s| s.send(s.ask()))
        .on(VolumeSpec::of(FileSystemKind::Fat))
        .number(56)
        .documented(NOT_IMPLEMENTED)
        .expects(passes(INVALID_DEVICE_REQUEST)),
    case("target-volume.refs-1", BOTH, |s| s.send(s.ask()))
        .on(VolumeSpec::of(FileSystemKind::OldRefs))
        .number(57)
        .inferred("Win32, Block Cloning on ReFS: formatted by Windows Server 2016 or later")
        .expects(passes(INVALID_DEVICE_REQUEST)),
    case("target-volume.refs-1-short", BOTH, |s| {
        s.send(s.ask().short_by(1))
    })
    .on(VolumeSpec::of(FileSystemKind::OldRefs))
    .inferred("Win32, Block Cloning on ReFS: formatted by Windows Server 2016 or later")
    .expects(flagged(INVALID_DEVICE_REQUEST, &[1])),
    case("target-volume.read-only", BOTH, |s| {
        s.protect()?;
        s.send(s.ask())
    })
    .number(58)
    .documented("MS-FSA 2.1.5.10.4 and .5: Volume.IsReadOnly")
    .expects(passes(MEDIA_WRITE_PROTECTED)),
    case("target-volume.dev-drive", BOTH, |s| s.send(s.ask()))
        .on(VolumeSpec {
            dev_drive: true,
            ..VolumeSpec::refs(4096)
        })
        .documented("Microsoft Learn, Set up a Dev Drive: it is ReFS"),
    case("target-kind.directory", BOTH, |s| {
        let what = Open::Directory(s.volume(), r"\directory");
        // FILE_ADD_FILE is the bit of FILE_WRITE_DATA.
        let directory = s.open(ActorRef::PROGRAM, what, WRITE_DATA)?;
        s.send(s.ask().to(directory))
    })
    .number(76)
    .documented(STREAM)
    .near(&[51, 53])
    .expects(passes(NOT_SUPPORTED)),
    case("target-kind.volume", BOTH, |s| {
        let what = Open::Volume(s.volume());
        let volume = s.open(ActorRef::PROGRAM, what, READ_DATA | WRITE_DATA)?;
        s.send(s.ask().to(volume))
    })
    .documented(STREAM)
    .expects(passes(NOT_SUPPORTED)),
    case("target-kind.unaligned-to-a-directory", BOTH, |s| {
        let what = Open::Directory(s.volume(), r"\directory");
        let directory = s.open(ActorRef::PROGRAM, what, WRITE_DATA)?;
        s.send(s.ask().to(directory).range(1, 0, C))
    })
    .takes(&[side("target_kind", "AfterNumbers")])
    .documented(ORDER)
    .expects(flagged(INVALID_PARAMETER, &[20])),
    case("target-kind.short-to-a-directory", BOTH, |s| {
        let what = Open::Directory(s.volume(), r"\directory");
        let directory = s.open(ActorRef::PROGRAM, what, WRITE_DATA)?;
        s.send(s.ask().to(directory).short_by(1))
    })
    .takes(&[side("target_kind", "AfterNumbers")])
    .documented(ORDER)
    .expects(flagged(BUFFER_TOO_SMALL, &[1])),
    case("target-access.without-write-data", BOTH, |s| {
        let rights = READ_DATA | READ_ATTRIBUTES | SYNCHRONIZE;
        let handle = s.open_file(ActorRef::PROGRAM, TARGET, rights)?;
        s.send(s.ask().to(handle))
    })
    .number(77)
    .documented(BITS)
    .expects(unrecorded(ACCESS_DENIED)),
    case("target-access.append-only", BOTH, |s| {
        let rights = APPEND_DATA | SYNCHRONIZE;
        let handle = s.open_file(ActorRef::PROGRAM, TARGET, rights)?;
        s.send(s.ask().to(handle))
    })
    .number(78)
    .inferred(BITS)
    .expects(unrecorded(ACCESS_DENIED)),
    case("target-access.write-only", BOTH, |s| {
        let handle = s.open_file(ActorRef::PROGRAM, TARGET, WRITE_DATA)?;
        s.send(s.ask().to(handle))
    })
    .number(79)
    .documented(BITS)
    .near(&[43]),
    case("target-access.without-write-data-and-short", BOTH, |s| {
        let handle = s.open_file(ActorRef::PROGRAM, TARGET, READ_DATA)?;
        s.send(s.ask().to(handle).short_by(1))
    })
    .documented(BITS)
    .near(&[1])
    .expects(unrecorded(ACCESS_DENIED)),
    case("target-handle.closed", BOTH, |s| {
        let handle = s.target();
        s.close(handle)?;
        s.send(s.ask())
    })
    .number(82)
    .documented("WDK, ObReferenceObjectByHandle; over SMB it is STATUS_FILE_CLOSED (MS-FSCC)")
    .expects(unrecorded(INVALID_HANDLE)),
    case("target-handle.event", BOTH, |s| {
        let event = s.open(ActorRef::PROGRAM, Open::Event, 0)?;
        s.send(s.ask().to(event))
    })
    .documented("WDK, ObReferenceObjectByHandle")
    .expects(unrecorded(OBJECT_TYPE_MISMATCH)),
    case("target-handle.pipe", BOTH, |s| {
        let pipe = s.open(ActorRef::PROGRAM, Open::Pipe, READ_DATA | WRITE_DATA)?;
        s.send(s.ask().to(pipe))
    })
    .inferred(NOT_IMPLEMENTED)
    .expects(unrecorded(INVALID_DEVICE_REQUEST)),
];
