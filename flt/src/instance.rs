//! Instances: the attachment of the filter to one volume, and what the driver remembers of it.

#![expect(unsafe_code, reason = "allocates, sets and reads instance contexts")]

use core::ffi::c_void;
use core::marker::PhantomData;
use core::ptr;

use flt_sys::callback::FLT_RELATED_OBJECTS;
use flt_sys::registration::{
    FLT_INSTANCE_TEARDOWN_FLAGS, FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD,
    FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD, FLTFL_INSTANCE_TEARDOWN_MANUAL,
    FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT,
};
use flt_sys::types::{PFLT_INSTANCE, PFLT_VOLUME};

use crate::filter::Minifilter;
use crate::irql::Passive;
use crate::status::NtStatus;
use crate::volume::{self, Cluster, VolumeName};

/// A volume that the filter may attach to; borrowed for the duration of the setup callback.
pub struct VolumeSetup<'setup> {
    instance: PFLT_INSTANCE,
    volume: PFLT_VOLUME,
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
            volume: objects.Volume,
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
    pub fn cluster(&self, passive: Passive) -> Result<Cluster, NtStatus> {
        // SAFETY: the instance is live during its setup (from_raw, 1).
        unsafe { volume::cluster(self.instance, passive) }
    }

    /// The unique id of the volume, in the byte order in which Windows stores a GUID.
    ///
    /// # Errors
    ///
    /// The filter manager's status, also for a volume on the network; `OBJECT_NAME_INVALID` if the name it gives
    /// has no id in it.
    pub fn guid(&self, passive: Passive) -> Result<[u8; 16], NtStatus> {
        // SAFETY: the volume is live during the setup of an instance on it (from_raw, 1), which comes with the first
        // request after the mount has ended (FltGetVolumeGuidName, remarks).
        unsafe { volume::guid(self.volume, passive) }
    }

    /// The device name of the volume.
    ///
    /// # Errors
    ///
    /// The filter manager's status.
    pub fn name(&self) -> Result<VolumeName, NtStatus> {
        // SAFETY: the volume is live during the setup of an instance on it (from_raw, 1).
        unsafe { VolumeName::of(self.volume) }
    }
}

/// Why the filter was detached from a volume.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DetachCause {
    /// The volume is gone, or was never whole.
    Dismounted,
    /// Somebody asked for it.
    Manual,
    /// The filter is being unloaded.
    Unload,
    /// The filter manager had a fault, or says something new.
    Other,
}

/// A volume that the filter has been detached from; borrowed for the duration of the teardown callback.
pub struct VolumeGone<'gone, F> {
    instance: PFLT_INSTANCE,
    volume: PFLT_VOLUME,
    reason: FLT_INSTANCE_TEARDOWN_FLAGS,
    callback: PhantomData<(&'gone F, *const ())>,
}

impl<F: Minifilter> VolumeGone<'_, F> {
    /// # Safety
    ///
    /// 1. `objects` are those of a running teardown-complete callback of the filter `F`.
    pub(crate) const unsafe fn from_raw(
        objects: &FLT_RELATED_OBJECTS,
        reason: FLT_INSTANCE_TEARDOWN_FLAGS,
    ) -> Self {
        Self {
            instance: objects.Instance,
            volume: objects.Volume,
            reason,
            callback: PhantomData,
        }
    }

    /// Why.
    #[must_use]
    pub const fn cause(&self) -> DetachCause {
        const UNLOAD: FLT_INSTANCE_TEARDOWN_FLAGS =
            FLTFL_INSTANCE_TEARDOWN_FILTER_UNLOAD | FLTFL_INSTANCE_TEARDOWN_MANDATORY_FILTER_UNLOAD;
        if self.reason & UNLOAD != 0 {
            DetachCause::Unload
        } else if self.reason & FLTFL_INSTANCE_TEARDOWN_VOLUME_DISMOUNT != 0 {
            DetachCause::Dismounted
        } else if self.reason & FLTFL_INSTANCE_TEARDOWN_MANUAL != 0 {
            DetachCause::Manual
        } else {
            DetachCause::Other
        }
    }

    /// A copy of what the driver remembered of the volume in [`Minifilter::attach`].
    #[must_use]
    pub fn volume(&self) -> Option<F::Volume> {
        // SAFETY: an instance of F, whose contexts go only after its last callback (from_raw, 1).
        unsafe { read_context::<F>(self.instance) }
    }

    /// The device name of the volume.
    ///
    /// # Errors
    ///
    /// The filter manager's status.
    pub fn name(&self) -> Result<VolumeName, NtStatus> {
        // SAFETY: the volume of an instance that is still there (from_raw, 1).
        unsafe { VolumeName::of(self.volume) }
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
