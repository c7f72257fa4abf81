//! Two volumes with files, a handle table, and one case of a clone request with its judgement.

use std::sync::{Arc, LazyLock};

use testbed::volume::{
    Caller, CallerMode, ControlAnswer, ControlRequest, FILE_READ_ATTRIBUTES, FILE_READ_DATA,
    FILE_WRITE_DATA, FSCTL_DUPLICATE_EXTENTS_TO_FILE, FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX,
    FileSystem, FsSpec, Input, OpenFile, OpenRequest, SYNCHRONIZE, SourceOpen, Status,
};

/// The cluster size of most cases.
pub(crate) const C: i64 = 4096;

/// The default rights of the source and of the target.
const READ: u32 = FILE_READ_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
const WRITE: u32 = FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE;

/// What the handle table of the caller holds; the value is the discriminant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Handle {
    Source = 0x10,
    Target = 0x14,
    SecondTarget = 0x18,
    SourceWithoutData = 0x1C,
    SourceWithoutAttributes = 0x20,
    Directory = 0x24,
    Volume = 0x28,
    OtherVolume = 0x2C,
    Ntfs = 0x30,
    Pipe = 0x34,
    Event = 0x38,
    Closed = 0x3C,
    /// `\source:stream`, with the bytes of the source.
    Stream = 0x40,
    /// The source through its second link.
    Link = 0x44,
    /// A directory of the other volume, closed, without any right.
    ClosedElsewhere = 0x48,
    /// The same on the target's volume.
    ClosedDirectory = 0x4C,
    Null = 0,
    MinusOne = 0xFFFF_FFFF,
}

/// What the request is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Target,
    Directory,
    Volume,
    /// `\target:stream`.
    Stream,
}

/// Which codes a case runs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Plain,
    Ex,
    Both,
}

/// A volume with `\source` (eight clusters of a pattern) and `\target` (eight of another), and
/// neighbours to take a wrong source from.
pub(crate) struct Rig {
    pub(crate) fs: FileSystem,
    pub(crate) source: Arc<OpenFile>,
    pub(crate) target: Arc<OpenFile>,
    pub(crate) second_target: Arc<OpenFile>,
    directory: Arc<OpenFile>,
    volume: Arc<OpenFile>,
    other: Arc<OpenFile>,
    ntfs: Arc<OpenFile>,
    closed: Arc<OpenFile>,
    closed_elsewhere: Arc<OpenFile>,
    closed_directory: Arc<OpenFile>,
    pub(crate) source_stream: Arc<OpenFile>,
    pub(crate) target_stream: Arc<OpenFile>,
    link: Arc<OpenFile>,
}

/// Creates a file with these bytes.
pub(crate) fn file(fs: &FileSystem, path: &str, access: u32, bytes: &[u8]) -> Arc<OpenFile> {
    let open = fs.open(path, &OpenRequest::create(access)).unwrap();
    open.write(0, bytes).unwrap();
    open
}

/// Bytes that differ from cluster to cluster and from `seed` to `seed`, and are never zero.
pub(crate) fn pattern(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| 1 + (i / 512 * 7 + i % 251 + usize::from(seed) * 31) as u8 % 255)
        .collect()
}

/// The whole content, however long it is.
pub(crate) fn content(open: &OpenFile) -> Vec<u8> {
    match open.read(0, 1 << 30) {
        Ok(bytes) => bytes,
        Err(Status::END_OF_FILE) => Vec::new(),
        Err(status) => panic!("read of {open:?}: {status}"),
    }
}

/// What the neighbours hold, long enough for every range of the tables.
static ELSEWHERE: LazyLock<Vec<u8>> = LazyLock::new(|| pattern(3, 64 * 4096));

fn closed_directory(fs: &FileSystem) -> Arc<OpenFile> {
    let request = OpenRequest::create_directory(WRITE);
    let open = fs.open(r"\closed directory", &request).unwrap();
    open.cleanup();
    open
}

impl Rig {
    /// Makes everything on a volume of this kind.
    pub(crate) fn new(spec: FsSpec) -> Self {
        let length = 8 * spec.cluster_size as usize;
        let other = FileSystem::new(FsSpec::refs(4096)).unwrap();
        let ntfs = FileSystem::new(FsSpec::ntfs(4096)).unwrap();
        let fs = FileSystem::new(spec).unwrap();
        let directory = fs
            .open(r"\directory", &OpenRequest::create_directory(WRITE))
            .unwrap();
        let target = file(&fs, r"\target", WRITE, &pattern(2, length));
        let closed = file(&fs, r"\closed", READ, &pattern(4, length));
        closed.cleanup();
        let source = file(&fs, r"\source", READ | FILE_WRITE_DATA, &pattern(1, length));
        source.link(r"\link").unwrap();
        Self {
            source,
            source_stream: file(&fs, r"\source:stream", READ, &pattern(1, length)),
            target_stream: file(&fs, r"\target:stream", WRITE, &pattern(2, length)),
            link: fs.open(r"\link", &OpenRequest::existing(READ)).unwrap(),
            second_target: fs.open(r"\target", &OpenRequest::existing(READ)).unwrap(),
            volume: fs.open_volume(WRITE),
            other: file(&other, r"\source", READ, &ELSEWHERE),
            ntfs: file(&ntfs, r"\source", READ, &ELSEWHERE),
            closed_elsewhere: closed_directory(&other),
            closed_directory: closed_directory(&fs),
            target,
            directory,
            closed,
            fs,
        }
    }

    /// The object manager's answer for a handle of the table.
    pub(crate) fn resolve(&self, handle: u64) -> Result<SourceOpen, Status> {
        let open = |file: &Arc<OpenFile>, granted: u32| {
            Ok(SourceOpen::Open {
                file: Arc::clone(file),
                granted,
            })
        };
        match handle {
            0x10 => open(&self.source, READ),
            0x14 => open(&self.target, READ),
            0x18 => open(&self.second_target, READ),
            0x1C => open(&self.source, FILE_READ_ATTRIBUTES),
            0x20 => open(&self.source, FILE_READ_DATA),
            0x24 => open(&self.directory, READ),
            0x28 => open(&self.volume, READ),
            0x2C => open(&self.other, READ),
            0x30 => open(&self.ntfs, READ),
            0x34 => Ok(SourceOpen::Foreign),
            0x3C => open(&self.closed, READ),
            0x48 => open(&self.closed_elsewhere, 0),
            0x4C => open(&self.closed_directory, 0),
            0x40 => open(&self.source_stream, READ),
            0x44 => open(&self.link, READ),
            0x38 | u64::MAX => Err(Status::OBJECT_TYPE_MISMATCH),
            _ => Err(Status::INVALID_HANDLE),
        }
    }

    /// Sends a clone request and also says how often the source handle was looked at.
    pub(crate) fn send(&self, case: &Case, ex: bool) -> (ControlAnswer, u32) {
        let input = case.bytes(ex);
        let code = if ex {
            FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX
        } else {
            FSCTL_DUPLICATE_EXTENTS_TO_FILE
        };
        let request = ControlRequest {
            code,
            input: if case.missing {
                Input::Missing(input.len() as u32)
            } else {
                Input::Bytes(&input)
            },
            output_length: 64,
            caller: case.caller,
        };
        let to = match case.to {
            To::Target => &self.target,
            To::Directory => &self.directory,
            To::Volume => &self.volume,
            To::Stream => &self.target_stream,
        };
        let mut asked = 0;
        let answer = to.fs_control(&request, &mut |handle| {
            asked += 1;
            self.resolve(handle)
        });
        (answer, asked)
    }
}

/// One clone request and what must come of it.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The section or the test suite that says so.
    pub(crate) from: &'static str,
    pub(crate) spec: fn() -> FsSpec,
    /// Changes to the default files.
    pub(crate) set_up: fn(&Rig),
    pub(crate) code: Code,
    /// Source offset, target offset, byte count.
    pub(crate) range: (i64, i64, i64),
    pub(crate) handle: Handle,
    pub(crate) to: To,
    pub(crate) caller: Caller,
    /// Length of the input, if not the structure's; added bytes are 0xCC.
    pub(crate) length: Option<usize>,
    /// Whether that length is only claimed.
    pub(crate) missing: bool,
    /// The Size field, if not the structure's.
    pub(crate) size: Option<u64>,
    pub(crate) flags: u32,
    pub(crate) expected: Status,
    /// Whether the source handle must have been looked at.
    pub(crate) asks: bool,
}

/// Four clusters from the start, both codes, 64-bit user mode, everything in order.
pub(crate) const BASE: Case = Case {
    name: "",
    from: "",
    spec: || FsSpec::refs(4096),
    set_up: |_| {},
    code: Code::Both,
    range: (0, 0, 4 * C),
    handle: Handle::Source,
    to: To::Target,
    caller: Caller::USER,
    length: None,
    missing: false,
    size: None,
    flags: 0,
    expected: Status::SUCCESS,
    asks: true,
};

impl Case {
    /// The structure as a C compiler lays it out for the caller.
    fn bytes(&self, ex: bool) -> Vec<u8> {
        let narrow = self.caller.bits32;
        let mut bytes = Vec::new();
        let pointer = |bytes: &mut Vec<u8>, value: u64| {
            bytes.extend(&value.to_le_bytes()[..if narrow { 4 } else { 8 }]);
        };
        if ex {
            pointer(
                &mut bytes,
                self.size.unwrap_or(if narrow { 0x28 } else { 0x30 }),
            );
        }
        pointer(&mut bytes, i64::from(self.handle as u32 as i32) as u64);
        if narrow && !ex {
            bytes.extend([0; 4]);
        }
        for value in [self.range.0, self.range.1, self.range.2] {
            bytes.extend(value.to_le_bytes());
        }
        if ex {
            bytes.extend(self.flags.to_le_bytes());
            bytes.extend([0xCC; 4]);
        }
        bytes.resize(self.length.unwrap_or(bytes.len()), 0xCC);
        bytes
    }

    /// Runs the case on the kind of volume that it names.
    pub(crate) fn run(&self) {
        self.run_on(&(self.spec)(), &format!("{} ({})", self.name, self.from));
    }

    /// Runs the case for each of its codes: the status, that nothing else is answered, the bytes and
    /// sizes of both files, and that the volume is sound.
    pub(crate) fn run_on(&self, spec: &FsSpec, label: &str) {
        let codes: &[bool] = match self.code {
            Code::Plain => &[false],
            Code::Ex => &[true],
            Code::Both => &[false, true],
        };
        for &ex in codes {
            self.run_one(spec, ex, &format!("{label}, ex: {ex}, {:?}", self.range));
        }
    }

    fn run_one(&self, spec: &FsSpec, ex: bool, label: &str) {
        let rig = Rig::new(spec.clone());
        (self.set_up)(&rig);
        let opens = [&rig.source, &rig.target, &rig.target_stream];
        let mut expected = opens.map(|open| content(open));
        let before = opens.map(|open| open.information().unwrap());
        let (answer, asked) = rig.send(self, ex);
        assert_eq!(answer.status, self.expected, "status of {label}");
        assert_eq!((answer.information, answer.output.len()), (0, 0), "{label}");
        assert_eq!(
            asked,
            u32::from(self.asks),
            "looks at the source handle: {label}"
        );
        if answer.status == Status::SUCCESS {
            self.copy(&mut expected);
        }
        for (open, expected) in opens.into_iter().zip(expected) {
            assert!(expected == content(open), "bytes of {open:?}: {label}");
        }
        let after = opens.map(|open| open.information().unwrap());
        for (before, after) in before.iter().zip(after) {
            let sizes = |i: &testbed::volume::FileInformation| (i.end_of_file, i.allocation_size);
            assert_eq!(sizes(before), sizes(&after), "sizes of {label}");
        }
        assert_eq!(rig.fs.check(), Ok(()), "{label}");
    }

    /// What a copy of the bytes, one after the other, would have done; nothing is written behind the
    /// target's end.
    fn copy(&self, files: &mut [Vec<u8>; 3]) {
        let (from, count) = (self.range.0 as usize, self.range.2 as usize);
        let target = match self.to {
            To::Target => 1,
            To::Stream => 2,
            To::Directory | To::Volume => return,
        };
        let in_target = matches!(self.handle, Handle::Target | Handle::SecondTarget);
        let source = if in_target { target } else { 0 };
        let end = files[target].len();
        let to = (self.range.1 as usize).min(end);
        for i in 0..count.min(end - to) {
            files[target][to + i] = files[source].get(from + i).copied().unwrap_or(0);
        }
    }
}

/// A kernel-mode caller of a 32-bit request, for completeness of the table.
pub(crate) const KERNEL_32: Caller = Caller {
    mode: CallerMode::Kernel,
    bits32: true,
};
