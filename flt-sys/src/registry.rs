//! The registry, as far as a driver reads its own parameters and keeps a state of its own.
//!
//! Pages: `nf-wdm-ioopendriverregistrykey`, `ne-wdm-driver_regkey_type`, `nf-wdm-zwqueryvaluekey`,
//! `ns-wdm-_key_value_partial_information`, `nf-wdm-zwsetvaluekey`, `nf-wdm-zwflushkey`.

use core::ffi::c_void;

use crate::nt::HANDLE;
use crate::types::{ACCESS_MASK, NTSTATUS, PDRIVER_OBJECT, UNICODE_STRING};

/// Which key of a driver to open.
pub type DRIVER_REGKEY_TYPE = i32;
/// `Parameters` below the driver's service key: what was installed. Immutable for the driver.
pub const DriverRegKeyParameters: DRIVER_REGKEY_TYPE = 0;
/// A key for state that the driver changes and that outlives a restart; the driver's alone.
pub const DriverRegKeyPersistentState: DRIVER_REGKEY_TYPE = 1;

/// The right to read values of a key.
pub const KEY_QUERY_VALUE: ACCESS_MASK = 0x0000_0001;
/// The right to write values of a key.
pub const KEY_SET_VALUE: ACCESS_MASK = 0x0000_0002;

/// What to ask of a value.
pub type KEY_VALUE_INFORMATION_CLASS = i32;
/// Answers [`KEY_VALUE_PARTIAL_INFORMATION`].
pub const KeyValuePartialInformation: KEY_VALUE_INFORMATION_CLASS = 2;

/// The type of a value that is bytes.
pub const REG_BINARY: u32 = 3;

/// Type and data of a value.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KEY_VALUE_PARTIAL_INFORMATION {
    /// Unused.
    pub TitleIndex: u32,
    /// `REG_*`.
    pub Type: u32,
    /// Bytes at `Data`.
    pub DataLength: u32,
    /// The data, as long as `DataLength` says.
    pub Data: [u8; 1],
}

imports! { REGISTRY_IMPORTS from "ntoskrnl.exe":
    /// Opens a key of a driver, which closes it with `ZwClose`. In a system thread only.
    ["1803", Passive]
    fn IoOpenDriverRegistryKey(
        DriverObject: PDRIVER_OBJECT,
        RegKeyType: DRIVER_REGKEY_TYPE,
        DesiredAccess: ACCESS_MASK,
        Flags: u32,
        DriverRegKey: *mut HANDLE,
    ) -> NTSTATUS;

    /// Reads a value. `STATUS_BUFFER_OVERFLOW`, a warning, or `STATUS_BUFFER_TOO_SMALL` if it does not fit.
    ["2000", Passive]
    fn ZwQueryValueKey(
        KeyHandle: HANDLE,
        ValueName: *const UNICODE_STRING,
        KeyValueInformationClass: KEY_VALUE_INFORMATION_CLASS,
        KeyValueInformation: *mut c_void,
        Length: u32,
        ResultLength: *mut u32,
    ) -> NTSTATUS;

    /// Makes or replaces a value. The key must be open for [`KEY_SET_VALUE`].
    ["2000", Passive]
    fn ZwSetValueKey(
        KeyHandle: HANDLE,
        ValueName: *const UNICODE_STRING,
        TitleIndex: u32,
        Type: u32,
        Data: *const c_void,
        DataSize: u32,
    ) -> NTSTATUS;

    /// Returns when all that was changed is on the disk. Expensive: it may write the whole registry.
    ["2000", Passive]
    fn ZwFlushKey(KeyHandle: HANDLE) -> NTSTATUS;
}
