//! Virtual disks: made, attached for as long as a handle is open, partitioned, and the volume found.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::{
    ERROR_NO_MORE_FILES, GENERIC_READ, GENERIC_WRITE, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_DEVICE_DISK, FILE_SHARE_READ, FILE_SHARE_WRITE, FindFirstVolumeW,
    FindNextVolumeW, FindVolumeClose, OPEN_EXISTING, PARTITION_BASIC_DATA_GUID,
};
use windows_sys::Win32::Storage::Vhd::{
    ATTACH_VIRTUAL_DISK_FLAG_NO_DRIVE_LETTER, ATTACH_VIRTUAL_DISK_FLAG_READ_ONLY,
    AttachVirtualDisk, CREATE_VIRTUAL_DISK_FLAG_NONE, CREATE_VIRTUAL_DISK_PARAMETERS,
    CREATE_VIRTUAL_DISK_VERSION_2, CreateVirtualDisk, DETACH_VIRTUAL_DISK_FLAG_NONE,
    DetachVirtualDisk, GetVirtualDiskPhysicalPath, OPEN_VIRTUAL_DISK_FLAG_NONE,
    OPEN_VIRTUAL_DISK_PARAMETERS, OPEN_VIRTUAL_DISK_VERSION_2, OpenVirtualDisk,
    VIRTUAL_DISK_ACCESS_NONE, VIRTUAL_STORAGE_TYPE, VIRTUAL_STORAGE_TYPE_DEVICE_VHDX,
    VIRTUAL_STORAGE_TYPE_VENDOR_MICROSOFT,
};
use windows_sys::Win32::System::IO::DeviceIoControl;
use windows_sys::Win32::System::Ioctl::{
    CREATE_DISK, CREATE_DISK_GPT, DISK_ATTRIBUTE_OFFLINE, DISK_ATTRIBUTE_READ_ONLY,
    DRIVE_LAYOUT_INFORMATION_EX, DRIVE_LAYOUT_INFORMATION_GPT, GET_DISK_ATTRIBUTES,
    IOCTL_DISK_CREATE_DISK, IOCTL_DISK_GET_DISK_ATTRIBUTES, IOCTL_DISK_SET_DISK_ATTRIBUTES,
    IOCTL_DISK_SET_DRIVE_LAYOUT_EX, IOCTL_DISK_UPDATE_PROPERTIES, IOCTL_STORAGE_GET_DEVICE_NUMBER,
    PARTITION_INFORMATION_EX, PARTITION_INFORMATION_GPT, PARTITION_STYLE_GPT, SET_DISK_ATTRIBUTES,
    STORAGE_DEVICE_NUMBER,
};
use windows_sys::core::GUID;

use super::wide;

/// Partitions that a GPT has room for, at least (UEFI, GPT Header).
const GPT_ENTRIES: u32 = 128;
/// What the two copies of a GPT take at most at either end, and where partitions are aligned.
const MARGIN: u64 = 1 << 20;
/// Of a volume's name: `\\?\Volume{...}\` and a zero.
const VOLUME_NAME: usize = 64;

/// VHDX, made by Microsoft's provider.
static VHDX: VIRTUAL_STORAGE_TYPE = VIRTUAL_STORAGE_TYPE {
    DeviceId: VIRTUAL_STORAGE_TYPE_DEVICE_VHDX,
    VendorId: VIRTUAL_STORAGE_TYPE_VENDOR_MICROSOFT,
};

/// Makes a file for a disk that grows up to this size.
pub(crate) fn create(path: &Path, size: u64) -> io::Result<OwnedHandle> {
    let mut parameters = CREATE_VIRTUAL_DISK_PARAMETERS {
        Version: CREATE_VIRTUAL_DISK_VERSION_2,
        ..CREATE_VIRTUAL_DISK_PARAMETERS::default()
    };
    parameters.Anonymous.Version2.MaximumSize = size;
    let name = wide(path);
    let mut handle: HANDLE = ptr::null_mut();
    // SAFETY: every pointer outlives the call, which waits for its end as there is no OVERLAPPED.
    let error = unsafe {
        CreateVirtualDisk(
            &raw const VHDX,
            name.as_ptr(),
            VIRTUAL_DISK_ACCESS_NONE,
            ptr::null_mut(),
            CREATE_VIRTUAL_DISK_FLAG_NONE,
            0,
            &raw const parameters,
            ptr::null(),
            &raw mut handle,
        )
    };
    owned(error, handle)
}

/// Opens the file of a disk.
pub(crate) fn open(path: &Path) -> io::Result<OwnedHandle> {
    let parameters = OPEN_VIRTUAL_DISK_PARAMETERS {
        Version: OPEN_VIRTUAL_DISK_VERSION_2,
        ..OPEN_VIRTUAL_DISK_PARAMETERS::default()
    };
    let name = wide(path);
    let mut handle: HANDLE = ptr::null_mut();
    // SAFETY: every pointer outlives the call.
    let error = unsafe {
        OpenVirtualDisk(
            &raw const VHDX,
            name.as_ptr(),
            VIRTUAL_DISK_ACCESS_NONE,
            OPEN_VIRTUAL_DISK_FLAG_NONE,
            &raw const parameters,
            &raw mut handle,
        )
    };
    owned(error, handle)
}

/// Attaches a disk without a drive letter. It is detached when the handle is closed, and so also when this program
/// dies (Win32, ATTACH_VIRTUAL_DISK_FLAG_PERMANENT_LIFETIME is what would keep it).
pub(crate) fn attach(disk: &OwnedHandle, is_read_only: bool) -> io::Result<()> {
    let read_only = if is_read_only {
        ATTACH_VIRTUAL_DISK_FLAG_READ_ONLY
    } else {
        0
    };
    // SAFETY: the handle is open; no other pointer is passed.
    let error = unsafe {
        AttachVirtualDisk(
            disk.as_raw_handle(),
            ptr::null_mut(),
            ATTACH_VIRTUAL_DISK_FLAG_NO_DRIVE_LETTER | read_only,
            0,
            ptr::null(),
            ptr::null(),
        )
    };
    win32(error)
}

/// Detaches a disk.
pub(crate) fn detach(disk: &OwnedHandle) -> io::Result<()> {
    // SAFETY: the handle is open.
    let error =
        unsafe { DetachVirtualDisk(disk.as_raw_handle(), DETACH_VIRTUAL_DISK_FLAG_NONE, 0) };
    win32(error)
}

/// The number of an attached disk: that at the end of its name, `\\.\PhysicalDrive7`.
pub(crate) fn number(disk: &OwnedHandle) -> io::Result<u32> {
    let mut name = [0_u16; 260];
    let mut size = u32::try_from(size_of_val(&name)).unwrap_or(0);
    // SAFETY: the buffer has `size` bytes and outlives the call.
    let error = unsafe {
        GetVirtualDiskPhysicalPath(disk.as_raw_handle(), &raw mut size, name.as_mut_ptr())
    };
    win32(error)?;
    let text = String::from_utf16_lossy(&name);
    let digits = text
        .trim_end_matches('\0')
        .rsplit(|c: char| !c.is_ascii_digit())
        .next();
    let number = digits.and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("the name of an attached disk is {text}")))
}

/// Brings an attached disk online, and unless it is attached read-only lets it be written to. What becomes of a disk that
/// Windows has not seen before its SAN policy says; by that of a server the disk may stay offline and read-only, and then
/// it shows no volumes (MS-VDS 2.2.2.2.1.1).
pub(crate) fn bring_online(number: u32, is_read_only: bool) -> io::Result<()> {
    let mut unwanted = DISK_ATTRIBUTE_OFFLINE;
    if !is_read_only {
        unwanted |= DISK_ATTRIBUTE_READ_ONLY;
    }
    if attributes(number)? & unwanted == 0 {
        return Ok(());
    }
    // It does not outlast a restart (`Persist` is none), as the disk does not.
    let online = SET_DISK_ATTRIBUTES {
        Version: u32::try_from(size_of::<SET_DISK_ATTRIBUTES>()).unwrap_or(0),
        AttributesMask: unwanted,
        ..SET_DISK_ATTRIBUTES::default()
    };
    tell(&whole(number)?, IOCTL_DISK_SET_DISK_ATTRIBUTES, &online)?;
    match attributes(number)? & unwanted {
        0 => Ok(()),
        left => Err(io::Error::other(format!(
            "Windows keeps the attributes {left:#x} of disk {number}"
        ))),
    }
}

/// DISK_ATTRIBUTE_OFFLINE and DISK_ATTRIBUTE_READ_ONLY.
fn attributes(number: u32) -> io::Result<u64> {
    let disk = device(&physical(number), 0)?;
    let mut attributes = GET_DISK_ATTRIBUTES::default();
    ask(&disk, IOCTL_DISK_GET_DISK_ATTRIBUTES, &mut attributes)?;
    Ok(attributes.Attributes)
}

/// A disk, to be read and written as a whole.
fn whole(number: u32) -> io::Result<OwnedHandle> {
    device(&physical(number), GENERIC_READ | GENERIC_WRITE)
}

fn physical(number: u32) -> String {
    format!(r"\\.\PhysicalDrive{number}")
}

/// Gives an attached disk of this size, which is online, one partition.
pub(crate) fn partition(number: u32, size: u64) -> io::Result<()> {
    let disk = whole(number)?;
    let identities = (identity(number, 0), identity(number, 1));
    let mut new = CREATE_DISK {
        PartitionStyle: PARTITION_STYLE_GPT,
        ..CREATE_DISK::default()
    };
    new.Anonymous.Gpt = CREATE_DISK_GPT {
        DiskId: identities.0,
        MaxPartitionCount: GPT_ENTRIES,
    };
    tell(&disk, IOCTL_DISK_CREATE_DISK, &new)?;
    // Windows has to be told that the disk has another table now (Win32, IOCTL_DISK_CREATE_DISK).
    tell(&disk, IOCTL_DISK_UPDATE_PROPERTIES, &[0_u8; 0])?;
    tell(
        &disk,
        IOCTL_DISK_SET_DRIVE_LAYOUT_EX,
        &layout(identities, size)?,
    )
}

/// One partition that takes all but the margins.
fn layout((disk, partition): (GUID, GUID), size: u64) -> io::Result<DRIVE_LAYOUT_INFORMATION_EX> {
    let length = signed(size.saturating_sub(2 * MARGIN))?;
    let mut entry = PARTITION_INFORMATION_EX {
        PartitionStyle: PARTITION_STYLE_GPT,
        StartingOffset: signed(MARGIN)?,
        PartitionLength: length,
        PartitionNumber: 1,
        RewritePartition: true,
        ..PARTITION_INFORMATION_EX::default()
    };
    entry.Anonymous.Gpt = PARTITION_INFORMATION_GPT {
        PartitionType: PARTITION_BASIC_DATA_GUID,
        PartitionId: partition,
        ..PARTITION_INFORMATION_GPT::default()
    };
    let mut layout = DRIVE_LAYOUT_INFORMATION_EX {
        PartitionStyle: PARTITION_STYLE_GPT.cast_unsigned(),
        PartitionCount: 1,
        PartitionEntry: [entry],
        ..DRIVE_LAYOUT_INFORMATION_EX::default()
    };
    layout.Anonymous.Gpt = DRIVE_LAYOUT_INFORMATION_GPT {
        DiskId: disk,
        StartingUsableOffset: signed(MARGIN)?,
        UsableLength: length,
        MaxPartitionCount: GPT_ENTRIES,
    };
    Ok(layout)
}

/// An identity for a disk or partition that this machine has not had: from this instant.
fn identity(number: u32, part: u8) -> GUID {
    let since = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default();
    let [a, b, c, d] = number.to_le_bytes();
    GUID {
        data1: u32::try_from(since.as_secs() & 0xFFFF_FFFF).unwrap_or(0),
        data2: u16::try_from(since.subsec_nanos() & 0xFFFF).unwrap_or(0),
        // Version 4, as random ones are marked (RFC 9562).
        data3: 0x4000 | u16::from(part),
        data4: [0x80, 0, 0, 0, a, b, c, d],
    }
}

/// The names of all volumes, without the last backslash: that opens the volume and not its root.
pub(crate) fn volumes() -> io::Result<Vec<String>> {
    let mut name = [0_u16; VOLUME_NAME];
    let room = u32::try_from(VOLUME_NAME).unwrap_or(0);
    // SAFETY: the buffer has `room` characters and outlives the call.
    let search = unsafe { FindFirstVolumeW(name.as_mut_ptr(), room) };
    if search == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    let mut names = Vec::new();
    let ended = loop {
        let text = String::from_utf16_lossy(&name);
        names.push(
            text.trim_end_matches('\0')
                .trim_end_matches('\\')
                .to_owned(),
        );
        // SAFETY: as above; the search is open.
        if unsafe { FindNextVolumeW(search, name.as_mut_ptr(), room) } == 0 {
            break io::Error::last_os_error();
        }
    };
    // SAFETY: the search is open, and not used again.
    unsafe { FindVolumeClose(search) };
    if ended.raw_os_error() == Some(ERROR_NO_MORE_FILES.cast_signed()) {
        Ok(names)
    } else {
        Err(ended)
    }
}

/// The disk that a volume lies on; none if it is on several or on no disk at all.
pub(crate) fn disk_of(volume: &str) -> Option<u32> {
    let device = device(volume, 0).ok()?;
    let mut number = STORAGE_DEVICE_NUMBER::default();
    ask(&device, IOCTL_STORAGE_GET_DEVICE_NUMBER, &mut number).ok()?;
    // Each type of device counts for itself: `PhysicalDrive0` and `CdRom0` have the same number.
    (number.DeviceType == FILE_DEVICE_DISK).then_some(number.DeviceNumber)
}

fn device(name: &str, access: u32) -> io::Result<OwnedHandle> {
    let name = wide(name);
    // SAFETY: the name ends in a zero and outlives the call.
    let handle = unsafe {
        CreateFileW(
            name.as_ptr(),
            access,
            FILE_SHARE_READ | FILE_SHARE_WRITE,
            ptr::null(),
            OPEN_EXISTING,
            0,
            ptr::null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: on success the handle is new, and ours to close.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Asks a device for a structure of plain numbers.
fn ask<T: Copy>(device: &OwnedHandle, code: u32, output: &mut T) -> io::Result<()> {
    let place = (ptr::from_mut(output).cast(), size_of::<T>());
    // SAFETY: the structure outlives the call; any value that Windows writes is one of the structures that this is
    // called with.
    unsafe { control(device, code, NOTHING, place) }
}

/// Sends a control with a structure to a device.
fn tell<T: Copy>(device: &OwnedHandle, code: u32, input: &T) -> io::Result<()> {
    let place = (ptr::from_ref(input).cast_mut().cast(), size_of::<T>());
    // SAFETY: the structure outlives the call, in which an input is only read.
    unsafe { control(device, code, place, NOTHING) }
}

/// Where bytes are, and how many.
type Bytes = (*mut c_void, usize);

/// No input, or no output.
const NOTHING: Bytes = (ptr::null_mut(), 0);

/// # Safety
///
/// 1. The input may be read, and the output written with any bytes, for as many as they say.
unsafe fn control(
    device: &OwnedHandle,
    code: u32,
    (input, input_size): Bytes,
    (output, output_size): Bytes,
) -> io::Result<()> {
    let mut count = 0;
    // SAFETY: contract 1; the call waits for its end, as there is no OVERLAPPED, and the count outlives it.
    let is_done = unsafe {
        DeviceIoControl(
            device.as_raw_handle(),
            code,
            input,
            u32::try_from(input_size).unwrap_or(0),
            output,
            u32::try_from(output_size).unwrap_or(0),
            &raw mut count,
            ptr::null_mut(),
        )
    };
    if is_done == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn owned(error: u32, handle: HANDLE) -> io::Result<OwnedHandle> {
    win32(error)?;
    // SAFETY: on success the handle is new, and ours to close.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

fn win32(error: u32) -> io::Result<()> {
    if error == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(error.cast_signed()))
    }
}

fn signed(value: u64) -> io::Result<i64> {
    i64::try_from(value).map_err(io::Error::other)
}
