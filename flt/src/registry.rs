//! The driver's own keys in the registry: its parameters, `Services\<name>\Parameters`, which it reads, and its
//! state, which it reads and writes.

#![expect(unsafe_code, reason = "opens registry keys, reads and writes values")]

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::mem::offset_of;
use core::ptr;

use flt_sys::nt::HANDLE;
use flt_sys::registry::{
    DRIVER_REGKEY_TYPE, DriverRegKeyParameters, DriverRegKeyPersistentState,
    IoOpenDriverRegistryKey, KEY_QUERY_VALUE, KEY_SET_VALUE, KEY_VALUE_PARTIAL_INFORMATION,
    KeyValuePartialInformation, REG_BINARY, ZwFlushKey, ZwQueryValueKey, ZwSetValueKey,
};
use flt_sys::types::{ACCESS_MASK, PDRIVER_OBJECT, UNICODE_STRING};
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
    pub(crate) driver: PDRIVER_OBJECT,
    not_send: PhantomData<*const ()>,
}

/// Which of the driver's keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// What an administrator has set. Only read.
    Parameters,
    /// What the driver notes for its next load.
    State,
}

impl Place {
    const fn raw(self) -> DRIVER_REGKEY_TYPE {
        match self {
            Self::Parameters => DriverRegKeyParameters,
            Self::State => DriverRegKeyPersistentState,
        }
    }
}

/// Whether a change is to be on the disk before the call returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Haste {
    /// Yes. Expensive: it may write the whole registry.
    Flush,
    /// The registry writes it in its own time.
    Lazy,
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

    /// The bytes of the value `name` of one of the keys; `None` if there is no such value.
    ///
    /// # Errors
    ///
    /// `OBJECT_TYPE_MISMATCH` for a value that is not REG_BINARY, `BUFFER_OVERFLOW` for one of more than
    /// `max_bytes`, `INSUFFICIENT_RESOURCES`, or the registry's status.
    pub fn read_binary(
        &self,
        (place, name): (Place, &[u16]),
        max_bytes: usize,
        passive: Passive,
    ) -> Result<Option<Box<[u8]>>, NtStatus> {
        let key = match Key::open(self, place, KEY_QUERY_VALUE, passive) {
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

    /// Makes `bytes` the value `name` of the state, whatever it was before.
    ///
    /// # Errors
    ///
    /// The registry's status.
    pub fn write_state(
        &self,
        name: &[u16],
        bytes: &[u8],
        haste: Haste,
        passive: Passive,
    ) -> Result<(), NtStatus> {
        let key = Key::open(self, Place::State, KEY_SET_VALUE, passive)?;
        key.set(name, bytes, passive)?;
        match haste {
            Haste::Flush => key.flush(passive),
            Haste::Lazy => Ok(()),
        }
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
    fn open(
        parameters: &Parameters,
        place: Place,
        access: ACCESS_MASK,
        _: Passive,
    ) -> Result<Self, NtStatus> {
        let mut key: HANDLE = ptr::null_mut();
        // SAFETY: the driver's own object in a system thread (invariant of Parameters), the level is proven,
        // `key` may be written.
        let status = unsafe {
            IoOpenDriverRegistryKey(parameters.driver, place.raw(), access, 0, &raw mut key)
        };
        NtStatus::check(status)?;
        Ok(Self(key))
    }

    /// Fills `answer` with a KEY_VALUE_PARTIAL_INFORMATION.
    fn query(&self, name: &[u16], answer: &mut [u8], _: Passive) -> Result<(), NtStatus> {
        let length = u32::try_from(answer.len()).map_err(|_| NtStatus::INVALID_PARAMETER)?;
        let name = value_name(name)?;
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

    fn set(&self, name: &[u16], bytes: &[u8], _: Passive) -> Result<(), NtStatus> {
        let length = u32::try_from(bytes.len()).map_err(|_| NtStatus::INVALID_PARAMETER)?;
        let name = value_name(name)?;
        // SAFETY: the key was opened for writing by `write_state`, the level is proven, name and data are readable for
        // the lengths given.
        let status = unsafe {
            ZwSetValueKey(
                self.0,
                &raw const name,
                0,
                REG_BINARY,
                bytes.as_ptr().cast(),
                length,
            )
        };
        NtStatus::check(status)
    }

    fn flush(&self, _: Passive) -> Result<(), NtStatus> {
        // SAFETY: the key is open (invariant), the level is proven.
        NtStatus::check(unsafe { ZwFlushKey(self.0) })
    }
}

/// A name that the kernel only reads, whatever its type says.
fn value_name(name: &[u16]) -> Result<UNICODE_STRING, NtStatus> {
    let bytes = u16::try_from(size_of_val(name)).map_err(|_| NtStatus::INVALID_PARAMETER)?;
    Ok(UNICODE_STRING {
        Length: bytes,
        MaximumLength: bytes,
        Buffer: name.as_ptr().cast_mut(),
    })
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: open and ours (invariant); a key lives within one call that proved PASSIVE_LEVEL.
        // The status carries nothing we could act on: the handle was valid (invariant).
        let _closed: i32 = unsafe { ZwClose(self.0) };
    }
}
