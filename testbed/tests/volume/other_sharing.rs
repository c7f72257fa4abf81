//! The other codes that share clusters: their documented checks, and that what arrives can be seen.
//!
//! Source: \[MS-FSA\] 2.1.5.10.29 for snapshots; public headers for the rest.

use testbed::volume::{
    Caller, FILE_ALL_ACCESS, FILE_READ_DATA, FSCTL_DUPLICATE_CLUSTER,
    FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX, FSCTL_QUERY_ASYNC_DUPLICATE_EXTENTS_STATUS,
    FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT, FileSystem, FsSpec, OpenRequest, Status,
};

use crate::rig::{BASE, Case, Code, Rig, file, pattern};
use crate::sharing::{clone, control};

const CODES: [u32; 3] = [
    FSCTL_DUPLICATE_CLUSTER,
    FSCTL_QUERY_ASYNC_DUPLICATE_EXTENTS_STATUS,
    FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT,
];

fn volume() -> FileSystem {
    FileSystem::new(FsSpec::refs(4096)).unwrap()
}

#[test]
fn what_arrived_is_remembered_byte_for_byte() {
    let fs = volume();
    let open = file(&fs, r"\file", FILE_ALL_ACCESS, b"x");
    assert_eq!((fs.last_control(), fs.controls()), (None, 0));
    for (i, code) in CODES.into_iter().enumerate() {
        let bytes = pattern(i as u8, 0x28 + i);
        control(&open, code, &bytes, 40 + i as u32);
        let arrived = fs.last_control().unwrap();
        assert_eq!((arrived.code, arrived.input), (code, bytes));
        assert_eq!(fs.controls(), 1 + i as u64);
        assert_eq!(
            (arrived.output_length, arrived.caller),
            (40 + i as u32, Caller::USER)
        );
    }
    let rig = Rig::new(FsSpec::refs(4096));
    let flags = Case {
        flags: 0xDEAD_BEEC,
        code: Code::Ex,
        ..BASE
    };
    assert_eq!(rig.send(&flags, true).0.status, Status::SUCCESS);
    let arrived = rig.fs.last_control().unwrap();
    assert_eq!(arrived.code, FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX);
    assert_eq!(arrived.input[0x28..0x2C], 0xDEAD_BEEC_u32.to_le_bytes());
}

#[test]
fn none_of_them_is_known_where_nothing_is_cloned() {
    let old = FsSpec {
        block_refcounting: false,
        ..FsSpec::refs(4096)
    };
    for spec in [FsSpec::ntfs(4096), FsSpec::third_party(4096), old] {
        let fs = FileSystem::new(spec).unwrap();
        let open = file(&fs, r"\file", FILE_ALL_ACCESS, b"x");
        for code in CODES {
            let status = control(&open, code, &[0; 64], 64).0;
            assert_eq!(status, Status::INVALID_DEVICE_REQUEST, "{code:#x}");
        }
    }
}

#[test]
fn clusters_are_not_duplicated() {
    let fs = volume();
    let open = file(&fs, r"\file", FILE_ALL_ACCESS, b"x");
    let ask = |length| control(&open, FSCTL_DUPLICATE_CLUSTER, &vec![0; length], 0).0;
    assert_eq!(
        (ask(0x1F), ask(0x20)),
        (Status::BUFFER_TOO_SMALL, Status::NOT_SUPPORTED)
    );
}

#[test]
fn no_clone_runs_in_the_background() {
    let fs = volume();
    let code = FSCTL_QUERY_ASYNC_DUPLICATE_EXTENTS_STATUS;
    let source = file(&fs, r"\source", FILE_ALL_ACCESS, &pattern(1, 4096));
    let target = file(&fs, r"\target", FILE_ALL_ACCESS, &pattern(2, 4096));
    assert_eq!(clone((&source, 0), (&target, 0), 4096, 2), Status::SUCCESS);
    let mut idle = vec![0; 0x28];
    idle[0] = 0x28;
    assert_eq!(control(&target, code, &[], 0x28), (Status::SUCCESS, idle));
    assert_eq!(
        control(&target, code, &[], 0x27).0,
        Status::BUFFER_TOO_SMALL
    );
    let volume = fs.open_volume(FILE_ALL_ACCESS);
    assert_eq!(
        control(&volume, code, &[], 0x28).0,
        Status::INVALID_PARAMETER
    );
}

/// Operation, name and extra lengths; then the input's length, filled up with zeros.
fn snapshot(operation: u32, name: u16, extra: u16, length: usize) -> Vec<u8> {
    let mut input = Vec::from(operation.to_le_bytes());
    input.extend(name.to_le_bytes());
    input.extend(extra.to_le_bytes());
    input.resize(length, 0);
    input
}

#[test]
fn snapshots_are_checked_and_not_made() {
    let fs = volume();
    let open = file(&fs, r"\file", FILE_ALL_ACCESS, b"x");
    let (small, invalid) = (Status::BUFFER_TOO_SMALL, Status::INVALID_PARAMETER);
    let unsupported = Status::NOT_SUPPORTED;
    let cases = [
        (vec![0; 7], 0, small),
        (snapshot(1, 4, 0, 24 + 3), 0, small),
        (snapshot(1, 4, 0, 24 + 4), 0, unsupported),
        (snapshot(3, 4, 16, 24 + 8 + 15), 64, small),
        (snapshot(3, 4, 16, 24 + 8 + 16), 64, unsupported),
        (snapshot(3, 4, 16, 24 + 8 + 16), 15, invalid),
        (snapshot(3, 4, 8, 24 + 8 + 16), 64, invalid),
        (snapshot(0, 4, 0, 32), 0, invalid),
        (snapshot(7, 4, 0, 32), 0, invalid),
        (snapshot(1, 3, 0, 32), 0, invalid),
        (snapshot(4, 4, 1, 48), 0, invalid),
        (snapshot(1, 0, 0, 32), 0, invalid),
        (snapshot(1, 4, 0, 32), 1, invalid),
        (snapshot(2, 4, 0, 32), 16, unsupported),
        (snapshot(2, 4, 0, 32), 15, invalid),
        (snapshot(2, 0, 0, 32), 16, invalid),
        (snapshot(4, 4, 0, 32), 0, unsupported),
        (snapshot(5, 0, 0, 24), 0, unsupported),
        (snapshot(6, 0, 0, 24), 0, unsupported),
    ];
    let code = FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT;
    for (input, output, expected) in cases {
        let status = control(&open, code, &input, output).0;
        assert_eq!(status, expected, "{input:?} {output}");
    }
    let reader = fs
        .open(r"\file", &OpenRequest::existing(FILE_READ_DATA))
        .unwrap();
    for operation in [1, 2, 4, 5, 6] {
        let output = if operation == 2 { 16 } else { 0 };
        let status = control(&reader, code, &snapshot(operation, 4, 0, 32), output).0;
        assert_eq!(status, Status::ACCESS_DENIED, "{operation}");
    }
    let volume = fs.open_volume(FILE_ALL_ACCESS);
    assert_eq!(control(&volume, code, &snapshot(1, 4, 0, 32), 0).0, invalid);
}
