//! What threads do with files besides file-system controls, the same for programs and for the kernel. What they do with
//! handles of any type is in `handles`.

use super::{
    Handle, Origin, Target, create_file, file_of_handle, finish_open, open_volume, open_with,
};
use crate::io::{VolumeId, lock};
use crate::status::NtStatus;
use crate::thread::{KernelThread, UserThread};
use crate::volume::{
    FILE_APPEND_DATA, FILE_READ_DATA, FILE_WRITE_DATA, FileInformation, OpenKind, OpenRequest,
};

macro_rules! file_calls {
    ($($thread:ident)*) => {
        $(
            impl $thread {
                /// Opens or creates a file or directory by its path from the root of the volume. A
                /// kernel-mode thread gets a kernel handle.
                ///
                /// # Errors
                ///
                /// `STATUS_NO_SUCH_DEVICE` for an unknown volume, or the status of the file system.
                pub fn create_file(&self, volume: VolumeId, path: &str, request: &OpenRequest) -> Result<Handle, NtStatus> {
                    create_file(self.thread(), volume, path, (request, Origin::Local))
                }

                /// The same as a network file server does it for one of its clients: the file object
                /// says that its origin is remote.
                ///
                /// # Errors
                ///
                /// As [`Self::create_file`].
                pub fn create_remote_file(&self, volume: VolumeId, path: &str, request: &OpenRequest) -> Result<Handle, NtStatus> {
                    create_file(self.thread(), volume, path, (request, Origin::Remote))
                }

                /// Opens the volume itself.
                ///
                /// # Errors
                ///
                /// `STATUS_NO_SUCH_DEVICE`.
                pub fn open_volume(&self, volume: VolumeId, access: u32) -> Result<Handle, NtStatus> {
                    open_volume(self.thread(), volume, access)
                }

                /// Makes a handle to a file object that belongs to no file system of the test-bed, as
                /// that of a named pipe does.
                #[must_use]
                pub fn open_foreign(&self, name: &str, access: u32) -> Handle {
                    let target = Target::Foreign { name: name.to_owned(), access };
                    finish_open(self.thread(), target, "", Origin::Local)
                }

                /// Reads up to `length` bytes from `offset`.
                ///
                /// # Errors
                ///
                /// Those of the handle, `STATUS_ACCESS_DENIED`, or the status of the file system.
                pub fn read(&self, handle: Handle, offset: u64, length: u32) -> Result<Vec<u8>, NtStatus> {
                    Ok(open_with(self.thread(), handle, FILE_READ_DATA)?.read(offset, length)?)
                }

                /// Writes `bytes` at `offset`.
                ///
                /// # Errors
                ///
                /// As [`Self::read`].
                pub fn write(&self, handle: Handle, offset: u64, bytes: &[u8]) -> Result<usize, NtStatus> {
                    let open = open_with(self.thread(), handle, FILE_WRITE_DATA | FILE_APPEND_DATA)?;
                    Ok(open.write(offset, bytes)?)
                }

                /// Sets the end of file.
                ///
                /// # Errors
                ///
                /// As [`Self::read`].
                pub fn set_end_of_file(&self, handle: Handle, size: u64) -> Result<(), NtStatus> {
                    Ok(open_with(self.thread(), handle, FILE_WRITE_DATA)?.set_end_of_file(size)?)
                }

                /// What the file says about itself.
                ///
                /// # Errors
                ///
                /// As [`Self::read`].
                pub fn information(&self, handle: Handle) -> Result<FileInformation, NtStatus> {
                    Ok(open_with(self.thread(), handle, 0)?.information()?)
                }

                /// The filter manager comes to have the normalized name of the file at hand, as it does once
                /// another filter has asked for it ("FltGetFileNameInformation function (fltkernel.h)", Microsoft
                /// Learn, remarks on the name cache).
                ///
                /// # Errors
                ///
                /// Those of the handle.
                pub fn cache_normalized_name(&self, handle: Handle) -> Result<(), NtStatus> {
                    let (file, _) = file_of_handle(self.thread(), self.thread().mode(), handle)?;
                    lock(file.name_cache()).have_normalized();
                    Ok(())
                }

                /// What kind of open a handle names.
                ///
                /// # Errors
                ///
                /// Those of the handle.
                pub fn kind(&self, handle: Handle) -> Result<OpenKind, NtStatus> {
                    Ok(open_with(self.thread(), handle, 0)?.kind())
                }
            }
        )*
    };
}

file_calls! { UserThread KernelThread }
