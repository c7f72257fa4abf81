//! What threads do with files besides file-system controls, the same for programs and for the kernel.

use std::sync::Arc;

use super::{
    Handle, Origin, Target, close_handle, create_file, file_of_handle, finish_open, new_handle,
    open_volume, open_with,
};
use crate::io::{VolumeId, lock};
use crate::ntos::handle::{self, HandleEntry};
use crate::ntos::object::Kind;
use crate::status::{NtStatus, STATUS_ACCESS_DENIED};
use crate::thread::{KernelThread, Mode, UserThread};
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

                /// Makes a handle to an object that is no file at all.
                #[must_use]
                pub fn create_event(&self) -> Handle {
                    let object = self.machine().objects().create(Kind::Event, "an event", Arc::new(Kind::Event));
                    let entry = HandleEntry { object, access: 0x001F_0003, attributes: 0, driver: 0 };
                    let thread = self.thread();
                    let kernel = thread.mode() == Mode::Kernel;
                    Handle(handle::create(self.machine(), thread.process(), kernel, entry))
                }

                /// Closes a handle.
                ///
                /// # Errors
                ///
                /// `STATUS_INVALID_HANDLE`.
                pub fn close(&self, handle: Handle) -> Result<(), NtStatus> {
                    let thread = self.thread();
                    close_handle(self.machine(), thread.process(), thread.mode(), handle.0)
                }

                /// Makes a second handle to the same file object, with `access` if that is given, which
                /// must not be more than the first has.
                ///
                /// # Errors
                ///
                /// `STATUS_INVALID_HANDLE`, `STATUS_OBJECT_TYPE_MISMATCH` for what is no file;
                /// `STATUS_ACCESS_DENIED`.
                pub fn duplicate_handle(&self, handle: Handle, access: Option<u32>) -> Result<Handle, NtStatus> {
                    let thread = self.thread();
                    let (file, granted) = file_of_handle(thread, thread.mode(), handle)?;
                    let access = access.unwrap_or(granted);
                    if access & !granted != 0 {
                        return Err(STATUS_ACCESS_DENIED);
                    }
                    Ok(new_handle(thread, &file, access))
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
