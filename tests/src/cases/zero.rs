//! A count of zero, which succeeds at once and changes nothing.

use crate::case::{BOTH, Case, case};
use crate::expect::{flagged, strict};
use crate::scene::ActorRef;
use crate::side::side;
use crate::stage::{FileSystemKind, Open, VolumeSpec};
use crate::status::{
    INVALID_DEVICE_REQUEST, INVALID_HANDLE, INVALID_PARAMETER, MEDIA_WRITE_PROTECTED, SUCCESS,
};
use crate::windows::WRITE_DATA;

const AT_ONCE: &str = "MS-FSA 2.1.5.10.4 and .5: ByteCount is zero";
const ORDER: &str = "MS-FSA 2.1.5.10.4 and .5: alignment comes before the count of zero";

const C: i64 = 4096;

pub(super) const CASES: &[Case] = &[
    case("zero.nothing-happens", BOTH, |s| {
        s.send(s.ask().range(0, 0, 0))
    })
    .number(23)
    .documented("MS-FSA 2.1.5.10.4 and .5: ByteCount is zero; smbtorture dup_extents_len_zero")
    .expects(flagged(SUCCESS, &[16])),
    case("zero.one-cluster-is-not-zero", BOTH, |s| {
        s.send(s.ask().range(0, 0, C))
    })
    .documented(AT_ONCE)
    .near(&[16]),
    case("zero.unaligned-source", BOTH, |s| {
        s.send(s.ask().range(1, 0, 0))
    })
    .takes(&[side("zero_count", "AfterNumbers")])
    .number(24)
    .documented(ORDER)
    .expects(flagged(INVALID_PARAMETER, &[20, 16])),
    case("zero.unaligned-target", BOTH, |s| {
        s.send(s.ask().range(0, 1, 0))
    })
    .takes(&[side("zero_count", "AfterNumbers")])
    .documented(ORDER)
    .expects(flagged(INVALID_PARAMETER, &[21, 16])),
    case("zero.negative-source", BOTH, |s| {
        s.send(s.ask().range(-C, 0, 0))
    })
    .takes(&[
        side("source_range", "InvalidParameter"),
        side("zero_count", "AfterNumbers"),
    ])
    .undocumented("MS-FSCC 2.3.7.1: zero or more; MS-FSA 2.1.5.10.4: a count of zero succeeds")
    .expects(flagged(INVALID_PARAMETER, &[10, 16])),
    case("zero.negative-target", BOTH, |s| {
        s.send(s.ask().range(0, -C, 0))
    })
    .takes(&[
        side("target_range", "InvalidParameter"),
        side("zero_count", "AfterNumbers"),
    ])
    .undocumented("MS-FSCC 2.3.7.1: zero or more; MS-FSA 2.1.5.10.4: a count of zero succeeds")
    .expects(flagged(INVALID_PARAMETER, &[11, 16])),
    case("zero.read-only-volume", BOTH, |s| {
        s.protect()?;
        s.send(s.ask().range(0, 0, 0))
    })
    .number(25)
    .documented("MS-FSA 2.1.5.10.4 and .5: Volume.IsReadOnly comes before the count")
    .expects(flagged(MEDIA_WRITE_PROTECTED, &[16])),
    case("zero.ntfs", BOTH, |s| s.send(s.ask().range(0, 0, 0)))
        .takes(&[side("zero_elsewhere", "Refused")])
        .on(VolumeSpec::of(FileSystemKind::Ntfs))
        .number(26)
        .documented("MS-FSA 2.1.5.10.4 and .5: not implemented comes first; git-lfs disagrees")
        .expects(flagged(INVALID_DEVICE_REQUEST, &[16])),
    case("zero.far-behind-both-files", BOTH, |s| {
        s.send(s.ask().range(900 * C, 900 * C, 0))
    })
    .documented(AT_ONCE)
    .near(&[50, 51])
    .expects(flagged(SUCCESS, &[16])),
    case("zero.same-range-of-one-stream", BOTH, |s| {
        s.send(s.ask().from(s.target()).range(0, 0, 0))
    })
    .documented(AT_ONCE)
    .near(&[52])
    .expects(flagged(SUCCESS, &[16])),
    case("zero.to-a-directory", BOTH, |s| {
        let what = Open::Directory(s.volume(), r"\directory");
        let directory = s.open(ActorRef::PROGRAM, what, WRITE_DATA)?;
        s.send(s.ask().to(directory).range(0, 0, 0))
    })
    .takes(&[
        side("zero_count", "AfterNumbers"),
        side("target_kind", "AfterNumbers"),
    ])
    .documented("MS-FSA 2.1.5.10.4 and .5: the count comes before the target's StreamType")
    .expects(flagged(SUCCESS, &[16])),
    case("zero.closed-source", BOTH, |s| {
        s.close(s.source())?;
        s.send(s.ask().range(0, 0, 0))
    })
    .takes(&[side("zero_count", "AfterNumbers")])
    .documented("MS-FSA 2.1.5.10.4 and .5: the count comes before the source is looked at")
    .expects(strict(SUCCESS, &[40, 16]).refused_with(INVALID_HANDLE)),
];
