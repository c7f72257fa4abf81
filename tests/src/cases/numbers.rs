//! Alignment, sign and range of the three numbers.

use crate::case::{BOTH, Case, case};
use crate::expect::{definite, flagged};
use crate::scene::{SOURCE, TARGET};
use crate::side::side;
use crate::stage::{Change, VolumeSpec};
use crate::status::{INVALID_PARAMETER, MEDIA_WRITE_PROTECTED, NOT_SUPPORTED, SUCCESS};

const ALIGNED: &str = "MS-FSA 2.1.5.10.4 and .5: not a multiple of Volume.ClusterSize";
const NEGATIVE: &str = "MS-FSCC 2.3.7.1 and 2.3.9.1: must be zero or more; no status is named";
const SUM: &str = "MS-FSCC 2.3.7.1 and 2.3.9.1: signed 64-bit values; no status is named";
const ORDER: &str = "MS-FSA 2.1.5.10.4 and .5: the order of the checks";
const LIMIT: &str =
    "Win32, Block Cloning on ReFS: a call must stay below 4 GiB; no status is named";

const C: i64 = 4096;
const MIN: i64 = i64::MIN;
/// The highest multiple of a cluster.
const TOP: i64 = i64::MAX - (C - 1);
/// Clusters of 64 KiB.
const LARGE: VolumeSpec = VolumeSpec::refs(0x1_0000);

/// A case of one range.
macro_rules! range {
    ($id:literal, $source:expr, $target:expr, $count:expr) => {
        case($id, BOTH, |s| {
            s.send(s.ask().range($source, $target, $count))
        })
    };
}

pub(super) const CASES: &[Case] = &[
    range!("alignment.source-one", 1, 0, C)
        .number(18)
        .documented(ALIGNED)
        .near(&[21, 22])
        .expects(definite(INVALID_PARAMETER, &[20])),
    range!("alignment.target-half-a-cluster", 0, C / 2, C)
        .number(19)
        .documented(ALIGNED)
        .near(&[20, 22])
        .expects(definite(INVALID_PARAMETER, &[21])),
    range!("alignment.count-one-less", 0, 0, C - 1)
        .number(20)
        .documented(ALIGNED)
        .near(&[20, 21])
        .expects(definite(INVALID_PARAMETER, &[22])),
    range!("alignment.count-one-more", 0, 0, C + 1)
        .number(20)
        .documented(ALIGNED)
        .expects(definite(INVALID_PARAMETER, &[22])),
    range!("alignment.count-one", 0, 0, 1)
        .number(20)
        .documented(ALIGNED)
        .near(&[16])
        .expects(definite(INVALID_PARAMETER, &[22])),
    range!("alignment.source-on-a-sector", 512, 0, C)
        .number(21)
        .documented(ALIGNED)
        .expects(definite(INVALID_PARAMETER, &[20])),
    range!("alignment.target-on-a-sector", 0, 7 * 512, C)
        .number(21)
        .documented(ALIGNED)
        .expects(definite(INVALID_PARAMETER, &[21])),
    range!("alignment.count-of-sectors", 0, 0, 7 * 512)
        .number(21)
        .documented(ALIGNED)
        .expects(definite(INVALID_PARAMETER, &[22])),
    range!("alignment.all-three", 1, 512, C + 1)
        .documented(ALIGNED)
        .expects(definite(INVALID_PARAMETER, &[20, 21, 22])),
    range!("alignment.source-4k-on-64k-clusters", C, 0, 0x1_0000)
        .on(LARGE)
        .number(22)
        .documented(ALIGNED)
        .expects(definite(INVALID_PARAMETER, &[20])),
    range!("alignment.target-4k-on-64k-clusters", 0, C, 0x1_0000)
        .on(LARGE)
        .number(22)
        .documented(ALIGNED)
        .expects(definite(INVALID_PARAMETER, &[21])),
    range!("alignment.count-4k-on-64k-clusters", 0, 0, C)
        .on(LARGE)
        .number(22)
        .documented(ALIGNED)
        .expects(definite(INVALID_PARAMETER, &[22])),
    range!("alignment.64k-clusters", 0x1_0000, 0, 0x2_0000)
        .on(LARGE)
        .documented(ALIGNED)
        .near(&[20, 21, 22]),
    range!("alignment.64k-is-aligned-to-4k", 0, 4 * C, 4 * C)
        .documented(ALIGNED)
        .near(&[20, 21, 22]),
    case("alignment.read-only-volume", BOTH, |s| {
        s.protect()?;
        s.send(s.ask().range(1, 1, 1))
    })
    .documented(ORDER)
    .expects(flagged(MEDIA_WRITE_PROTECTED, &[20, 21, 22])),
    range!("range.negative-source", -C, 0, 2 * C)
        .takes(&[side("source_range", "InvalidParameter")])
        .inferred(NEGATIVE)
        .near(&[11, 12, 20])
        .expects(definite(INVALID_PARAMETER, &[10])),
    range!("range.negative-source-sum-of-zero", -C, 0, C)
        .takes(&[side("source_range", "InvalidParameter")])
        .inferred("WinBtrfs src/fsctl.c: an unsigned sum of zero passes its check")
        .expects(definite(INVALID_PARAMETER, &[10])),
    range!("range.negative-target", 0, -C, C)
        .takes(&[side("target_range", "InvalidParameter")])
        .number(27)
        .inferred(NEGATIVE)
        .near(&[10, 12, 21])
        .expects(definite(INVALID_PARAMETER, &[11])),
    range!("range.negative-count", 0, 0, -C)
        .takes(&[side("source_range", "InvalidParameter")])
        .number(28)
        .inferred(NEGATIVE)
        .near(&[10, 11, 22, 16])
        .expects(definite(INVALID_PARAMETER, &[12])),
    range!("range.lowest-source", MIN, 0, C)
        .takes(&[side("source_range", "InvalidParameter")])
        .number(29)
        .inferred(NEGATIVE)
        .expects(definite(INVALID_PARAMETER, &[10])),
    range!("range.lowest-target", 0, MIN, C)
        .takes(&[side("target_range", "InvalidParameter")])
        .number(29)
        .inferred(NEGATIVE)
        .expects(definite(INVALID_PARAMETER, &[11])),
    range!("range.lowest-count", 0, 0, MIN)
        .takes(&[side("source_range", "InvalidParameter")])
        .number(29)
        .inferred(NEGATIVE)
        .expects(definite(INVALID_PARAMETER, &[12])),
    range!("range.lowest-of-all", MIN, MIN, MIN)
        .takes(&[
            side("source_range", "InvalidParameter"),
            side("target_range", "InvalidParameter"),
        ])
        .number(29)
        .inferred(NEGATIVE)
        .near(&[13, 14])
        .expects(definite(INVALID_PARAMETER, &[10, 11, 12])),
    range!("range.minus-one", -1, 0, C)
        .inferred("MS-FSA 2.1.5.10.4 and .5: alignment; MS-FSCC 2.3.7.1: sign")
        .expects(definite(INVALID_PARAMETER, &[20, 10])),
    range!("range.source-end-overflows", TOP, 0, C)
        .takes(&[side("source_range", "InvalidParameter")])
        .number(30)
        .inferred(SUM)
        .near(&[14])
        .expects(definite(INVALID_PARAMETER, &[13])),
    range!("range.target-end-overflows", 0, TOP, C)
        .takes(&[side("target_range", "InvalidParameter")])
        .number(31)
        .undocumented(SUM)
        .near(&[13])
        .expects(definite(INVALID_PARAMETER, &[14])),
    range!("range.both-ends-overflow", TOP, TOP, 2 * C)
        .takes(&[
            side("source_range", "InvalidParameter"),
            side("target_range", "InvalidParameter"),
        ])
        .inferred(SUM)
        .expects(definite(INVALID_PARAMETER, &[13, 14])),
    range!("range.source-end-is-the-highest", TOP - C, 0, C)
        .documented("MS-FSA 2.1.5.10.4 and .5: Source.Size is below the range's end")
        .near(&[13])
        .expects(flagged(NOT_SUPPORTED, &[50])),
    range!("range.target-end-is-the-highest", 0, TOP - C, C)
        .takes(&[side("target_end", "Dropped")])
        .inferred("smbtorture dup_extents_len_beyond_dest: what lies behind the end is dropped")
        .near(&[14])
        .expects(flagged(SUCCESS, &[51])),
    range!("range.highest-count", 0, 0, TOP)
        .takes(&[side("huge_count", "Refused(Status::INVALID_PARAMETER)")])
        .number(34)
        .inferred(LIMIT)
        .near(&[13, 14])
        .expects(flagged(INVALID_PARAMETER, &[15, 50, 51])),
    case("range.negative-on-a-read-only-volume", BOTH, |s| {
        s.protect()?;
        s.send(s.ask().range(-C, -C, -C))
    })
    .documented(ORDER)
    .expects(flagged(MEDIA_WRITE_PROTECTED, &[10, 11, 12])),
    case("range.overflow-on-a-read-only-volume", BOTH, |s| {
        s.protect()?;
        s.send(s.ask().range(TOP, TOP, C))
    })
    .documented(ORDER)
    .expects(flagged(MEDIA_WRITE_PROTECTED, &[13, 14])),
    case("huge.one-cluster-less-than-4-gib", BOTH, |s| {
        make_large(s)?;
        s.send(s.ask().range(C, 0, (1 << 32) - C))
    })
    .number(32)
    .observed("0xbadfca11/reflink reflink.cpp and reflink-copy: chunks of 4 GiB less a cluster")
    .near(&[15]),
    case("huge.4-gib", BOTH, |s| {
        make_large(s)?;
        s.send(s.ask().range(0, 0, 1 << 32))
    })
    .takes(&[side("huge_count", "Refused(Status::INVALID_PARAMETER)")])
    .number(33)
    .undocumented(LIMIT)
    .expects(flagged(INVALID_PARAMETER, &[15])),
    case("huge.4-gib-not-supported", BOTH, |s| {
        make_large(s)?;
        s.send(s.ask().range(0, 0, 1 << 32))
    })
    .takes(&[side("huge_count", "Refused(Status::NOT_SUPPORTED)")])
    .number(33)
    .undocumented(LIMIT)
    .expects(flagged(NOT_SUPPORTED, &[15])),
    case("huge.4-gib-accepted", BOTH, |s| {
        make_large(s)?;
        s.send(s.ask().range(0, 4 * C, 1 << 32))
    })
    .takes(&[side("huge_count", "Accepted")])
    .number(33)
    .observed("WinBtrfs and Samba have no such limit")
    .expects(flagged(SUCCESS, &[15])),
];

/// Makes both files sparse and 8 GiB long, with some bytes of the source far behind.
fn make_large(s: &mut crate::scene::Scene<'_>) -> crate::scene::Done {
    for file in [SOURCE, TARGET] {
        s.change(file, Change::SetSparse(true))?;
        s.change(file, Change::SetEnd(1 << 33))?;
    }
    s.change(SOURCE, Change::Write((1 << 32) - 100, &[7; 200]))
}
