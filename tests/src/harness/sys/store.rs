//! The packages of the driver store, by the names that they came with.

use std::fs;
use std::io;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Devices::DeviceAndDriverInstallation::{
    INFINFO_INF_NAME_IS_ABSOLUTE, SP_INF_INFORMATION, SP_ORIGINAL_FILE_INFO_W,
    SetupGetInfInformationW, SetupQueryInfOriginalFileInformationW,
};

use super::{folders, wide};

/// The published names, `oemNN.inf`, of packages whose INF file was called so. Each of them lies in `%SystemRoot%\INF`
/// (WDK, "How Devices and Driver Packages are Uninstalled").
pub(crate) fn published(original: &str) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folders::windows()?.join("INF"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        if !(name.starts_with("oem") && name.ends_with(".inf")) {
            continue;
        }
        // A file that SetupAPI does not understand, it has not installed.
        if original_name(&entry.path()).is_ok_and(|own| own.eq_ignore_ascii_case(original)) {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}

/// What an installed INF file was called in its package.
fn original_name(inf: &Path) -> io::Result<String> {
    let name = wide(inf);
    let mut size = 0;
    // SAFETY: the name ends in a zero; it and the size outlive the call, which is given no buffer and asked for its size.
    let is_done = unsafe {
        SetupGetInfInformationW(
            name.as_ptr().cast(),
            INFINFO_INF_NAME_IS_ABSOLUTE,
            ptr::null_mut(),
            0,
            &raw mut size,
        )
    };
    checked(is_done)?;
    // Of numbers, so that it is aligned as the structure is.
    let mut buffer = vec![0_u64; usize::try_from(size).unwrap_or(0).div_ceil(8)];
    let information: *mut SP_INF_INFORMATION = buffer.as_mut_ptr().cast();
    // SAFETY: the buffer has at least as many bytes as is told; it and the name outlive the call.
    let is_done = unsafe {
        SetupGetInfInformationW(
            name.as_ptr().cast(),
            INFINFO_INF_NAME_IS_ABSOLUTE,
            information,
            size,
            ptr::null_mut(),
        )
    };
    checked(is_done)?;
    let mut original = SP_ORIGINAL_FILE_INFO_W {
        cbSize: u32::try_from(size_of::<SP_ORIGINAL_FILE_INFO_W>()).unwrap_or(0),
        ..SP_ORIGINAL_FILE_INFO_W::default()
    };
    // SAFETY: the information was filled by the call before; both structures outlive this one.
    let is_done = unsafe {
        SetupQueryInfOriginalFileInformationW(information, 0, ptr::null(), &raw mut original)
    };
    checked(is_done)?;
    let units = original.OriginalInfName;
    let text = String::from_utf16_lossy(&units);
    Ok(text.trim_end_matches('\0').to_owned())
}

fn checked(is_done: i32) -> io::Result<()> {
    if is_done == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
