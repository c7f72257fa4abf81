//! File systems that clone and are not ReFS. No document says how they answer, so the driver notes what breaks
//! a definite rule and leaves the answer to them, whatever it is.

use crate::case::{BOTH, Case, EX, case};
use crate::expect::{flagged, passes};
use crate::side::side;
use crate::stage::{FileSystemKind, VolumeSpec};
use crate::status::{
    BUFFER_TOO_SMALL, INVALID_DEVICE_REQUEST, INVALID_PARAMETER, MEDIA_WRITE_PROTECTED,
    NOT_SUPPORTED, SUCCESS,
};

const REFS_ALONE: &str = "MS-FSA 2.1.5.10.4 note 89 and 2.1.5.10.5 note 93: ReFS only";
const WINBTRFS: &str = "WinBtrfs src/fsctl.c, duplicate_extents";
const SAMBA: &str = "Samba source3/smbd/smb2_ioctl_filesys.c";
const OPENZFS: &str = "OpenZFS on Windows zfs_vnops_windows.c, duplicate_extents_to_file";

const C: i64 = 4096;

const OTHER: VolumeSpec = VolumeSpec::of(FileSystemKind::ThirdParty);

pub(super) const CASES: &[Case] = &[
    case("other-system.valid", BOTH, |s| s.send(s.ask()))
        .on(OTHER)
        .takes(&[side("ex_code", "Known")])
        .observed(SAMBA),
    case("other-system.ex-unknown", EX, |s| s.send(s.ask()))
        .on(OTHER)
        .takes(&[side("ex_code", "Unknown")])
        .observed(WINBTRFS)
        .expects(passes(INVALID_DEVICE_REQUEST)),
    case("other-system.ex-unknown-short", EX, |s| {
        s.send(s.ask().short_by(1))
    })
    .on(OTHER)
    .takes(&[side("ex_code", "Unknown")])
    .observed(WINBTRFS)
    .expects(flagged(INVALID_DEVICE_REQUEST, &[1])),
    case("other-system.short", BOTH, |s| s.send(s.ask().short_by(1)))
        .on(OTHER)
        .takes(&[side("ex_code", "Known")])
        .undocumented(REFS_ALONE)
        .expects(flagged(BUFFER_TOO_SMALL, &[1])),
    case("other-system.size", EX, |s| s.send(s.ask().size(0)))
        .on(OTHER)
        .takes(&[side("ex_code", "Known"), side("ex_size", "BufferTooSmall")])
        .observed(OPENZFS)
        .expects(flagged(BUFFER_TOO_SMALL, &[3])),
    case("other-system.negative", BOTH, |s| {
        s.send(s.ask().range(-C, 0, C))
    })
    .on(OTHER)
    .takes(&[
        side("ex_code", "Known"),
        side("source_range", "NotSupported"),
    ])
    .undocumented(REFS_ALONE)
    .expects(flagged(NOT_SUPPORTED, &[10])),
    case("other-system.unaligned", BOTH, |s| {
        s.send(s.ask().range(512, 0, C))
    })
    .on(OTHER)
    .takes(&[side("ex_code", "Known"), side("alignment", "Cluster")])
    .undocumented(REFS_ALONE)
    .expects(flagged(INVALID_PARAMETER, &[20])),
    case("other-system.sectors", BOTH, |s| {
        s.send(s.ask().range(512, 1024, 512))
    })
    .on(OTHER)
    .takes(&[side("ex_code", "Known"), side("alignment", "Sector")])
    .observed(WINBTRFS)
    .expects(flagged(SUCCESS, &[20, 21, 22])),
    case("other-system.any-byte", BOTH, |s| {
        s.send(s.ask().range(1, 3, 5))
    })
    .on(OTHER)
    .takes(&[side("ex_code", "Known"), side("alignment", "Unchecked")])
    .observed(SAMBA)
    .expects(flagged(SUCCESS, &[20, 21, 22])),
    case("other-system.read-only", BOTH, |s| {
        s.protect()?;
        s.send(s.ask().short_by(1))
    })
    .on(OTHER)
    .takes(&[
        side("ex_code", "Known"),
        side("read_only_check", "AfterStructure"),
    ])
    .observed(WINBTRFS)
    .expects(flagged(BUFFER_TOO_SMALL, &[1])),
    case("other-system.read-only-first", BOTH, |s| {
        s.protect()?;
        s.send(s.ask().short_by(1))
    })
    .on(OTHER)
    .takes(&[side("ex_code", "Known"), side("read_only_check", "First")])
    .observed(OPENZFS)
    .expects(flagged(MEDIA_WRITE_PROTECTED, &[1])),
];
