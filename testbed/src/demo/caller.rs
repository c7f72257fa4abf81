//! What a thread of the demo can do, the same in user mode and in kernel mode.

use anyhow::{Result, anyhow};
use testbed::io::{FsControl, Handle, IoStatus};
use testbed::ntos::token::SYSTEM_SID;
use testbed::status::NtStatus;
use testbed::volume::{FILE_ALL_ACCESS, FILE_GENERIC_READ, FileInformation, OpenRequest};
use testbed::{Bitness, KernelThread, Thread, UserThread};

use super::sent::Sender;
use super::stage::{Drive, USER};

/// A modelled thread. Failures are sentences: in the demo none of these calls may fail.
pub(crate) trait Caller {
    /// Opens or creates.
    fn try_open(&self, drive: Drive, path: &str, request: &OpenRequest)
    -> Result<Handle, NtStatus>;
    /// Opens the volume itself.
    fn open_volume(&self, drive: Drive) -> Result<Handle>;
    /// Opens a pipe, whose file object belongs to no file system of the model.
    fn open_pipe(&self) -> Handle;
    /// Makes an event.
    fn create_event(&self) -> Handle;
    /// Makes a second handle with fewer rights.
    fn duplicate(&self, handle: Handle, access: u32) -> Result<Handle>;
    /// Closes.
    fn close(&self, handle: Handle) -> Result<()>;
    /// Reads.
    fn read(&self, handle: Handle, offset: u64, length: u32) -> Result<Vec<u8>>;
    /// Writes.
    fn write(&self, handle: Handle, offset: u64, bytes: &[u8]) -> Result<()>;
    /// Sets the end of file.
    fn set_end(&self, handle: Handle, size: u64) -> Result<()>;
    /// Makes a file sparse, or an ordinary one again.
    fn set_sparse(&self, handle: Handle, sparse: bool) -> Result<()>;
    /// Asks for sizes.
    fn information(&self, handle: Handle) -> Result<FileInformation>;
    /// Sends a file-system control.
    fn control(&self, control: &FsControl<'_>) -> IoStatus;
    /// Who it is.
    fn sender(&self) -> Sender;
}

macro_rules! callers {
    ($($thread:ty, kernel $kernel:literal, user $user:expr;)*) => {$(
        impl Caller for $thread {
            fn try_open(&self, drive: Drive, path: &str, request: &OpenRequest) -> Result<Handle, NtStatus> {
                self.create_file(drive.id, path, request)
            }
            fn open_volume(&self, drive: Drive) -> Result<Handle> {
                self.open_volume(drive.id, FILE_GENERIC_READ).map_err(failed("opening a volume"))
            }
            fn open_pipe(&self) -> Handle {
                self.open_foreign(r"\Device\NamedPipe\demo", FILE_ALL_ACCESS)
            }
            fn create_event(&self) -> Handle {
                self.create_event()
            }
            fn duplicate(&self, handle: Handle, access: u32) -> Result<Handle> {
                self.duplicate_handle(handle, Some(access)).map_err(failed("duplicating a handle"))
            }
            fn close(&self, handle: Handle) -> Result<()> {
                self.close(handle).map_err(failed("closing"))
            }
            fn read(&self, handle: Handle, offset: u64, length: u32) -> Result<Vec<u8>> {
                self.read(handle, offset, length).map_err(failed("reading"))
            }
            fn write(&self, handle: Handle, offset: u64, bytes: &[u8]) -> Result<()> {
                self.write(handle, offset, bytes).map(drop).map_err(failed("writing"))
            }
            fn set_end(&self, handle: Handle, size: u64) -> Result<()> {
                self.set_end_of_file(handle, size).map_err(failed("setting the end of file"))
            }
            fn set_sparse(&self, handle: Handle, sparse: bool) -> Result<()> {
                self.set_sparse(handle, sparse).map_err(failed("FSCTL_SET_SPARSE"))
            }
            fn information(&self, handle: Handle) -> Result<FileInformation> {
                self.information(handle).map_err(failed("asking for sizes"))
            }
            fn control(&self, control: &FsControl<'_>) -> IoStatus {
                self.fs_control_with(control)
            }
            fn sender(&self) -> Sender {
                sender(self.thread(), $kernel, $user)
            }
        }
    )*};
}

callers! {
    UserThread, kernel false, user USER;
    KernelThread, kernel true, user SYSTEM_SID;
}

impl dyn Caller + '_ {
    /// Opens an existing file for reading.
    pub(crate) fn open(&self, drive: Drive, path: &str) -> Result<Handle> {
        let request = OpenRequest::existing(FILE_GENERIC_READ);
        self.try_open(drive, path, &request)
            .map_err(|status| anyhow!("opening {path} failed with {status}"))
    }

    /// Creates a file with every right.
    pub(crate) fn create(&self, drive: Drive, path: &str) -> Result<Handle> {
        self.try_open(drive, path, &OpenRequest::create(FILE_ALL_ACCESS))
            .map_err(|status| anyhow!("creating {path} failed with {status}"))
    }

    /// Makes every directory above `path` that is not there.
    pub(crate) fn make_directories(&self, drive: Drive, path: &str) -> Result<()> {
        for (at, _) in path.match_indices('\\').skip(1) {
            let directory = &path[..at];
            let existing = OpenRequest::existing(FILE_GENERIC_READ);
            let request = OpenRequest::create_directory(FILE_GENERIC_READ);
            let handle = self
                .try_open(drive, directory, &existing)
                .or_else(|_missing| self.try_open(drive, directory, &request))
                // Another program has made it meanwhile.
                .or_else(|_there| self.try_open(drive, directory, &existing))
                .map_err(|status| anyhow!("making {directory} failed with {status}"))?;
            self.close(handle)?;
        }
        Ok(())
    }

    /// The whole content of an open file.
    pub(crate) fn read_all(&self, handle: Handle) -> Result<Vec<u8>> {
        let size = self.information(handle)?.end_of_file;
        // A read at the end has a status of its own, also in an empty file.
        if size == 0 {
            return Ok(Vec::new());
        }
        self.read(handle, 0, u32::try_from(size)?)
    }
}

fn sender(thread: &Thread, is_kernel: bool, user: &'static str) -> Sender {
    let process = thread.process();
    Sender {
        process_id: process.id(),
        thread_id: thread.id(),
        // SeLocateProcessImageName has an empty name for the System process.
        image: if is_kernel {
            String::new()
        } else {
            process.image_name().to_owned()
        },
        start_key: process.start_key(),
        create_time: process.create_time().unsigned_abs(),
        parent_id: process.parent_id(),
        user,
        is_32bit: process.bitness() == Bitness::Bits32,
        is_kernel,
    }
}

fn failed(doing: &'static str) -> impl Fn(NtStatus) -> anyhow::Error {
    move |status| anyhow!("{doing} on the modelled volume failed with {status}")
}
