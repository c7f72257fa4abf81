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

    /// What stands in the Size field; the plain structure has none.
    const fn size(self) -> Option<u64> {
        match self {
            Self::Plain64 | Self::Plain32 => None,
            Self::Ex64 => Some(0x30),
            Self::Ex32 => Some(0x28),
        }
    }

    /// A well-formed claim.
    pub(crate) fn claim(self, range: Range, flags: u32) -> Claim {
        Claim {
            range,
            ex_size: self.size(),
            ex_flags: self.size().map(|_| flags),
        }
    }

    /// The bytes of a claim (MS-FSCC 2.3.7.1 and 2.3.9.1; the 32-bit forms are those of winioctl.h
    /// for a 32-bit compiler).
    pub(crate) fn bytes(self, source: Handle, claim: &Claim) -> Vec<u8> {
        let size = claim.ex_size.unwrap_or_default().to_le_bytes();
        let handle = source.0.to_le_bytes();
        let (low_size, low_handle) = (&size[..4], &handle[..4]);
        let mut bytes = match self {
            Self::Plain64 => handle.to_vec(),
            Self::Plain32 => [low_handle, &[0; 4]].concat(),
            Self::Ex64 => [size, handle].concat(),
            Self::Ex32 => [low_size, low_handle].concat(),
        };
        let Range {
            source,
            target,
            count,
        } = claim.range;
        for value in [source, target, count] {
            bytes.extend(value.to_le_bytes());
        }
        if let Some(flags) = claim.ex_flags {
            bytes.extend(flags.to_le_bytes());
            bytes.extend([0; 4]);
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

/// What a caller says in the input buffer, besides the handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// From where to where.
    pub(crate) range: Range,
    /// The Size field of the EX structure.
    pub(crate) ex_size: Option<u64>,
    /// The Flags field of the EX structure.
    pub(crate) ex_flags: Option<u32>,
}

/// What the driver must have found behind the source handle, names included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file on the target's volume, of this name.
    SameVolume(String),
    /// A file of this name on another volume.
    OtherVolume(String),
    /// A file object of no file system.
    Foreign,
    /// Nothing: the object manager refuses the handle with this status.
    Refused(NtStatus),
    /// It was not looked at: the callback ran in another process.
    NotInContext,
    /// It was not looked at: the input is too short to hold it.
    Unread,
}

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    /// The process.
    pub(crate) process_id: u64,
    /// The thread.
    pub(crate) thread_id: u64,
    /// NT path of the program; empty for the System process, which has no file.
    pub(crate) image: String,
    /// Number of the process that is never used again.
    pub(crate) start_key: u64,
    /// When the process was made: FILETIME.
    pub(crate) create_time: u64,
    /// Its parent.
    pub(crate) parent_id: u64,
    /// SID of the user.
    pub(crate) user: &'static str,
    /// Whether it is a 32-bit program.
    pub(crate) is_32bit: bool,
    /// Whether it is kernel code.
    pub(crate) is_kernel: bool,
}

/// One request, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// What it is, for people.
    pub(crate) what: String,
    /// The control code.
    pub(crate) code: u32,
    /// Who sent it.
    pub(crate) sender: Sender,
    /// Length of the input.
    pub(crate) input_length: u64,
    /// Length of the output buffer.
    pub(crate) output_length: u32,
    /// The claim, when the input is long enough to hold one.
    pub(crate) claim: Option<Claim>,
    /// What the record must say of the source.
    pub(crate) source: Source,
    /// How the record must name the target.
    pub(crate) target: String,
    /// Whether the driver gets to see it.
    pub(crate) is_seen: bool,
    /// The rules that must have fired, exactly; the one that decides comes first.
    pub(crate) rules: Vec<u8>,
    /// The statuses that the model's sources allow; one, nearly always.
    pub(crate) expected: Vec<NtStatus>,
    /// What the caller got.
    pub(crate) answer: IoStatus,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_has_the_length_of_its_structure() {
        let range = Range {
            source: 1,
            target: 2,
            count: 3,
        };
        for (form, length) in [
            (Form::Plain64, 0x20),
            (Form::Plain32, 0x20),
            (Form::Ex64, 0x30),
            (Form::Ex32, 0x28),
        ] {
            let bytes = form.bytes(Handle(0x1122_3344_5566_7788), &form.claim(range, 7));
            assert_eq!(bytes.len(), length, "{form:?}");
            let size = form.size();
            assert!(size.is_none_or(|size| size == length as u64), "{form:?}");
        }
    }

    #[test]
    fn the_fields_lie_where_the_specification_puts_them() {
        let range = Range {
            source: 0x0101,
            target: 0x0202,
            count: 0x0303,
        };
        let handle = Handle(0x8877_6655_4433_2211);
        let ex = Form::Ex64.bytes(handle, &Form::Ex64.claim(range, 0xA0B0_C0D0));
        assert_eq!(ex[0..8], 0x30_u64.to_le_bytes());
        assert_eq!(ex[8..16], handle.0.to_le_bytes());
        assert_eq!(ex[0x10..0x18], 0x0101_i64.to_le_bytes());
        assert_eq!(ex[0x18..0x20], 0x0202_i64.to_le_bytes());
        assert_eq!(ex[0x20..0x28], 0x0303_i64.to_le_bytes());
        assert_eq!(ex[0x28..0x2C], 0xA0B0_C0D0_u32.to_le_bytes());
        let narrow = Form::Ex32.bytes(handle, &Form::Ex32.claim(range, 1));
        assert_eq!(narrow[0..4], 0x28_u32.to_le_bytes());
        assert_eq!(narrow[4..8], 0x4433_2211_u32.to_le_bytes());
        assert_eq!(narrow[0x20..0x24], 1_u32.to_le_bytes());
        let plain = Form::Plain32.bytes(handle, &Form::Plain32.claim(range, 0));
        assert_eq!(plain[0..8], [0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0]);
    }
}
