//! The NTSTATUS values that the modelled file system itself returns.
//!
//! Values and names: \[MS-ERREF\] 2.3.1. What the object manager says about a source handle passes
//! through as it is, so a [`Status`] can hold any value; only the names below are known here.

use std::fmt;

/// An NTSTATUS value, a success or a failure.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u32);

/// Written once, expanded into the constants and into [`Status::name`].
macro_rules! statuses {
    ($($name:ident = $value:literal, $text:literal;)*) => {
        impl Status {
            $(
                #[doc = $text]
                pub const $name: Self = Self($value);
            )*

            /// The name without its `STATUS_` prefix, or `None` if this module never returns it.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    SUCCESS = 0x0000_0000, "The operation completed.";
    INVALID_HANDLE = 0xC000_0008, "The source handle names nothing (\\[MS-FSA\\] notes 90 and 94).";
    INVALID_PARAMETER = 0xC000_000D, "A value, or what the source handle names, is not acceptable.";
    INVALID_DEVICE_REQUEST = 0xC000_0010, "This file system does not implement the request.";
    END_OF_FILE = 0xC000_0011, "A read starts at or behind the end of the file.";
    ACCESS_DENIED = 0xC000_0022, "The open lacks the right, or the file forbids it.";
    BUFFER_TOO_SMALL = 0xC000_0023, "The input is shorter than the structure.";
    OBJECT_TYPE_MISMATCH = 0xC000_0024, "The source handle names another type of object.";
    OBJECT_NAME_INVALID = 0xC000_0033, "The path is not well formed.";
    OBJECT_NAME_NOT_FOUND = 0xC000_0034, "The last component of the path does not exist.";
    OBJECT_NAME_COLLISION = 0xC000_0035, "The name exists already.";
    OBJECT_PATH_NOT_FOUND = 0xC000_003A, "A directory on the path does not exist.";
    FILE_LOCK_CONFLICT = 0xC000_0054, "A byte-range lock of another open is in the way.";
    LOCK_NOT_GRANTED = 0xC000_0055, "A byte-range lock is in the way of the one asked for.";
    DELETE_PENDING = 0xC000_0056, "The file waits for its last open to be deleted.";
    RANGE_NOT_LOCKED = 0xC000_007E, "The open has no lock of exactly this range.";
    DISK_FULL = 0xC000_007F, "No free cluster is left.";
    MEDIA_WRITE_PROTECTED = 0xC000_00A2, "The volume is read-only.";
    FILE_IS_A_DIRECTORY = 0xC000_00BA, "A data file was asked for, a directory was found.";
    NOT_SUPPORTED = 0xC000_00BB, "The clone is well formed, but this one is not possible.";
    INVALID_USER_BUFFER = 0xC000_00E8, "The request claims input and has no buffer.";
    DIRECTORY_NOT_EMPTY = 0xC000_0101, "The directory to delete has entries.";
    NOT_A_DIRECTORY = 0xC000_0103, "A directory was asked for, a data file was found.";
    CANNOT_DELETE = 0xC000_0121, "The file is read-only, or is the root.";
    FILE_DELETED = 0xC000_0123, "The stream waits for its last open to be deleted.";
    FILE_CLOSED = 0xC000_0128, "The open has been closed.";
    INVALID_LOCK_RANGE = 0xC000_01A1, "The last byte to lock has no 64-bit offset.";
    BLOCK_TOO_MANY_REFERENCES = 0xC000_048C, "A source cluster is shared as often as it can be.";
}

impl Status {
    /// Whether the value has success severity (the top two bits clear or informational).
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 < 0x8000_0000
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "STATUS_{name} ({:#010X})", self.0),
            None => write!(f, "NTSTATUS {:#010X}", self.0),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn prints_known_and_unknown_values() {
        let known = Status::BLOCK_TOO_MANY_REFERENCES.to_string();
        assert_eq!(known, "STATUS_BLOCK_TOO_MANY_REFERENCES (0xC000048C)");
        assert_eq!(Status(0xC000_1234).to_string(), "NTSTATUS 0xC0001234");
    }

    #[test]
    fn only_the_upper_half_is_a_failure() {
        assert!(Status::SUCCESS.is_success());
        assert!(Status(0x0000_0103).is_success());
        assert!(!Status(0x8000_0005).is_success());
        assert!(!Status::DISK_FULL.is_success());
    }
}
