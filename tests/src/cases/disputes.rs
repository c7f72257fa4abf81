//! The other sides: what a file system answers that does not follow the one that the rest of the list has
//! as its default, and what the driver makes of it.
//!
//! Where the driver refuses by a definite rule although such a file system would answer otherwise, the
//! case says so with its `refused_with`. These are the differences that a run on Windows has to settle.

use crate::case::{BOTH, Case, EX, case};
use crate::expect::{definite, flagged, strict};
use crate::scene::{ActorRef, SOURCE};
use crate::side::side;
use crate::stage::{FileSystemKind, Open, VolumeSpec, Who};
use crate::status::{
    BUFFER_TOO_SMALL, INVALID_DEVICE_REQUEST, INVALID_HANDLE, INVALID_PARAMETER,
    INVALID_USER_BUFFER, NOT_SUPPORTED, OBJECT_NAME_NOT_FOUND, SUCCESS,
};
use crate::windows::{ASYNC, READ_ATTRIBUTES, SOURCE_ACCESS, WRITE_DATA};

const WINBTRFS: &str = "WinBtrfs src/fsctl.c, duplicate_extents";
const SAMBA: &str = "Samba source3/smbd/smb2_ioctl_filesys.c";
const OPENZFS: &str = "OpenZFS on Windows zfs_vnops_windows.c, duplicate_extents_to_file";
const ONE_CHECK: &str = "MS-FSA 2.1.5.10.4 to the letter: only the source's end is compared";

const C: i64 = 4096;
/// The highest multiple of a cluster.
const TOP: i64 = i64::MAX - (C - 1);

/// A case of one range.
macro_rules! range {
    ($id:literal, $source:expr, $target:expr, $count:expr) => {
        case($id, BOTH, |s| {
            s.send(s.ask().range($source, $target, $count))
        })
    };
}

pub(super) const CASES: &[Case] = &[
    range!("dispute.source-end-capped", 4 * C, 0, 8 * C)
        .takes(&[side("source_end", "Capped")])
        .observed("git-lfs tools/util_windows.go: a tail rounded too far is harmless")
        .expects(flagged(SUCCESS, &[50]).cloning(4 * C as u64)),
    range!("dispute.target-end-refused", 0, 6 * C, 4 * C)
        .takes(&[side("target_end", "Refused(Status::INVALID_PARAMETER)")])
        .inferred("Win32, Block Cloning on ReFS: not past the target's end; no status is named")
        .expects(flagged(INVALID_PARAMETER, &[51])),
    range!("dispute.target-end-not-supported", 0, 6 * C, 4 * C)
        .takes(&[side("target_end", "Refused(Status::NOT_SUPPORTED)")])
        .inferred("Win32, Block Cloning on ReFS: not past the target's end; no status is named")
        .expects(flagged(NOT_SUPPORTED, &[51])),
    range!("dispute.negative-source-not-supported", -C, 0, C)
        .takes(&[side("source_range", "NotSupported")])
        .inferred(ONE_CHECK)
        .expects(definite(NOT_SUPPORTED, &[10]).refused_with(INVALID_PARAMETER)),
    range!("dispute.negative-count-not-supported", 0, 0, -C)
        .takes(&[side("source_range", "NotSupported")])
        .inferred(ONE_CHECK)
        .expects(definite(NOT_SUPPORTED, &[12]).refused_with(INVALID_PARAMETER)),
    range!("dispute.negative-target-not-supported", 0, -C, C)
        .takes(&[side("target_range", "NotSupported")])
        .inferred(ONE_CHECK)
        .expects(definite(NOT_SUPPORTED, &[11]).refused_with(INVALID_PARAMETER)),
    range!("dispute.negative-target-dropped", 0, -C, C)
        .takes(&[
            side("target_end", "Dropped"),
            side("target_range", "Dropped"),
        ])
        .undocumented("MS-FSCC 2.3.7.1: zero or more; MS-FSA 2.1.5.10.4 compares no target offset")
        .expects(
            definite(SUCCESS, &[11])
                .refused_with(INVALID_PARAMETER)
                .cloning(0),
        ),
    range!("dispute.source-overflow-not-supported", TOP, 0, C)
        .takes(&[side("source_range", "NotSupported")])
        .inferred(ONE_CHECK)
        .expects(definite(NOT_SUPPORTED, &[13]).refused_with(INVALID_PARAMETER)),
    range!("dispute.target-overflow-not-supported", 0, TOP, C)
        .takes(&[side("target_range", "NotSupported")])
        .inferred(ONE_CHECK)
        .expects(definite(NOT_SUPPORTED, &[14]).refused_with(INVALID_PARAMETER)),
    range!("dispute.target-overflow-dropped", 0, TOP, C)
        .takes(&[
            side("target_end", "Dropped"),
            side("target_range", "Dropped"),
        ])
        .inferred("smbtorture dup_extents_len_beyond_dest, taken to the end of the range")
        .expects(definite(SUCCESS, &[14]).refused_with(INVALID_PARAMETER)),
    range!("dispute.zero-before-numbers", 1, 0, 0)
        .takes(&[side("zero_count", "BeforeNumbers")])
        .observed(WINBTRFS)
        .expects(flagged(SUCCESS, &[20, 16])),
    case("dispute.zero-after-source", BOTH, |s| {
        s.close(s.source())?;
        s.send(s.ask().range(0, 0, 0))
    })
    .takes(&[
        side("bad_handle", "Passed"),
        side("zero_count", "AfterSource"),
    ])
    .observed(SAMBA)
    .expects(strict(INVALID_HANDLE, &[40, 16])),
    range!("dispute.zero-elsewhere-refused", 0, 0, 0)
        .on(VolumeSpec::of(FileSystemKind::OldRefs))
        .takes(&[side("zero_elsewhere", "Refused")])
        .documented("MS-FSA 2.1.5.10.4 and .5: not implemented comes first")
        .expects(flagged(INVALID_DEVICE_REQUEST, &[16])),
    range!("dispute.zero-elsewhere-succeeds", 0, 0, 0)
        .on(VolumeSpec::of(FileSystemKind::Ntfs))
        .takes(&[side("zero_elsewhere", "Succeeds")])
        .observed("git-lfs tools/util_windows.go: an empty file always succeeds")
        .expects(flagged(SUCCESS, &[16])),
    case("dispute.ex-size-too-small", EX, |s| {
        s.send(s.ask().size(0x38))
    })
    .takes(&[side("ex_size", "BufferTooSmall")])
    .observed(OPENZFS)
    .expects(definite(BUFFER_TOO_SMALL, &[3]).refused_with(NOT_SUPPORTED)),
    case("dispute.no-buffer-user-buffer", BOTH, |s| {
        let ask = s.ask_by(Who::Kernel)?;
        s.send(ask.without_buffer())
    })
    .takes(&[side("no_buffer", "InvalidUserBuffer")])
    .observed("ms-nfs41-client sys/nfs41sys_fsctl.c, the duplicate codes")
    .expects(definite(INVALID_USER_BUFFER, &[2]).refused_with(INVALID_PARAMETER)),
    case("dispute.no-buffer-too-small", BOTH, |s| {
        let ask = s.ask_by(Who::Kernel)?;
        s.send(ask.without_buffer())
    })
    .takes(&[side("no_buffer", "BufferTooSmall")])
    .observed(WINBTRFS)
    .expects(definite(BUFFER_TOO_SMALL, &[2]).refused_with(INVALID_PARAMETER)),
    case("dispute.target-kind-before-numbers", BOTH, |s| {
        let what = Open::Directory(s.volume(), r"\directory");
        let directory = s.open(ActorRef::PROGRAM, what, WRITE_DATA)?;
        s.send(s.ask().to(directory).range(0, 0, C + 1))
    })
    .takes(&[side("target_kind", "BeforeNumbers")])
    .inferred(OPENZFS)
    .expects(flagged(NOT_SUPPORTED, &[22])),
    case("dispute.target-kind-first", BOTH, |s| {
        let what = Open::Directory(s.volume(), r"\directory");
        let directory = s.open(ActorRef::PROGRAM, what, WRITE_DATA)?;
        s.send(s.ask().to(directory).short_by(1))
    })
    .takes(&[side("target_kind", "First")])
    .observed(OPENZFS)
    .expects(flagged(NOT_SUPPORTED, &[1])),
    case("dispute.bad-handle-invalid", BOTH, |s| {
        s.close(s.source())?;
        s.send(s.ask())
    })
    .takes(&[side("bad_handle", "Replaced(Status::INVALID_PARAMETER)")])
    .documented("MS-FSCC 2.3.8 and 2.3.10, the table of statuses")
    .expects(strict(INVALID_PARAMETER, &[40]).refused_with(INVALID_HANDLE)),
    case("dispute.bad-handle-not-found", BOTH, |s| {
        s.close(s.source())?;
        s.send(s.ask())
    })
    .takes(&[side(
        "bad_handle",
        "Replaced(Status::OBJECT_NAME_NOT_FOUND)",
    )])
    .observed("Linux fs/smb/server/smb2pdu.c, the server ksmbd")
    .expects(strict(OBJECT_NAME_NOT_FOUND, &[40]).refused_with(INVALID_HANDLE)),
    case("dispute.missing-access-ignored", BOTH, |s| {
        let handle = s.open_file(ActorRef::PROGRAM, SOURCE, READ_ATTRIBUTES)?;
        s.send(s.ask().from(handle))
    })
    .takes(&[side("missing_access", "Ignored")])
    .observed(OPENZFS)
    .expects(strict(SUCCESS, &[43]).refused_with(INVALID_PARAMETER)),
    case("dispute.other-volume-is-a-bad-handle", BOTH, |s| {
        let handle = s.open_elsewhere(&VolumeSpec::refs(4096), SOURCE_ACCESS)?;
        s.send(s.ask().from(handle))
    })
    .takes(&[side("other_volume", "InvalidHandle")])
    .observed(SAMBA)
    .expects(strict(INVALID_HANDLE, &[42]).refused_with(INVALID_PARAMETER)),
    case("dispute.overlap-invalid", BOTH, |s| {
        let own = s.ask().from(s.target());
        s.send(own.range(2 * C, 0, 4 * C))
    })
    .takes(&[side("overlap", "Refused(Status::INVALID_PARAMETER)")])
    .observed(WINBTRFS)
    .expects(flagged(INVALID_PARAMETER, &[52])),
    // Backward: cluster by cluster in ascending order gives what a copy of the whole range gives.
    case("dispute.overlap-allowed", BOTH, |s| {
        let own = s.ask().from(s.target());
        s.send(own.range(2 * C, 0, 4 * C))
    })
    .takes(&[side("overlap", "Allowed")])
    .documented("MS-FSA 2.1.5.10.4 and .5 to the letter: there is no such check")
    .expects(flagged(SUCCESS, &[52])),
    case("dispute.identical-allowed", BOTH, |s| {
        let own = s.ask().from(s.target());
        s.send(own)
    })
    .takes(&[side("overlap", "Allowed")])
    .number(51)
    .documented("MS-FSA 2.1.5.10.4 and .5 to the letter: there is no such check")
    .expects(flagged(SUCCESS, &[52])),
    case("dispute.async-refused", EX, |s| {
        s.send(s.ask().flags(ASYNC))
    })
    .takes(&[side("async_flag", "Refused(Status::NOT_SUPPORTED)")])
    .number(87)
    .undocumented("winioctl.h names the flag, and no page says what it does")
    .expects(flagged(NOT_SUPPORTED, &[31])),
    case("dispute.async-invalid", EX, |s| {
        s.send(s.ask().flags(ASYNC))
    })
    .takes(&[side("async_flag", "Refused(Status::INVALID_PARAMETER)")])
    .number(87)
    .undocumented("winioctl.h names the flag, and no page says what it does")
    .expects(flagged(INVALID_PARAMETER, &[31])),
];
