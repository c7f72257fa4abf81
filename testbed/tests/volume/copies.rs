//! Clones of no whole clusters, on a volume that does not insist on them: nothing is shared, and the
//! bytes are those of a copy.

use testbed::volume::{Alignment, FILE_ALL_ACCESS, FileSystem, FsSpec, Overlap, Status};

use crate::rig::{content, file, pattern};
use crate::sharing::{clone, sized, sparse};

const MIB: u64 = 1 << 20;

fn volume(capacity_clusters: u64) -> FileSystem {
    let spec = FsSpec {
        alignment: Alignment::Unchecked,
        overlap: Overlap::Allowed,
        capacity_clusters,
        ..FsSpec::third_party(4096)
    };
    FileSystem::new(spec).unwrap()
}

#[test]
fn nothing_is_shared() {
    let fs = volume(1000);
    let bytes = pattern(1, 8192);
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &bytes);
    let target = sized(&fs, r"\target", 8192);
    assert_eq!(clone((&source, 1), (&target, 1), 8000, 0), Status::SUCCESS);
    assert_eq!(content(&target)[1..8001], bytes[1..8001]);
    assert_eq!(fs.statistics().shared_clusters, 0);
    assert_eq!(fs.check(), Ok(()));
}

/// What lies behind the source's end of file, inside its last cluster, is zeros.
#[test]
fn the_rest_of_the_last_cluster_is_zeros() {
    let fs = volume(1000);
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &[7; 100]);
    let target = file(&fs, r"\target", FILE_ALL_ACCESS, &[9; 300]);
    assert_eq!(clone((&source, 90), (&target, 10), 200, 0), Status::SUCCESS);
    let expected = [&[9; 10][..], &[7; 10], &[0; 190], &[9; 90]].concat();
    assert_eq!(content(&target), expected);
    let behind = clone((&source, 200), (&target, 0), 50, 0);
    assert_eq!(
        (behind, &content(&target)[..50]),
        (Status::SUCCESS, &[0; 50][..])
    );
}

/// As whole clusters do, one after the other (\[MS-FSA\] 2.1.5.10.4).
#[test]
fn bytes_in_front_of_an_overlapping_target_repeat() {
    let fs = volume(1000);
    let bytes = pattern(1, 8192);
    let one = file(&fs, r"\file", FILE_ALL_ACCESS, &bytes);
    assert_eq!(clone((&one, 10), (&one, 17), 5000, 0), Status::SUCCESS);
    let mut expected = bytes;
    for i in 0..5000 {
        expected[17 + i] = expected[10 + i];
    }
    assert!(content(&one) == expected);
    assert_eq!(clone((&one, 17), (&one, 11), 5000, 0), Status::SUCCESS);
    expected.copy_within(17..5017, 11);
    assert!(content(&one) == expected);
}

/// Two thirds of the room there must be: the first pieces would fit.
#[test]
fn a_full_disk_changes_no_byte() {
    let fs = volume(3 * MIB / 4096 + 2 * MIB / 4096);
    let bytes = pattern(1, 3 * MIB as usize);
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &bytes);
    let target = sparse(&fs, r"\target", 3 * MIB);
    for flags in [0, 1] {
        let status = clone((&source, 0), (&target, 1), 3 * MIB - 1, flags);
        assert_eq!(status, Status::DISK_FULL);
        assert!(content(&target).iter().all(|byte| *byte == 0));
        assert_eq!(fs.check(), Ok(()));
    }
    assert_eq!(
        clone((&source, 5), (&target, 1), 2 * MIB - 1, 0),
        Status::SUCCESS
    );
    assert!(content(&target)[1..2 * MIB as usize] == bytes[5..2 * MIB as usize + 4]);
    assert_eq!(fs.check(), Ok(()));
}
