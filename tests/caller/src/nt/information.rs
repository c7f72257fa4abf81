//! Information about files and volumes, as bytes.

use std::os::windows::io::{AsRawHandle as _, OwnedHandle};

use windows_sys::Wdk::Storage::FileSystem::{
    NtQueryInformationFile, NtQueryVolumeInformationFile, NtSetInformationFile,
};
use windows_sys::Win32::System::IO::IO_STATUS_BLOCK;

use super::{INVALID_PARAMETER, done};

/// Asks for information of a class about a file, at most `room` bytes.
pub fn query(file: &OwnedHandle, class: i32, room: usize) -> Result<Vec<u8>, u32> {
    // u64s, because some structures hold them.
    let mut words = vec![0_u64; room.div_ceil(8)];
    let length = u32::try_from(words.len() * 8).map_err(|_| INVALID_PARAMETER)?;
    let mut block = IO_STATUS_BLOCK::default();
    // SAFETY: the buffer has `length` bytes and outlives the call, which does not return before its end.
    done(unsafe {
        NtQueryInformationFile(
            file.as_raw_handle(),
            &raw mut block,
            words.as_mut_ptr().cast(),
            length,
            class,
        )
    })?;
    Ok(bytes_of(&words, block.Information))
}

/// Asks for information of a class about the volume of a file, at most `room` bytes.
pub fn query_volume(file: &OwnedHandle, class: i32, room: usize) -> Result<Vec<u8>, u32> {
    let mut words = vec![0_u64; room.div_ceil(8)];
    let length = u32::try_from(words.len() * 8).map_err(|_| INVALID_PARAMETER)?;
    let mut block = IO_STATUS_BLOCK::default();
    // SAFETY: as in `query`.
    done(unsafe {
        NtQueryVolumeInformationFile(
            file.as_raw_handle(),
            &raw mut block,
            words.as_mut_ptr().cast(),
            length,
            class,
        )
    })?;
    Ok(bytes_of(&words, block.Information))
}

/// Sets information of a class.
pub fn set(file: &OwnedHandle, class: i32, information: &[u8]) -> Result<(), u32> {
    let words: Vec<u64> = words_of(information);
    let length = u32::try_from(information.len()).map_err(|_| INVALID_PARAMETER)?;
    let mut block = IO_STATUS_BLOCK::default();
    // SAFETY: the buffer has at least `length` bytes and outlives the call, which does not return before its end.
    done(unsafe {
        NtSetInformationFile(
            file.as_raw_handle(),
            &raw mut block,
            words.as_ptr().cast(),
            length,
            class,
        )
    })
}

fn bytes_of(words: &[u64], count: usize) -> Vec<u8> {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    bytes.take(count).collect()
}

fn words_of(bytes: &[u8]) -> Vec<u64> {
    let word = |chunk: &[u8]| {
        let mut whole = [0; 8];
        whole[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(whole)
    };
    bytes.chunks(8).map(word).collect()
}
