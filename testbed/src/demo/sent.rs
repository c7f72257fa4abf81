//! What was sent, as the sender knows it: the other half of every comparison with a record.

use testbed::NtStatus;
use testbed::io::{Handle, IoStatus};

/// FSCTL_DUPLICATE_EXTENTS_TO_FILE (MS-FSCC 2.3.7).
pub(crate) const PLAIN: u32 = 0x0009_8344;
/// FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX (MS-FSCC 2.3.9).
pub(crate) const EX: u32 = 0x0009_83E8;

/// Which structure a caller builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// DUPLICATE_EXTENTS_DATA of a 64-bit program.
    Plain64,
    /// The same of a 32-bit program.
    Plain32,
    /// DUPLICATE_EXTENTS_DATA_EX of a 64-bit program.
    Ex64,
    /// The same of a 32-bit program.
    Ex32,
}

impl Form {
    /// The control code that goes with the structure.
    pub(crate) const fn code(self) -> u32 {
        match self {
            Self::Plain64 | Self::Plain32 => PLAIN,
            Self::Ex64 | Self::Ex32 => EX,
        }
    }

    /// Whether a 32-bit program builds it.
    pub(crate) const fn is_32bit(self) -> bool {
        matches!(self, Self::Plain32 | Self::Ex32)
    }

    /// The bytes of the structure (MS-FSCC 2.3.7.1 and 2.3.9.1; the 32-bit forms are those of
    /// winioctl.h for a 32-bit compiler).
    pub(crate) fn bytes(self, source: Handle, range: Range, flags: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let low = u32::try_from(source.0 & 0xFFFF_FFFF)
            .unwrap_or_default()
            .to_le_bytes();
        match self {
            Self::Plain64 => bytes.extend(source.0.to_le_bytes()),
            Self::Plain32 => bytes.extend([low, [0; 4]].concat()),
            Self::Ex64 => bytes.extend([0x30_u64.to_le_bytes(), source.0.to_le_bytes()].concat()),
            Self::Ex32 => bytes.extend([0x28_u32.to_le_bytes(), low].concat()),
        }
        for value in [range.source, range.target, range.count] {
            bytes.extend(value.to_le_bytes());
        }
        if self.code() == EX {
            bytes.extend([flags.to_le_bytes(), [0; 4]].concat());
        }
        bytes
    }
}

/// A range to clone, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// First byte in the source.
    pub(crate) source: i64,
    /// First byte in the target.
    pub(crate) target: i64,
    /// Bytes.
    pub(crate) count: i64,
}

/// One request, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// What it is, for people.
    pub(crate) what: String,
    /// The control code.
    pub(crate) code: u32,
    /// Whether the caller is a 32-bit program.
    pub(crate) is_32bit: bool,
    /// Whether the caller is kernel code.
    pub(crate) is_kernel: bool,
    /// The caller's process.
    pub(crate) process_id: u64,
    /// Length of the input.
    pub(crate) input_length: usize,
    /// The range, when the input is long enough to hold one.
    pub(crate) range: Option<Range>,
    /// How the record must name the source, if it can.
    pub(crate) source: Option<String>,
    /// How the record must name the target.
    pub(crate) target: String,
    /// Whether the driver gets to see it.
    pub(crate) is_seen: bool,
    /// The rules that must have fired, exactly.
    pub(crate) rules: Vec<u8>,
    /// The statuses that the model's sources allow; one, nearly always.
    pub(crate) expected: Vec<NtStatus>,
    /// What the caller got.
    pub(crate) answer: IoStatus,
}
