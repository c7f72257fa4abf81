//! File objects: references that are ours, the target that a request lends us, and the one way from a
//! claimed handle to a file object.

#![expect(
    unsafe_code,
    reason = "references kernel objects, and reads two fields of a file object"
)]

use core::ffi::c_void;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr::{self, NonNull};

use flt_sys::file::{FILE_OBJECT, FO_VOLUME_OPEN, IoIsFileOriginRemote};
use flt_sys::nt::{
    IoFileObjectType, OBJECT_HANDLE_INFORMATION, ObReferenceObjectByHandle, ObfDereferenceObject,
};

use crate::irql::Passive;
use crate::requestor::InRequestor;
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

/// What a claimed handle stands for.
pub struct Resolved {
    /// The file.
    pub file: FileObject,
    /// The rights that the handle grants, an access mask. A kernel handle's say nothing of a check.
    pub granted: u32,
}

impl FileObject {
    /// Resolves a handle that a requestor claims, in the requestor's own context, under the
    /// requestor's own mode.
    ///
    /// No access is asked for: the rights that the handle has are answered, and the file system asks
    /// for itself. The object's type is checked, so an event or a process is refused by the object manager.
    ///
    /// # Errors
    ///
    /// The object manager's status, unchanged.
    pub fn resolve(
        handle: u64,
        requestor: &InRequestor<'_>,
        _: Passive,
    ) -> Result<Resolved, NtStatus> {
        let handle = usize::try_from(handle).map_err(|_| NtStatus::INVALID_PARAMETER)?;
        let mut object: *mut c_void = ptr::null_mut();
        let mut information = OBJECT_HANDLE_INFORMATION {
            HandleAttributes: 0,
            GrantedAccess: 0,
        };
        // SAFETY: IoFileObjectType is a data export that the kernel fills before any driver loads.
        let file_type = unsafe { IoFileObjectType };
        // SAFETY: PASSIVE_LEVEL is proven; the handle's mode is the requestor's, so that a user's value
        // is checked as a user's (wdm.h, ObReferenceObjectByHandle); both results may be written.
        let status = unsafe {
            ObReferenceObjectByHandle(
                ptr::without_provenance_mut(handle),
                0,
                file_type,
                requestor.mode().raw(),
                &raw mut object,
                &raw mut information,
            )
        };
        NtStatus::check(status)?;
        let object = NonNull::new(object.cast()).ok_or(NtStatus::UNSUCCESSFUL)?;
        Ok(Resolved {
            file: Self {
                object,
                not_send: PhantomData,
            },
            granted: information.GrantedAccess,
        })
    }

    /// Whether the volume itself was opened, not a file on it.
    #[must_use]
    pub fn is_volume_open(&self) -> bool {
        // SAFETY: the object is referenced (invariant).
        let flags = unsafe { &raw const (*self.as_ptr()).Flags };
        // SAFETY: a field of a live object; read once and by its address, because the I/O manager and file systems
        // set other bits of it at any time.
        unsafe { flags.read_volatile() & FO_VOLUME_OPEN != 0 }
    }

    /// Whether a server opened the file for a client on the network.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        // SAFETY: referenced (invariant); callable at any level once the create has ended, as it has for
        // a file that has a handle or gets a control (ntddk.h, IoIsFileOriginRemote).
        unsafe { IoIsFileOriginRemote(self.as_ptr()) != 0 }
    }

    /// Whether both are opens of one stream: the same object, or the same FsContext.
    ///
    /// A file system gives each open stream one FsContext of its own, and keeps it as long as a file object
    /// leads to it (WDK, "The FSRTL_ADVANCED_FCB_HEADER Structure"). Both objects are referenced here, so
    /// equal addresses mean one stream. The address may belong to anybody: it is compared, never followed.
    #[must_use]
    pub fn is_same_stream(&self, other: &Self) -> bool {
        let own = self.fs_context();
        ptr::eq(self.as_ptr(), other.as_ptr()) || (!own.is_null() && own == other.fs_context())
    }

    fn fs_context(&self) -> *mut c_void {
        // SAFETY: the object is referenced (invariant).
        let context = unsafe { &raw const (*self.as_ptr()).FsContext };
        // SAFETY: a field of a live object, set by the create that made it.
        unsafe { context.read_volatile() }
    }

    pub(crate) const fn as_ptr(&self) -> *mut FILE_OBJECT {
        self.object.as_ptr()
    }
}

impl Drop for FileObject {
    fn drop(&mut self) {
        // SAFETY: the reference taken by `resolve` is ours and given back once; at most DISPATCH_LEVEL.
        unsafe { ObfDereferenceObject(self.object.as_ptr().cast()) };
    }
}

/// The file that a request was sent to, lent by the request: no reference is taken or given back.
pub struct TargetFile<'op> {
    file: ManuallyDrop<FileObject>,
    operation: PhantomData<&'op ()>,
}

impl TargetFile<'_> {
    /// # Safety
    ///
    /// 1. Somebody else holds a reference to `object` for all of `'op`.
    pub(crate) const unsafe fn from_raw(object: NonNull<FILE_OBJECT>) -> Self {
        // Never dropped, so the lender's reference stays the lender's; it stands in for ours (contract 1).
        let file = ManuallyDrop::new(FileObject {
            object,
            not_send: PhantomData,
        });
        Self {
            file,
            operation: PhantomData,
        }
    }
}

impl Deref for TargetFile<'_> {
    type Target = FileObject;

    fn deref(&self) -> &FileObject {
        &self.file
    }
}
