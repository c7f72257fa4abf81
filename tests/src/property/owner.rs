//! The files of a script in the hands of their owner, who works at the file system itself and is
//! nobody's caller: he makes them, changes them between requests, and looks at what became of them.

use std::fmt;
use std::sync::Arc;

use testbed::io::VolumeId;
use testbed::volume::{
    Caller, ControlRequest, Disposition, ExtentInformation, FILE_ALL_ACCESS,
    FILE_ATTRIBUTE_READONLY, FILE_READ_ATTRIBUTES, FSCTL_SET_INTEGRITY_INFORMATION,
    FSCTL_SET_SPARSE, FSCTL_SET_ZERO_DATA, FileInformation, FileSystem, Input, OpenFile,
    OpenRequest, Status,
};

use super::place::Place;
use super::script::{Change, FILES, What};

/// How much of a file is compared at one place.
const WINDOW: u32 = 0x8000;
/// CHECKSUM_TYPE_CRC64 (MS-FSCC 2.3.20).
const CRC64: u16 = 2;

/// All volumes with their files.
pub(super) struct Files(Vec<Volume>);

struct Volume {
    system: FileSystem,
    /// The owner's opens; none where the file could not be made or is gone.
    files: [Option<Arc<OpenFile>>; FILES],
}

/// The sizes of a file, zero if it is not known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    pub(super) end: i64,
    pub(super) allocation: i64,
}

/// What a file looks like to its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    information: Result<FileInformation, Status>,
    extents: Result<Vec<ExtentInformation>, Status>,
    content: Content,
}

/// The bytes that were looked at, or why there are none.
#[derive(Clone, Default, PartialEq, Eq)]
struct Content(Vec<u8>);

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = self.0.iter().fold(0_u32, |sum, byte| {
            sum.rotate_left(5).wrapping_add(u32::from(*byte))
        });
        write!(f, "{} bytes, sum {sum:08x}", self.0.len())
    }
}

impl Files {
    /// Makes the files of fresh volumes.
    pub(super) fn create(place: &Place, volumes: &[VolumeId]) -> Result<Self, String> {
        let find = |id: &VolumeId| {
            let volume = place.machine.io().volume(*id).ok_or("no such volume")?;
            Volume::create(volume.file_system().clone()).map_err(|status| status.to_string())
        };
        Ok(Self(volumes.iter().map(find).collect::<Result<_, _>>()?))
    }

    /// The path of what can be opened by one.
    pub(super) fn path(what: What) -> String {
        match what {
            What::File(_, file) if file == FILES - 1 => r"\f0:stream".to_owned(),
            What::File(_, file) => format!(r"\f{file}"),
            What::Directory(_) => r"\directory".to_owned(),
            What::Volume(_)
            | What::Pipe
            | What::Event
            | What::Process
            | What::Thread
            | What::Token => String::new(),
        }
    }

    /// Bytes of a cluster.
    pub(super) fn cluster(&self, volume: usize) -> i64 {
        i64::from(self.0[volume].system.spec().cluster_size)
    }

    pub(super) fn sizes(&self, file: Option<(usize, usize)>) -> Sizes {
        let open = file.and_then(|(volume, file)| self.0[volume].files[file].as_ref());
        let information = open.and_then(|open| open.information().ok());
        let signed = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
        information.map_or(Sizes::default(), |information| Sizes {
            end: signed(information.end_of_file),
            allocation: signed(information.allocation_size),
        })
    }

    /// A file as it is; with the bytes around an offset if one is given.
    pub(super) fn state(&self, file: Option<(usize, usize)>, near: Option<u64>) -> Option<State> {
        let (volume, file) = file?;
        let open = self.0[volume].files[file].as_ref()?;
        let mut state = State::of(open);
        if let Some(offset) = near {
            state.content.look(open, offset);
        }
        Some(state)
    }

    /// Makes a volume read-only, or writable.
    pub(super) fn protect(&self, volume: usize, on: bool) {
        self.0[volume].system.set_read_only(on);
    }

    pub(super) fn settle(&self, volume: usize) {
        self.0[volume].system.settle();
    }

    /// Changes a file.
    pub(super) fn change(
        &mut self,
        (volume, file): (usize, usize),
        change: Change,
    ) -> Result<(), u32> {
        let volume = &mut self.0[volume];
        let done = match change {
            Change::Recreate => volume.recreate(file),
            _ => match &volume.files[file] {
                Some(open) => alter(open, change, u64::from(volume.system.spec().cluster_size)),
                None => Ok(()),
            },
        };
        done.map_err(|status| status.0)
    }

    /// Looks at everything, lets go of it, and checks the volumes.
    pub(super) fn end(self) -> Result<Vec<State>, String> {
        let mut states = Vec::new();
        for volume in self.0 {
            let opens = volume.files.iter().flatten();
            states.extend(opens.map(|open| State::whole(open)));
            let Volume { system, files } = volume;
            drop(files);
            system.check().map_err(|faults| faults.join("; "))?;
            let open = system.statistics().opens;
            if open != 0 {
                return Err(format!("{open} opens are left"));
            }
        }
        Ok(states)
    }
}

impl Volume {
    fn create(system: FileSystem) -> Result<Self, Status> {
        let request = OpenRequest {
            disposition: Disposition::OpenIf,
            ..OpenRequest::create_directory(FILE_ALL_ACCESS)
        };
        drop(system.open(&Files::path(What::Directory(0)), &request)?);
        let mut volume = Self {
            system,
            files: [const { None }; FILES],
        };
        for file in 0..FILES {
            volume.recreate(file)?;
        }
        Ok(volume)
    }

    /// Closes a file and opens it again, or makes it if it went away.
    fn recreate(&mut self, file: usize) -> Result<(), Status> {
        self.files[file] = None;
        let request = OpenRequest {
            disposition: Disposition::OpenIf,
            ..OpenRequest::create(FILE_ALL_ACCESS)
        };
        let path = Files::path(What::File(0, file));
        self.files[file] = Some(self.system.open(&path, &request)?);
        Ok(())
    }
}

fn alter(open: &OpenFile, change: Change, cluster: u64) -> Result<(), Status> {
    match change {
        Change::Write { at, bytes, fill } => {
            let written = vec![fill; usize::try_from(bytes).unwrap_or(0)];
            open.write(at.0 * cluster + at.1, &written).map(drop)
        }
        Change::SetEnd(clusters, bytes) => open.set_end_of_file(clusters * cluster + bytes),
        Change::SetAllocation(clusters) => open.set_allocation(clusters * cluster),
        Change::Trim => {
            let request = OpenRequest::existing(FILE_READ_ATTRIBUTES);
            open.file_system().open(open.path(), &request).map(drop)
        }
        Change::Sparse(on) => control(open, FSCTL_SET_SPARSE, &[u8::from(on)]),
        Change::Integrity(on) => {
            let algorithm = if on { CRC64 } else { 0 };
            let input = u64::from(algorithm).to_le_bytes();
            control(open, FSCTL_SET_INTEGRITY_INFORMATION, &input)
        }
        Change::Zero { from, to } => {
            let range = [from * cluster, to * cluster].map(u64::to_le_bytes);
            control(open, FSCTL_SET_ZERO_DATA, range.as_flattened())
        }
        Change::Lock { at, exclusive } => open.lock(at * cluster, cluster, exclusive),
        Change::ReadOnlyAttribute => open.set_attributes(FILE_ATTRIBUTE_READONLY),
        Change::Delete => open.set_delete(true),
        Change::Recreate => Ok(()),
    }
}

fn control(open: &OpenFile, code: u32, input: &[u8]) -> Result<(), Status> {
    let request = ControlRequest {
        code,
        input: Input::Bytes(input),
        output_length: 0,
        caller: Caller::KERNEL,
    };
    let answer = open.fs_control(&request, &mut |_| Err(Status::INVALID_HANDLE));
    if answer.status == Status::SUCCESS {
        Ok(())
    } else {
        Err(answer.status)
    }
}

impl State {
    fn of(open: &OpenFile) -> Self {
        Self {
            information: open.information(),
            extents: open.extents(),
            content: Content::default(),
        }
    }

    /// With both ends of the file and the first bytes of every run: all of a small file.
    fn whole(open: &OpenFile) -> Self {
        let mut state = Self::of(open);
        let cluster = u64::from(open.file_system().spec().cluster_size);
        if let (Ok(information), Ok(extents)) = (&state.information, &state.extents) {
            let end = information.end_of_file;
            for window in 0..8 {
                state.content.look(open, window * u64::from(WINDOW));
            }
            state
                .content
                .look(open, end.saturating_sub(u64::from(WINDOW)));
            for extent in extents {
                state.content.look(open, extent.vcn * cluster);
            }
        }
        state
    }
}

impl Content {
    /// Adds what is read at an offset, or why nothing is.
    fn look(&mut self, open: &OpenFile, offset: u64) {
        match open.read(offset, WINDOW) {
            Ok(bytes) => self.0.extend(bytes),
            Err(status) => self.0.extend(status.0.to_le_bytes()),
        }
    }
}
