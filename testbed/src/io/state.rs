//! What threads do with an open file besides reading and writing it: locks, names, sizes. Straight to the
//! file system, as in `file`.

use super::file::open_with;
use super::{FileObject, Handle};
use crate::status::NtStatus;
use crate::thread::{KernelThread, UserThread};
use crate::volume::{DELETE, FILE_READ_DATA, FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA};

impl FileObject {
    /// Whether it was opened for synchronous I/O (FO_SYNCHRONOUS_IO).
    pub(crate) fn is_synchronous(&self) -> bool {
        self.open().is_some_and(|(_, open)| open.is_synchronous())
    }
}

macro_rules! state_calls {
    ($($thread:ident)*) => {
        $(
            impl $thread {
                /// Takes a byte-range lock for the file object, without waiting (`NtLockFile`).
                ///
                /// # Errors
                ///
                /// Those of the handle, `STATUS_ACCESS_DENIED`, or the status of the file system.
                pub fn lock(&self, handle: Handle, (offset, length): (u64, u64), exclusive: bool) -> Result<(), NtStatus> {
                    let open = open_with(self.thread(), handle, FILE_READ_DATA | FILE_WRITE_DATA)?;
                    Ok(open.lock(offset, length, exclusive)?)
                }

                /// Gives a byte-range lock back (`NtUnlockFile`).
                ///
                /// # Errors
                ///
                /// As [`Self::lock`].
                pub fn unlock(&self, handle: Handle, (offset, length): (u64, u64)) -> Result<(), NtStatus> {
                    let open = open_with(self.thread(), handle, FILE_READ_DATA | FILE_WRITE_DATA)?;
                    Ok(open.unlock(offset, length)?)
                }

                /// Gives the file another name, a path from the root of its volume.
                ///
                /// # Errors
                ///
                /// Those of the handle, or the status of the file system.
                pub fn link(&self, handle: Handle, path: &str) -> Result<(), NtStatus> {
                    Ok(open_with(self.thread(), handle, 0)?.link(path)?)
                }

                /// Marks the file for deletion with its last open, or takes the mark back.
                ///
                /// # Errors
                ///
                /// As [`Self::lock`].
                pub fn set_delete(&self, handle: Handle, delete: bool) -> Result<(), NtStatus> {
                    Ok(open_with(self.thread(), handle, DELETE)?.set_delete(delete)?)
                }

                /// Sets the allocation size in bytes.
                ///
                /// # Errors
                ///
                /// As [`Self::lock`].
                pub fn set_allocation(&self, handle: Handle, size: u64) -> Result<(), NtStatus> {
                    Ok(open_with(self.thread(), handle, FILE_WRITE_DATA)?.set_allocation(size)?)
                }

                /// Sets the attributes that a caller can set.
                ///
                /// # Errors
                ///
                /// As [`Self::lock`].
                pub fn set_attributes(&self, handle: Handle, attributes: u32) -> Result<(), NtStatus> {
                    Ok(open_with(self.thread(), handle, FILE_WRITE_ATTRIBUTES)?.set_attributes(attributes)?)
                }
            }
        )*
    };
}

state_calls! { UserThread KernelThread }
