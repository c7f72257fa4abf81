//! What clones do to each other and to the disk: isolation, limits, space, very large files.

use std::sync::Arc;

use testbed::volume::{
    Accounting, Caller, ControlRequest, DELETE, FILE_ALL_ACCESS,
    FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX, FSCTL_GET_INTEGRITY_INFORMATION, FSCTL_SET_SPARSE,
    FileSystem, FsSpec, HugeCount, Input, OpenFile, OpenRequest, SourceOpen, Status,
};

use crate::rig::{content, file, pattern};

const C: u64 = 4096;
const GIB: u64 = 1 << 30;

/// Clones with code EX from a 64-bit program that has every right.
pub(crate) fn clone(
    (source, from): (&Arc<OpenFile>, u64),
    (target, to): (&OpenFile, u64),
    count: u64,
    flags: u32,
) -> Status {
    let mut input = Vec::new();
    for value in [0x30, 0x10, from, to, count, u64::from(flags)] {
        input.extend(value.to_le_bytes());
    }
    let code = FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX;
    let request = ControlRequest {
        code,
        input: Input::Bytes(&input),
        output_length: 0,
        caller: Caller::USER,
    };
    let found = || SourceOpen::Open {
        file: Arc::clone(source),
        granted: FILE_ALL_ACCESS,
    };
    target.fs_control(&request, &mut |_| Ok(found())).status
}

pub(crate) fn control(
    open: &OpenFile,
    code: u32,
    input: &[u8],
    output_length: u32,
) -> (Status, Vec<u8>) {
    let request = ControlRequest {
        code,
        input: Input::Bytes(input),
        output_length,
        caller: Caller::USER,
    };
    let answer = open.fs_control(&request, &mut |_| Err(Status::INVALID_HANDLE));
    assert_eq!(answer.information, answer.output.len() as u64);
    (answer.status, answer.output)
}

fn volume() -> FileSystem {
    FileSystem::new(FsSpec::refs(4096)).unwrap()
}

/// An empty file of this size.
pub(crate) fn sized(fs: &FileSystem, path: &str, size: u64) -> Arc<OpenFile> {
    let open = file(fs, path, FILE_ALL_ACCESS, &[]);
    open.set_end_of_file(size).unwrap();
    open
}

pub(crate) fn sparse(fs: &FileSystem, path: &str, size: u64) -> Arc<OpenFile> {
    let open = file(fs, path, FILE_ALL_ACCESS, &[]);
    assert_eq!(control(&open, FSCTL_SET_SPARSE, &[1], 0).0, Status::SUCCESS);
    open.set_end_of_file(size).unwrap();
    open
}

/// A written file of eight clusters and a whole clone of it.
fn pair(fs: &FileSystem) -> (Arc<OpenFile>, Arc<OpenFile>, Vec<u8>) {
    let bytes = pattern(1, 8 * 4096);
    let source = file(fs, r"\source", FILE_ALL_ACCESS, &bytes);
    let target = sized(fs, r"\target", 8 * C);
    assert_eq!(clone((&source, 0), (&target, 0), 8 * C, 0), Status::SUCCESS);
    (source, target, bytes)
}

#[test]
fn a_whole_clone_shares_every_cluster() {
    let fs = volume();
    let (source, target, bytes) = pair(&fs);
    assert_eq!(content(&target), bytes);
    assert_eq!(source.extents().unwrap(), target.extents().unwrap());
    let numbers = fs.statistics();
    assert_eq!(
        (
            numbers.used_clusters,
            numbers.shared_clusters,
            numbers.references
        ),
        (8, 8, 16)
    );
    assert_eq!((numbers.bytes_shared, numbers.bytes_saved), (8 * C, 8 * C));
    assert_eq!(fs.check(), Ok(()));
}

/// \[MS-FSA\] 2.1.5.4: a written cluster whose count is not 1 is replaced.
#[test]
fn a_write_to_either_file_leaves_the_other_alone() {
    let fs = volume();
    let (source, target, bytes) = pair(&fs);
    target.write(3 * C + 10, b"target").unwrap();
    assert_eq!(content(&source), bytes);
    source.write(5 * C - 2, b"source").unwrap();
    let mut expected = bytes;
    expected[3 * 4096 + 10..][..6].copy_from_slice(b"target");
    assert_eq!(content(&target), expected);
    let numbers = fs.statistics();
    assert_eq!((numbers.used_clusters, numbers.shared_clusters), (11, 5));
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn the_clone_outlives_its_source() {
    let fs = volume();
    let (source, target, bytes) = pair(&fs);
    source.set_end_of_file(1).unwrap();
    assert_eq!(content(&target), bytes);
    source.set_delete(true).unwrap();
    drop(source);
    let gone = fs
        .open(r"\source", &OpenRequest::existing(DELETE))
        .unwrap_err();
    assert_eq!(gone, Status::OBJECT_NAME_NOT_FOUND);
    assert_eq!(content(&target), bytes);
    assert_eq!(
        (
            fs.statistics().used_clusters,
            fs.statistics().shared_clusters
        ),
        (8, 0)
    );
    assert_eq!(fs.check(), Ok(()));
}

/// The source's bytes behind the target's end are in the shared cluster, and stay invisible.
#[test]
fn what_lies_behind_the_end_never_shows() {
    let fs = volume();
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &pattern(1, 4096));
    let target = sized(&fs, r"\target", 100);
    assert_eq!(clone((&source, 0), (&target, 0), C, 0), Status::SUCCESS);
    assert_eq!(fs.statistics().shared_clusters, 1);
    let third = sized(&fs, r"\third", C);
    assert_eq!(clone((&target, 0), (&third, 0), C, 0), Status::SUCCESS);
    target.set_end_of_file(C).unwrap();
    let mut expected = pattern(1, 100);
    expected.resize(4096, 0);
    assert_eq!(content(&third), expected);
    assert_eq!(content(&target), expected);
    assert_eq!(content(&source), pattern(1, 4096));
    assert_eq!(fs.check(), Ok(()));
}

/// A cut keeps the last cluster, which is still shared; clearing it before a write behind it must not
/// clear the other file.
#[test]
fn clearing_a_shared_cluster_leaves_the_other_file_alone() {
    let fs = volume();
    let (source, target, bytes) = pair(&fs);
    target.set_end_of_file(7 * C).unwrap();
    target.set_end_of_file(10 * C).unwrap();
    target.write(9 * C, b"end").unwrap();
    assert!(content(&source) == bytes);
    assert_eq!(target.read(7 * C, 4096).unwrap(), [0; 4096]);
    assert_eq!(fs.check(), Ok(()));
}

/// Extending a target whose clone was dropped shows zeros; the same call works then (smbtorture
/// dup_extents_len_beyond_dest).
#[test]
fn a_dropped_clone_can_be_made_good() {
    let fs = volume();
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &pattern(1, 32768));
    let target = sized(&fs, r"\target", 0);
    target.set_allocation(32768).unwrap();
    assert_eq!(clone((&source, 0), (&target, 0), 32768, 0), Status::SUCCESS);
    assert_eq!(fs.statistics().shared_clusters, 0);
    target.set_end_of_file(32768).unwrap();
    assert_eq!(content(&target), vec![0; 32768]);
    assert_eq!(clone((&source, 0), (&target, 0), 32768, 0), Status::SUCCESS);
    assert_eq!(content(&target), pattern(1, 32768));
}

/// 8175 references: windowsserverdocs block-cloning.md, microsoft/CopyOnWrite tests. The source's own
/// is the first of them.
#[test]
fn one_cluster_is_shared_up_to_the_limit() {
    let fs = FileSystem::new(FsSpec {
        accounting: Accounting::Exact,
        ..FsSpec::refs(4096)
    })
    .unwrap();
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &pattern(1, 4096));
    let target = sized(&fs, r"\target", 8180 * C);
    for i in 0..8174 {
        assert_eq!(
            clone((&source, 0), (&target, i * C), C, 0),
            Status::SUCCESS,
            "clone {i}"
        );
    }
    let full = Status::BLOCK_TOO_MANY_REFERENCES;
    assert_eq!(clone((&source, 0), (&target, 8175 * C), C, 0), full);
    target.write(0, b"one reference less").unwrap();
    assert_eq!(
        clone((&source, 0), (&target, 8175 * C), C, 0),
        Status::SUCCESS
    );
    assert_eq!(source.extents().unwrap()[0].references, 8175);
    assert_eq!(fs.check(), Ok(()));
}

/// \[MS-FSA\] 2.1.5.10.5: with SOURCE_ATOMIC a failure undoes everything, without it a part may stay.
#[test]
fn only_an_atomic_clone_fails_without_a_trace() {
    for (flags, kept) in [(0, 2), (1, 0)] {
        let spec = FsSpec {
            reference_limit: Some(2),
            accounting: Accounting::Exact,
            ..FsSpec::refs(4096)
        };
        let fs = FileSystem::new(spec).unwrap();
        let source = file(&fs, r"\source", FILE_ALL_ACCESS, &pattern(1, 4 * 4096));
        let target = file(&fs, r"\target", FILE_ALL_ACCESS, &pattern(2, 4 * 4096));
        let third = sized(&fs, r"\third", C);
        assert_eq!(clone((&source, 2 * C), (&third, 0), C, 0), Status::SUCCESS);
        let full = Status::BLOCK_TOO_MANY_REFERENCES;
        assert_eq!(clone((&source, 0), (&target, 0), 4 * C, flags), full);
        let mut expected = pattern(2, 4 * 4096);
        expected[..kept * 4096].copy_from_slice(&pattern(1, 4 * 4096)[..kept * 4096]);
        assert!(content(&target) == expected, "flags {flags}");
        assert_eq!(fs.check(), Ok(()));
    }
}

#[test]
fn a_full_disk_still_clones_and_then_refuses_the_write() {
    let spec = FsSpec {
        capacity_clusters: 16,
        ..FsSpec::refs(4096)
    };
    let fs = FileSystem::new(spec).unwrap();
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &pattern(1, 8 * 4096));
    let target = sized(&fs, r"\target", 8 * C);
    assert_eq!(fs.information().free_clusters, 0);
    assert_eq!(clone((&source, 0), (&target, 0), 8 * C, 0), Status::SUCCESS);
    assert_eq!(fs.information().free_clusters, 8);
    let rest = file(&fs, r"\rest", FILE_ALL_ACCESS, &pattern(3, 8 * 4096));
    assert_eq!(target.write(5, b"no room"), Err(Status::DISK_FULL));
    assert_eq!(content(&target), pattern(1, 8 * 4096));
    rest.set_end_of_file(0).unwrap();
    assert_eq!(target.write(5, b"room"), Ok(4));
    assert_eq!(fs.check(), Ok(()));
}

/// 4 GiB less a cluster is what reflink and reflink-copy send; 6 GiB is reflink-copy's test file.
#[test]
fn large_sparse_files_are_quick() {
    let fs = volume();
    let source = sparse(&fs, r"\source", 6 * GIB);
    let target = sparse(&fs, r"\target", 6 * GIB);
    for at in [0, 3 * GIB + 5 * C, 6 * GIB - C] {
        source.write(at + 7, &at.to_le_bytes()).unwrap();
    }
    assert_eq!(
        clone((&source, 0), (&target, 0), 4 * GIB - C, 0),
        Status::SUCCESS
    );
    let rest = 4 * GIB - C;
    assert_eq!(
        clone((&source, rest), (&target, rest), 6 * GIB - rest, 0),
        Status::SUCCESS
    );
    for at in [0, 3 * GIB + 5 * C, 6 * GIB - C] {
        assert_eq!(target.read(at + 7, 8).unwrap(), at.to_le_bytes());
    }
    assert_eq!(target.read(GIB, 4096).unwrap(), [0; 4096]);
    assert_eq!(target.information().unwrap().allocated_bytes, 3 * C);
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn the_limit_of_4_gib_is_a_switch() {
    for (huge_count, expected) in [
        (
            HugeCount::Refused(Status::NOT_SUPPORTED),
            Status::NOT_SUPPORTED,
        ),
        (HugeCount::Accepted, Status::SUCCESS),
    ] {
        let fs = FileSystem::new(FsSpec {
            huge_count,
            ..FsSpec::refs(65536)
        })
        .unwrap();
        let source = sparse(&fs, r"\source", 8 * GIB);
        let target = sparse(&fs, r"\target", 8 * GIB);
        assert_eq!(clone((&source, 0), (&target, 0), 4 * GIB, 0), expected);
    }
}

/// A plain file of many gigabytes is one run too, written or not.
#[test]
fn large_plain_files_are_quick() {
    let fs = volume();
    let source = sized(&fs, r"\source", 5 * GIB);
    source.write(2 * GIB, b"middle").unwrap();
    let target = sized(&fs, r"\target", 5 * GIB);
    assert_eq!(
        clone((&source, 0), (&target, GIB), 3 * GIB, 0),
        Status::SUCCESS
    );
    assert_eq!(target.read(3 * GIB, 6).unwrap(), b"middle");
    assert_eq!(fs.statistics().shared_clusters, 3 * GIB / C);
    target.set_end_of_file(0).unwrap();
    assert_eq!(fs.statistics().used_clusters, 5 * GIB / C);
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn other_controls() {
    let fs = volume();
    let open = file(&fs, r"\file", FILE_ALL_ACCESS, b"x");
    let (status, output) = control(&open, FSCTL_GET_INTEGRITY_INFORMATION, &[], 16);
    assert_eq!(
        (status, output.len(), &output[12..]),
        (Status::SUCCESS, 16, &[0, 16, 0, 0][..])
    );
    let (short, _) = control(&open, FSCTL_GET_INTEGRITY_INFORMATION, &[], 15);
    assert_eq!(short, Status::INVALID_PARAMETER);
    let reader = fs.open(r"\file", &OpenRequest::existing(1)).unwrap();
    assert_eq!(
        control(&reader, FSCTL_SET_SPARSE, &[], 0).0,
        Status::ACCESS_DENIED
    );
    assert_eq!(control(&open, FSCTL_SET_SPARSE, &[], 0).0, Status::SUCCESS);
    assert_eq!(open.information().unwrap().attributes & 0x200, 0x200);
    for code in [0x0009_8340, 0] {
        assert_eq!(
            control(&open, code, &[0; 64], 64).0,
            Status::INVALID_DEVICE_REQUEST
        );
    }
    let ntfs = FileSystem::new(FsSpec::ntfs(4096)).unwrap();
    let open = file(&ntfs, r"\file", FILE_ALL_ACCESS, b"x");
    let integrity = control(&open, FSCTL_GET_INTEGRITY_INFORMATION, &[], 16).0;
    assert_eq!(integrity, Status::INVALID_DEVICE_REQUEST);
    assert_eq!(control(&open, FSCTL_SET_SPARSE, &[1], 0).0, Status::SUCCESS);
}
