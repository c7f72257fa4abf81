//! NTSTATUS values that the modelled kernel and file system give, each with its documented name.
//!
//! The values are those of `ntstatus.h`, published as MS-ERREF section 2.3.1 ("NTSTATUS Values").

use std::fmt;

/// One NTSTATUS: the two highest bits are the severity (0 success, 1 information, 2 warning,
/// 3 error), the rest facility and code (MS-ERREF 2.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NtStatus(pub u32);

impl NtStatus {
    /// What the macro `NT_SUCCESS` answers: severity success or information.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 < 0x8000_0000
    }

    /// The raw value.
    #[must_use]
    pub const fn raw(self) -> u32 {
        self.0
    }

    /// The symbolic name, if this file lists the value.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        name(self.0)
    }
}

impl From<NtStatus> for u32 {
    fn from(status: NtStatus) -> Self {
        status.0
    }
}

impl fmt::Display for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({:#010x})", self.0),
            None => write!(f, "NTSTATUS {:#010x}", self.0),
        }
    }
}

impl fmt::Debug for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for NtStatus {}

macro_rules! statuses {
    ($($name:ident = $value:literal;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`, ", stringify!($value), ".")]
            pub const $name: NtStatus = NtStatus($value);
        )*

        /// Every status of this file with its name, in order of value.
        pub const ALL: &[(u32, &str)] = &[$(($value, stringify!($name)),)*];
    };
}

statuses! {
    STATUS_SUCCESS = 0x0000_0000;
    STATUS_TIMEOUT = 0x0000_0102;
    STATUS_PENDING = 0x0000_0103;
    STATUS_REPARSE = 0x0000_0104;
    STATUS_BUFFER_OVERFLOW = 0x8000_0005;
    STATUS_NO_MORE_FILES = 0x8000_0006;
    STATUS_UNSUCCESSFUL = 0xC000_0001;
    STATUS_NOT_IMPLEMENTED = 0xC000_0002;
    STATUS_INVALID_INFO_CLASS = 0xC000_0003;
    STATUS_INFO_LENGTH_MISMATCH = 0xC000_0004;
    STATUS_ACCESS_VIOLATION = 0xC000_0005;
    STATUS_INVALID_HANDLE = 0xC000_0008;
    STATUS_INVALID_CID = 0xC000_000B;
    STATUS_INVALID_PARAMETER = 0xC000_000D;
    STATUS_NO_SUCH_DEVICE = 0xC000_000E;
    STATUS_NO_SUCH_FILE = 0xC000_000F;
    STATUS_INVALID_DEVICE_REQUEST = 0xC000_0010;
    STATUS_END_OF_FILE = 0xC000_0011;
    STATUS_MORE_PROCESSING_REQUIRED = 0xC000_0016;
    STATUS_NO_MEMORY = 0xC000_0017;
    STATUS_ACCESS_DENIED = 0xC000_0022;
    STATUS_BUFFER_TOO_SMALL = 0xC000_0023;
    STATUS_OBJECT_TYPE_MISMATCH = 0xC000_0024;
    STATUS_OBJECT_NAME_INVALID = 0xC000_0033;
    STATUS_OBJECT_NAME_NOT_FOUND = 0xC000_0034;
    STATUS_OBJECT_NAME_COLLISION = 0xC000_0035;
    STATUS_OBJECT_PATH_INVALID = 0xC000_0039;
    STATUS_OBJECT_PATH_NOT_FOUND = 0xC000_003A;
    STATUS_SHARING_VIOLATION = 0xC000_0043;
    STATUS_FILE_LOCK_CONFLICT = 0xC000_0054;
    STATUS_LOCK_NOT_GRANTED = 0xC000_0055;
    STATUS_DELETE_PENDING = 0xC000_0056;
    STATUS_NO_TOKEN = 0xC000_007C;
    STATUS_RANGE_NOT_LOCKED = 0xC000_007E;
    STATUS_DISK_FULL = 0xC000_007F;
    STATUS_INTEGER_OVERFLOW = 0xC000_0095;
    STATUS_INSUFFICIENT_RESOURCES = 0xC000_009A;
    STATUS_MEDIA_WRITE_PROTECTED = 0xC000_00A2;
    STATUS_BAD_IMPERSONATION_LEVEL = 0xC000_00A5;
    STATUS_PIPE_DISCONNECTED = 0xC000_00B0;
    STATUS_FILE_IS_A_DIRECTORY = 0xC000_00BA;
    STATUS_NOT_SUPPORTED = 0xC000_00BB;
    STATUS_NOT_SAME_DEVICE = 0xC000_00D4;
    STATUS_INVALID_SYSTEM_SERVICE = 0xC000_001C;
    STATUS_INTERNAL_ERROR = 0xC000_00E5;
    STATUS_DIRECTORY_NOT_EMPTY = 0xC000_0101;
    STATUS_NOT_A_DIRECTORY = 0xC000_0103;
    STATUS_CANCELLED = 0xC000_0120;
    STATUS_FILE_DELETED = 0xC000_0123;
    STATUS_FILE_CLOSED = 0xC000_0128;
    STATUS_INVALID_BUFFER_SIZE = 0xC000_0206;
    STATUS_NOT_FOUND = 0xC000_0225;
    STATUS_CONNECTION_COUNT_LIMIT = 0xC000_0246;
    STATUS_PORT_DISCONNECTED = 0xC000_0037;
    STATUS_PORT_CONNECTION_REFUSED = 0xC000_0041;
    STATUS_TOO_LATE = 0xC000_0189;
    STATUS_VOLUME_DISMOUNTED = 0xC000_026E;
    STATUS_VOLUME_NOT_UPGRADED = 0xC000_029C;
    STATUS_DRIVER_ENTRYPOINT_NOT_FOUND = 0xC000_0263;
    STATUS_DRIVER_UNABLE_TO_LOAD = 0xC000_026C;
    STATUS_BLOCK_TOO_MANY_REFERENCES = 0xC000_048C;
    STATUS_ENCRYPTED_FILE_NOT_SUPPORTED = 0xC000_0488;
    STATUS_FLT_NO_HANDLER_DEFINED = 0xC01C_0001;
    STATUS_FLT_CONTEXT_ALREADY_DEFINED = 0xC01C_0002;
    STATUS_FLT_INVALID_ASYNCHRONOUS_REQUEST = 0xC01C_0003;
    STATUS_FLT_DISALLOW_FAST_IO = 0xC01C_0004;
    STATUS_FLT_INVALID_NAME_REQUEST = 0xC01C_0005;
    STATUS_FLT_NOT_SAFE_TO_POST_OPERATION = 0xC01C_0006;
    STATUS_FLT_NOT_INITIALIZED = 0xC01C_0007;
    STATUS_FLT_FILTER_NOT_READY = 0xC01C_0008;
    STATUS_FLT_POST_OPERATION_CLEANUP = 0xC01C_0009;
    STATUS_FLT_INTERNAL_ERROR = 0xC01C_000A;
    STATUS_FLT_DELETING_OBJECT = 0xC01C_000B;
    STATUS_FLT_MUST_BE_NONPAGED_POOL = 0xC01C_000C;
    STATUS_FLT_DUPLICATE_ENTRY = 0xC01C_000D;
    STATUS_FLT_CBDQ_DISABLED = 0xC01C_000E;
    STATUS_FLT_DO_NOT_ATTACH = 0xC01C_000F;
    STATUS_FLT_DO_NOT_DETACH = 0xC01C_0010;
    STATUS_FLT_INSTANCE_ALTITUDE_COLLISION = 0xC01C_0011;
    STATUS_FLT_INSTANCE_NAME_COLLISION = 0xC01C_0012;
    STATUS_FLT_FILTER_NOT_FOUND = 0xC01C_0013;
    STATUS_FLT_VOLUME_NOT_FOUND = 0xC01C_0014;
    STATUS_FLT_INSTANCE_NOT_FOUND = 0xC01C_0015;
    STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND = 0xC01C_0016;
    STATUS_FLT_INVALID_CONTEXT_REGISTRATION = 0xC01C_0017;
    STATUS_FLT_NAME_CACHE_MISS = 0xC01C_0018;
    STATUS_FLT_NO_DEVICE_OBJECT = 0xC01C_0019;
    STATUS_FLT_VOLUME_ALREADY_MOUNTED = 0xC01C_001A;
    STATUS_FLT_ALREADY_ENLISTED = 0xC01C_001B;
    STATUS_FLT_CONTEXT_ALREADY_LINKED = 0xC01C_001C;
    STATUS_FLT_NO_WAITER_FOR_REPLY = 0xC01C_0020;
    STATUS_FLT_REGISTRATION_BUSY = 0xC01C_0023;
}

/// The symbolic name of `status`, if this file lists it.
#[must_use]
pub fn name(status: u32) -> Option<&'static str> {
    ALL.iter()
        .find(|(value, _)| *value == status)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_value_stands_once_only() {
        let values: BTreeSet<u32> = ALL.iter().map(|(value, _)| *value).collect();
        assert_eq!(values.len(), ALL.len());
    }

    #[test]
    fn severity_decides_success() {
        assert!(STATUS_TIMEOUT.is_success(), "a time-out is a success code");
        assert!(
            !STATUS_BUFFER_OVERFLOW.is_success(),
            "a warning is not a success"
        );
        assert!(!STATUS_INVALID_PARAMETER.is_success());
    }

    #[test]
    fn unknown_values_keep_their_number() {
        assert_eq!(NtStatus(0xC0DE_0001).to_string(), "NTSTATUS 0xc0de0001");
        assert_eq!(
            STATUS_ACCESS_DENIED.to_string(),
            "STATUS_ACCESS_DENIED (0xc0000022)"
        );
    }
}
