//! Clone requests whose outcome depends on the state of the files: ends, valid data, sparse, overlap.
//!
//! Sources: FSA is \[MS-FSA\] 2.1.5.10.4 (plain) and .5 (EX); FSCC is \[MS-FSCC\] 2.3.7 to 2.3.10; torture is
//! Samba's smbtorture, source4/torture/smb2/ioctl.c.

use testbed::volume::{
    Caller, ControlRequest, FILE_READ_DATA, FSCTL_SET_SPARSE, FsSpec, Input, OpenFile, OpenRequest,
    SourceEnd, Status, TargetEnd,
};

use crate::rig::{BASE, C, Case, Handle, Rig};

const NOT_SUPPORTED: Status = Status::NOT_SUPPORTED;

/// Cuts or extends a file, giving back what is behind the end.
pub(crate) fn resize(rig: &Rig, open: &OpenFile, size: i64) {
    open.set_end_of_file(size as u64).unwrap();
    drop(
        rig.fs
            .open(open.path(), &OpenRequest::existing(FILE_READ_DATA))
            .unwrap(),
    );
}

fn sparse(open: &OpenFile, on: bool) {
    let input = [u8::from(on)];
    let request = ControlRequest {
        code: FSCTL_SET_SPARSE,
        input: Input::Bytes(&input),
        output_length: 0,
        caller: Caller::USER,
    };
    let answer = open.fs_control(&request, &mut |_| Err(Status::INVALID_HANDLE));
    assert_eq!(answer.status, Status::SUCCESS);
}

fn literal() -> FsSpec {
    FsSpec {
        source_end: SourceEnd::EndOfFile,
        ..FsSpec::refs(4096)
    }
}

fn samba() -> FsSpec {
    FsSpec {
        target_end: TargetEnd::StartBehindRefused,
        ..FsSpec::refs(4096)
    }
}

/// A case with its files.
const fn with(
    name: &'static str,
    from: &'static str,
    range: (i64, i64, i64),
    set_up: fn(&Rig),
) -> Case {
    Case {
        name,
        from,
        range,
        set_up,
        ..BASE
    }
}

/// The same, with the end of the source range judged against it.
const fn refused(case: Case) -> Case {
    Case {
        expected: NOT_SUPPORTED,
        ..case
    }
}

const THE_END_OF_THE_SOURCE: &[Case] = {
    let size = "FSA: Source.Size; FSCC 2.3.8: allocation size";
    let tail = "reflink-copy test_reflink_unaligned_file";
    let both = |rig: &Rig| {
        resize(rig, &rig.source, 3 * C + 1);
        resize(rig, &rig.target, 3 * C + 1);
    };
    let tiny = |rig: &Rig| {
        resize(rig, &rig.source, 3);
        resize(rig, &rig.target, 3);
    };
    let preallocated = |rig: &Rig| {
        resize(rig, &rig.source, C);
        rig.source.set_allocation(8 * C as u64).unwrap();
    };
    &[
        with("exactly to the end", size, (0, 0, 8 * C), |_| {}),
        refused(with("one cluster more", size, (0, 0, 9 * C), |_| {})),
        refused(with("begins behind the end", size, (16 * C, 0, C), |_| {})),
        refused(with(
            "twice the source",
            "torture dup_extents_len_beyond_src",
            (0, 0, 16 * C),
            |rig| resize(rig, &rig.target, 0),
        )),
        with("rounded tail", tail, (0, 0, 4 * C), both),
        with("rounded tail alone", tail, (3 * C, 3 * C, C), both),
        with("file of three bytes", "CopyOnWrite tests", (0, 0, C), tiny),
        refused(Case {
            spec: literal,
            ..with(
                "rounded tail, FSA literally",
                "FSA: Source.Size",
                (0, 0, 4 * C),
                both,
            )
        }),
        Case {
            spec: literal,
            ..with(
                "whole clusters, FSA literally",
                "FSA: Source.Size",
                (0, 0, 3 * C),
                both,
            )
        },
        with(
            "preallocated source",
            "FSCC 2.3.8: allocation size",
            (0, 0, 8 * C),
            preallocated,
        ),
        refused(Case {
            spec: literal,
            ..with(
                "preallocated, FSA literally",
                "FSA: Source.Size",
                (0, 0, 8 * C),
                preallocated,
            )
        }),
        refused(with(
            "tail rounded to 64 KiB",
            "FSCC 2.3.8 against git-lfs",
            (0, 0, 16 * C),
            both,
        )),
        with(
            "source longer than its cut tail",
            "nothing behind the end may show",
            (0, 0, 4 * C),
            |rig| rig.source.set_end_of_file(3 * C as u64 + 1).unwrap(),
        ),
    ]
};

#[test]
fn the_end_of_the_source() {
    THE_END_OF_THE_SOURCE.iter().for_each(Case::run);
}

const THE_END_OF_THE_TARGET: &[Case] = {
    let dropped = "torture dup_extents_len_beyond_dest, Windows Server 2016";
    let capped = "Samba: capped to match Windows";
    let half = |rig: &Rig| resize(rig, &rig.target, 4 * C);
    &[
        with("empty target", dropped, (0, 0, 8 * C), |rig| {
            resize(rig, &rig.target, 0)
        }),
        with("ends inside the range", capped, (0, 0, 8 * C), half),
        with(
            "ends inside a cluster of the range",
            capped,
            (0, 0, 8 * C),
            |rig| resize(rig, &rig.target, 4 * C + 9),
        ),
        with(
            "begins behind the end",
            "dropped whole, inferred",
            (0, 8 * C, C),
            half,
        ),
        with(
            "begins at the end",
            "dropped whole, inferred",
            (0, 4 * C, C),
            half,
        ),
        Case {
            spec: samba,
            expected: Status::INVALID_PARAMETER,
            ..with(
                "begins behind the end, Samba",
                "smb2_ioctl_filesys.c",
                (0, 8 * C, C),
                half,
            )
        },
        Case {
            spec: samba,
            ..with(
                "begins at the end, Samba",
                "smb2_ioctl_filesys.c",
                (0, 4 * C, C),
                half,
            )
        },
    ]
};

#[test]
fn the_end_of_the_target() {
    THE_END_OF_THE_TARGET.iter().for_each(Case::run);
}

const VALID_DATA: &[Case] = {
    let zeros = "reflink-copy 6 GiB test: an unwritten file reads as zeros";
    let unwritten = |rig: &Rig| {
        resize(rig, &rig.source, 0);
        resize(rig, &rig.source, 8 * C);
    };
    &[
        with("source never written", zeros, (0, 0, 8 * C), unwritten),
        with("source written in part", zeros, (0, 0, 8 * C), |rig| {
            rig.source.set_end_of_file(2 * C as u64 + 100).unwrap();
            rig.source.set_end_of_file(8 * C as u64).unwrap();
        }),
        with(
            "source cut inside its last cluster, then extended",
            zeros,
            (4 * C, 0, 4 * C),
            |rig| {
                rig.source.set_end_of_file(7 * C as u64 + 5).unwrap();
                rig.source.set_end_of_file(8 * C as u64).unwrap();
            },
        ),
        with(
            "gap in front of the target range",
            "bytes never written read as zeros",
            (0, 6 * C, C),
            |rig| {
                resize(rig, &rig.target, 0);
                resize(rig, &rig.target, 8 * C);
            },
        ),
        with(
            "stale gap in front of the target range",
            "bytes never written read as zeros",
            (0, 7 * C, C),
            |rig| {
                rig.target.set_end_of_file(6 * C as u64 + 5).unwrap();
                rig.target.set_end_of_file(8 * C as u64).unwrap();
            },
        ),
        with(
            "stale bytes behind the target range",
            "bytes never written read as zeros",
            (0, 0, C),
            |rig| {
                rig.target.set_end_of_file(7 * C as u64 + 5).unwrap();
                rig.target.set_end_of_file(8 * C as u64).unwrap();
            },
        ),
    ]
};

#[test]
fn valid_data() {
    VALID_DATA.iter().for_each(Case::run);
}

const ONE_STREAM: &[Case] = {
    let disjoint = "FSCC 2.3.7: disjoint regions; torture dup_extents_src_is_dest";
    let overlap = "FSCC 2.3.8; torture dup_extents_src_is_dest_overlap";
    let own = Case {
        handle: Handle::Target,
        ..BASE
    };
    let other = Case {
        handle: Handle::SecondTarget,
        ..BASE
    };
    let clash = refused(Case {
        from: overlap,
        ..own
    });
    &[
        Case {
            name: "one handle, second half",
            from: disjoint,
            range: (0, 4 * C, 4 * C),
            ..own
        },
        Case {
            name: "one handle, backward",
            from: disjoint,
            range: (4 * C, 0, 4 * C),
            ..own
        },
        Case {
            name: "two handles",
            from: disjoint,
            range: (0, 4 * C, 4 * C),
            ..other
        },
        Case {
            name: "touching",
            from: disjoint,
            range: (0, 2 * C, 2 * C),
            ..own
        },
        Case {
            name: "second cluster from the first",
            from: "WindowsProtocolTestSuites IsBasicSupported",
            range: (0, C, C),
            ..own
        },
        Case {
            name: "backward overlap",
            range: (2 * C, 0, 4 * C),
            ..clash
        },
        Case {
            name: "forward overlap",
            range: (0, 2 * C, 4 * C),
            ..clash
        },
        Case {
            name: "one cluster overlaps",
            range: (0, 3 * C, 4 * C),
            ..clash
        },
        Case {
            name: "the same range",
            range: (0, 0, 4 * C),
            ..clash
        },
        refused(Case {
            name: "two handles overlap",
            from: overlap,
            range: (0, 2 * C, 4 * C),
            ..other
        }),
    ]
};

#[test]
fn one_stream() {
    ONE_STREAM.iter().for_each(Case::run);
}

const SPARSE_FILES: &[Case] = {
    let rule = "FSA: Source.IsSparse against the target's; torture dup_extents_sparse_*";
    let holes = "FSA: an unallocated extent makes the target's range unallocated";
    &[
        refused(with(
            "sparse source, plain target",
            rule,
            (0, 0, 4 * C),
            |rig| sparse(&rig.source, true),
        )),
        with("plain source, sparse target", rule, (0, 0, 4 * C), |rig| {
            sparse(&rig.target, true)
        }),
        with("both sparse", rule, (0, 0, 4 * C), |rig| {
            [&rig.source, &rig.target]
                .iter()
                .for_each(|open| sparse(open, true))
        }),
        with("source no longer sparse", rule, (0, 0, 8 * C), |rig| {
            sparse(&rig.source, true);
            resize(rig, &rig.source, 0);
            rig.source.write(7 * C as u64, &[7; 100]).unwrap();
            resize(rig, &rig.source, 8 * C);
            sparse(&rig.source, false);
        }),
        with("holes are cloned", holes, (0, 0, 8 * C), |rig| {
            [&rig.source, &rig.target]
                .iter()
                .for_each(|open| sparse(open, true));
            resize(rig, &rig.source, 0);
            rig.source.write(5 * C as u64 + 3, &[9; 10]).unwrap();
            resize(rig, &rig.source, 8 * C);
        }),
        refused(with(
            "sparse source behind its end",
            "FSA: the size is compared first, the status is one",
            (8 * C, 0, C),
            |rig| sparse(&rig.source, true),
        )),
    ]
};

#[test]
fn sparse_files() {
    SPARSE_FILES.iter().for_each(Case::run);
}
