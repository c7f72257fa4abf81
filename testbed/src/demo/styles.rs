//! How real programs clone: what they send and how they prepare the target.
//!
//! Chunk sizes and preparations are those of the sources of microsoft/CopyOnWrite, the crate
//! reflink-copy, git-lfs, 0xbadfca11/reflink and a public refs-fclone reproduction. What CopyFile sends
//! is not documented: ms-nfs41-client observed the plain code. The names of the programs are made up
//! around them. Sources disagree about the last chunk: all round it up to a cluster, git-lfs tries
//! 64 KiB first.

use super::sent::Form;
use super::stage::Who;

pub(crate) const GIB: u64 = 1 << 30;

/// What happens to the target before the first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Its end of file is set to the exact size.
    Exact,
    /// It is made sparse first.
    Sparse,
    /// It is made sparse first, and an ordinary file again at the end.
    SparseMeanwhile,
}

/// A way to clone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// For people.
    pub(crate) what: &'static str,
    /// Who does it.
    pub(crate) who: Who,
    /// What is sent.
    pub(crate) form: Form,
    /// How the target is prepared.
    pub(crate) target: Target,
    /// The largest request in bytes; never as much as 4 GiB.
    pub(crate) chunk: u64,
    /// To what the last chunk is rounded up, in the order of the attempts; 0 is a cluster.
    pub(crate) tails: &'static [u64],
    /// Flags of the EX structure.
    pub(crate) flags: u32,
    /// Whether the files live on the volume with clusters of 64 KiB.
    pub(crate) is_coarse: bool,
}

/// A 64-bit program that sends the plain code for the whole file at once, to an exact target.
const fn program(what: &'static str, name: &'static str) -> Style {
    Style {
        what,
        who: Who::Program(name),
        form: Form::Plain64,
        target: Target::Exact,
        chunk: 4 * GIB,
        tails: &[0],
        flags: 0,
        is_coarse: false,
    }
}

/// The style of reflink-copy.
pub(crate) const REFLINK_COPY: Style = Style {
    target: Target::SparseMeanwhile,
    ..program(
        "reflink-copy: up to 4 GiB less a cluster, sparse meanwhile",
        "reflink-copy.exe",
    )
};

/// The style of refs-fclone.
pub(crate) const REFS_FCLONE: Style = Style {
    form: Form::Ex64,
    target: Target::Sparse,
    chunk: GIB,
    ..program(
        "refs-fclone: EX code, 1 GiB, sparse target",
        "refs-fclone.exe",
    )
};

/// All of them.
pub(crate) const STYLES: &[Style] = &[
    Style {
        target: Target::Sparse,
        chunk: 2 * GIB,
        ..program("CopyOnWrite: 2 GiB, sparse target", "msbuild.exe")
    },
    REFLINK_COPY,
    Style {
        chunk: GIB,
        tails: &[65536, 4096],
        ..program("git-lfs: 1 GiB, tail of 64 KiB, then 4 KiB", "git-lfs.exe")
    },
    REFS_FCLONE,
    program("CopyFile: exact end of file", "robocopy.exe"),
    Style {
        who: Who::Program32("reflink32.exe"),
        form: Form::Plain32,
        ..program("32-bit program, plain code", "")
    },
    Style {
        who: Who::Program32("fclone32.exe"),
        form: Form::Ex32,
        target: Target::Sparse,
        chunk: GIB,
        ..program("32-bit program, EX code", "")
    },
    Style {
        chunk: 8 * 4096,
        ..program("eight clusters at a time", "backup.exe")
    },
    Style {
        who: Who::Kernel,
        chunk: 256 << 20,
        ..program("kernel-mode copy engine, plain code", "")
    },
    Style {
        who: Who::Kernel,
        form: Form::Ex64,
        chunk: GIB,
        ..program("kernel-mode copy engine, EX code", "")
    },
    Style {
        form: Form::Ex64,
        flags: ATOMIC,
        chunk: GIB,
        ..program("EX code, all or nothing", "vmcopy.exe")
    },
    Style {
        is_coarse: true,
        target: Target::Sparse,
        ..program("clusters of 64 KiB", "vmcopy.exe")
    },
];

/// DUPLICATE_EXTENTS_DATA_EX_SOURCE_ATOMIC (MS-FSCC 2.3.9).
const ATOMIC: u32 = 1;

impl Style {
    /// The rules that even this caller sets off: the flag is legal, and noted.
    pub(crate) fn rules(&self) -> Vec<u8> {
        if self.flags & ATOMIC == 0 {
            Vec::new()
        } else {
            vec![32]
        }
    }
}
