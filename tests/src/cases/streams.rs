//! One stream as source and target, sparse files, marks on files.

use crate::case::{BOTH, Case, EX, case};
use crate::expect::flagged;
use crate::scene::{ActorRef, SOURCE, TARGET};
use crate::side::side;
use crate::stage::Change;
use crate::status::{NOT_SUPPORTED, SUCCESS};
use crate::windows::{SOURCE_ACCESS, SOURCE_ATOMIC};

const DISJOINT: &str = "MS-FSCC 2.3.7: the regions must be disjoint";
const OVERLAP: &str = "MS-FSCC 2.3.8 and 2.3.10: the regions overlap; MS-FSA has no such check";
const SPARSE: &str = "MS-FSA 2.1.5.10.4 and .5: Source is sparse and the target is not";
const HOLES: &str = "MS-FSA 2.1.5.10.4 and .5: an unallocated extent is cloned as one";

const C: i64 = 4096;

/// One handle to the target as source and target.
macro_rules! own {
    ($id:literal, $source:expr, $target:expr, $count:expr) => {
        case($id, BOTH, |s| {
            let ask = s.ask().from(s.target());
            s.send(ask.range($source, $target, $count))
        })
    };
}

/// Another handle to the target as source.
macro_rules! second {
    ($id:literal, $source:expr, $target:expr, $count:expr) => {
        case($id, BOTH, |s| {
            let second = s.open_file(ActorRef::PROGRAM, TARGET, SOURCE_ACCESS)?;
            s.send(s.ask().from(second).range($source, $target, $count))
        })
    };
}

pub(super) const CASES: &[Case] = &[
    own!("same-stream.second-half-from-the-first", 0, 4 * C, 4 * C)
        .number(46)
        .observed("smbtorture dup_extents_src_is_dest")
        .near(&[52]),
    own!("same-stream.first-half-from-the-second", 4 * C, 0, 4 * C)
        .documented(DISJOINT)
        .near(&[52]),
    own!("same-stream.second-cluster-from-the-first", 0, C, C)
        .observed("WindowsProtocolTestSuites IsBasicSupported"),
    case("same-stream.second-cluster-atomic", EX, |s| {
        let ask = s.ask().from(s.target()).range(0, C, C);
        s.send(ask.flags(SOURCE_ATOMIC))
    })
    .observed("WindowsProtocolTestSuites IsSourceAtomicSupported")
    .expects(flagged(SUCCESS, &[32])),
    second!("same-stream.two-handles", 0, 4 * C, 4 * C)
        .number(47)
        .documented(DISJOINT)
        .near(&[52]),
    own!("same-stream.touching", 0, 2 * C, 2 * C)
        .number(48)
        .documented(DISJOINT)
        .near(&[52]),
    own!("same-stream.overlap-backward", 2 * C, 0, 4 * C)
        .takes(&[side("overlap", "Refused(Status::NOT_SUPPORTED)")])
        .number(49)
        .documented(OVERLAP)
        .expects(flagged(NOT_SUPPORTED, &[52])),
    own!("same-stream.overlap-forward", 0, 2 * C, 4 * C)
        .takes(&[side("overlap", "Refused(Status::NOT_SUPPORTED)")])
        .observed("smbtorture dup_extents_src_is_dest_overlap")
        .expects(flagged(NOT_SUPPORTED, &[52])),
    own!("same-stream.overlap-by-a-cluster", 0, 3 * C, 4 * C)
        .takes(&[side("overlap", "Refused(Status::NOT_SUPPORTED)")])
        .number(50)
        .documented(OVERLAP)
        .expects(flagged(NOT_SUPPORTED, &[52])),
    own!("same-stream.identical", 0, 0, 4 * C)
        .takes(&[side("overlap", "Refused(Status::NOT_SUPPORTED)")])
        .number(51)
        .documented(OVERLAP)
        .expects(flagged(NOT_SUPPORTED, &[52])),
    second!("same-stream.two-handles-overlap", 0, 2 * C, 4 * C)
        .takes(&[side("overlap", "Refused(Status::NOT_SUPPORTED)")])
        .documented(OVERLAP)
        .expects(flagged(NOT_SUPPORTED, &[52])),
    case("sparse.source-only", BOTH, |s| {
        s.change(SOURCE, Change::SetSparse(true))?;
        s.send(s.ask())
    })
    .number(104)
    .documented("MS-FSA 2.1.5.10.4 and .5; smbtorture dup_extents_sparse_src")
    .expects(flagged(NOT_SUPPORTED, &[53])),
    case("sparse.target-only", BOTH, |s| {
        s.change(TARGET, Change::SetSparse(true))?;
        s.send(s.ask())
    })
    .number(105)
    .observed("smbtorture dup_extents_sparse_dest")
    .near(&[53]),
    case("sparse.both", BOTH, |s| {
        s.change(SOURCE, Change::SetSparse(true))?;
        s.change(TARGET, Change::SetSparse(true))?;
        s.send(s.ask())
    })
    .observed("smbtorture dup_extents_sparse_both")
    .near(&[53]),
    case("sparse.no-longer", BOTH, |s| {
        s.change(SOURCE, Change::SetSparse(true))?;
        s.resize(SOURCE, 0)?;
        s.change(SOURCE, Change::Write(7 * C as u64, &[7; 100]))?;
        s.resize(SOURCE, 8 * C)?;
        s.change(SOURCE, Change::SetSparse(false))?;
        s.send(s.ask().range(0, 0, 8 * C))
    })
    .documented(SPARSE)
    .near(&[53]),
    case("sparse.holes", BOTH, |s| {
        s.change(SOURCE, Change::SetSparse(true))?;
        s.change(TARGET, Change::SetSparse(true))?;
        s.resize(SOURCE, 0)?;
        s.change(SOURCE, Change::Write(5 * C as u64 + 3, &[9; 10]))?;
        s.resize(SOURCE, 8 * C)?;
        s.send(s.ask().range(0, 0, 8 * C))
    })
    .documented(HOLES),
    case("sparse.source-behind-its-end", BOTH, |s| {
        s.change(SOURCE, Change::SetSparse(true))?;
        s.send(s.ask().range(8 * C, 0, C))
    })
    .documented("MS-FSA 2.1.5.10.4 and .5: the size is compared first; the status is one")
    .expects(flagged(NOT_SUPPORTED, &[50, 53])),
    case("sparse.atomic-leaves-nothing", EX, |s| {
        s.change(SOURCE, Change::SetSparse(true))?;
        s.send(s.ask().flags(SOURCE_ATOMIC))
    })
    .documented("MS-FSCC 2.3.9: nothing of the range stays after a failure")
    .expects(flagged(NOT_SUPPORTED, &[32, 53])),
    case("marks.source-to-be-deleted", BOTH, |s| {
        s.change(SOURCE, Change::Delete)?;
        s.send(s.ask())
    })
    .number(75)
    .inferred("MS-FSA 2.1.5.5: a file stays until its last open is closed"),
    case("marks.target-to-be-deleted", BOTH, |s| {
        s.change(TARGET, Change::Delete)?;
        s.send(s.ask())
    })
    .inferred("MS-FSA 2.1.5.5: a file stays until its last open is closed"),
    case("marks.target-made-read-only-after-the-open", BOTH, |s| {
        s.change(TARGET, Change::SetReadOnly)?;
        s.send(s.ask())
    })
    .number(83)
    .inferred("MS-FSA 2.1.5.1.2.1: the attribute is looked at when the file is opened"),
];
