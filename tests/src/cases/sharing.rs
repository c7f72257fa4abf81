//! After a clone: both files are their own, and clusters are counted.

use crate::case::{BOTH, Case, EX, PLAIN, case};
use crate::expect::{definite, flagged, passes};
use crate::scene::{SOURCE, TARGET};
use crate::side::side;
use crate::stage::{Change, VolumeSpec, Who};
use crate::status::{BLOCK_TOO_MANY_REFERENCES, DISK_FULL, INVALID_PARAMETER, SUCCESS};
use crate::windows::{SOURCE_ACCESS, SOURCE_ATOMIC, TARGET_ACCESS};

const COUNTED: &str = "MS-FSA 2.1.5.10.4 and .5: the reference count of each cluster is raised";
const REPLACED: &str = "MS-FSA 2.1.5.4: a shared cluster is replaced when it is written";
const LIMIT: &str =
    "CopyOnWrite README and issue 1: Win32 error 347 where a cluster is shared too often";

const LAZY: &str = "CopyOnWrite tests: counts settle after seconds, and more clones succeed before";

const C: i64 = 4096;
/// A volume with room for the two files and nothing else.
const FULL: VolumeSpec = VolumeSpec {
    capacity: Some(16),
    ..VolumeSpec::refs(4096)
};
/// A volume on which a cluster can be shared by four: for the test-bed alone, see `limit.of-refs`.
const FEW: VolumeSpec = VolumeSpec {
    reference_limit: Some(4),
    ..VolumeSpec::refs(4096)
};

pub(super) const CASES: &[Case] = &[
    case("sharing.whole-file", BOTH, |s| {
        s.send(s.ask().range(0, 0, 8 * C))?;
        s.expect_references(SOURCE, &[2])?;
        s.expect_references(TARGET, &[2])
    })
    .number(123)
    .observed("libuv 5228: fsutil file queryExtentsAndRefCounts"),
    case("sharing.in-the-middle", BOTH, |s| {
        s.send(s.ask().range(2 * C, 5 * C, 2 * C))?;
        s.expect_references(SOURCE, &[1, 2, 1])?;
        s.expect_references(TARGET, &[1, 2, 1])
    })
    .documented(COUNTED),
    case("sharing.write-to-the-target", BOTH, |s| {
        s.send(s.ask().range(0, 0, 8 * C))?;
        s.change(TARGET, Change::Write(2 * C as u64 + 7, &[0x5A; 100]))?;
        s.expect_references(SOURCE, &[2, 1, 2])
    })
    .number(125)
    .documented(REPLACED),
    case("sharing.write-to-the-source", BOTH, |s| {
        s.send(s.ask().range(0, 0, 8 * C))?;
        s.change(SOURCE, Change::Write(C as u64 - 1, &[0x5A; 2]))?;
        s.expect_references(TARGET, &[1, 2])
    })
    .number(126)
    .documented(REPLACED),
    case("sharing.truncate-the-source", BOTH, |s| {
        s.send(s.ask().range(0, 0, 8 * C))?;
        s.resize(SOURCE, 0)?;
        s.expect_references(TARGET, &[1])
    })
    .number(127)
    .observed("CopyOnWrite tests: clones survive their source"),
    case("sharing.truncate-and-extend-the-target", BOTH, |s| {
        s.send(s.ask().range(0, 0, 8 * C))?;
        s.change(TARGET, Change::SetEnd(3))?;
        s.resize(TARGET, 8 * C)
    })
    .number(127)
    .inferred(REPLACED),
    case("sharing.there-and-back", BOTH, |s| {
        s.send(s.ask())?;
        let back = s.ask().from(s.target()).to(s.target());
        s.prepare(back.range(0, 4 * C, 4 * C))?;
        s.expect_references(SOURCE, &[3, 1])
    })
    .documented(COUNTED),
    case("sharing.the-same-again", BOTH, |s| {
        s.send(s.ask())?;
        s.prepare(s.ask())?;
        s.expect_references(SOURCE, &[2, 1])
    })
    .documented(COUNTED),
    case("sharing.cluster-by-cluster", BOTH, |s| {
        s.send(s.ask().range(0, 7 * C, C))?;
        for cluster in 1..8 {
            s.prepare(s.ask().range(cluster * C, (7 - cluster) * C, C))?;
        }
        Ok(())
    })
    .documented(COUNTED),
    case("sharing.end-of-file-and-allocation-stay", BOTH, |s| {
        s.resize(TARGET, 5 * C + 5)?;
        s.send(s.ask().range(0, 0, 6 * C))
    })
    .number(128)
    .observed("smbtorture dup_extents_simple"),
    case("sharing.just-written-source", BOTH, |s| {
        s.change(SOURCE, Change::Write(0, &[0xA7; 4096]))?;
        s.send(s.ask())
    })
    .number(115)
    .observed("CopyOnWrite README: clones of unflushed files were zeros once"),
    case("limit.of-refs", PLAIN, |s| {
        // From the source's first cluster by doubling: 8174 of the target's clusters and that one are one.
        s.resize(TARGET, 8175 * C)?;
        s.prepare(s.ask().range(0, 0, C))?;
        for exponent in 0..12 {
            let own = s.ask().from(s.target());
            s.prepare(own.range(0, C << exponent, C << exponent))?;
        }
        let own = s.ask().from(s.target());
        s.prepare(own.range(0, 4096 * C, (8174 - 4096) * C))?;
        s.settle()?;
        s.expect_references(SOURCE, &[8175, 1])?;
        s.send(s.ask().range(0, 8174 * C, C))
    })
    .number(119)
    .documented("windowsserverdocs, Block cloning on ReFS: a cluster is shared by 8175 at most")
    .expects(passes(BLOCK_TOO_MANY_REFERENCES)),
    case("limit.as-often-as-allowed", BOTH, |s| {
        for _ in 0..2 {
            s.prepare(s.ask().range(0, 0, C))?;
            s.prepare(s.ask().range(0, C, C))?;
        }
        s.send(s.ask().range(0, 2 * C, C))?;
        s.expect_references(SOURCE, &[4, 1])
    })
    .on(FEW)
    .takes(&[side("accounting", "Exact")])
    .number(118)
    .documented("windowsserverdocs, Block cloning on ReFS: the limit on sharing a cluster"),
    case("limit.once-more", BOTH, |s| {
        for target in 0..3 {
            s.prepare(s.ask().range(0, target * C, C))?;
        }
        s.send(s.ask().range(0, 3 * C, C))
    })
    .on(FEW)
    .takes(&[side("accounting", "Exact")])
    .number(119)
    .observed(LIMIT)
    .expects(passes(BLOCK_TOO_MANY_REFERENCES)),
    case("limit.in-the-middle-of-a-range", BOTH, |s| {
        for target in 0..3 {
            s.prepare(s.ask().range(2 * C, target * C, C))?;
        }
        s.send(s.ask().range(0, 4 * C, 4 * C))
    })
    .on(FEW)
    .takes(&[side("accounting", "Exact")])
    .inferred("MS-FSA 2.1.5.10.4: cluster by cluster; MS-FSCC 2.3.9: only atomic undoes")
    .expects(passes(BLOCK_TOO_MANY_REFERENCES).cloning(2 * C as u64)),
    case("limit.in-the-middle-of-an-atomic-range", EX, |s| {
        for target in 0..3 {
            s.prepare(s.ask().range(2 * C, target * C, C))?;
        }
        let ask = s.ask().range(0, 4 * C, 4 * C);
        s.send(ask.flags(SOURCE_ATOMIC))
    })
    .on(FEW)
    .takes(&[side("accounting", "Exact")])
    .documented("MS-FSCC 2.3.9: nothing of the range stays after a failure")
    .expects(flagged(BLOCK_TOO_MANY_REFERENCES, &[32])),
    case("limit.room-after-an-overwrite", BOTH, |s| {
        for target in 0..3 {
            s.prepare(s.ask().range(0, target * C, C))?;
        }
        s.change(TARGET, Change::Write(0, &[1; 4096]))?;
        s.send(s.ask().range(0, 3 * C, C))
    })
    .on(FEW)
    .takes(&[side("accounting", "Exact")])
    .number(120)
    .observed("CopyOnWrite tests: clones succeed again after others are deleted"),
    case("limit.more-before-the-counts-settle", BOTH, |s| {
        for target in 0..3 {
            s.prepare(s.ask().range(0, target * C, C))?;
        }
        s.send(s.ask().range(0, 3 * C, C))
    })
    .on(FEW)
    .takes(&[side("accounting", "Lazy")])
    .number(119)
    .observed(LAZY),
    case("limit.once-more-after-the-counts-settled", BOTH, |s| {
        for target in 0..3 {
            s.prepare(s.ask().range(0, target * C, C))?;
        }
        s.settle()?;
        s.send(s.ask().range(0, 3 * C, C))
    })
    .on(FEW)
    .takes(&[side("accounting", "Lazy")])
    .number(119)
    .observed(LIMIT)
    .expects(passes(BLOCK_TOO_MANY_REFERENCES)),
    case("limit.room-after-the-counts-settled", BOTH, |s| {
        for target in 0..3 {
            s.prepare(s.ask().range(0, target * C, C))?;
        }
        s.change(TARGET, Change::Write(0, &[1; 4096]))?;
        s.settle()?;
        s.send(s.ask().range(0, 3 * C, C))
    })
    .on(FEW)
    .takes(&[side("accounting", "Lazy")])
    .number(120)
    .observed(LAZY),
    case("full-volume.a-clone-takes-nothing", BOTH, |s| {
        s.send(s.ask().range(0, 0, 8 * C))
    })
    .on(FULL)
    .takes(&[side("full_disk", "Clones")])
    .number(121)
    .observed("CopyOnWrite README: clones take no space"),
    case("full-volume.a-clone-is-refused", BOTH, |s| s.send(s.ask()))
        .on(FULL)
        .takes(&[side("full_disk", "Refused")])
        .number(121)
        .documented("MS-FSCC 2.3.8 and 2.3.10: STATUS_DISK_FULL")
        .expects(passes(DISK_FULL)),
    case("full-volume.an-atomic-clone-is-refused", EX, |s| {
        s.send(s.ask().flags(SOURCE_ATOMIC))
    })
    .on(FULL)
    .takes(&[side("full_disk", "Refused")])
    .documented("MS-FSCC 2.3.9 and 2.3.10: nothing of the range stays after a failure")
    .expects(flagged(DISK_FULL, &[32])),
    case("at-once.there-and-back", BOTH, |s| {
        let there = s.ask_by(Who::Program)?;
        let back = s.ask_by(Who::Program)?;
        let from = s.open_file(back.by, TARGET, SOURCE_ACCESS)?;
        let to = s.open_file(back.by, SOURCE, TARGET_ACCESS)?;
        let asks = [there, back.from(from).to(to)];
        s.send_together(&asks.map(|ask| ask.range(0, 4 * C, 4 * C)), 20)
    })
    .number(133)
    .inferred("WinBtrfs and ms-nfs41-client lock the two files in opposite orders"),
    case("at-once.many-from-one-source", BOTH, |s| {
        let volume = s.volume();
        let mut asks = Vec::new();
        for number in 0..8 {
            let file = s.add_file(volume, &format!(r"\target{number}"), 8 * C)?;
            let ask = s.ask_by(Who::Program)?;
            let to = s.open_file(ask.by, file, TARGET_ACCESS)?;
            asks.push(ask.to(to));
        }
        s.send_together(&asks, 5)
    })
    .number(134)
    .observed("refs-fclone with 25 threads; CopyOnWrite README: some clones were zeros once"),
    case("at-once.unaligned", BOTH, |s| {
        let first = s.ask_by(Who::Program)?;
        let second = s.ask_by(Who::Program)?;
        s.send_together(&[first, second].map(|ask| ask.range(1, 0, C)), 20)
    })
    .number(134)
    .documented("MS-FSA 2.1.5.10.4 and .5: alignment")
    .expects(definite(INVALID_PARAMETER, &[20])),
    case("sharing.zeroed-part-of-the-source", BOTH, |s| {
        s.send(s.ask().range(0, 0, 8 * C))?;
        s.change(SOURCE, Change::Zero(100, 3 * C as u64 + 100))
    })
    .inferred(REPLACED),
    case("sharing.zeroed-part-of-a-sparse-source", BOTH, |s| {
        s.change(SOURCE, Change::SetSparse(true))?;
        s.change(TARGET, Change::SetSparse(true))?;
        s.change(SOURCE, Change::Zero(2 * C as u64, 4 * C as u64))?;
        s.send(s.ask().range(0, 0, 8 * C))?;
        s.change(SOURCE, Change::Zero(0, 8 * C as u64))
    })
    .documented("MS-FSA 2.1.5.10.4 and .5: an unallocated extent is cloned as one"),
    case("sharing.atomic-whole-file", EX, |s| {
        let ask = s.ask().range(0, 0, 8 * C);
        s.send(ask.flags(SOURCE_ATOMIC))?;
        s.expect_references(SOURCE, &[2])
    })
    .observed("WindowsProtocolTestSuites IsSourceAtomicSupported")
    .expects(flagged(SUCCESS, &[32])),
];
