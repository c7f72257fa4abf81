//! NTSTATUS as a Rust error: a value that is certainly not a success.
//!
//! The severity stands in the two top bits: 0 success, 1 informational, 2 warning, 3 error
//! (MS-ERREF 2.3). `STATUS_TIMEOUT` is a *success* code; where it can come back, the wrapper gives
//! it a variant of its own instead of passing it through [`NtStatus::check`].

use core::fmt;

/// A kernel status that says no.
///
/// # Invariants
///
/// The severity is warning or error: the raw value is negative.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NtStatus(i32);

impl NtStatus {
    /// STATUS_BUFFER_OVERFLOW, a warning: the answer was cut off.
    pub const BUFFER_OVERFLOW: Self = Self::error(0x8000_0005);
    /// STATUS_UNSUCCESSFUL.
    pub const UNSUCCESSFUL: Self = Self::error(0xC000_0001);
    /// STATUS_INFO_LENGTH_MISMATCH.
    pub const INFO_LENGTH_MISMATCH: Self = Self::error(0xC000_0004);
    /// STATUS_INVALID_PARAMETER.
    pub const INVALID_PARAMETER: Self = Self::error(0xC000_000D);
    /// STATUS_END_OF_FILE.
    pub const END_OF_FILE: Self = Self::error(0xC000_0011);
    /// STATUS_BUFFER_TOO_SMALL.
    pub const BUFFER_TOO_SMALL: Self = Self::error(0xC000_0023);
    /// STATUS_OBJECT_TYPE_MISMATCH.
    pub const OBJECT_TYPE_MISMATCH: Self = Self::error(0xC000_0024);
    /// STATUS_OBJECT_NAME_INVALID.
    pub const OBJECT_NAME_INVALID: Self = Self::error(0xC000_0033);
    /// STATUS_OBJECT_NAME_NOT_FOUND.
    pub const OBJECT_NAME_NOT_FOUND: Self = Self::error(0xC000_0034);
    /// STATUS_REVISION_MISMATCH.
    pub const REVISION_MISMATCH: Self = Self::error(0xC000_0059);
    /// STATUS_NO_MEMORY.
    pub const NO_MEMORY: Self = Self::error(0xC000_0017);
    /// STATUS_INSUFFICIENT_RESOURCES.
    pub const INSUFFICIENT_RESOURCES: Self = Self::error(0xC000_009A);
    /// STATUS_DEVICE_NOT_READY.
    pub const DEVICE_NOT_READY: Self = Self::error(0xC000_00A3);
    /// STATUS_NOT_SUPPORTED.
    pub const NOT_SUPPORTED: Self = Self::error(0xC000_00BB);
    /// STATUS_POSSIBLE_DEADLOCK: nobody was asked, because the answer might never have come.
    pub const POSSIBLE_DEADLOCK: Self = Self::error(0xC000_0194);
    /// STATUS_NOT_FOUND.
    pub const NOT_FOUND: Self = Self::error(0xC000_0225);
    /// STATUS_CONNECTION_COUNT_LIMIT.
    pub const CONNECTION_COUNT_LIMIT: Self = Self::error(0xC000_0246);

    /// STATUS_OPERATION_IN_PROGRESS.
    pub const OPERATION_IN_PROGRESS: Self = Self::error(0xC000_0476);

    /// STATUS_FLT_INVALID_NAME_REQUEST: no name can be had in this context.
    pub const FLT_INVALID_NAME_REQUEST: Self = Self::error(0xC01C_0005);

    /// STATUS_FLT_INSTANCE_NOT_FOUND.
    pub const FLT_INSTANCE_NOT_FOUND: Self = Self::error(0xC01C_0015);

    const fn error(bits: u32) -> Self {
        Self(bits.cast_signed())
    }

    /// The status of an unsigned value; `None` for a success or informational code.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        match Self::check(bits.cast_signed()) {
            Ok(()) => None,
            Err(status) => Some(status),
        }
    }

    /// Success and informational codes are `Ok`; warnings and errors are `Err`.
    pub const fn check(raw: i32) -> Result<(), Self> {
        if raw < 0 { Err(Self(raw)) } else { Ok(()) }
    }

    /// The signed value the kernel uses.
    #[must_use]
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// The unsigned value people know: `0xC000000D`.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0.cast_unsigned()
    }
}

impl fmt::Debug for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08X}", self.bits())
    }
}

impl fmt::Display for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The value a callback hands back to the kernel.
#[must_use]
pub const fn to_raw(result: Result<(), NtStatus>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(status) => status.raw(),
    }
}
