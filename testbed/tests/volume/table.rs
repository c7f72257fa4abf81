//! Clone requests whose outcome depends on the request: structure and numbers.
//!
//! Sources: FSA is \[MS-FSA\] 2.1.5.10.4 (plain) and .5 (EX); FSCC is \[MS-FSCC\] 2.3.7 to 2.3.10.

use testbed::volume::{FsSpec, HugeCount, Status};

use crate::rig::{BASE, C, Case, Code, Handle, Rig, To};

const MIN: i64 = i64::MIN;
/// The highest multiple of a 4 KiB cluster.
const TOP: i64 = i64::MAX - 4095;

pub(crate) fn protect(rig: &Rig) {
    rig.fs.set_read_only(true);
}

/// A case of one structure.
pub(crate) const fn shape(
    name: &'static str,
    from: &'static str,
    code: Code,
    length: usize,
) -> Case {
    Case {
        name,
        from,
        code,
        length: Some(length),
        ..BASE
    }
}

/// The case fails, before the source handle is looked at.
pub(crate) const fn early(case: Case, expected: Status) -> Case {
    Case {
        expected,
        asks: false,
        ..case
    }
}

/// A range that is refused for its numbers.
pub(crate) const fn bad(name: &'static str, from: &'static str, range: (i64, i64, i64)) -> Case {
    early(
        Case {
            name,
            from,
            range,
            ..BASE
        },
        Status::INVALID_PARAMETER,
    )
}

pub(crate) const SMALL: Status = Status::BUFFER_TOO_SMALL;
pub(crate) const UNSUPPORTED: Status = Status::NOT_SUPPORTED;
pub(crate) const PROTECTED: Status = Status::MEDIA_WRITE_PROTECTED;

/// An EX request with this Size field.
const fn sized(name: &'static str, size: u64) -> Case {
    let from = "FSA: StructureSize is not 0x30";
    Case {
        size: Some(size),
        ..shape(name, from, Code::Ex, 0x40)
    }
}

const STRUCTURES: &[Case] = {
    let short = "FSA: InputBufferSize below the structure";
    let at_least = "FSA tests only for less";
    let read_only_short = Case {
        set_up: protect,
        ..shape("short, read-only", short, Code::Both, 0x1F)
    };
    let read_only_size = Case {
        set_up: protect,
        ..sized("bad Size, read-only", 0)
    };
    &[
        early(shape("empty", short, Code::Both, 0), SMALL),
        early(
            shape("plain, one byte short", short, Code::Plain, 0x1F),
            SMALL,
        ),
        shape("plain, exact", short, Code::Plain, 0x20),
        shape("plain, trailing bytes", at_least, Code::Plain, 0x28),
        early(shape("EX, one byte short", short, Code::Ex, 0x2F), SMALL),
        early(
            shape("EX without its tail padding", short, Code::Ex, 0x2C),
            SMALL,
        ),
        shape("EX, exact, padding is garbage", short, Code::Ex, 0x30),
        shape("EX, trailing bytes", at_least, Code::Ex, 0x38),
        early(
            shape("EX code with the plain length", short, Code::Ex, 0x20),
            SMALL,
        ),
        early(sized("Size 0", 0), UNSUPPORTED),
        early(sized("Size 0x2F", 0x2F), UNSUPPORTED),
        early(sized("Size 0x31", 0x31), UNSUPPORTED),
        early(sized("Size of the SMB2 structure", 0x38), UNSUPPORTED),
        early(sized("Size of the 32-bit structure", 0x28), UNSUPPORTED),
        early(
            sized("Size 0x30 in the low half only", 0x1_0000_0030),
            UNSUPPORTED,
        ),
        early(
            Case {
                missing: true,
                ..shape("claimed, one byte short", short, Code::Plain, 0x1F)
            },
            SMALL,
        ),
        early(
            Case {
                missing: true,
                set_up: protect,
                ..shape("claimed, read-only", "inferred", Code::Ex, 0x30)
            },
            Status::INVALID_PARAMETER,
        ),
        early(
            Case {
                missing: true,
                spec: || FsSpec::ntfs(4096),
                ..shape("claimed, NTFS", "FSA: not implemented", Code::Ex, 0x30)
            },
            Status::INVALID_DEVICE_REQUEST,
        ),
        early(read_only_short, SMALL),
        early(read_only_size, UNSUPPORTED),
    ]
};

#[test]
fn structures() {
    STRUCTURES.iter().for_each(Case::run);
}

const NUMBERS: &[Case] = {
    let aligned = "FSA: not a multiple of ClusterSize";
    let negative = "FSCC 2.3.7.1: at least 0; status inferred";
    let sum = "signed range of FSCC 2.3.7.1; status inferred";
    let large = || FsSpec::refs(65536);
    &[
        bad("source offset 1", aligned, (1, 0, C)),
        bad("target offset half a cluster", aligned, (0, C / 2, C)),
        bad("count one less", aligned, (0, 0, C - 1)),
        bad("count one more", aligned, (0, 0, C + 1)),
        bad("count 1", aligned, (0, 0, 1)),
        bad("aligned to a sector only", aligned, (512, 0, C)),
        bad("sector count", aligned, (0, 0, 7 * 512)),
        Case {
            spec: large,
            ..bad("4 KiB on 64 KiB clusters", aligned, (0, C, 65536))
        },
        Case {
            spec: large,
            ..bad("4 KiB count on 64 KiB clusters", aligned, (0, 0, C))
        },
        Case {
            name: "64 KiB clusters",
            from: aligned,
            spec: large,
            range: (65536, 0, 2 * 65536),
            ..BASE
        },
        bad("negative source", negative, (-C, 0, C)),
        bad("negative target", negative, (0, -C, C)),
        bad("negative count", negative, (0, 0, -C)),
        bad("lowest source", negative, (MIN, 0, C)),
        bad("lowest target", negative, (0, MIN, C)),
        bad("lowest count", negative, (0, 0, MIN)),
        bad("negative source with a sum of zero", negative, (-C, 0, C)),
        bad("source end overflows", sum, (TOP, 0, C)),
        bad("target end overflows", sum, (0, TOP, C)),
        bad("huge count", sum, (0, 0, TOP)),
        bad(
            "4 GiB",
            "Win32 page on block cloning; status inferred",
            (0, 0, 1 << 32),
        ),
    ]
};

#[test]
fn numbers() {
    NUMBERS.iter().for_each(Case::run);
}

const ZERO_COUNTS: &[Case] = {
    let immediately = "FSA: ByteCount 0 returns at once; smbtorture dup_extents_len_zero";
    let zero = Case {
        from: immediately,
        range: (0, 0, 0),
        asks: false,
        ..BASE
    };
    &[
        Case {
            name: "zero",
            ..zero
        },
        Case {
            name: "zero with a closed handle",
            handle: Handle::Closed,
            ..zero
        },
        Case {
            name: "zero on a directory",
            to: To::Directory,
            ..zero
        },
        Case {
            name: "zero far behind both files",
            range: (900 * C, 900 * C, 0),
            ..zero
        },
        bad(
            "zero, unaligned source",
            "FSA: alignment comes first",
            (1, 0, 0),
        ),
        early(
            Case {
                name: "zero, read-only",
                set_up: protect,
                ..zero
            },
            PROTECTED,
        ),
        early(
            Case {
                name: "zero on NTFS",
                spec: || FsSpec::ntfs(4096),
                ..zero
            },
            Status::INVALID_DEVICE_REQUEST,
        ),
    ]
};

#[test]
fn zero_counts() {
    ZERO_COUNTS.iter().for_each(Case::run);
}

#[test]
fn the_limit_of_4_gib_can_be_lifted() {
    let spec = || FsSpec {
        huge_count: HugeCount::Accepted,
        ..FsSpec::refs(4096)
    };
    let lifted = Case {
        name: "4 GiB accepted",
        from: "other file systems",
        spec,
        range: (0, 0, 1 << 32),
        expected: UNSUPPORTED,
        ..BASE
    };
    lifted.run();
}
