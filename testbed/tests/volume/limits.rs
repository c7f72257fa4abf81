//! Where a clone stops: references that are counted late, a full disk, and what is undone then.

use std::sync::Arc;

use testbed::volume::{
    Accounting, ExtentInformation, FILE_ALL_ACCESS, FileSystem, FsSpec, FullDisk, OpenFile, Status,
};

use crate::rig::{content, file, pattern};
use crate::sharing::{clone, sized, sparse};

const C: u64 = 4096;
const FULL: Status = Status::BLOCK_TOO_MANY_REFERENCES;

/// The limit of Windows, counted lazily: microsoft/CopyOnWrite waits for the counts to settle, and
/// reports that more than 8175 clones succeed now and then (cases 118 to 120).
#[test]
fn more_clones_than_the_limit_succeed_until_the_counts_settle() {
    let fs = FileSystem::new(FsSpec::refs(4096)).unwrap();
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &pattern(1, 2 * 4096));
    let target = sized(&fs, r"\target", 9001 * C);
    for i in 0..9000 {
        assert_eq!(clone((&source, 0), (&target, i * C), C, 0), Status::SUCCESS);
    }
    assert_eq!(source.extents().unwrap()[0].references, 9001);
    assert_eq!(fs.check(), Ok(()));
    fs.settle();
    assert_eq!(clone((&source, 0), (&target, 9000 * C), C, 0), FULL);
    assert_eq!(
        clone((&source, C), (&target, 9000 * C), C, 0),
        Status::SUCCESS
    );
    target.set_end_of_file(8000 * C).unwrap();
    target.set_end_of_file(9001 * C).unwrap();
    assert_eq!(
        clone((&source, 0), (&target, 9000 * C), C, 0),
        FULL,
        "not settled"
    );
    fs.settle();
    assert_eq!(
        clone((&source, 0), (&target, 9000 * C), C, 0),
        Status::SUCCESS
    );
    assert_eq!(fs.check(), Ok(()));
}

/// 8175 regions can map to one cluster (windowsserverdocs, block-cloning.md), the source's among them. The
/// 8175 clones that microsoft/CopyOnWrite makes of one file succeed too, if the counts do not settle
/// before the last.
#[test]
fn the_source_is_the_first_of_the_references() {
    for (settled, last) in [(8173, Status::SUCCESS), (8174, FULL)] {
        let fs = FileSystem::new(FsSpec::refs(4096)).unwrap();
        let source = file(&fs, r"\source", FILE_ALL_ACCESS, &pattern(1, 4096));
        let target = sized(&fs, r"\target", 8175 * C);
        for i in 0..8175 {
            if i == settled {
                fs.settle();
            }
            let expected = if i == 8174 { last } else { Status::SUCCESS };
            let status = clone((&source, 0), (&target, i * C), C, 0);
            assert_eq!(status, expected, "clone {i}, settled after {settled}");
        }
    }
}

#[test]
fn a_deleted_clone_frees_its_references_when_they_settle() {
    for accounting in [Accounting::Lazy, Accounting::Exact] {
        let fs = FileSystem::new(FsSpec {
            reference_limit: Some(2),
            accounting,
            ..FsSpec::refs(4096)
        })
        .unwrap();
        let source = file(&fs, r"\source", FILE_ALL_ACCESS, &pattern(1, 4096));
        let first = sized(&fs, r"\first", C);
        let second = sized(&fs, r"\second", C);
        assert_eq!(clone((&source, 0), (&first, 0), C, 0), Status::SUCCESS);
        fs.settle();
        assert_eq!(clone((&source, 0), (&second, 0), C, 0), FULL);
        first.set_delete(true).unwrap();
        drop(first);
        let expected = match accounting {
            Accounting::Lazy => FULL,
            Accounting::Exact => Status::SUCCESS,
        };
        assert_eq!(clone((&source, 0), (&second, 0), C, 0), expected);
        fs.settle();
        assert_eq!(clone((&source, 0), (&second, 0), C, 0), Status::SUCCESS);
        assert_eq!(fs.check(), Ok(()));
    }
}

/// A file of three clusters that a sparse twin shares, of which only the first and one byte are valid:
/// clearing the rest of the second cluster, where bytes of before lie, takes a cluster.
fn stale(fs: &FileSystem, path: &str) -> [Arc<OpenFile>; 2] {
    let open = file(fs, path, FILE_ALL_ACCESS, &pattern(1, 2 * 4096));
    let twin = sparse(fs, &format!("{path} twin"), 2 * C);
    assert_eq!(clone((&open, 0), (&twin, 0), 2 * C, 0), Status::SUCCESS);
    open.set_end_of_file(C + 1).unwrap();
    open.set_end_of_file(3 * C).unwrap();
    [open, twin]
}

/// What a file reads as, and where its clusters are.
fn state(open: &OpenFile) -> (Vec<u8>, Vec<ExtentInformation>) {
    (content(open), open.extents().unwrap())
}

/// \[MS-FSA\] 2.1.5.10.5: with SOURCE_ATOMIC a failure undoes everything, here where clearing what is
/// about to become valid takes two clusters: one for the source's tail, one for the target's gap.
#[test]
fn a_full_disk_fails_without_a_trace() {
    for (free, flags) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)] {
        let fs = FileSystem::new(FsSpec {
            capacity_clusters: 6 + free,
            ..FsSpec::refs(4096)
        })
        .unwrap();
        let [source, source_twin] = stale(&fs, r"\source");
        let [target, target_twin] = stale(&fs, r"\target");
        assert_eq!(fs.information().free_clusters, free);
        let opens = [&source, &source_twin, &target, &target_twin];
        let before = opens.map(|open| state(open));
        let status = clone((&source, C), (&target, 2 * C), C, flags);
        if free < 2 {
            assert_eq!(status, Status::DISK_FULL);
            let after = opens.map(|open| state(open));
            let bytes = |states: &[(Vec<u8>, Vec<ExtentInformation>); 4]| {
                states.each_ref().map(|state| state.0.clone())
            };
            assert!(
                bytes(&before) == bytes(&after),
                "{free} free, flags {flags}"
            );
            assert!(flags == 0 || before == after, "{free} free, atomic");
        } else {
            assert_eq!(status, Status::SUCCESS);
            let mut expected = before[2].0.clone();
            expected[2 * 4096] = before[0].0[4096];
            assert!(content(&target) == expected);
        }
        assert!(content(&target_twin) == pattern(1, 2 * 4096));
        assert_eq!(fs.check(), Ok(()));
    }
}

/// \[MS-FSCC\] 2.3.8 lists STATUS_DISK_FULL; microsoft/CopyOnWrite clones on a full volume (case 121).
#[test]
fn a_clone_on_a_full_disk_is_a_switch() {
    for (full_disk, expected) in [
        (FullDisk::Clones, Status::SUCCESS),
        (FullDisk::Refused, Status::DISK_FULL),
    ] {
        let fs = FileSystem::new(FsSpec {
            capacity_clusters: 2,
            full_disk,
            ..FsSpec::refs(4096)
        })
        .unwrap();
        let source = file(&fs, r"\source", FILE_ALL_ACCESS, &pattern(1, 4096));
        let target = file(&fs, r"\target", FILE_ALL_ACCESS, &pattern(2, 4096));
        assert_eq!(clone((&source, 0), (&target, 0), C, 0), expected);
        let seed = if expected == Status::SUCCESS { 1 } else { 2 };
        assert_eq!(content(&target), pattern(seed, 4096));
        assert_eq!(fs.check(), Ok(()));
    }
}
