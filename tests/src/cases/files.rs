//! What files can be besides bytes: integrity streams, named streams, several names, locked.

use crate::case::{BOTH, Case, case};
use crate::expect::{flagged, passes};
use crate::scene::{ActorRef, FileRef, Handle, SOURCE, Scene, Stop, TARGET};
use crate::side::side;
use crate::stage::{Change, VolumeSpec};
use crate::status::{FILE_LOCK_CONFLICT, INVALID_PARAMETER, NOT_SUPPORTED, SUCCESS};
use crate::windows::{SOURCE_ACCESS, TARGET_ACCESS};

const MATCH: &str = "Win32, Block Cloning on ReFS: both or neither; no status is named";
const NO_LOCKS: &str =
    "MS-FSA notes 91, 92, 95 and 96: ReFS does not check; smbtorture dup_extents_*_lock";
const LOCKS: &str = "MS-FSA 2.1.5.10.4 and .5: byte-range lock conflicts, SHOULD; WinBtrfs";
const ANY_STREAM: &str = "MS-FSA 2.1.5.10.4 and .5: any DataStream";
const NAMES: &str = "MS-FSA 2.1.1.3: links of a file share its streams";

const C: i64 = 4096;

/// A named stream of a file of its own, and the program's handle to it.
fn named(s: &mut Scene<'_>, path: &str, access: u32) -> Result<(FileRef, Handle), Stop> {
    let volume = s.volume();
    let stream = s.add_file(volume, path, 8 * C)?;
    Ok((stream, s.open_file(ActorRef::PROGRAM, stream, access)?))
}

/// Another name of the target, opened as a source.
fn by_another_name(s: &mut Scene<'_>) -> Result<Handle, Stop> {
    s.change(TARGET, Change::Link(r"\another-name"))?;
    let target = (TARGET, SOURCE_ACCESS);
    s.open_by_name(ActorRef::PROGRAM, r"\another-name", target)
}

pub(super) const CASES: &[Case] = &[
    case("integrity.source-only", BOTH, |s| {
        s.change(SOURCE, Change::SetIntegrity(true))?;
        s.send(s.ask())
    })
    .takes(&[side("integrity", "Refused(Status::NOT_SUPPORTED)")])
    .number(106)
    .inferred(MATCH)
    .near(&[53])
    .expects(flagged(NOT_SUPPORTED, &[54])),
    case("integrity.target-only", BOTH, |s| {
        s.change(TARGET, Change::SetIntegrity(true))?;
        s.send(s.ask())
    })
    .takes(&[side("integrity", "Refused(Status::INVALID_PARAMETER)")])
    .number(106)
    .observed("WinBtrfs src/fsctl.c: its checksum flag")
    .expects(flagged(INVALID_PARAMETER, &[54])),
    case("integrity.not-compared", BOTH, |s| {
        s.change(TARGET, Change::SetIntegrity(true))?;
        s.send(s.ask())
    })
    .takes(&[side("integrity", "Allowed")])
    .number(106)
    .observed("Samba compares nothing of the kind")
    .expects(flagged(SUCCESS, &[54])),
    case("integrity.both", BOTH, |s| {
        s.change(SOURCE, Change::SetIntegrity(true))?;
        s.change(TARGET, Change::SetIntegrity(true))?;
        s.send(s.ask())
    })
    .number(107)
    .documented(MATCH)
    .near(&[54]),
    case("integrity.both-on-64k-clusters", BOTH, |s| {
        s.change(SOURCE, Change::SetIntegrity(true))?;
        s.change(TARGET, Change::SetIntegrity(true))?;
        s.send(s.ask())
    })
    .on(VolumeSpec::refs(0x1_0000))
    .number(107)
    .documented(MATCH)
    .near(&[54]),
    case("integrity.mismatch-and-sparse", BOTH, |s| {
        s.change(SOURCE, Change::SetSparse(true))?;
        s.change(TARGET, Change::SetIntegrity(true))?;
        s.send(s.ask())
    })
    .takes(&[side("integrity", "Refused(Status::NOT_SUPPORTED)")])
    .inferred(MATCH)
    .expects(flagged(NOT_SUPPORTED, &[53, 54])),
    case("locks.source-ignored", BOTH, |s| {
        s.change(SOURCE, Change::Lock(0, 8 * C as u64))?;
        s.send(s.ask())?;
        s.change(SOURCE, Change::Unlock(0, 8 * C as u64))?;
        s.prepare(s.ask())
    })
    .takes(&[side("locks", "Ignored")])
    .number(111)
    .documented(NO_LOCKS),
    case("locks.target-ignored", BOTH, |s| {
        s.change(TARGET, Change::Lock(0, 8 * C as u64))?;
        s.send(s.ask())?;
        s.change(TARGET, Change::Unlock(0, 8 * C as u64))?;
        s.prepare(s.ask())
    })
    .takes(&[side("locks", "Ignored")])
    .number(112)
    .documented(NO_LOCKS),
    case("locks.source-checked", BOTH, |s| {
        s.change(SOURCE, Change::Lock(0, 8 * C as u64))?;
        s.send(s.ask())?;
        s.change(SOURCE, Change::Unlock(0, 8 * C as u64))?;
        s.prepare(s.ask())
    })
    .takes(&[side("locks", "Checked")])
    .number(111)
    .documented(LOCKS)
    .expects(passes(FILE_LOCK_CONFLICT)),
    case("locks.target-checked", BOTH, |s| {
        s.change(TARGET, Change::Lock(3 * C as u64 + 5, 1))?;
        s.send(s.ask())?;
        s.change(TARGET, Change::Unlock(3 * C as u64 + 5, 1))?;
        s.prepare(s.ask())
    })
    .takes(&[side("locks", "Checked")])
    .number(112)
    .documented(LOCKS)
    .expects(passes(FILE_LOCK_CONFLICT)),
    case("locks.beside-the-range", BOTH, |s| {
        s.change(TARGET, Change::Lock(4 * C as u64, 1))?;
        s.change(SOURCE, Change::Lock(4 * C as u64, 1))?;
        s.send(s.ask())
    })
    .takes(&[side("locks", "Checked")])
    .documented(LOCKS),
    case("named-streams.source", BOTH, |s| {
        let (_, stream) = named(s, r"\other:stream", SOURCE_ACCESS)?;
        s.send(s.ask().from(stream))
    })
    .takes(&[side("named_streams", "Cloned")])
    .number(73)
    .documented(ANY_STREAM)
    .near(&[41]),
    case("named-streams.target", BOTH, |s| {
        let (_, stream) = named(s, r"\other:stream", TARGET_ACCESS)?;
        s.send(s.ask().to(stream))
    })
    .takes(&[side("named_streams", "Cloned")])
    .number(73)
    .documented(ANY_STREAM),
    case("named-streams.of-the-target-itself", BOTH, |s| {
        let (_, stream) = named(s, r"\target:stream", SOURCE_ACCESS)?;
        s.send(s.ask().from(stream))
    })
    .takes(&[side("named_streams", "Cloned")])
    .inferred(ANY_STREAM)
    .near(&[52]),
    case("named-streams.source-refused", BOTH, |s| {
        let (_, stream) = named(s, r"\other:stream", SOURCE_ACCESS)?;
        s.send(s.ask().from(stream))
    })
    .takes(&[side("named_streams", "Refused")])
    .number(73)
    .observed("Samba source3/modules/vfs_default.c")
    .expects(passes(NOT_SUPPORTED)),
    case("named-streams.target-refused", BOTH, |s| {
        let (_, stream) = named(s, r"\other:stream", TARGET_ACCESS)?;
        s.send(s.ask().to(stream))
    })
    .takes(&[side("named_streams", "Refused")])
    .number(73)
    .observed("Samba source3/modules/vfs_default.c")
    .expects(passes(NOT_SUPPORTED)),
    case("links.two-names-disjoint", BOTH, |s| {
        let source = by_another_name(s)?;
        s.send(s.ask().from(source).range(0, 4 * C, 4 * C))
    })
    .inferred(NAMES)
    .near(&[52]),
    case("links.two-names-overlap", BOTH, |s| {
        let source = by_another_name(s)?;
        s.send(s.ask().from(source).range(0, 2 * C, 4 * C))
    })
    .takes(&[side("overlap", "Refused(Status::NOT_SUPPORTED)")])
    .number(52)
    .inferred(NAMES)
    .expects(flagged(NOT_SUPPORTED, &[52])),
    case("marks.source-written-before-it-is-settled", BOTH, |s| {
        s.prepare(s.ask())?;
        s.change(SOURCE, Change::Write(0, &[0x33; 4096]))?;
        s.send(s.ask())
    })
    .number(115)
    .observed("CopyOnWrite README: the newest bytes are cloned"),
];
