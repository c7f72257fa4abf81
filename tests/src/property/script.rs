//! A script: volumes, then steps. Plain data, made from a seed, printed when it fails.
//!
//! Steps name files, handles and numbers by where they come from ("the end of the source"), so a script
//! still means something after steps were taken out of it.

use std::fmt;

use super::act::Act;

/// Data files of a volume; the last one is a named stream of the first.
pub(super) const FILES: usize = 5;
/// Handles that a script can have open.
pub(super) const SLOTS: usize = 14;

/// FSCTL_DUPLICATE_EXTENTS_TO_FILE (MS-FSCC 2.3).
pub(super) const PLAIN: u32 = 0x0009_8344;
/// FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX (MS-FSCC 2.3).
pub(super) const EX: u32 = 0x0009_83E8;
/// The codes beside the two by which files come to share clusters, or that ask about it: stream
/// snapshots, cluster-wise duplication, the state of a clone in the background.
pub(super) const SEEN: [u32; 3] = [0x0009_0440, 0x0009_045C, 0x0009_0430];

/// A whole run on fresh volumes.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) seed: u64,
    /// The caller who does most; the whole script runs on one of its threads.
    pub(super) main: Who,
    pub(super) volumes: Vec<VolumePlan>,
    pub(super) steps: Vec<Step>,
}

/// A volume to mount.
#[derive(Clone, Debug)]
pub(super) struct VolumePlan {
    pub(super) kind: Kind,
    pub(super) cluster: u32,
    pub(super) capacity: Option<u64>,
    pub(super) reference_limit: Option<u32>,
    pub(super) drive: Drive,
    /// Where the sources disagree: indices into `SWITCHES` and its values.
    pub(super) switches: Vec<(usize, usize)>,
}

/// The file system of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// ReFS that clones.
    Refs,
    /// ReFS 1.x, without the attribute.
    OldRefs,
    /// NTFS.
    Ntfs,
    /// Another file system that clones.
    ThirdParty,
}

/// Whether a volume is a Dev Drive, and whether a trusted one. A filter is told when it attaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drive {
    /// It is none.
    Ordinary,
    /// A trusted Dev Drive.
    Trusted,
    /// A Dev Drive that is not trusted.
    Untrusted,
}

/// Who calls. Each is a process of its own, but kernel code runs in somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// A 64-bit program.
    User64,
    /// A 32-bit program.
    User32,
    /// Another 64-bit program.
    Other64,
    /// A thread of the System process.
    System,
    /// Kernel code in the process of the 64-bit program.
    KernelIn64,
    /// Kernel code in the process of the 32-bit program.
    KernelIn32,
}

impl Who {
    /// Every caller.
    pub(super) const ALL: [Self; 6] = [
        Self::User64,
        Self::User32,
        Self::Other64,
        Self::System,
        Self::KernelIn64,
        Self::KernelIn32,
    ];

    /// The caller whose process it runs in.
    pub(super) const fn process(self) -> Self {
        match self {
            Self::User64 | Self::KernelIn64 => Self::User64,
            Self::User32 | Self::KernelIn32 => Self::User32,
            Self::Other64 => Self::Other64,
            Self::System => Self::System,
        }
    }

    /// Whether the previous mode is kernel mode.
    pub(super) const fn is_kernel(self) -> bool {
        matches!(self, Self::System | Self::KernelIn64 | Self::KernelIn32)
    }
}

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A caller opens something and keeps the handle in a slot; what was there is closed.
    Open {
        slot: usize,
        who: Who,
        what: What,
        access: u32,
        remote: bool,
    },
    /// The handle is closed. Its slot keeps the value, which then names nothing or something new.
    Close { slot: usize },
    /// A second handle to the same file object, perhaps with fewer rights.
    Duplicate {
        from: usize,
        to: usize,
        access: Option<u32>,
    },
    /// The owner of a file does something to it.
    Change {
        volume: usize,
        file: usize,
        change: Change,
    },
    /// A volume becomes read-only, or writable.
    Protect { volume: usize, on: bool },
    /// The file system catches up with what it does in the background.
    Settle { volume: usize },
    /// A file-system control.
    Send(Box<Request>),
    /// The file system lets the request go that it has held longest.
    Release,
    /// An administrator does something.
    Act(Act),
}

/// What is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A data file, by volume and number.
    File(usize, usize),
    /// A directory.
    Directory(usize),
    /// The volume itself.
    Volume(usize),
    /// A file object of no file system.
    Pipe,
    /// No file at all.
    Event,
    /// The caller's process.
    Process,
    /// The thread that opens it, which may end with that.
    Thread,
    /// The token of the caller's process.
    Token,
}

impl What {
    /// The volume on which it is.
    pub(super) const fn volume(self) -> Option<usize> {
        match self {
            Self::File(volume, _) | Self::Directory(volume) | Self::Volume(volume) => Some(volume),
            Self::Pipe | Self::Event | Self::Process | Self::Thread | Self::Token => None,
        }
    }
}

/// What an owner does. Places and sizes are clusters and bytes beyond.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Write {
        at: (u64, u64),
        bytes: u64,
        fill: u8,
    },
    SetEnd(u64, u64),
    SetAllocation(u64),
    /// Gives back what lies behind the end, as the close of another open does.
    Trim,
    Sparse(bool),
    Integrity(bool),
    Zero {
        from: u64,
        to: u64,
    },
    Lock {
        at: u64,
        exclusive: bool,
    },
    ReadOnlyAttribute,
    /// Marks it for deletion; it goes with its last handle.
    Delete,
    /// The owner closes it and makes it anew, or opens what is there.
    Recreate,
}

/// A request, as a caller means it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) who: Who,
    /// Whether the thread impersonates another user.
    pub(super) impersonates: bool,
    /// The slot of the handle that it is sent to.
    pub(super) to: usize,
    pub(super) code: u32,
    /// The layout of a 32-bit program.
    pub(super) narrow: bool,
    pub(super) source: Source,
    pub(super) source_offset: Number,
    pub(super) target_offset: Number,
    pub(super) count: Number,
    /// The Size field, if not the layout's.
    pub(super) size: Option<u64>,
    pub(super) flags: u32,
    pub(super) length: Length,
    pub(super) output: u32,
    pub(super) carriage: Carriage,
}

/// The value of the source handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// That of a slot, perhaps closed long ago, with these bits flipped.
    Slot(usize, u64),
    /// Any value.
    Raw(u64),
}

/// A 64-bit number: where it starts, then clusters, then bytes; it wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) base: Base,
    pub(super) clusters: i64,
    pub(super) bytes: i64,
}

impl Number {
    /// So many clusters.
    pub(super) const fn clusters(clusters: i64) -> Self {
        Self {
            base: Base::Zero,
            clusters,
            bytes: 0,
        }
    }
}

/// Where a number starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Zero,
    SourceEnd,
    /// The end of file, rounded up to a cluster.
    SourceClusters,
    SourceAllocation,
    TargetEnd,
    TargetClusters,
    FourGiB,
    /// The largest start of a range of the request's count that ends within 63 bits, aligned.
    LastStart,
    Max,
    Min,
}

/// How much of the structure is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Exact,
    /// So many bytes, cut off or filled up.
    Of(usize),
    /// No buffer, and no length.
    Null,
    /// No buffer, but a length is claimed.
    Claimed(u32),
}

/// How a request travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Carriage {
    /// The file system completes it on another thread.
    pub(super) pending: bool,
    /// The file system has worked on it, and does not say so until a later step lets it.
    pub(super) held: bool,
    /// Post-operations run at DISPATCH_LEVEL on another thread.
    pub(super) at_dispatch: bool,
    /// Pre-operations run at APC_LEVEL.
    pub(super) at_apc: bool,
    /// A filter above has posted it into the System process.
    pub(super) posted: bool,
    /// A top-level IRP is set.
    pub(super) top_level: bool,
    /// The driver could write to the input.
    pub(super) writable: bool,
    /// The file system gives no names.
    pub(super) nameless: bool,
    pub(super) minor: Minor,
}

/// The minor function code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Minor {
    /// That of the caller's mode.
    #[default]
    Usual,
    /// IRP_MN_KERNEL_CALL.
    KernelCall,
    /// IRP_MN_VERIFY_VOLUME, which has no code.
    VerifyVolume,
}

impl Script {
    /// How many requests it sends.
    pub(super) fn requests(&self) -> u64 {
        let sent = |step: &&Step| matches!(step, Step::Send(_));
        self.steps.iter().filter(sent).count() as u64
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, volume) in self.volumes.iter().enumerate() {
            writeln!(f, "  volume {number}: {volume}")?;
        }
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "  step {number}: {step:x?}")?;
        }
        Ok(())
    }
}
