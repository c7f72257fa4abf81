//! The ends of both files, and what was never written.

use crate::case::{BOTH, Case, case};
use crate::expect::{flagged, passes};
use crate::scene::{Done, SOURCE, Scene, TARGET};
use crate::side::side;
use crate::stage::Change;
use crate::status::{INVALID_PARAMETER, NOT_SUPPORTED, SUCCESS};

const SIZE: &str = "MS-FSA 2.1.5.10.4 and .5: Source.Size is below the range's end";
const ALLOCATION: &str = "MS-FSCC 2.3.8 and 2.3.10: the range is beyond the allocation size";
const LITERAL: &str = "MS-FSA 2.1.5.10.4 and .5 to the letter: Source.Size is the end of file";
const DROPPED: &str = "smbtorture dup_extents_len_beyond_dest on Windows Server 2016";
const SAMBA: &str = "Samba source3/smbd/smb2_ioctl_filesys.c: capped to match Windows";
const ZEROS: &str = "reflink-copy, test of 6 GiB: a file never written reads as zeros";
const UNWRITTEN: &str = "MS-FSA 2.1.5.3: what is behind ValidDataLength reads as zeros";

const C: i64 = 4096;

/// Both files end one byte into their fourth cluster.
fn with_tail(s: &mut Scene<'_>) -> Done {
    s.resize(SOURCE, 3 * C + 1)?;
    s.resize(TARGET, 3 * C + 1)
}

/// The source has one cluster of data and room for eight.
fn preallocated(s: &mut Scene<'_>) -> Done {
    s.resize(SOURCE, C)?;
    s.change(SOURCE, Change::SetAllocation(8 * C as u64))
}

/// A file with its clusters, cut at `cut` and extended again to eight clusters.
fn stale(s: &mut Scene<'_>, file: crate::scene::FileRef, cut: i64) -> Done {
    s.change(file, Change::SetEnd(cut as u64))?;
    s.change(file, Change::SetEnd(8 * C as u64))
}

pub(super) const CASES: &[Case] = &[
    case("source-end.exact", BOTH, |s| {
        s.send(s.ask().range(0, 0, 8 * C))
    })
    .number(35)
    .documented(SIZE)
    .near(&[50, 51]),
    case("source-end.one-cluster-more", BOTH, |s| {
        s.send(s.ask().range(4 * C, 0, 5 * C))
    })
    .takes(&[side("source_end", "AllocationSize")])
    .documented(SIZE)
    .near(&[51])
    .expects(flagged(NOT_SUPPORTED, &[50])),
    case("source-end.begins-behind", BOTH, |s| {
        s.send(s.ask().range(16 * C, 0, C))
    })
    .number(38)
    .documented(SIZE)
    .expects(flagged(NOT_SUPPORTED, &[50])),
    case("source-end.twice-the-source", BOTH, |s| {
        s.resize(TARGET, 0)?;
        s.send(s.ask().range(0, 0, 16 * C))
    })
    .takes(&[side("source_end", "AllocationSize")])
    .observed("smbtorture dup_extents_len_beyond_src")
    .expects(flagged(NOT_SUPPORTED, &[50, 51])),
    case("source-end.rounded-tail", BOTH, |s| {
        with_tail(s)?;
        s.send(s.ask())
    })
    .takes(&[side("source_end", "AllocationSize")])
    .number(36)
    .observed("reflink-copy test_reflink_unaligned_file; MS-FSCC 2.3.8: allocation size")
    .near(&[50, 51]),
    case("source-end.rounded-tail-to-the-letter", BOTH, |s| {
        with_tail(s)?;
        s.send(s.ask())
    })
    .takes(&[side("source_end", "EndOfFile")])
    .number(36)
    .documented(LITERAL)
    .near(&[50])
    .expects(passes(NOT_SUPPORTED)),
    case("source-end.rounded-tail-alone", BOTH, |s| {
        with_tail(s)?;
        s.send(s.ask().range(3 * C, 3 * C, C))
    })
    .takes(&[side("source_end", "AllocationSize")])
    .observed("reflink-copy test_reflink_unaligned_file"),
    case("source-end.whole-clusters-before-a-tail", BOTH, |s| {
        with_tail(s)?;
        s.send(s.ask().range(0, 0, 3 * C))
    })
    .takes(&[side("source_end", "EndOfFile")])
    .documented(LITERAL),
    case("source-end.three-bytes", BOTH, |s| {
        s.resize(SOURCE, 3)?;
        s.resize(TARGET, 3)?;
        s.send(s.ask().range(0, 0, C))
    })
    .takes(&[side("source_end", "AllocationSize")])
    .number(37)
    .observed("CopyOnWrite CopyOnWriteTests_Windows.cs: files of 3 bytes"),
    case("source-end.preallocated", BOTH, |s| {
        preallocated(s)?;
        s.send(s.ask().range(0, 0, 8 * C))
    })
    .takes(&[side("source_end", "AllocationSize")])
    .number(39)
    .documented(ALLOCATION)
    .near(&[50]),
    case("source-end.preallocated-to-the-letter", BOTH, |s| {
        preallocated(s)?;
        s.send(s.ask().range(0, 0, 8 * C))
    })
    .takes(&[side("source_end", "EndOfFile")])
    .number(39)
    .documented(LITERAL)
    .expects(passes(NOT_SUPPORTED)),
    case("source-end.tail-rounded-to-64k", BOTH, |s| {
        s.resize(SOURCE, 4 * C + 1)?;
        s.resize(TARGET, 4 * C + 1)?;
        s.send(s.ask().range(0, 0, 16 * C))
    })
    .takes(&[side("source_end", "AllocationSize")])
    .number(40)
    .documented("MS-FSCC 2.3.8; git-lfs tools/util_windows.go says that it is harmless")
    .expects(flagged(NOT_SUPPORTED, &[50, 51])),
    case("source-end.cut-inside-its-clusters", BOTH, |s| {
        s.change(SOURCE, Change::SetEnd(3 * C as u64 + 1))?;
        s.send(s.ask())
    })
    .takes(&[side("source_end", "AllocationSize")])
    .inferred("MS-FSCC 2.3.8: allocation size; nothing behind the end may show"),
    case("target-end.empty", BOTH, |s| {
        s.resize(TARGET, 0)?;
        s.send(s.ask().range(0, 0, 8 * C))?;
        s.resize(TARGET, 8 * C)?;
        s.prepare(s.ask().range(0, 0, 8 * C))
    })
    .takes(&[side("target_end", "Dropped")])
    .number(41)
    .observed(DROPPED)
    .expects(flagged(SUCCESS, &[51])),
    case("target-end.inside-the-range", BOTH, |s| {
        s.resize(TARGET, 4 * C)?;
        s.send(s.ask().range(0, 0, 8 * C))
    })
    .takes(&[side("target_end", "Dropped")])
    .number(42)
    .observed(SAMBA)
    .expects(flagged(SUCCESS, &[51])),
    case("target-end.inside-a-cluster-of-the-range", BOTH, |s| {
        s.resize(TARGET, 4 * C + 9)?;
        s.send(s.ask().range(0, 0, 8 * C))?;
        // What the last cluster brought behind the end must not show.
        s.resize(TARGET, 8 * C)
    })
    .takes(&[side("target_end", "Dropped")])
    .inferred(SAMBA)
    .expects(flagged(SUCCESS, &[51])),
    case("target-end.inside-the-last-cluster", BOTH, |s| {
        s.resize(TARGET, 3 * C + 9)?;
        s.send(s.ask())?;
        s.resize(TARGET, 8 * C)
    })
    .observed("reflink-copy src/sys/windows_impl.rs: the last chunk is rounded up")
    .near(&[51]),
    case("target-end.begins-behind", BOTH, |s| {
        s.resize(TARGET, 4 * C)?;
        s.send(s.ask().range(0, 8 * C, C))
    })
    .takes(&[side("target_end", "Dropped")])
    .number(43)
    .undocumented(DROPPED)
    .expects(flagged(SUCCESS, &[51])),
    case("target-end.begins-behind-is-refused", BOTH, |s| {
        s.resize(TARGET, 4 * C)?;
        s.send(s.ask().range(0, 8 * C, C))
    })
    .takes(&[side("target_end", "StartBehindRefused")])
    .number(43)
    .observed(SAMBA)
    .expects(flagged(INVALID_PARAMETER, &[51])),
    case("target-end.begins-at-the-end", BOTH, |s| {
        s.resize(TARGET, 4 * C)?;
        s.send(s.ask().range(0, 4 * C, C))
    })
    .takes(&[side("target_end", "StartBehindRefused")])
    .observed(SAMBA)
    .expects(flagged(SUCCESS, &[51])),
    case("valid-data.source-never-written", BOTH, |s| {
        s.resize(SOURCE, 0)?;
        s.resize(SOURCE, 8 * C)?;
        s.send(s.ask().range(0, 0, 8 * C))
    })
    .number(44)
    .observed(ZEROS),
    case("valid-data.source-written-in-part", BOTH, |s| {
        stale(s, SOURCE, 2 * C + 100)?;
        s.send(s.ask().range(0, 0, 8 * C))
    })
    .number(44)
    .inferred(UNWRITTEN),
    case("valid-data.source-cut-inside-its-last-cluster", BOTH, |s| {
        stale(s, SOURCE, 7 * C + 5)?;
        s.send(s.ask().range(4 * C, 0, 4 * C))
    })
    .inferred(UNWRITTEN),
    case("valid-data.gap-before-the-target-range", BOTH, |s| {
        s.resize(TARGET, 0)?;
        s.resize(TARGET, 8 * C)?;
        s.send(s.ask().range(0, 6 * C, C))
    })
    .number(45)
    .inferred(UNWRITTEN),
    case("valid-data.stale-gap-before-the-target-range", BOTH, |s| {
        stale(s, TARGET, 6 * C + 5)?;
        s.send(s.ask().range(0, 7 * C, C))
    })
    .number(45)
    .inferred(UNWRITTEN),
    case(
        "valid-data.stale-bytes-behind-the-target-range",
        BOTH,
        |s| {
            stale(s, TARGET, 7 * C + 5)?;
            s.send(s.ask().range(0, 0, C))
        },
    )
    .inferred(UNWRITTEN),
];
