//! Holes, integrity streams, byte-range locks: what a stream has besides bytes, and what it means for a
//! clone. The switches among it are in `switches`.
//!
//! Source: \[MS-FSA\] 2.1.4.10, 2.1.5.3, .4, .8, .9, 2.1.5.10.10, .33, .39; \[MS-FSCC\] 2.3.20, .73, .85.

use testbed::volume::{
    FILE_ALL_ACCESS, FILE_ATTRIBUTE_INTEGRITY_STREAM, FILE_ATTRIBUTE_SPARSE_FILE, FILE_READ_DATA,
    FSCTL_GET_INTEGRITY_INFORMATION, FSCTL_SET_INTEGRITY_INFORMATION, FSCTL_SET_SPARSE,
    FSCTL_SET_ZERO_DATA, FileSystem, FsSpec, OpenFile, OpenRequest, Status,
};

use crate::rig::{content, file, pattern};
use crate::sharing::{clone, control, sparse};

const C: u64 = 4096;
const CRC64: u16 = 2;
const UNCHANGED: u16 = 0xFFFF;

fn volume() -> FileSystem {
    FileSystem::new(FsSpec::refs(4096)).unwrap()
}

fn zero(open: &OpenFile, from: i64, to: i64) -> Status {
    let input = [from.to_le_bytes(), to.to_le_bytes()].concat();
    control(open, FSCTL_SET_ZERO_DATA, &input, 0).0
}

pub(crate) fn set_integrity(open: &OpenFile, checksum: u16, flags: u32) -> Status {
    let mut input = Vec::from(checksum.to_le_bytes());
    input.extend([0; 2]);
    input.extend(flags.to_le_bytes());
    control(open, FSCTL_SET_INTEGRITY_INFORMATION, &input, 0).0
}

/// The checksum and the flags.
fn integrity(open: &OpenFile) -> (u8, u8) {
    let (status, output) = control(open, FSCTL_GET_INTEGRITY_INFORMATION, &[], 16);
    assert_eq!(status, Status::SUCCESS);
    (output[0], output[4])
}

#[test]
fn a_hole_punched_into_a_clone_is_its_own() {
    let fs = volume();
    let bytes = pattern(1, 8 * 4096);
    let source = sparse(&fs, r"\source", 0);
    source.write(0, &bytes).unwrap();
    let target = sparse(&fs, r"\target", 8 * C);
    assert_eq!(clone((&source, 0), (&target, 0), 8 * C, 0), Status::SUCCESS);
    assert_eq!(zero(&target, 4096 + 100, 4 * 4096), Status::SUCCESS);
    let mut expected = bytes.clone();
    expected[4096 + 100..4 * 4096].fill(0);
    assert!(content(&target) == expected && content(&source) == bytes);
    assert_eq!(target.information().unwrap().allocated_bytes, 6 * C);
    assert_eq!(fs.statistics().used_clusters, 9);
    assert_eq!(clone((&target, 0), (&source, 0), 8 * C, 0), Status::SUCCESS);
    assert!(content(&source) == expected);
    assert_eq!(source.information().unwrap().allocated_bytes, 6 * C);
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn zeroing_a_plain_file_keeps_its_clusters() {
    let fs = volume();
    let open = file(&fs, r"\file", FILE_ALL_ACCESS, &[7; 3 * 4096]);
    assert_eq!(zero(&open, 10, i64::MAX), Status::SUCCESS);
    let is = open.information().unwrap();
    assert_eq!((is.end_of_file, is.allocated_bytes), (3 * C, 3 * C));
    assert_eq!(content(&open)[..10], [7; 10]);
    assert!(content(&open)[10..].iter().all(|&byte| byte == 0));
    assert_eq!(fs.check(), Ok(()));
}

#[test]
fn refuses_ranges_of_zeros_that_cannot_be() {
    let fs = volume();
    let open = file(&fs, r"\file", FILE_ALL_ACCESS, &[7; 4096]);
    for (from, to) in [(-1, 10), (0, -1), (11, 10)] {
        assert_eq!(zero(&open, from, to), Status::INVALID_PARAMETER);
    }
    let short = control(&open, FSCTL_SET_ZERO_DATA, &[0; 15], 0).0;
    assert_eq!(short, Status::INVALID_PARAMETER);
    let other = fs
        .open(r"\file", &OpenRequest::existing(FILE_READ_DATA))
        .unwrap();
    other.lock(4000, 10, false).unwrap();
    assert_eq!(zero(&open, 0, 4096), Status::FILE_LOCK_CONFLICT);
    assert_eq!(zero(&open, 0, 4000), Status::SUCCESS);
    let named = file(&fs, r"\file:s", FILE_ALL_ACCESS, b"x");
    named.set_delete(true).unwrap();
    assert_eq!(zero(&named, 0, 1), Status::FILE_DELETED);
    fs.set_read_only(true);
    assert_eq!(zero(&open, 0, 1), Status::MEDIA_WRITE_PROTECTED);
    assert_eq!(content(&open)[4000..], [7; 96]);
}

#[test]
fn zeros_that_need_a_cluster_fail_whole() {
    let spec = FsSpec {
        capacity_clusters: 4,
        ..FsSpec::refs(4096)
    };
    let fs = FileSystem::new(spec).unwrap();
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &[7; 2 * 4096]);
    let target = file(&fs, r"\target", FILE_ALL_ACCESS, &[8; 2 * 4096]);
    assert_eq!(clone((&source, 0), (&target, 0), 2 * C, 0), Status::SUCCESS);
    file(&fs, r"\rest", FILE_ALL_ACCESS, &[9; 4096]);
    assert_eq!(zero(&target, 1, 8192), Status::DISK_FULL);
    assert_eq!(content(&target), [7; 8192]);
    assert_eq!(zero(&target, 4096, 8192), Status::SUCCESS);
    assert_eq!(fs.check(), Ok(()));
}

/// \[MS-FSA\] 2.1.5.10.38: the attribute says that some stream of the file is sparse.
#[test]
fn the_attributes_tell_of_any_stream() {
    let fs = volume();
    let unnamed = file(&fs, r"\file", FILE_ALL_ACCESS, b"x");
    let named = file(&fs, r"\file:s", FILE_ALL_ACCESS, b"x");
    assert_eq!(
        control(&named, FSCTL_SET_SPARSE, &[1], 0).0,
        Status::SUCCESS
    );
    assert_eq!(set_integrity(&unnamed, CRC64, 0), Status::SUCCESS);
    let both = FILE_ATTRIBUTE_SPARSE_FILE | FILE_ATTRIBUTE_INTEGRITY_STREAM;
    let [one, two] = [&unnamed, &named].map(|open| open.information().unwrap());
    assert_eq!((one.attributes & both, two.attributes & both), (both, both));
    assert_eq!((one.sparse, one.integrity), (false, true));
    assert_eq!((two.sparse, two.integrity), (true, false));
    assert_eq!(
        control(&named, FSCTL_SET_SPARSE, &[0], 0).0,
        Status::SUCCESS
    );
    assert_eq!(set_integrity(&unnamed, 0, 0), Status::SUCCESS);
    assert_eq!(unnamed.information().unwrap().attributes & both, 0);
}

#[test]
fn integrity_is_set_asked_and_inherited() {
    let fs = volume();
    let open = file(&fs, r"\file", FILE_ALL_ACCESS, b"x");
    assert_eq!(integrity(&open), (0, 0));
    assert_eq!(set_integrity(&open, CRC64, 1), Status::SUCCESS);
    assert_eq!(integrity(&open), (2, 1));
    assert_eq!(set_integrity(&open, UNCHANGED, 0), Status::SUCCESS);
    assert_eq!(integrity(&open), (2, 0));
    let directory = OpenRequest::create_directory(FILE_ALL_ACCESS);
    let directory = fs.open(r"\dir", &directory).unwrap();
    assert_eq!(set_integrity(&directory, CRC64, 0), Status::SUCCESS);
    assert_eq!(integrity(&directory), (1, 0), "chosen by the cluster size");
    let attributes = directory.information().unwrap().attributes;
    assert_eq!(attributes & 0x8010, 0x8010);
    assert_eq!(
        integrity(&file(&fs, r"\dir\file", FILE_ALL_ACCESS, b"x")),
        (1, 0)
    );
    let asked = OpenRequest {
        attributes: FILE_ATTRIBUTE_INTEGRITY_STREAM,
        ..OpenRequest::create(FILE_ALL_ACCESS)
    };
    assert_eq!(integrity(&fs.open(r"\asked", &asked).unwrap()), (1, 0));
    let large = FileSystem::new(FsSpec::refs(65536)).unwrap();
    assert_eq!(integrity(&large.open(r"\asked", &asked).unwrap()), (2, 0));
}

#[test]
fn refuses_integrity_that_cannot_be() {
    let fs = volume();
    let open = file(&fs, r"\file", FILE_ALL_ACCESS, b"x");
    for (checksum, flags) in [(3, 0), (CRC64, 2), (0, 1), (UNCHANGED, 1)] {
        let status = set_integrity(&open, checksum, flags);
        assert_eq!(status, Status::INVALID_PARAMETER, "{checksum} {flags}");
    }
    let short = control(&open, FSCTL_SET_INTEGRITY_INFORMATION, &[0; 7], 0).0;
    assert_eq!(short, Status::INVALID_PARAMETER);
    let volume = fs.open_volume(FILE_ALL_ACCESS);
    assert_eq!(set_integrity(&volume, CRC64, 0), Status::INVALID_PARAMETER);
    let reader = fs
        .open(r"\file", &OpenRequest::existing(FILE_READ_DATA))
        .unwrap();
    assert_eq!(set_integrity(&reader, CRC64, 0), Status::ACCESS_DENIED);
    fs.set_read_only(true);
    assert_eq!(
        set_integrity(&open, CRC64, 0),
        Status::MEDIA_WRITE_PROTECTED
    );
    let cases = [
        (FsSpec::ntfs(4096), Status::INVALID_DEVICE_REQUEST),
        (
            FsSpec {
                dev_drive: true,
                ..FsSpec::refs(4096)
            },
            Status::ACCESS_DENIED,
        ),
    ];
    for (spec, expected) in cases {
        let fs = FileSystem::new(spec).unwrap();
        let open = file(&fs, r"\file", FILE_ALL_ACCESS, b"x");
        assert_eq!(set_integrity(&open, CRC64, 0), expected);
    }
}

/// Case 107.
#[test]
fn integrity_on_both_sides_clones() {
    let fs = volume();
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &pattern(1, 4096));
    let target = file(&fs, r"\target", FILE_ALL_ACCESS, &pattern(2, 4096));
    for open in [&source, &target] {
        assert_eq!(set_integrity(open, CRC64, 0), Status::SUCCESS);
    }
    assert_eq!(clone((&source, 0), (&target, 0), C, 0), Status::SUCCESS);
    assert_eq!(content(&target), pattern(1, 4096));
}

#[test]
fn locks_keep_others_out_until_they_end() {
    let fs = volume();
    let owner = file(&fs, r"\file", FILE_ALL_ACCESS, &[7; 100]);
    let other = fs
        .open(r"\file", &OpenRequest::existing(FILE_ALL_ACCESS))
        .unwrap();
    owner.lock(10, 10, true).unwrap();
    assert_eq!(other.lock(19, 1, false), Err(Status::LOCK_NOT_GRANTED));
    assert_eq!(other.read(0, 11), Err(Status::FILE_LOCK_CONFLICT));
    assert_eq!(other.write(19, b"x"), Err(Status::FILE_LOCK_CONFLICT));
    assert_eq!(
        (other.read(0, 10).unwrap().len(), other.write(20, b"x")),
        (10, Ok(1))
    );
    assert_eq!(
        (owner.read(0, 100).unwrap().len(), owner.write(10, b"x")),
        (100, Ok(1))
    );
    assert_eq!(other.unlock(10, 10), Err(Status::RANGE_NOT_LOCKED));
    assert_eq!(owner.unlock(10, 9), Err(Status::RANGE_NOT_LOCKED));
    owner.unlock(10, 10).unwrap();
    assert_eq!(other.write(19, b"x"), Ok(1));
    owner.lock(0, 5, false).unwrap();
    assert_eq!(owner.write(0, b"x"), Err(Status::FILE_LOCK_CONFLICT));
    assert_eq!(other.read(0, 5).unwrap().len(), 5);
    drop(owner);
    assert_eq!(other.write(0, b"x"), Ok(1));
    assert_eq!(
        other.lock(u64::MAX, 2, true),
        Err(Status::INVALID_LOCK_RANGE)
    );
    assert_eq!(
        fs.open_volume(1).lock(0, 1, true),
        Err(Status::INVALID_PARAMETER)
    );
}
