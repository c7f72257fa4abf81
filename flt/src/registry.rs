//! The driver's own parameters in the registry: the values below `Services\<name>\Parameters`.

#![expect(unsafe_code, reason = "opens a registry key and reads its values")]

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::mem::offset_of;
use core::ptr;

use flt_sys::nt::HANDLE;
use flt_sys::registry::{
    DriverRegKeyParameters, IoOpenDriverRegistryKey, KEY_QUERY_VALUE,
    KEY_VALUE_PARTIAL_INFORMATION, KeyValuePartialInformation, REG_BINARY, ZwQueryValueKey,
};
use flt_sys::types::{PDRIVER_OBJECT, UNICODE_STRING};
use wdk_sys::ntddk::ZwClose;

use crate::irql::Passive;
use crate::memory::{try_copy, try_zeroed};
use crate::status::NtStatus;

/// How often a value is read that grows meanwhile: first its head alone, then all of it.
const ATTEMPTS: usize = 4;
/// Where the data of a value begin in the kernel's answer.
const HEAD: usize = offset_of!(KEY_VALUE_PARTIAL_INFORMATION, Data);

/// The parameters of the driver. Lent to code that runs in a system thread, and not `Send`: the routine that
/// opens the key wants such a thread.
///
/// # Invariants
///
/// `driver` is the driver's own object, and this value is in a system thread.
pub struct Parameters {
    driver: PDRIVER_OBJECT,
    not_send: PhantomData<*const ()>,
}

impl Parameters {
    /// # Safety
    ///
    /// 1. `driver` is the driver's own object.
    /// 2. Called in a system thread, in which the value is dropped before the driver is unloaded.
    pub(crate) const unsafe fn new(driver: PDRIVER_OBJECT) -> Self {
        Self {
            driver,
            not_send: PhantomData,
        }
    }

    /// The bytes of the value `name`; `None` if there is no such value.
    ///
    /// # Errors
    ///
    /// `OBJECT_TYPE_MISMATCH` for a value that is not REG_BINARY, `BUFFER_OVERFLOW` for one of more than
    /// `max_bytes`, `INSUFFICIENT_RESOURCES`, or the registry's status.
    pub fn read_binary(
        &self,
        name: &[u16],
        max_bytes: usize,
        passive: Passive,
    ) -> Result<Option<Box<[u8]>>, NtStatus> {
        let key = match Key::open(self, passive) {
            Ok(key) => key,
            Err(NtStatus::OBJECT_NAME_NOT_FOUND) => return Ok(None),
            Err(status) => return Err(status),
        };
        let mut room = 0;
        for _ in 0..ATTEMPTS {
            let mut answer = try_zeroed(HEAD.saturating_add(room))?;
            match key.query(name, &mut answer, passive) {
                Ok(()) => return binary(&answer).map(Some),
                Err(NtStatus::OBJECT_NAME_NOT_FOUND) => return Ok(None),
                Err(NtStatus::BUFFER_OVERFLOW) => room = needed(&answer, max_bytes)?,
                Err(status) => return Err(status),
            }
        }
        Err(NtStatus::BUFFER_OVERFLOW)
    }
}

/// The type of a value, and how many bytes it has.
fn head(answer: &[u8]) -> Option<(u32, usize)> {
    let [_, _, _, _, a, b, c, d, e, f, g, h] = *answer.first_chunk::<HEAD>()?;
    let length = usize::try_from(u32::from_le_bytes([e, f, g, h])).ok()?;
    Some((u32::from_le_bytes([a, b, c, d]), length))
}

/// The data of a value that has been read whole.
fn binary(answer: &[u8]) -> Result<Box<[u8]>, NtStatus> {
    let (value_type, length) = head(answer).ok_or(NtStatus::INFO_LENGTH_MISMATCH)?;
    if value_type != REG_BINARY {
        return Err(NtStatus::OBJECT_TYPE_MISMATCH);
    }
    let data = answer.get(HEAD..).and_then(|data| data.get(..length));
    let data = data.ok_or(NtStatus::INFO_LENGTH_MISMATCH)?;
    try_copy(data)
}

/// How many bytes a value has that did not fit, if it can be read at all. The head has been written: every
/// answer has room for it.
fn needed(answer: &[u8], max_bytes: usize) -> Result<usize, NtStatus> {
    let (value_type, length) = head(answer).ok_or(NtStatus::INFO_LENGTH_MISMATCH)?;
    if value_type != REG_BINARY {
        Err(NtStatus::OBJECT_TYPE_MISMATCH)
    } else if length > max_bytes {
        Err(NtStatus::BUFFER_OVERFLOW)
    } else {
        Ok(length)
    }
}

/// The open key, closed when dropped.
///
/// # Invariants
///
/// The handle is open and ours.
struct Key(HANDLE);

impl Key {
    fn open(parameters: &Parameters, _: Passive) -> Result<Self, NtStatus> {
        let mut key: HANDLE = ptr::null_mut();
        // SAFETY: the driver's own object in a system thread (invariant of Parameters), the level is proven,
        // `key` may be written.
        let status = unsafe {
            IoOpenDriverRegistryKey(
                parameters.driver,
                DriverRegKeyParameters,
                KEY_QUERY_VALUE,
                0,
                &raw mut key,
            )
        };
        NtStatus::check(status)?;
        Ok(Self(key))
    }

    /// Fills `answer` with a KEY_VALUE_PARTIAL_INFORMATION.
    fn query(&self, name: &[u16], answer: &mut [u8], _: Passive) -> Result<(), NtStatus> {
        let bytes = u16::try_from(size_of_val(name)).map_err(|_| NtStatus::INVALID_PARAMETER)?;
        let length = u32::try_from(answer.len()).map_err(|_| NtStatus::INVALID_PARAMETER)?;
        // The kernel only reads the name, whatever its type says.
        let name = UNICODE_STRING {
            Length: bytes,
            MaximumLength: bytes,
            Buffer: name.as_ptr().cast_mut(),
        };
        let mut needed = 0;
        // SAFETY: the key is open for queries (invariant), the level is proven, the name is readable and the answer
        // writable for the lengths given; `read_binary` made it a block of the pool, aligned for the structure.
        let status = unsafe {
            ZwQueryValueKey(
                self.0,
                &raw const name,
                KeyValuePartialInformation,
                answer.as_mut_ptr().cast(),
                length,
                &raw mut needed,
            )
        };
        NtStatus::check(status)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: open and ours (invariant); a key lives within one call that proved PASSIVE_LEVEL.
        // The status carries nothing we could act on: the handle was valid (invariant).
        let _closed: i32 = unsafe { ZwClose(self.0) };
    }
}
