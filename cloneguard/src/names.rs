//! Names for the numbers of Windows that occur in events.

use core::fmt;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

/// The statuses that clone requests and name queries are known to end with, and those that the driver gives as a
/// reason itself (MS-ERREF 2.3.1, `ntstatus.h`).
const STATUSES: &[(u32, &str)] = &[
    (0x0000_0000, "STATUS_SUCCESS"),
    (0x0000_0102, "STATUS_TIMEOUT"),
    (0x0000_0103, "STATUS_PENDING"),
    (0x8000_0005, "STATUS_BUFFER_OVERFLOW"),
    (0xC000_0001, "STATUS_UNSUCCESSFUL"),
    (0xC000_0002, "STATUS_NOT_IMPLEMENTED"),
    (0xC000_0004, "STATUS_INFO_LENGTH_MISMATCH"),
    (0xC000_0005, "STATUS_ACCESS_VIOLATION"),
    (0xC000_0008, "STATUS_INVALID_HANDLE"),
    (0xC000_000D, "STATUS_INVALID_PARAMETER"),
    (0xC000_0010, "STATUS_INVALID_DEVICE_REQUEST"),
    (0xC000_0011, "STATUS_END_OF_FILE"),
    (0xC000_0017, "STATUS_NO_MEMORY"),
    (0xC000_0022, "STATUS_ACCESS_DENIED"),
    (0xC000_0023, "STATUS_BUFFER_TOO_SMALL"),
    (0xC000_0024, "STATUS_OBJECT_TYPE_MISMATCH"),
    (0xC000_0033, "STATUS_OBJECT_NAME_INVALID"),
    (0xC000_0034, "STATUS_OBJECT_NAME_NOT_FOUND"),
    (0xC000_0043, "STATUS_SHARING_VIOLATION"),
    (0xC000_0054, "STATUS_FILE_LOCK_CONFLICT"),
    (0xC000_0056, "STATUS_DELETE_PENDING"),
    (0xC000_0059, "STATUS_REVISION_MISMATCH"),
    (0xC000_0061, "STATUS_PRIVILEGE_NOT_HELD"),
    (0xC000_007F, "STATUS_DISK_FULL"),
    (0xC000_009A, "STATUS_INSUFFICIENT_RESOURCES"),
    (0xC000_00A2, "STATUS_MEDIA_WRITE_PROTECTED"),
    (0xC000_00A3, "STATUS_DEVICE_NOT_READY"),
    (0xC000_00BA, "STATUS_FILE_IS_A_DIRECTORY"),
    (0xC000_00BB, "STATUS_NOT_SUPPORTED"),
    (0xC000_00E8, "STATUS_INVALID_USER_BUFFER"),
    (0xC000_010A, "STATUS_PROCESS_IS_TERMINATING"),
    (0xC000_0120, "STATUS_CANCELLED"),
    (0xC000_0128, "STATUS_FILE_CLOSED"),
    (0xC000_0194, "STATUS_POSSIBLE_DEADLOCK"),
    (0xC000_0225, "STATUS_NOT_FOUND"),
    (0xC000_0246, "STATUS_CONNECTION_COUNT_LIMIT"),
    (0xC000_0476, "STATUS_OPERATION_IN_PROGRESS"),
    (0xC000_048C, "STATUS_BLOCK_TOO_MANY_REFERENCES"),
    (0xC01C_0001, "STATUS_FLT_NO_HANDLER_DEFINED"),
    (0xC01C_0005, "STATUS_FLT_INVALID_NAME_REQUEST"),
    (0xC01C_0015, "STATUS_FLT_INSTANCE_NOT_FOUND"),
    (0xC01C_001B, "STATUS_FLT_ALREADY_ENLISTED"),
];

/// File systems by `FLT_FILESYSTEM_TYPE` (`fltUserStructures.h`), as far as a clone can meet them.
const FILE_SYSTEMS: &[(u32, &str)] = &[
    (0, "unknown"),
    (1, "raw"),
    (2, "ntfs"),
    (3, "fat"),
    (4, "cdfs"),
    (5, "udfs"),
    (6, "lanman"),
    (7, "webdav"),
    (8, "rdpdr"),
    (9, "nfs"),
    (13, "mup"),
    (22, "exfat"),
    (25, "npfs"),
    (26, "msfs"),
    (27, "csvfs"),
    (28, "refs"),
];

/// An NTSTATUS. In JSON an object with `code` and, if it has one here, `name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtStatus(u32);

impl NtStatus {
    /// A status from its number.
    #[must_use]
    pub const fn new(code: u32) -> Self {
        Self(code)
    }

    /// The number.
    #[must_use]
    pub const fn code(self) -> u32 {
        self.0
    }

    /// The symbolic name, if it is in the table.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        find(STATUSES, self.0)
    }

    /// The name without what all names begin with, or the number.
    #[must_use]
    pub fn brief(self) -> String {
        let text = self.to_string();
        text.strip_prefix("STATUS_").unwrap_or(&text).to_owned()
    }
}

impl fmt::Display for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", Hex(self.0)),
        }
    }
}

impl Serialize for NtStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        named_code(serializer, "NtStatus", self.0, self.name())
    }
}

/// The name of a file system, if it is in the table.
pub(crate) fn file_system(kind: u32) -> Option<&'static str> {
    find(FILE_SYSTEMS, kind)
}

/// The name of a number in a table.
fn find(table: &[(u32, &'static str)], wanted: u32) -> Option<&'static str> {
    table
        .iter()
        .find(|(number, _)| *number == wanted)
        .map(|(_, name)| *name)
}

/// An object of a code in hexadecimal and, if there is one, its name.
pub(crate) fn named_code<S: Serializer>(
    serializer: S,
    kind: &'static str,
    code: u32,
    name: Option<&str>,
) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_struct(kind, 1 + usize::from(name.is_some()))?;
    object.serialize_field("code", &Hex(code).to_string())?;
    match name {
        Some(name) => object.serialize_field("name", name)?,
        None => object.skip_field("name")?,
    }
    object.end()
}

/// A number as `0x%08X`.
struct Hex(u32);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08X}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{FILE_SYSTEMS, NtStatus, STATUSES, file_system};

    #[test]
    fn tables_rise_so_no_number_is_twice_in_them() {
        assert!(STATUSES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(FILE_SYSTEMS.is_sorted_by(|a, b| a.0 < b.0));
    }

    /// The source of `flt` is read as a text, for it is built with a kit only.
    #[test]
    fn the_statuses_that_the_driver_gives_have_their_names() {
        let source = include_str!("../../flt/src/status.rs");
        let constants = source.lines().filter_map(|line| {
            let constant = line.trim().strip_prefix("pub const ")?;
            let (name, value) = constant.split_once(": Self = Self::error(0x")?;
            let digits = value.strip_suffix(");")?.replace('_', "");
            let code = u32::from_str_radix(&digits, 16).unwrap();
            Some((NtStatus::new(code).name(), format!("STATUS_{name}")))
        });
        let constants: Vec<_> = constants.collect();
        assert!(constants.len() > 15, "{constants:?}");
        for (known, name) in &constants {
            assert_eq!(*known, Some(name.as_str()));
        }
    }

    #[test]
    fn a_status_has_a_code_and_perhaps_a_name() {
        let json = |code| serde_json::to_string(&NtStatus::new(code)).unwrap();
        assert_eq!(
            json(0xC000_000D),
            r#"{"code":"0xC000000D","name":"STATUS_INVALID_PARAMETER"}"#
        );
        assert_eq!(json(0x1234), r#"{"code":"0x00001234"}"#);
        assert_eq!(
            NtStatus::new(0xC000_048C).to_string(),
            "STATUS_BLOCK_TOO_MANY_REFERENCES"
        );
        assert_eq!(NtStatus::new(0xDEAD).to_string(), "0x0000DEAD");
    }

    #[test]
    fn file_systems_of_interest_have_names() {
        assert_eq!(
            (file_system(28), file_system(2)),
            (Some("refs"), Some("ntfs"))
        );
        assert_eq!(file_system(999), None);
    }
}
