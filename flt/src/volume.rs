//! What a volume says of itself: its cluster, what its file system can do, its unique id, its name.

#![expect(unsafe_code, reason = "queries volumes through the filter manager")]

use core::mem::offset_of;
use core::ptr;

use flt_sys::types::{IO_STATUS_BLOCK, PFLT_INSTANCE, PFLT_VOLUME, UNICODE_STRING};
use flt_sys::volume::{
    FILE_FS_ATTRIBUTE_INFORMATION, FILE_FS_SIZE_INFORMATION, FS_INFORMATION_CLASS,
    FileFsAttributeInformation, FileFsSizeInformation, FltGetVolumeGuidName, FltGetVolumeName,
    FltQueryVolumeInformation,
};

use crate::irql::Passive;
use crate::reentry::Asking;
use crate::status::NtStatus;
use crate::uuid;

/// What a volume says of its allocation unit; nothing of it is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cluster {
    /// Sectors of a cluster.
    pub sectors: u32,
    /// Bytes of a sector.
    pub bytes_per_sector: u32,
}

/// Structures that a volume may fill in.
///
/// # Safety
///
/// 1. Any bytes are a valid value.
unsafe trait Answer {}

// SAFETY: integers only.
unsafe impl Answer for FILE_FS_SIZE_INFORMATION {}

/// The fixed part and the room for the file system's name, which must fit too.
#[repr(C)]
struct Attributes {
    fixed: FILE_FS_ATTRIBUTE_INFORMATION,
    name: [u16; 64],
}

// SAFETY: integers only.
unsafe impl Answer for Attributes {}

/// Asks the volume below `instance`, and answers how many bytes it wrote.
///
/// # Safety
///
/// 1. `instance` is a live instance of this filter.
unsafe fn query<T: Answer>(
    instance: PFLT_INSTANCE,
    class: FS_INFORMATION_CLASS,
    answer: &mut T,
    _: Passive,
) -> Result<usize, NtStatus> {
    let mut ended = IO_STATUS_BLOCK {
        Status: 0,
        Information: 0,
    };
    let length = u32::try_from(size_of::<T>()).map_err(|_| NtStatus::INVALID_PARAMETER)?;
    // SAFETY: the instance is live (contract 1), the level is proven, and both structures may be written
    // for their full length, with any bytes (Answer, 1).
    let status = unsafe {
        FltQueryVolumeInformation(
            instance,
            &raw mut ended,
            ptr::from_mut(answer).cast(),
            length,
            class,
        )
    };
    NtStatus::check(status)?;
    Ok(ended.Information)
}

/// # Safety
///
/// 1. `instance` is a live instance of this filter.
pub(crate) unsafe fn cluster(
    instance: PFLT_INSTANCE,
    passive: Passive,
) -> Result<Cluster, NtStatus> {
    let mut size = FILE_FS_SIZE_INFORMATION {
        TotalAllocationUnits: 0,
        AvailableAllocationUnits: 0,
        SectorsPerAllocationUnit: 0,
        BytesPerSector: 0,
    };
    // SAFETY: contract 1.
    let written = unsafe { query(instance, FileFsSizeInformation, &mut size, passive) }?;
    if written < size_of::<FILE_FS_SIZE_INFORMATION>() {
        return Err(NtStatus::INFO_LENGTH_MISMATCH);
    }
    Ok(Cluster {
        sectors: size.SectorsPerAllocationUnit,
        bytes_per_sector: size.BytesPerSector,
    })
}

/// FILE_* of the file system, asked afresh; `POSSIBLE_DEADLOCK`, unasked, where asking could wait for ever.
///
/// # Safety
///
/// 1. `instance` is a live instance of this filter.
pub(crate) unsafe fn attributes(instance: PFLT_INSTANCE, asking: Asking) -> Result<u32, NtStatus> {
    asking.check()?;
    let mut attributes = Attributes {
        fixed: FILE_FS_ATTRIBUTE_INFORMATION {
            FileSystemAttributes: 0,
            MaximumComponentNameLength: 0,
            FileSystemNameLength: 0,
            FileSystemName: [0; 1],
        },
        name: [0; 64],
    };
    // SAFETY: contract 1.
    let written = unsafe {
        query(
            instance,
            FileFsAttributeInformation,
            &mut attributes,
            asking.passive(),
        )
    }?;
    if written < offset_of!(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName) {
        return Err(NtStatus::INFO_LENGTH_MISMATCH);
    }
    Ok(attributes.fixed.FileSystemAttributes)
}

/// The unique id that the mount manager gave the volume, in the byte order in which Windows stores a GUID.
///
/// # Safety
///
/// 1. `volume` is live, and its mount has ended: not in a mount callback (its page).
pub(crate) unsafe fn guid(volume: PFLT_VOLUME, _: Passive) -> Result<[u8; 16], NtStatus> {
    // `\??\Volume{`, 36 characters and a brace: 48 units; the routine asks for no terminating zero.
    let mut units = [0_u16; 64];
    let mut name = UNICODE_STRING {
        Length: 0,
        MaximumLength: u16::try_from(size_of_val(&units))
            .map_err(|_| NtStatus::INVALID_PARAMETER)?,
        Buffer: units.as_mut_ptr(),
    };
    // SAFETY: the volume is live (contract 1), the level is proven, the text may be written up to
    // MaximumLength; the needed size is optional.
    let status = unsafe { FltGetVolumeGuidName(volume, &raw mut name, ptr::null_mut()) };
    NtStatus::check(status)?;
    let count = usize::from(name.Length >> 1_u32);
    let text = units.get(..count).ok_or(NtStatus::OBJECT_NAME_INVALID)?;
    uuid::of_volume_name(text).ok_or(NtStatus::OBJECT_NAME_INVALID)
}

/// The device name of a volume, `\Device\HarddiskVolume3`.
///
/// # Invariants
///
/// `length` is at most [`VolumeName::UNITS`].
#[derive(Clone, Copy)]
pub struct VolumeName {
    units: [u16; Self::UNITS],
    length: usize,
}

impl VolumeName {
    /// More than the names of Windows need: a prefix and a number.
    const UNITS: usize = 128;

    /// The name in UTF-16 units.
    #[must_use]
    pub fn units(&self) -> &[u16] {
        self.units.get(..self.length).unwrap_or(&[])
    }

    /// At most APC_LEVEL.
    ///
    /// # Safety
    ///
    /// 1. `volume` is live.
    pub(crate) unsafe fn of(volume: PFLT_VOLUME) -> Result<Self, NtStatus> {
        let mut units = [0_u16; Self::UNITS];
        let mut name = UNICODE_STRING {
            Length: 0,
            MaximumLength: u16::try_from(size_of_val(&units))
                .map_err(|_| NtStatus::INVALID_PARAMETER)?,
            Buffer: units.as_mut_ptr(),
        };
        // SAFETY: the volume is live (contract 1), the text may be written up to MaximumLength; the needed size is
        // optional.
        let status = unsafe { FltGetVolumeName(volume, &raw mut name, ptr::null_mut()) };
        NtStatus::check(status)?;
        let length = usize::from(name.Length >> 1_u32);
        if length > Self::UNITS {
            return Err(NtStatus::OBJECT_NAME_INVALID);
        }
        Ok(Self { units, length })
    }
}
