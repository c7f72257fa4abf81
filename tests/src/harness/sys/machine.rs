//! What the machine is like, and what this process may do.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr;

use windows_sys::Wdk::System::SystemInformation::{
    NtQuerySystemInformation, SYSTEM_INFORMATION_CLASS,
};
use windows_sys::Win32::Foundation::{ERROR_NOT_ALL_ASSIGNED, GetLastError, HANDLE, LUID};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, GetTokenInformation, LUID_AND_ATTRIBUTES, LookupPrivilegeValueW,
    SE_PRIVILEGE_ENABLED, TOKEN_ADJUST_PRIVILEGES, TOKEN_ELEVATION, TOKEN_PRIVILEGES, TOKEN_QUERY,
    TokenElevation,
};
use windows_sys::Win32::System::SystemInformation::{
    IMAGE_FILE_MACHINE_AMD64, IMAGE_FILE_MACHINE_ARM64,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, IsWow64Process2, OpenProcessToken};
use windows_sys::Win32::System::WindowsProgramming::SYSTEM_CODEINTEGRITY_INFORMATION;

use super::wide;

/// SystemCodeIntegrityInformation (winternl.h; Win32, NtQuerySystemInformation).
const CODE_INTEGRITY: SYSTEM_INFORMATION_CLASS = 103;

/// Whether this process is elevated.
pub(crate) fn is_elevated() -> io::Result<bool> {
    let token = token(TOKEN_QUERY)?;
    let mut elevation = TOKEN_ELEVATION::default();
    let mut size = 0;
    // SAFETY: structure and size outlive the call.
    let is_done = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenElevation,
            (&raw mut elevation).cast(),
            u32::try_from(size_of::<TOKEN_ELEVATION>()).unwrap_or(0),
            &raw mut size,
        )
    };
    checked(is_done)?;
    Ok(elevation.TokenIsElevated != 0)
}

/// Turns on a privilege that this process has, as an administrator's process does, but that is off.
pub(crate) fn enable(privilege: &str) -> io::Result<()> {
    let token = token(TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY)?;
    let name = wide(privilege);
    let mut luid = LUID::default();
    // SAFETY: both pointers outlive the call; the first is of this machine.
    checked(unsafe { LookupPrivilegeValueW(ptr::null(), name.as_ptr(), &raw mut luid) })?;
    let privileges = TOKEN_PRIVILEGES {
        PrivilegeCount: 1,
        Privileges: [LUID_AND_ATTRIBUTES {
            Luid: luid,
            Attributes: SE_PRIVILEGE_ENABLED,
        }],
    };
    // SAFETY: the structure outlives the call; the previous state is not asked for.
    let is_done = unsafe {
        AdjustTokenPrivileges(
            token.as_raw_handle(),
            0,
            &raw const privileges,
            0,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    checked(is_done)?;
    // SAFETY: no pointer is passed. It is a success too if the process does not have the privilege.
    if unsafe { GetLastError() } == ERROR_NOT_ALL_ASSIGNED {
        return Err(io::Error::from_raw_os_error(
            ERROR_NOT_ALL_ASSIGNED.cast_signed(),
        ));
    }
    Ok(())
}

/// The name of the machine's own processor.
pub(crate) fn processor() -> io::Result<String> {
    // SAFETY: the pseudo-handle needs no closing.
    let process = unsafe { GetCurrentProcess() };
    let (mut of_process, mut native) = (0, 0);
    // SAFETY: both pointers outlive the call.
    checked(unsafe { IsWow64Process2(process, &raw mut of_process, &raw mut native) })?;
    Ok(match native {
        IMAGE_FILE_MACHINE_AMD64 => "x64".to_owned(),
        IMAGE_FILE_MACHINE_ARM64 => "arm64".to_owned(),
        other => format!("machine {other:#x}"),
    })
}

/// `CodeIntegrityOptions`.
pub(crate) fn code_integrity() -> Result<u32, String> {
    let length = u32::try_from(size_of::<SYSTEM_CODEINTEGRITY_INFORMATION>()).unwrap_or(0);
    let mut information = SYSTEM_CODEINTEGRITY_INFORMATION {
        Length: length,
        CodeIntegrityOptions: 0,
    };
    // SAFETY: the structure outlives the call; the length that is needed is not asked for.
    let status = unsafe {
        NtQuerySystemInformation(
            CODE_INTEGRITY,
            (&raw mut information).cast(),
            length,
            ptr::null_mut(),
        )
    };
    if status < 0 {
        let status = status.cast_unsigned();
        return Err(format!("NtQuerySystemInformation: {status:#010x}"));
    }
    Ok(information.CodeIntegrityOptions)
}

fn token(access: u32) -> io::Result<OwnedHandle> {
    // SAFETY: the pseudo-handle needs no closing.
    let process = unsafe { GetCurrentProcess() };
    let mut token: HANDLE = ptr::null_mut();
    // SAFETY: the pointer outlives the call.
    checked(unsafe { OpenProcessToken(process, access, &raw mut token) })?;
    // SAFETY: on success the handle is new, and ours to close.
    Ok(unsafe { OwnedHandle::from_raw_handle(token) })
}

fn checked(is_done: i32) -> io::Result<()> {
    if is_done == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
