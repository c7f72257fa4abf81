//! The bytes of the two block-clone requests, read from the public specification.
//!
//! Local layouts: \[MS-FSCC\] 2.3.7.1 and 2.3.9.1, with the padding that a C compiler adds; the 32-bit
//! ones are the SDK's DUPLICATE_EXTENTS_DATA32 and DUPLICATE_EXTENTS_DATA_EX32. Length and Size are
//! checked here, steps 1 and 2 of \[MS-FSA\] 2.1.5.10.5; everything else is `clone.rs`'s.

use super::choices::{Callers32, ExSize, NoBuffer};
use super::control::Input;
use super::spec::FsSpec;
use super::status::Status;

/// FSCTL_DUPLICATE_EXTENTS_TO_FILE (\[MS-FSCC\] 2.3).
pub const FSCTL_DUPLICATE_EXTENTS_TO_FILE: u32 = 0x0009_8344;
/// FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX (\[MS-FSCC\] 2.3).
pub const FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX: u32 = 0x0009_83E8;

/// DUPLICATE_EXTENTS_DATA_EX_SOURCE_ATOMIC; every other bit must be ignored (\[MS-FSCC\] 2.3.9.1).
const SOURCE_ATOMIC: u32 = 0x1;
/// DUPLICATE_EXTENTS_DATA_EX_ASYNC of the SDK, one of those others.
const ASYNC: u32 = 0x2;

/// The fields of a request, as the caller gave them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The source handle; a 32-bit one is sign-extended (Win32 page "Interprocess Communication
    /// Between 32-bit and 64-bit Applications").
    pub(super) handle: u64,
    /// SourceFileOffset, bytes.
    pub(super) source_offset: i64,
    /// TargetFileOffset, bytes.
    pub(super) target_offset: i64,
    /// ByteCount, bytes.
    pub(super) byte_count: i64,
    /// Whether a failure must leave nothing behind.
    pub(super) atomic: bool,
    /// Whether the flag is set that no page describes; see `AsyncFlag`.
    pub(super) asynchronous: bool,
}

/// Where the fields of one layout lie.
struct Layout {
    length: usize,
    /// Whether HANDLE and SIZE_T have 8 bytes.
    wide: bool,
    /// The plain structure has no Size field.
    size: Option<usize>,
    handle: usize,
    /// SourceFileOffset; TargetFileOffset and ByteCount follow it without a gap.
    offsets: usize,
    /// The plain structure has no Flags field.
    flags: Option<usize>,
}

const PLAIN_64: Layout = Layout {
    length: 0x20,
    wide: true,
    size: None,
    handle: 0,
    offsets: 0x08,
    flags: None,
};
const PLAIN_32: Layout = Layout {
    length: 0x20,
    wide: false,
    size: None,
    handle: 0,
    offsets: 0x08,
    flags: None,
};
const EX_64: Layout = Layout {
    length: 0x30,
    wide: true,
    size: Some(0),
    handle: 8,
    offsets: 0x10,
    flags: Some(0x28),
};
const EX_32: Layout = Layout {
    length: 0x28,
    wide: false,
    size: Some(0),
    handle: 4,
    offsets: 0x08,
    flags: Some(0x20),
};

/// Reads the request of control code `code`, plain or EX, from a caller of the given bitness.
///
/// # Errors
/// STATUS_BUFFER_TOO_SMALL if `input` is shorter than the layout; what [`NoBuffer`] says if it is long
/// enough and missing; what [`ExSize`] says if the Size field of the EX structure is not the layout's.
pub(super) fn parse(
    ex: bool,
    input: Input<'_>,
    bits32: bool,
    spec: &FsSpec,
) -> Result<Request, Status> {
    let callers = spec.callers_32;
    let narrow = bits32 && callers != Callers32::Ignored;
    let layout = match (ex, narrow) {
        (false, false) => PLAIN_64,
        (false, true) => PLAIN_32,
        (true, false) => EX_64,
        (true, true) => EX_32,
    };
    let input = long_enough(input, &layout, spec)?;
    if let Some(at) = layout.size {
        let size = pointer_sized(input, at, layout.wide);
        let other = narrow && callers == Callers32::ConvertedAnySize && size == 0x30;
        if size != layout.length as u64 && !other {
            return Err(match spec.ex_size {
                ExSize::NotSupported => Status::NOT_SUPPORTED,
                ExSize::BufferTooSmall => Status::BUFFER_TOO_SMALL,
            });
        }
    }
    let handle = pointer_sized(input, layout.handle, layout.wide);
    let flags = layout
        .flags
        .map_or(0, |at| u32::from_le_bytes(field(input, at)));
    Ok(Request {
        handle: if layout.wide {
            handle
        } else {
            i64::from(handle as u32 as i32) as u64
        },
        source_offset: i64::from_le_bytes(field(input, layout.offsets)),
        target_offset: i64::from_le_bytes(field(input, layout.offsets + 8)),
        byte_count: i64::from_le_bytes(field(input, layout.offsets + 16)),
        atomic: flags & SOURCE_ATOMIC != 0,
        asynchronous: flags & ASYNC != 0,
    })
}

/// The bytes, if there are enough of them. Length before buffer: \[MS-FSA\] 2.1.5.10.4 asks for
/// InputBufferSize first, and a request without input has no buffer either.
fn long_enough<'a>(input: Input<'a>, layout: &Layout, spec: &FsSpec) -> Result<&'a [u8], Status> {
    if input.length() < layout.length {
        return Err(Status::BUFFER_TOO_SMALL);
    }
    input.bytes(match spec.no_buffer {
        NoBuffer::InvalidParameter => Status::INVALID_PARAMETER,
        NoBuffer::InvalidUserBuffer => Status::INVALID_USER_BUFFER,
        NoBuffer::BufferTooSmall => Status::BUFFER_TOO_SMALL,
    })
}

/// A HANDLE or SIZE_T, zero-extended.
fn pointer_sized(input: &[u8], at: usize, wide: bool) -> u64 {
    if wide {
        u64::from_le_bytes(field(input, at))
    } else {
        u64::from(u32::from_le_bytes(field(input, at)))
    }
}

/// `N` bytes of a buffer whose length was compared with the layout.
fn field<const N: usize>(input: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&input[at..at + N]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::{FsSpec, Input, Request, Status};

    const SPEC: FsSpec = FsSpec::refs(4096);

    fn parse(ex: bool, input: &[u8], bits32: bool, spec: &FsSpec) -> Result<Request, Status> {
        super::parse(ex, Input::Bytes(input), bits32, spec)
    }

    /// Bytes 0, 1, 2 ...: every field gets a value that tells where it was read.
    fn ramp(length: u8) -> Vec<u8> {
        (0..length).collect()
    }

    #[test]
    fn each_layout_reads_its_own_offsets() {
        let plain = parse(false, &ramp(0x20), false, &SPEC).unwrap();
        let expected = Request {
            handle: 0x0706_0504_0302_0100,
            source_offset: 0x0F0E_0D0C_0B0A_0908,
            target_offset: 0x1716_1514_1312_1110,
            byte_count: 0x1F1E_1D1C_1B1A_1918,
            atomic: false,
            asynchronous: false,
        };
        assert_eq!(plain, expected);
        let plain_32 = parse(false, &ramp(0x20), true, &SPEC).unwrap();
        assert_eq!(
            plain_32,
            Request {
                handle: 0x0302_0100,
                ..expected
            }
        );

        let mut ex = ramp(0x30);
        ex[..8].copy_from_slice(&0x30_u64.to_le_bytes());
        let read = parse(true, &ex, false, &SPEC).unwrap();
        assert_eq!(
            (read.handle, read.byte_count),
            (0x0F0E_0D0C_0B0A_0908, 0x2726_2524_2322_2120)
        );
        let mut ex_32 = ramp(0x28);
        ex_32[..4].copy_from_slice(&0x28_u32.to_le_bytes());
        let read = parse(true, &ex_32, true, &SPEC).unwrap();
        assert_eq!(
            (read.handle, read.byte_count),
            (0x0706_0504, 0x1F1E_1D1C_1B1A_1918)
        );
    }

    #[test]
    fn a_32_bit_handle_is_sign_extended() {
        let mut input = ramp(0x20);
        input[..4].copy_from_slice(&0xFFFF_FFFF_u32.to_le_bytes());
        let read = parse(false, &input, true, &SPEC).unwrap();
        assert_eq!(read.handle, u64::MAX);
    }

    #[test]
    fn length_comes_before_size() {
        let short = parse(true, &[0; 0x2F], false, &SPEC);
        assert_eq!(short, Err(Status::BUFFER_TOO_SMALL));
        let wrong = parse(true, &[0; 0x30], false, &SPEC);
        assert_eq!(wrong, Err(Status::NOT_SUPPORTED));
    }

    #[test]
    fn only_the_atomic_bit_counts() {
        let mut input = vec![0; 0x30];
        input[..8].copy_from_slice(&0x30_u64.to_le_bytes());
        for (flags, atomic) in [
            (0_u32, false),
            (1, true),
            (0xFFFF_FFFE, false),
            (u32::MAX, true),
        ] {
            input[0x28..0x2C].copy_from_slice(&flags.to_le_bytes());
            assert_eq!(parse(true, &input, false, &SPEC).unwrap().atomic, atomic);
        }
    }
}
