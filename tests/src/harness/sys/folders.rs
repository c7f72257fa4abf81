//! Folders of the machine by what they are for, and the room on their disks. The environment, which whoever starts this
//! program may set, is not asked.

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::ptr;

use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;
use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::Win32::System::SystemInformation::{
    GetSystemDirectoryW, GetSystemWindowsDirectoryW,
};
use windows_sys::Win32::UI::Shell::{FOLDERID_ProgramFiles, SHGetKnownFolderPath};
use windows_sys::core::PWSTR;

use super::wide;

/// Room for any folder of Windows itself (MAX_PATH).
const ROOM: usize = 260;

/// `%ProgramFiles%`.
pub(crate) fn program_files() -> io::Result<PathBuf> {
    let folder = FOLDERID_ProgramFiles;
    let mut text: PWSTR = ptr::null_mut();
    // SAFETY: identity and pointer outlive the call; without a token it is about this process's user.
    let result =
        unsafe { SHGetKnownFolderPath(&raw const folder, 0, ptr::null_mut(), &raw mut text) };
    let path = (result >= 0 && !text.is_null()).then(|| {
        // SAFETY: a success brings a string that ends in a zero.
        unsafe { owned(text) }
    });
    // SAFETY: the string is ours to free, also after a failure (Win32, SHGetKnownFolderPath), and is not used again.
    unsafe { CoTaskMemFree(text.cast()) };
    path.ok_or_else(|| io::Error::from_raw_os_error(result))
}

/// `%SystemRoot%\System32`.
pub(crate) fn system() -> io::Result<PathBuf> {
    let mut text = [0_u16; ROOM];
    // SAFETY: the buffer has as many characters as is told and outlives the call.
    let length = unsafe { GetSystemDirectoryW(text.as_mut_ptr(), room()) };
    filled(&text, length)
}

/// `%SystemRoot%`.
pub(crate) fn windows() -> io::Result<PathBuf> {
    let mut text = [0_u16; ROOM];
    // SAFETY: the buffer has as many characters as is told and outlives the call.
    let length = unsafe { GetSystemWindowsDirectoryW(text.as_mut_ptr(), room()) };
    filled(&text, length)
}

/// Bytes that can still be written to the disk of a folder.
pub(crate) fn free_space(folder: &Path) -> io::Result<u64> {
    let name = wide(folder);
    let mut free = 0;
    // SAFETY: the name ends in a zero; it and the number outlive the call, and the other numbers are not asked for.
    let is_done = unsafe {
        GetDiskFreeSpaceExW(
            name.as_ptr(),
            &raw mut free,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    if is_done == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(free)
}

/// A string of Windows as a path.
///
/// # Safety
/// It ends in a zero.
unsafe fn owned(text: PWSTR) -> PathBuf {
    let mut length = 0;
    // SAFETY: up to the zero, where this ends, every character belongs to the string.
    while unsafe { text.wrapping_add(length).read() } != 0 {
        length += 1;
    }
    // SAFETY: so many characters are there, as was just counted.
    let units = unsafe { std::slice::from_raw_parts(text, length) };
    PathBuf::from(OsString::from_wide(units))
}

fn room() -> u32 {
    u32::try_from(ROOM).unwrap_or(0)
}

/// What a function has written that gives back its length: without the zero if there was room, else more than that.
fn filled(text: &[u16], length: u32) -> io::Result<PathBuf> {
    if length == 0 {
        return Err(io::Error::last_os_error());
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let units = text.get(..length);
    let units = units.ok_or_else(|| io::Error::other("the name of a folder is too long"))?;
    Ok(PathBuf::from(OsString::from_wide(units)))
}
