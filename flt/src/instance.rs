//! Instances: the attachment of the filter to one volume, and what the driver remembers of it.

#![expect(
    unsafe_code,
    reason = "allocates, sets and reads instance contexts; queries volumes"
)]

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr;

use flt_sys::callback::FLT_RELATED_OBJECTS;
use flt_sys::types::{IO_STATUS_BLOCK, PFLT_FILTER, PFLT_INSTANCE, PFLT_VOLUME};
use flt_sys::volume::{
    FILE_FS_SIZE_INFORMATION, FileFsSizeInformation, FltGetVolumeFromFileObject,
    FltGetVolumeInstanceFromName, FltObjectDereference, FltQueryVolumeInformation,
};

use crate::filter::Minifilter;
use crate::irql::Passive;
use crate::name::{FileName, Form};
use crate::object::FileObject;
use crate::status::NtStatus;

/// What a volume says of its allocation unit; nothing of it is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cluster {
    /// Sectors of a cluster.
    pub sectors: u32,
    /// Bytes of a sector.
    pub bytes_per_sector: u32,
}

/// A volume that the filter may attach to; borrowed for the duration of the setup callback.
pub struct VolumeSetup<'setup> {
    instance: PFLT_INSTANCE,
    setup_flags: u32,
    file_system: u32,
    callback: PhantomData<(&'setup (), *const ())>,
}

impl VolumeSetup<'_> {
    /// # Safety
    ///
    /// 1. `objects` are those of a running instance-setup callback.
    pub(crate) unsafe fn from_raw(
        objects: &FLT_RELATED_OBJECTS,
        setup_flags: u32,
        file_system: u32,
    ) -> Self {
        Self {
            instance: objects.Instance,
            setup_flags,
            file_system,
            callback: PhantomData,
        }
    }

    /// FLT_FILESYSTEM_TYPE: 2 is NTFS, 28 is ReFS.
    #[must_use]
    pub const fn file_system(&self) -> u32 {
        self.file_system
    }

    /// FLTFL_INSTANCE_SETUP_*: how the attachment came about, and whether this is a Dev Drive.
    #[must_use]
    pub const fn setup_flags(&self) -> u32 {
        self.setup_flags
    }

    /// The cluster of the volume, as the volume says.
    ///
    /// # Errors
    ///
    /// The file system's status.
    pub fn cluster(&self, _: Passive) -> Result<Cluster, NtStatus> {
        let mut answer = IO_STATUS_BLOCK {
            Status: 0,
            Information: 0,
        };
        let mut size = FILE_FS_SIZE_INFORMATION {
            TotalAllocationUnits: 0,
            AvailableAllocationUnits: 0,
            SectorsPerAllocationUnit: 0,
            BytesPerSector: 0,
        };
        let length = u32::try_from(size_of::<FILE_FS_SIZE_INFORMATION>())
            .map_err(|_| NtStatus::INVALID_PARAMETER)?;
        // SAFETY: the instance is live during its setup (from_raw, 1), the level is proven, and both
        // structures may be written for their full length.
        let status = unsafe {
            FltQueryVolumeInformation(
                self.instance,
                &raw mut answer,
                (&raw mut size).cast(),
                length,
                FileFsSizeInformation,
            )
        };
        NtStatus::check(status)?;
        Ok(Cluster {
            sectors: size.SectorsPerAllocationUnit,
            bytes_per_sector: size.BytesPerSector,
        })
    }
}

/// Gives `instance` a context that holds `value`.
///
/// # Safety
///
/// 1. `objects` are those of a running instance-setup callback of the filter `F`.
pub(crate) unsafe fn attach_context<F: Minifilter>(
    objects: &FLT_RELATED_OBJECTS,
    value: F::Volume,
) -> Result<(), NtStatus> {
    const {
        assert!(
            align_of::<F::Volume>() <= 8,
            "a context follows a header of the filter manager's: no more than 8 is promised"
        )
    };
    let mut context: *mut c_void = ptr::null_mut();
    // SAFETY: the filter is live; the type and size were registered by `filter`; `context` may be written.
    let status = unsafe {
        flt_sys::context::FltAllocateContext(
            objects.Filter,
            flt_sys::context::FLT_INSTANCE_CONTEXT,
            size_of::<F::Volume>(),
            flt_sys::context::NonPagedPoolNx,
            &raw mut context,
        )
    };
    NtStatus::check(status)?;
    // SAFETY: the context is ours, of the asked size and at least pool alignment (asserted above).
    unsafe { context.cast::<F::Volume>().write(value) };
    // SAFETY: instance and context are live; no old context is asked back.
    let status = unsafe {
        flt_sys::context::FltSetInstanceContext(
            objects.Instance,
            flt_sys::context::FLT_SET_CONTEXT_KEEP_IF_EXISTS,
            context,
            ptr::null_mut(),
        )
    };
    // SAFETY: gives back the reference of the allocation; the instance holds its own if the set worked.
    unsafe { flt_sys::context::FltReleaseContext(context) };
    NtStatus::check(status)
}

/// A copy of the context of `instance`. At most APC_LEVEL.
///
/// # Safety
///
/// 1. `instance` is a live instance of the filter `F`.
pub(crate) unsafe fn read_context<F: Minifilter>(instance: PFLT_INSTANCE) -> Option<F::Volume> {
    let mut context: *mut c_void = ptr::null_mut();
    // SAFETY: the instance is live (contract 1); `context` may be written.
    let status = unsafe { flt_sys::context::FltGetInstanceContext(instance, &raw mut context) };
    if NtStatus::check(status).is_err() || context.is_null() {
        return None;
    }
    // SAFETY: every instance context of F was written as an F::Volume by `attach_context`, before it
    // was set, and never after.
    let value = unsafe { context.cast::<F::Volume>().read() };
    // SAFETY: gives back the reference that the get took.
    unsafe { flt_sys::context::FltReleaseContext(context) };
    Some(value)
}

/// A reference to a filter-manager object, given back when dropped.
struct Held(*mut c_void);

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: made only around an object on which the filter manager took a reference for us.
        unsafe { FltObjectDereference(self.0) };
    }
}

/// Where a file object lies, relative to the request being handled.
pub struct Place<'op> {
    volume: Held,
    own: PFLT_VOLUME,
    instance: PFLT_INSTANCE,
    filter: PFLT_FILTER,
    operation: PhantomData<(&'op (), *const ())>,
}

impl Place<'_> {
    /// Asks the filter manager for the volume of `file`; its FsContext, which may belong to anybody,
    /// is never looked at.
    ///
    /// # Safety
    ///
    /// 1. `objects` are those of a running pre-operation callback, which lasts for all of `'op`.
    pub(crate) unsafe fn of(
        objects: &FLT_RELATED_OBJECTS,
        file: &FileObject,
    ) -> Result<Self, NtStatus> {
        let mut volume: PFLT_VOLUME = ptr::null_mut();
        // SAFETY: the filter of a running callback (contract 1); the file object is referenced; `volume`
        // may be written.
        let status =
            unsafe { FltGetVolumeFromFileObject(objects.Filter, file.as_ptr(), &raw mut volume) };
        NtStatus::check(status)?;
        Ok(Self {
            volume: Held(volume.cast()),
            own: objects.Volume,
            instance: objects.Instance,
            filter: objects.Filter,
            operation: PhantomData,
        })
    }

    /// Whether the file lies on the volume that the request was sent to.
    #[must_use]
    pub fn is_same_volume(&self) -> bool {
        ptr::eq(self.volume.0, self.own.cast())
    }

    /// The name of `file`, asked through our instance on its own volume.
    ///
    /// # Errors
    ///
    /// The filter manager's status; also when we are not attached to that volume.
    pub fn name(&self, file: &FileObject, form: Form) -> Result<FileName, NtStatus> {
        if self.is_same_volume() {
            // SAFETY: the request's own instance, on the file's volume (just compared).
            return unsafe { FileName::of_file(file, self.instance, form) };
        }
        let mut instance: PFLT_INSTANCE = ptr::null_mut();
        // SAFETY: filter and volume are live; a null name asks for our highest instance
        // there (fltkernel.h, FltGetVolumeInstanceFromName); `instance` may be written.
        let status = unsafe {
            FltGetVolumeInstanceFromName(
                self.filter,
                self.volume.0.cast(),
                ptr::null(),
                &raw mut instance,
            )
        };
        NtStatus::check(status)?;
        let held = Held(instance.cast());
        // SAFETY: our instance on the file's volume, referenced by `held` until after the call.
        let name = unsafe { FileName::of_file(file, instance, form) };
        drop(held);
        name
    }
}
