//! What a case can do, in words of its own: volumes, files, callers, requests.
//!
//! A [`Stage`] is a place where cases run: the test-bed now, a machine with Windows later, each with or
//! without the driver. Files are made and looked at by their owner ([`OwnedFile`]), who is nobody's
//! caller; requests come from an [`Actor`], which is a process. A stage that cannot do what it is asked
//! says so with [`Trouble::Unable`], and the case is skipped with that reason.

use cloneguard::Event;

use crate::side::Side;
use crate::status::Status;

/// Why a stage did not do what a case needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It has no way to do it: the case is skipped, with this reason.
    Unable(String),
    /// It tried and failed: so does the case.
    Failed(String),
}

/// A place where cases run.
pub trait Stage: Sync {
    /// Makes an empty volume.
    ///
    /// # Errors
    /// What of the specification the stage does not have.
    fn make_volume(&self, spec: &VolumeSpec) -> Result<VolumeId, Trouble>;

    /// Makes a volume read-only while its files stay open.
    ///
    /// # Errors
    /// When the stage has no way to do it.
    fn protect(&self, volume: VolumeId) -> Result<(), Trouble>;

    /// Waits until references to clusters are counted that are not counted at once.
    ///
    /// # Errors
    /// When the stage cannot tell.
    fn settle(&self, volume: VolumeId) -> Result<(), Trouble>;

    /// Makes a file with every right and keeps it open.
    ///
    /// # Errors
    /// A sentence with the status.
    fn create(&self, volume: VolumeId, path: &str) -> Result<Box<dyn OwnedFile>, Trouble>;

    /// Starts a process; `label` becomes part of its name, so that reports name the case.
    ///
    /// # Errors
    /// When the stage has no such caller.
    fn start(&self, who: Who, label: &str) -> Result<Box<dyn Actor>, Trouble>;

    /// Whether its file systems take one side of each dispute, as those of a real machine do, and not the side that a
    /// volume's specification names.
    fn has_one_side(&self) -> bool {
        false
    }

    /// What arrived at the file system of a volume until now.
    ///
    /// # Errors
    /// When the stage cannot see that.
    fn arrivals(&self, volume: VolumeId) -> Result<Arrivals, Trouble>;

    /// The records of requests that the driver made since the last call; none without a driver.
    ///
    /// # Errors
    /// What is wrong with the trail.
    fn records(&self) -> Result<Vec<Event>, String>;
}

/// Names a volume of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeId(pub u32);

/// The file system of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystemKind {
    /// ReFS 3.x, which clones.
    Refs,
    /// ReFS 1.x, which does not.
    OldRefs,
    /// NTFS.
    Ntfs,
    /// One that clones and is not ReFS.
    ThirdParty,
    /// FAT32 or exFAT.
    Fat,
}

/// A volume to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeSpec {
    /// Its file system.
    pub kind: FileSystemKind,
    /// Bytes per cluster.
    pub cluster: u32,
    /// Whether it is a trusted Dev Drive.
    pub dev_drive: bool,
    /// Clusters on the disk, if that matters.
    pub capacity: Option<u64>,
    /// How often a cluster can be shared, if another limit than that of ReFS is wanted: the test-bed alone
    /// can do that.
    pub reference_limit: Option<u32>,
    /// The sides it takes where the sources disagree; otherwise those of Windows.
    pub sides: &'static [Side],
}

impl VolumeSpec {
    /// A volume that clones.
    #[must_use]
    pub const fn refs(cluster: u32) -> Self {
        Self {
            kind: FileSystemKind::Refs,
            cluster,
            dev_drive: false,
            capacity: None,
            reference_limit: None,
            sides: &[],
        }
    }

    /// A volume with 4 KiB clusters and this file system.
    #[must_use]
    pub const fn of(kind: FileSystemKind) -> Self {
        Self {
            kind,
            ..Self::refs(4096)
        }
    }
}

/// A process that sends requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A 64-bit program of an ordinary user.
    Program,
    /// A 64-bit program of another user.
    ProgramOfAnother,
    /// A 32-bit program on the 64-bit system.
    Program32,
    /// Kernel code in the System process, with kernel handles.
    Kernel,
    /// Kernel code in the process of a 32-bit program.
    KernelIn32,
    /// A network file server, kernel code in the System process, for a client of its own.
    Server,
}

impl Who {
    /// Whether it calls in kernel mode.
    #[must_use]
    pub const fn is_kernel(self) -> bool {
        matches!(self, Self::Kernel | Self::KernelIn32 | Self::Server)
    }

    /// Whether its requests have the 32-bit layouts: kernel code is always 64-bit code.
    #[must_use]
    pub const fn is_narrow(self) -> bool {
        matches!(self, Self::Program32)
    }
}

/// A handle value of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawHandle(pub u64);

/// What to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open<'a> {
    /// A file that exists.
    File(VolumeId, &'a str),
    /// A directory, made if it is not there.
    Directory(VolumeId, &'a str),
    /// The volume itself.
    Volume(VolumeId),
    /// A file object of no file system.
    Pipe,
    /// An object that is no file.
    Event,
}

/// How a request travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carriage {
    /// As the I/O manager sends it.
    #[default]
    Usual,
    /// A filter above has posted it: the layers below run in the System process.
    Posted,
    /// The filters are called at APC_LEVEL.
    AtApcLevel,
    /// A driver built it: it claims input of this length and has no buffer.
    WithoutBuffer(u32),
    /// With the minor code IRP_MN_KERNEL_CALL, whoever sends it.
    KernelCall,
    /// With the minor code IRP_MN_VERIFY_VOLUME, which has neither code nor buffer.
    VerifyVolume,
}

/// A file-system control.
#[derive(Clone, Copy, Debug)]
pub struct Control<'a> {
    /// The handle it is sent to.
    pub to: RawHandle,
    /// The code.
    pub code: u32,
    /// The input; `None` is a NULL buffer.
    pub input: Option<&'a [u8]>,
    /// Bytes of the output buffer.
    pub output: u32,
    /// How it travels.
    pub carriage: Carriage,
}

/// The controls that a file system got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// How many.
    pub count: u64,
    /// The last one.
    pub last: Option<Arrived>,
}

/// A control as the file system got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The code.
    pub code: u32,
    /// The input.
    pub input: Vec<u8>,
    /// Bytes of the output buffer.
    pub output: u32,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The final status.
    pub status: Status,
    /// `IoStatus.Information`.
    pub information: u64,
    /// What arrived in the output buffer.
    pub output: Vec<u8>,
}

/// A process of a stage, as a case uses it.
pub trait Actor: Sync {
    /// Opens something.
    ///
    /// # Errors
    /// A sentence with the status.
    fn open(&self, what: Open<'_>, access: u32) -> Result<RawHandle, Trouble>;

    /// Makes a second handle to the same file object, with these rights if given.
    ///
    /// # Errors
    /// A sentence with the status.
    fn duplicate(&self, handle: RawHandle, access: Option<u32>) -> Result<RawHandle, Trouble>;

    /// Closes a handle.
    ///
    /// # Errors
    /// A sentence with the status.
    fn close(&self, handle: RawHandle) -> Result<(), Trouble>;

    /// Sends a request and waits for its end.
    ///
    /// # Errors
    /// When the stage cannot carry a request like that.
    fn control(&self, control: &Control<'_>) -> Result<Answer, Trouble>;
}

/// The sizes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes in the file.
    pub end_of_file: u64,
    /// Bytes of its cluster space.
    pub allocation: u64,
}

/// A file in the hands of its owner, who may do everything with it.
pub trait OwnedFile: Sync {
    /// Reads up to `length` bytes.
    ///
    /// # Errors
    /// The status of the file system.
    fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Status>;
    /// Asks for the sizes.
    ///
    /// # Errors
    /// The status of the file system.
    fn sizes(&self) -> Result<Sizes, Status>;
    /// Changes the file.
    ///
    /// # Errors
    /// The status of the file system, or that the stage cannot do it.
    fn change(&self, change: &Change<'_>) -> Result<(), Trouble>;
    /// How often each cluster of the file is referenced, one number for each run of clusters.
    ///
    /// # Errors
    /// When the stage cannot tell.
    fn references(&self) -> Result<Vec<u32>, Trouble>;
}

/// What an owner does to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Writes bytes at an offset.
    Write(u64, &'a [u8]),
    /// Cuts or extends it.
    SetEnd(u64),
    /// Reserves space, or gives it back.
    SetAllocation(u64),
    /// Gives back what lies behind the end, as the close of another open does.
    Trim,
    /// Makes it sparse, or an ordinary file again.
    SetSparse(bool),
    /// Gives it an integrity stream, or takes it away.
    SetIntegrity(bool),
    /// Zeroes the bytes from the first offset to the second.
    Zero(u64, u64),
    /// Takes an exclusive byte-range lock: offset, length.
    Lock(u64, u64),
    /// Gives it back.
    Unlock(u64, u64),
    /// Gives it another name.
    Link(&'a str),
    /// Sets FILE_ATTRIBUTE_READONLY.
    SetReadOnly,
    /// Marks it for deletion with its last open.
    Delete,
}
