//! Where a file lies: on the volume of the request being handled, or elsewhere.

#![expect(
    unsafe_code,
    reason = "asks the filter manager for volumes and instances"
)]

use core::ffi::c_void;
use core::ptr;

use flt_sys::callback::FLT_RELATED_OBJECTS;
use flt_sys::types::{PFLT_INSTANCE, PFLT_VOLUME};
use flt_sys::volume::{
    FltGetVolumeFromFileObject, FltGetVolumeInstanceFromName, FltObjectDereference,
};

use crate::file::{self, FileInformation};
use crate::name::{FileName, Form};
use crate::object::FileObject;
use crate::reentry::Asking;
use crate::status::NtStatus;
use crate::volume;

/// A reference to a filter-manager object, given back when dropped.
///
/// # Invariants
///
/// The filter manager took the reference for us.
pub(crate) struct Held(pub(crate) *mut c_void);

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the reference is ours (invariant), and given back once; at most DISPATCH_LEVEL.
        unsafe { FltObjectDereference(self.0) };
    }
}

/// Where a file object lies, relative to the request being handled.
///
/// # Invariants
///
/// `volume` is that of `file`; `objects` are those of a running pre-operation callback.
pub struct Place<'op> {
    file: &'op FileObject,
    volume: Held,
    objects: &'op FLT_RELATED_OBJECTS,
}

impl<'op> Place<'op> {
    /// Asks the filter manager for the volume of `file`; its FsContext, which may belong to anybody,
    /// is never looked at.
    ///
    /// # Safety
    ///
    /// 1. `objects` are those of a running pre-operation callback, which lasts for all of `'op`.
    pub(crate) unsafe fn of(
        objects: &'op FLT_RELATED_OBJECTS,
        file: &'op FileObject,
    ) -> Result<Self, NtStatus> {
        let mut volume: PFLT_VOLUME = ptr::null_mut();
        // SAFETY: the filter of a running callback (contract 1); the file object is referenced; `volume`
        // may be written.
        let status =
            unsafe { FltGetVolumeFromFileObject(objects.Filter, file.as_ptr(), &raw mut volume) };
        NtStatus::check(status)?;
        Ok(Self {
            file,
            volume: Held(volume.cast()),
            objects,
        })
    }

    /// Whether the file lies on the volume that the request was sent to.
    #[must_use]
    pub fn is_same_volume(&self) -> bool {
        ptr::eq(self.volume.0, self.objects.Volume.cast())
    }

    /// The name of the file, asked through our instance on its own volume.
    ///
    /// # Errors
    ///
    /// The filter manager's status; also when we are not attached to that volume.
    pub fn name(&self, form: Form) -> Result<FileName, NtStatus> {
        self.with_instance(|instance| {
            // SAFETY: our live instance on the file's volume.
            unsafe { FileName::of_file(self.file, instance, form) }
        })
    }

    /// Attributes and sizes of the file, asked through our instance on its own volume.
    ///
    /// # Errors
    ///
    /// As for [`crate::fsctl::FsControl::target_information`].
    pub fn information(&self, asking: Asking) -> Result<FileInformation, NtStatus> {
        self.with_instance(|instance| {
            // SAFETY: our live instance on the file's volume.
            unsafe { FileInformation::query(self.file, instance, asking) }
        })
    }

    /// The number of the file on its volume, asked through our instance there; see [`crate::file`].
    ///
    /// # Errors
    ///
    /// As for [`Self::information`]; also of a file system that has no such numbers.
    pub fn file_id(&self, asking: Asking) -> Result<u128, NtStatus> {
        self.with_instance(|instance| {
            // SAFETY: our live instance on the file's volume.
            unsafe { file::id(self.file, instance, asking) }
        })
    }

    /// The unique id of the file's volume.
    ///
    /// # Errors
    ///
    /// `POSSIBLE_DEADLOCK`, unasked, where asking could wait for ever; else the filter manager's status.
    pub fn volume_guid(&self, asking: Asking) -> Result<[u8; 16], NtStatus> {
        asking.check()?;
        // SAFETY: we hold a reference to the volume (invariant), and a file is open on it: its mount has ended.
        unsafe { volume::guid(self.volume.0.cast(), asking.passive()) }
    }

    /// Calls `ask` with our live instance on the file's volume.
    fn with_instance<R>(
        &self,
        ask: impl FnOnce(PFLT_INSTANCE) -> Result<R, NtStatus>,
    ) -> Result<R, NtStatus> {
        if self.is_same_volume() {
            return ask(self.objects.Instance);
        }
        let mut instance: PFLT_INSTANCE = ptr::null_mut();
        // SAFETY: filter and volume are live; a null name asks for our highest instance
        // there (fltkernel.h, FltGetVolumeInstanceFromName); `instance` may be written.
        let status = unsafe {
            FltGetVolumeInstanceFromName(
                self.objects.Filter,
                self.volume.0.cast(),
                ptr::null(),
                &raw mut instance,
            )
        };
        NtStatus::check(status)?;
        // Referenced until after the call.
        let held = Held(instance.cast());
        let answer = ask(instance);
        drop(held);
        answer
    }
}
