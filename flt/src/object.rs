//! References to file objects, and the one way from a claimed handle to one.

#![expect(unsafe_code, reason = "references and dereferences kernel objects")]

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};

use flt_sys::nt::{IoFileObjectType, ObReferenceObjectByHandle, ObfDereferenceObject};
use flt_sys::types::FILE_OBJECT;

use crate::irql::Passive;
use crate::process::InRequestor;
use crate::status::NtStatus;

/// A file object that we hold a reference to.
///
/// # Invariants
///
/// The pointer is a FILE_OBJECT and one reference of it is ours until drop.
pub struct FileObject {
    object: NonNull<FILE_OBJECT>,
    // What a file object leads to may be paged: it must not enter the body of a spin lock.
    not_send: PhantomData<*const ()>,
}

impl FileObject {
    /// Resolves a handle that a requestor claims, in the requestor's own context, under the
    /// requestor's own mode.
    ///
    /// No access is asked for: this is for the audit, and the file system asks for itself. The
    /// object's type is checked, so an event or a process is refused by the object manager.
    ///
    /// # Errors
    ///
    /// The object manager's status, unchanged.
    pub fn resolve(handle: u64, requestor: &InRequestor<'_>, _: Passive) -> Result<Self, NtStatus> {
        let handle = usize::try_from(handle).map_err(|_| NtStatus::INVALID_PARAMETER)?;
        let mut object: *mut c_void = ptr::null_mut();
        // SAFETY: IoFileObjectType is a data export that the kernel fills before any driver loads.
        let file_type = unsafe { IoFileObjectType };
        // SAFETY: PASSIVE_LEVEL is proven; the handle's mode is the requestor's, so that a user's value
        // is checked as a user's (wdm.h, ObReferenceObjectByHandle); `object` may be written.
        let status = unsafe {
            ObReferenceObjectByHandle(
                ptr::without_provenance_mut(handle),
                0,
                file_type,
                requestor.mode().raw(),
                &raw mut object,
                ptr::null_mut(),
            )
        };
        NtStatus::check(status)?;
        let object = NonNull::new(object.cast()).ok_or(NtStatus::UNSUCCESSFUL)?;
        Ok(Self {
            object,
            not_send: PhantomData,
        })
    }

    pub(crate) const fn as_ptr(&self) -> *mut FILE_OBJECT {
        self.object.as_ptr()
    }
}

impl Drop for FileObject {
    fn drop(&mut self) {
        // SAFETY: the reference taken by `resolve` is ours and given back once.
        unsafe { ObfDereferenceObject(self.object.as_ptr().cast()) };
    }
}
