//! From captured bytes to a claim.
//!
//! [`Capture`] is the driver's own copy of the input, taken once. [`Capture::read`] gives a
//! [`Claim`]: what the caller alleges, with nothing proved but that the bytes were there. The
//! layouts are those of MS-FSCC 2.3.7.1 and 2.3.9.1 and, for 32-bit callers, of the `*32`
//! structures of `winioctl.h`.

use crate::{Bitness, ControlCode};
use zerocopy::little_endian::{I32, I64, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// Bytes of input that are ever looked at: the largest of the four layouts.
pub const CAPTURE_SIZE: usize = 0x30;

/// One request as it was captured, before anything in it is believed.
#[derive(Clone, Copy, Debug)]
pub struct Capture {
    /// Which of the two requests it is.
    pub code: ControlCode,
    /// Pointer width of the caller.
    pub bitness: Bitness,
    /// Length of the input buffer in bytes, as the I/O manager gives it.
    pub input_length: u32,
    /// Length of the output buffer in bytes, as the I/O manager gives it.
    pub output_length: u32,
    /// Whether there is a system buffer at all.
    pub buffer_present: bool,
    /// The first `captured` bytes of the input; what follows has no meaning.
    pub bytes: [u8; CAPTURE_SIZE],
    /// How many bytes were captured: the smaller of `input_length` and [`CAPTURE_SIZE`], or 0
    /// without a buffer.
    pub captured: u32,
}

/// Why there is no claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StructuralFinding {
    /// The caller's: the input is shorter than the layout. Rule 1.
    Short,
    /// The caller's: the input is long enough and there is no buffer. Rule 2.
    Missing,
    /// Ours: the input is there, and we did not capture enough of it.
    NotCaptured,
}

/// A handle value that a caller named. An allegation: it may be anything, and it means something
/// only in the handle table of the caller's process, at the instant it is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimedHandle(u64);

/// What a caller asks for, read from its input and not checked against anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The source file.
    pub handle: ClaimedHandle,
    /// First byte of the source range.
    pub source_offset: i64,
    /// First byte of the target range.
    pub target_offset: i64,
    /// Bytes of the range.
    pub byte_count: i64,
    /// `Size` of the EX structure; `None` for the plain code.
    pub ex_size: Option<u64>,
    /// `Flags` of the EX structure; 0 for the plain code.
    pub flags: u32,
}

impl ClaimedHandle {
    /// The value, widened to 64 bits. A 32-bit value is sign-extended: Win32 "Interprocess
    /// Communication Between 32-bit and 64-bit Applications" says handles have 32 significant bits
    /// and that sign-extending them is safe, so -1 stays the pseudo-handle that it is.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// Widens a 32-bit value.
    const fn from_32(value: I32) -> Self {
        Self(i64_of(value.get()).cast_unsigned())
    }
}

impl Capture {
    /// A capture of nothing: no input, no output, no buffer. The driver fills in what it finds.
    #[must_use]
    pub const fn empty(code: ControlCode, bitness: Bitness) -> Self {
        Self {
            code,
            bitness,
            input_length: 0,
            output_length: 0,
            buffer_present: false,
            bytes: [0; CAPTURE_SIZE],
            captured: 0,
        }
    }

    /// Bytes that the layout of this caller takes.
    #[must_use]
    pub const fn expected_length(&self) -> u32 {
        self.code.input_size(self.bitness)
    }

    /// Whether the input is shorter than the layout.
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.input_length < self.expected_length()
    }

    /// Whether a length is claimed for a buffer that is not there.
    #[must_use]
    pub const fn lacks_buffer(&self) -> bool {
        self.input_length > 0 && !self.buffer_present
    }

    /// Reads the claim. The length is looked at before the buffer, because a request without input
    /// has no buffer either (WDK "Buffer Descriptions for I/O Control Codes").
    ///
    /// An EX `Size` that is wrong does not stop the reading: an audit wants the rest as well, and
    /// a rule says what the wrong value means.
    ///
    /// # Errors
    ///
    /// The [`StructuralFinding`] that leaves nothing to be read.
    pub fn read(&self) -> Result<Claim, StructuralFinding> {
        if self.is_short() {
            return Err(StructuralFinding::Short);
        }
        if !self.buffer_present {
            return Err(StructuralFinding::Missing);
        }
        self.decode().ok_or(StructuralFinding::NotCaptured)
    }

    /// The claim, if enough bytes were captured.
    fn decode(&self) -> Option<Claim> {
        let captured = usize::try_from(self.captured).ok()?;
        let bytes = self.bytes.get(..captured)?;
        match (self.code, self.bitness) {
            (ControlCode::Duplicate, Bitness::Bits64) => {
                let raw = prefix::<Duplicate64>(bytes)?;
                Some(raw.range.claim(ClaimedHandle(raw.handle.get())))
            }
            (ControlCode::Duplicate, Bitness::Bits32) => {
                let raw = prefix::<Duplicate32>(bytes)?;
                Some(raw.range.claim(ClaimedHandle::from_32(raw.handle)))
            }
            (ControlCode::DuplicateEx, Bitness::Bits64) => {
                let raw = prefix::<DuplicateEx64>(bytes)?;
                let plain = raw.range.claim(ClaimedHandle(raw.handle.get()));
                Some(plain.extended(raw.size.get(), raw.flags))
            }
            (ControlCode::DuplicateEx, Bitness::Bits32) => {
                let raw = prefix::<DuplicateEx32>(bytes)?;
                let plain = raw.range.claim(ClaimedHandle::from_32(raw.handle));
                Some(plain.extended(u64::from(raw.size.get()), raw.flags))
            }
        }
    }
}

impl Claim {
    /// The claim with what only the EX structure has.
    const fn extended(self, size: u64, flags: U32) -> Self {
        Self {
            ex_size: Some(size),
            flags: flags.get(),
            ..self
        }
    }
}

/// The three numbers that every layout has in this order.
#[derive(Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Range {
    source_offset: I64,
    target_offset: I64,
    byte_count: I64,
}

impl Range {
    /// The claim of a plain structure.
    const fn claim(self, handle: ClaimedHandle) -> Claim {
        Claim {
            handle,
            source_offset: self.source_offset.get(),
            target_offset: self.target_offset.get(),
            byte_count: self.byte_count.get(),
            ex_size: None,
            flags: 0,
        }
    }
}

/// `DUPLICATE_EXTENTS_DATA` of a 64-bit caller.
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Duplicate64 {
    handle: U64,
    range: Range,
}

/// `DUPLICATE_EXTENTS_DATA` of a 32-bit caller. The padding after the handle is not initialised by
/// callers and must not be looked at.
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Duplicate32 {
    handle: I32,
    padding: [u8; 4],
    range: Range,
}

/// `DUPLICATE_EXTENTS_DATA_EX` of a 64-bit caller.
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct DuplicateEx64 {
    size: U64,
    handle: U64,
    range: Range,
    flags: U32,
    padding: [u8; 4],
}

/// `DUPLICATE_EXTENTS_DATA_EX` of a 32-bit caller.
#[derive(FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct DuplicateEx32 {
    size: U32,
    handle: I32,
    range: Range,
    flags: U32,
    padding: [u8; 4],
}

/// The bytes as the start of a `T`.
fn prefix<T: FromBytes + KnownLayout + Immutable + Unaligned>(bytes: &[u8]) -> Option<&T> {
    T::ref_from_prefix(bytes).ok().map(|(value, _)| value)
}

/// Widening that works in a `const fn`, where `From` does not.
#[expect(
    clippy::as_conversions,
    reason = "i32 to i64 loses nothing; `From` is not const"
)]
const fn i64_of(value: i32) -> i64 {
    value as i64
}

const _: () = {
    let largest = ControlCode::DuplicateEx.input_size(Bitness::Bits64);
    assert!(size_of::<Duplicate64>() == 0x20 && size_of::<Duplicate32>() == 0x20);
    assert!(size_of::<DuplicateEx64>() == 0x30 && size_of::<DuplicateEx32>() == 0x28);
    assert!(largest == 0x30 && CAPTURE_SIZE == 0x30);
};
