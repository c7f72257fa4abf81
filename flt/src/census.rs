//! The volumes that the filter manager knows, attached to or not.

#![expect(
    unsafe_code,
    reason = "lists volumes and asks about them through the filter manager"
)]

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::ptr;

use flt_sys::types::{PFLT_FILTER, PFLT_INSTANCE, PFLT_VOLUME};
use flt_sys::volume::{FltEnumerateVolumes, FltGetFileSystemType, FltGetVolumeInstanceFromName};

use crate::irql::Passive;
use crate::memory::try_filled;
use crate::place::Held;
use crate::status::NtStatus;
use crate::volume::{self, VolumeName};

/// How often the list is asked for that grows meanwhile.
const ATTEMPTS: usize = 4;

/// All volumes at one moment, each referenced until the list is dropped.
///
/// # Invariants
///
/// `filter` is registered for all of `'f`.
pub struct Census<'f> {
    filter: PFLT_FILTER,
    volumes: Box<[Option<Held>]>,
    registered: PhantomData<(&'f (), *const ())>,
}

impl Census<'_> {
    /// Asks the filter manager.
    ///
    /// # Safety
    ///
    /// 1. `filter` is registered for all of the lifetime.
    pub(crate) unsafe fn take(filter: PFLT_FILTER, passive: Passive) -> Result<Self, NtStatus> {
        let mut count = 0;
        // SAFETY: the filter is registered (contract 1); no list means to count; `count` may be written.
        let status = unsafe { FltEnumerateVolumes(filter, ptr::null_mut(), 0, &raw mut count) };
        // Its page does not say whether counting alone is a success or a buffer too small.
        match NtStatus::check(status) {
            Ok(()) | Err(NtStatus::BUFFER_TOO_SMALL) => {}
            Err(status) => return Err(status),
        }
        for _ in 0..ATTEMPTS {
            // SAFETY: contract 1.
            match unsafe { Self::of(filter, &mut count, passive) } {
                Err(NtStatus::BUFFER_TOO_SMALL) => {}
                result => return result,
            }
        }
        Err(NtStatus::BUFFER_TOO_SMALL)
    }

    /// # Safety
    ///
    /// 1. As for [`Self::take`].
    unsafe fn of(filter: PFLT_FILTER, count: &mut u32, _: Passive) -> Result<Self, NtStatus> {
        let room = usize::try_from(*count).map_err(|_| NtStatus::INVALID_PARAMETER)?;
        let mut list = try_filled(room, ptr::null_mut)?;
        // What takes the references over is there before they are taken.
        let mut volumes = try_filled(room, || None)?;
        let places: *mut PFLT_VOLUME = list.as_mut_ptr();
        // SAFETY: the filter is registered (contract 1); the list has room for `count` pointers, and an empty one for
        // none.
        let status = unsafe { FltEnumerateVolumes(filter, places, *count, &raw mut *count) };
        NtStatus::check(status)?;
        let found = usize::try_from(*count).map_err(|_| NtStatus::INVALID_PARAMETER)?;
        for (place, volume) in volumes.iter_mut().zip(&list).take(found) {
            *place = Some(Held(volume.cast()));
        }
        Ok(Self {
            filter,
            volumes,
            registered: PhantomData,
        })
    }

    /// The volumes, in no order.
    pub fn volumes(&self) -> impl Iterator<Item = KnownVolume<'_>> {
        let held = self.volumes.iter().flatten();
        held.map(|held| KnownVolume { census: self, held })
    }
}

/// A volume of a census.
pub struct KnownVolume<'c> {
    census: &'c Census<'c>,
    held: &'c Held,
}

impl KnownVolume<'_> {
    /// FLT_FILESYSTEM_TYPE: 2 is NTFS, 28 is ReFS.
    ///
    /// # Errors
    ///
    /// The filter manager's status.
    pub fn file_system(&self) -> Result<u32, NtStatus> {
        let mut file_system = 0;
        // SAFETY: the census holds a reference to the volume; the result may be written; at most APC_LEVEL, since a census
        // is taken at PASSIVE_LEVEL and is not `Send`.
        NtStatus::check(unsafe { FltGetFileSystemType(self.held.0, &raw mut file_system) })?;
        Ok(file_system.cast_unsigned())
    }

    /// Whether this filter is attached to it.
    ///
    /// # Errors
    ///
    /// The filter manager's status, unless it is the one for "no".
    pub fn is_attached(&self) -> Result<bool, NtStatus> {
        let mut instance: PFLT_INSTANCE = ptr::null_mut();
        // SAFETY: the filter is registered (invariant of Census) and the volume referenced; a null name asks for our
        // highest instance there (fltkernel.h, FltGetVolumeInstanceFromName); `instance` may be written.
        let status = unsafe {
            FltGetVolumeInstanceFromName(
                self.census.filter,
                self.held.0.cast(),
                ptr::null(),
                &raw mut instance,
            )
        };
        match NtStatus::check(status) {
            Ok(()) => {
                drop(Held(instance.cast()));
                Ok(true)
            }
            Err(NtStatus::FLT_INSTANCE_NOT_FOUND) => Ok(false),
            Err(status) => Err(status),
        }
    }

    /// The unique id of the volume, in the byte order in which Windows stores a GUID.
    ///
    /// # Errors
    ///
    /// The filter manager's status; `OBJECT_NAME_INVALID` if the name it gives has no id in it.
    pub fn guid(&self, passive: Passive) -> Result<[u8; 16], NtStatus> {
        // SAFETY: referenced, and no mount callback runs in this thread.
        unsafe { volume::guid(self.held.0.cast(), passive) }
    }

    /// The device name of the volume.
    ///
    /// # Errors
    ///
    /// The filter manager's status.
    pub fn name(&self) -> Result<VolumeName, NtStatus> {
        // SAFETY: the census holds a reference to the volume.
        unsafe { VolumeName::of(self.held.0.cast()) }
    }
}
