//! Files as their owner sees them: a handle with every right, which belongs to no caller.

use std::os::windows::io::{AsRawHandle as _, OwnedHandle};

use caller::nt::{self, Opening};

use super::super::structures;
use super::super::volumes::{TRUSTED_DEV_DRIVE, VolumeInfo, volume_of};
use super::unable;
use crate::stage::{Change, OwnedFile, Sizes, Trouble};
use crate::status::{INVALID_DEVICE_REQUEST, MEDIA_WRITE_PROTECTED, NOT_SUPPORTED, Status};

/// FILE_ALL_ACCESS.
const ALL_ACCESS: u32 = 0x001F_01FF;
/// FILE_READ_ATTRIBUTES.
const READ_ATTRIBUTES: u32 = 0x80;
/// DELETE.
const DELETE: u32 = 0x0001_0000;
/// FILE_OPEN.
const OPEN: u32 = 1;
/// FILE_CREATE.
const CREATE: u32 = 2;
/// FILE_ATTRIBUTE_READONLY.
const READONLY: u32 = 1;

/// FILE_INFORMATION_CLASS (MS-FSCC 2.4).
mod class {
    pub(super) const BASIC: i32 = 4;
    pub(super) const STANDARD: i32 = 5;
    pub(super) const LINK: i32 = 11;
    pub(super) const DISPOSITION: i32 = 13;
    pub(super) const ALLOCATION: i32 = 19;
    pub(super) const END_OF_FILE: i32 = 20;
    /// FS_INFORMATION_CLASS (MS-FSCC 2.5).
    pub(super) const FS_SIZE: i32 = 3;
    pub(super) const FS_ATTRIBUTE: i32 = 5;
}

/// Control codes (MS-FSCC 2.3, winioctl.h).
mod code {
    pub(super) const SET_SPARSE: u32 = 0x0009_00C4;
    pub(super) const SET_ZERO_DATA: u32 = 0x0009_80C8;
    pub(super) const SET_INTEGRITY: u32 = 0x0009_C280;
    pub(super) const POINTERS_AND_REFCOUNT: u32 = 0x0009_03D3;
    /// FSCTL_QUERY_PERSISTENT_VOLUME_STATE, which is asked of a volume.
    pub(super) const PERSISTENT_STATE: u32 = 0x0009_023C;
}

/// Room for extents: far more than a file of a case has.
const EXTENTS: u32 = 64 * 1024;

/// A file of a case.
struct Owner {
    name: String,
    file: OwnedHandle,
}

/// Makes a file by its NT name.
pub(super) fn create(name: String) -> Result<impl OwnedFile + 'static, Trouble> {
    match open(&name, ALL_ACCESS, CREATE) {
        Ok(file) => Ok(Owner { name, file }),
        Err(status) => Err(failed("creating a file", status)),
    }
}

/// What the volume of a directory says of itself, by the directory's Win32 name from `\\?\`.
pub(crate) fn describe(root: &str) -> Result<VolumeInfo, String> {
    let wrong = |status: u32| format!("{root}: {}", Status(status));
    // The root of a volume has a backslash, the volume has none.
    let name = format!("{}\\", super::nt_prefix(root));
    let opening = Opening {
        access: READ_ATTRIBUTES,
        disposition: OPEN,
        options: 1,
    };
    let directory = nt::open(&name, opening).map_err(wrong)?;
    let attribute = nt::query_volume(&directory, class::FS_ATTRIBUTE, 1024).map_err(wrong)?;
    let size = nt::query_volume(&directory, class::FS_SIZE, 64).map_err(wrong)?;
    let short = || format!("{root}: the answer is too short");
    let (file_system, attributes) = structures::file_system(&attribute).ok_or_else(short)?;
    Ok(VolumeInfo {
        file_system,
        cluster: structures::cluster(&size).ok_or_else(short)?,
        attributes,
        state: state(root),
    })
}

/// The persistent state of the volume that a directory is on, as far as it is about Dev Drives. A Windows without them, a
/// file system without a state and a share answer with an error: none of them is a Dev Drive.
fn state(root: &str) -> u32 {
    let volume = super::nt_prefix(volume_of(root));
    let ask = || -> Result<Option<u32>, u32> {
        let volume = open(&volume, READ_ATTRIBUTES, OPEN)?;
        let query = structures::state_query(TRUSTED_DEV_DRIVE);
        let handle = volume.as_raw_handle() as usize as u64;
        let answer = nt::control(handle, code::PERSISTENT_STATE, Some(&query), 16);
        let is_told = Status(answer.status).is_success();
        Ok(is_told.then(|| structures::state(&answer.output)).flatten())
    };
    ask().ok().flatten().unwrap_or(0)
}

/// What is wrong with a read-only volume: that a file can be made on it, or that this fails with another status.
pub(super) fn writable(root: &str) -> Option<String> {
    let name = format!(r"{}\written", super::nt_prefix(root));
    match open(&name, ALL_ACCESS, CREATE) {
        Err(status) if Status(status) == MEDIA_WRITE_PROTECTED => None,
        Err(status) => Some(format!(
            "{root} is read-only and answers with {}",
            Status(status)
        )),
        // It goes with its handle.
        Ok(file) => Some(match nt::set(&file, class::DISPOSITION, &[1]) {
            Ok(()) => format!("{root} is read-only and can be written to"),
            Err(status) => format!(
                "{root} is read-only and can be written to; {name} stays there: {}",
                Status(status)
            ),
        }),
    }
}

fn open(name: &str, access: u32, disposition: u32) -> Result<OwnedHandle, u32> {
    let opening = Opening {
        access,
        disposition,
        options: 0,
    };
    nt::open(name, opening)
}

impl Owner {
    fn control(&self, code: u32, input: &[u8], output: u32) -> Result<Vec<u8>, u32> {
        let handle = self.file.as_raw_handle() as usize as u64;
        let answer = nt::control(handle, code, Some(input), output);
        if Status(answer.status).is_success() {
            Ok(answer.output)
        } else {
            Err(answer.status)
        }
    }

    /// A change by another open of the file, as programs make it.
    fn by_another(&self, access: u32, class: i32, information: &[u8]) -> Result<(), u32> {
        let other = open(&self.name, access, OPEN)?;
        nt::set(&other, class, information)
    }

    fn make(&self, change: &Change<'_>) -> Result<(), u32> {
        let file = &self.file;
        match *change {
            Change::Write(offset, bytes) => nt::write(file, offset, bytes),
            Change::SetEnd(end) => nt::set(file, class::END_OF_FILE, &end.to_le_bytes()),
            Change::SetAllocation(size) => nt::set(file, class::ALLOCATION, &size.to_le_bytes()),
            Change::Trim => open(&self.name, READ_ATTRIBUTES, OPEN).map(drop),
            Change::SetSparse(on) => self.control(code::SET_SPARSE, &[u8::from(on)], 0).map(drop),
            Change::SetIntegrity(on) => {
                // FSCTL_SET_INTEGRITY_INFORMATION_BUFFER: CHECKSUM_TYPE_CRC64 or none (MS-FSCC 2.3.73).
                let buffer = [if on { 2 } else { 0 }, 0, 0, 0, 0, 0, 0, 0];
                self.control(code::SET_INTEGRITY, &buffer, 0).map(drop)
            }
            Change::Zero(from, to) => {
                let range = [from.to_le_bytes(), to.to_le_bytes()].concat();
                self.control(code::SET_ZERO_DATA, &range, 0).map(drop)
            }
            Change::Lock(offset, length) => nt::lock(file, offset, length),
            Change::Unlock(offset, length) => nt::unlock(file, offset, length),
            Change::Link(path) => {
                // The directory of the case, and the name in it.
                let directory = self
                    .name
                    .rsplit_once('\\')
                    .map_or("", |(directory, _)| directory);
                nt::set(
                    file,
                    class::LINK,
                    &structures::link(&format!("{directory}{path}")),
                )
            }
            Change::SetReadOnly => nt::set(file, class::BASIC, &structures::basic(READONLY)),
            Change::Delete => self.by_another(DELETE, class::DISPOSITION, &[1]),
        }
    }
}

impl OwnedFile for Owner {
    fn read(&self, offset: u64, length: u32) -> Result<Vec<u8>, Status> {
        nt::read(&self.file, offset, length).map_err(Status)
    }

    fn sizes(&self) -> Result<Sizes, Status> {
        let bytes = nt::query(&self.file, class::STANDARD, 24).map_err(Status)?;
        let sizes = structures::sizes(&bytes).ok_or(crate::status::BUFFER_TOO_SMALL)?;
        Ok(Sizes {
            end_of_file: sizes.0,
            allocation: sizes.1,
        })
    }

    fn change(&self, change: &Change<'_>) -> Result<(), Trouble> {
        let Err(status) = self.make(change) else {
            return Ok(());
        };
        let is_missing = [NOT_SUPPORTED, INVALID_DEVICE_REQUEST].contains(&Status(status));
        if is_missing {
            return Err(unable(&format!("the file system has no {change:?}")));
        }
        Err(failed("changing a file", status))
    }

    fn references(&self) -> Result<Vec<u32>, Trouble> {
        let start = 0_u64.to_le_bytes();
        match self.control(code::POINTERS_AND_REFCOUNT, &start, EXTENTS) {
            Ok(bytes) => structures::references(&bytes)
                .ok_or_else(|| Trouble::Failed("the list of extents is too short".to_owned())),
            Err(status) if [NOT_SUPPORTED, INVALID_DEVICE_REQUEST].contains(&Status(status)) => {
                Err(unable(
                    "the file system does not tell how often clusters are shared",
                ))
            }
            Err(status) => Err(failed("asking for extents", status)),
        }
    }
}

fn failed(doing: &str, status: u32) -> Trouble {
    Trouble::Failed(format!("{doing} failed with {}", Status(status)))
}
