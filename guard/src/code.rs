//! The two control codes, and the two things about a caller that decide how its input is read.
//!
//! Values and sizes: MS-FSCC 2.3.7 and 2.3.9, `winioctl.h` of the Windows SDK. The 32-bit layouts
//! are those of `DUPLICATE_EXTENTS_DATA32` and `DUPLICATE_EXTENTS_DATA_EX32` in the same header.

/// A file-system control code that clones a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlCode {
    /// `FSCTL_DUPLICATE_EXTENTS_TO_FILE`.
    Duplicate,
    /// `FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX`.
    DuplicateEx,
}

impl ControlCode {
    /// The code of a 32-bit value; `None` for every other control code.
    ///
    /// The whole value is compared, transfer method and access bits included.
    #[must_use]
    pub const fn from_raw(raw: u32) -> Option<Self> {
        match raw {
            0x0009_8344 => Some(Self::Duplicate),
            0x0009_83E8 => Some(Self::DuplicateEx),
            _ => None,
        }
    }

    /// The 32-bit value.
    #[must_use]
    pub const fn raw(self) -> u32 {
        match self {
            Self::Duplicate => 0x0009_8344,
            Self::DuplicateEx => 0x0009_83E8,
        }
    }

    /// Size in bytes of the input structure in a caller of this bitness.
    ///
    /// The plain structure has the same size in both: a 32-bit handle is followed by four bytes of
    /// padding. The EX structure counts its tail padding (MS-FSA 2.1.5.10.5 asks for 0x30).
    #[must_use]
    pub const fn input_size(self, bitness: Bitness) -> u32 {
        match (self, bitness) {
            (Self::Duplicate, Bitness::Bits32 | Bitness::Bits64) => 0x20,
            (Self::DuplicateEx, Bitness::Bits32) => 0x28,
            (Self::DuplicateEx, Bitness::Bits64) => 0x30,
        }
    }
}

/// Another code by which files come to share blocks, or that tells about it: seen and recorded, not
/// judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenCode(u32);

impl SeenCode {
    /// `FSCTL_DUPLICATE_CLUSTER`, `FSCTL_QUERY_ASYNC_DUPLICATE_EXTENTS_STATUS` (`winioctl.h`) and
    /// `FSCTL_REFS_STREAM_SNAPSHOT_MANAGEMENT` (MS-FSA 2.1.5.10.29).
    const ALL: [u32; 3] = [0x0009_045C, 0x0009_0430, 0x0009_0440];

    /// The code of a 32-bit value; `None` for every other control code.
    #[must_use]
    pub const fn from_raw(raw: u32) -> Option<Self> {
        let [cluster, status, snapshot] = Self::ALL;
        if raw == cluster || raw == status || raw == snapshot {
            Some(Self(raw))
        } else {
            None
        }
    }

    /// The 32-bit value.
    #[must_use]
    pub const fn raw(self) -> u32 {
        self.0
    }
}

/// Pointer width of the caller, which decides the layout of its input.
///
/// Windows does not convert the contents of control buffers; the driver asks
/// (`FltIs32bitProcess`). WDK: "Supporting 32-Bit I/O in Your 64-Bit Driver".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bitness {
    /// A 32-bit program on a 64-bit kernel.
    Bits32,
    /// A 64-bit program, or the kernel.
    Bits64,
}

impl Bitness {
    /// The value for the wire.
    #[must_use]
    pub const fn to_wire(self) -> wire::Bitness {
        match self {
            Self::Bits32 => wire::Bitness::Bits32,
            Self::Bits64 => wire::Bitness::Bits64,
        }
    }
}

/// Processor mode of the requestor (`FLT_CALLBACK_DATA.RequestorMode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestorMode {
    /// A driver or a system component.
    Kernel,
    /// A user-mode program.
    User,
}

impl RequestorMode {
    /// The value for the wire.
    #[must_use]
    pub const fn to_wire(self) -> wire::Mode {
        match self {
            Self::Kernel => wire::Mode::Kernel,
            Self::User => wire::Mode::User,
        }
    }
}
