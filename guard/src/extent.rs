//! All arithmetic on offsets, in one small file without dependencies, so that it can be proved.
//!
//! [`Extent`] is a byte range that does not begin below zero and does not end past the signed
//! 64-bit range; [`ClusterSize`] is the unit in which a volume shares data.

/// Allocation unit of a volume in bytes: a power of two from 512 to 2 MiB.
///
/// The bounds are those of the `format` command (`/A`: 512 bytes to 2 MB on NTFS); `ReFS` has 4 KiB
/// and 64 KiB (Win32 "Block Cloning on `ReFS`"). A volume that claims another size has an unknown one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterSize(u32);

impl ClusterSize {
    /// A cluster size from a number of bytes; `None` outside the invariant of the type.
    #[must_use]
    pub const fn try_new(byte_count: u32) -> Option<Self> {
        if byte_count.is_power_of_two() && byte_count >= 512 && byte_count <= 0x20_0000 {
            Some(Self(byte_count))
        } else {
            None
        }
    }

    /// A cluster size from the two factors that `FILE_FS_SIZE_INFORMATION` gives; `None` if the
    /// product overflows or is outside the invariant of the type.
    #[must_use]
    pub const fn from_sectors(sectors_per_unit: u32, bytes_per_sector: u32) -> Option<Self> {
        match sectors_per_unit.checked_mul(bytes_per_sector) {
            Some(byte_count) => Self::try_new(byte_count),
            None => None,
        }
    }

    /// The number of bytes.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether `value` is a multiple of the cluster size. Zero is; a negative value is if its
    /// absolute value is.
    #[must_use]
    pub const fn divides(self, value: i64) -> bool {
        // A power of two divides exactly the numbers whose bits below it are clear, and two's
        // complement keeps that true below zero.
        value & self.mask() == 0
    }

    /// The smallest multiple of the cluster size that is not below `value`; `None` for a negative
    /// value and past the signed 64-bit range.
    #[must_use]
    pub const fn round_up(self, value: i64) -> Option<i64> {
        if value < 0 {
            return None;
        }
        match value.checked_add(self.mask()) {
            Some(past) => Some(past & !self.mask()),
            None => None,
        }
    }

    /// The bits below the cluster size.
    #[expect(
        clippy::as_conversions,
        reason = "u32 to i64 loses nothing; `From` is not const"
    )]
    const fn mask(self) -> i64 {
        // At least 512 by the invariant, so nothing wraps.
        self.0.wrapping_sub(1) as i64
    }
}

/// Why two numbers are not a byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtentError {
    /// The offset is below zero.
    NegativeOffset,
    /// The count is below zero; the offset is not.
    NegativeCount,
    /// The end is past the signed 64-bit range.
    Overflow,
}

/// A byte range `[offset, end)` with `0 <= offset <= end <= i64::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    offset: i64,
    end: i64,
}

impl Extent {
    /// A range from its first byte and its length, both in bytes.
    ///
    /// # Errors
    ///
    /// The first of [`ExtentError`] that applies, in the order of its variants.
    pub const fn try_new(offset: i64, byte_count: i64) -> Result<Self, ExtentError> {
        if offset < 0 {
            return Err(ExtentError::NegativeOffset);
        }
        if byte_count < 0 {
            return Err(ExtentError::NegativeCount);
        }
        match offset.checked_add(byte_count) {
            Some(end) => Ok(Self { offset, end }),
            None => Err(ExtentError::Overflow),
        }
    }

    /// The first byte.
    #[must_use]
    pub const fn offset(self) -> i64 {
        self.offset
    }

    /// The byte after the last one.
    #[must_use]
    pub const fn end(self) -> i64 {
        self.end
    }

    /// How many bytes there are.
    #[must_use]
    pub const fn byte_count(self) -> i64 {
        // `offset <= end` by the invariant, so nothing wraps.
        self.end.wrapping_sub(self.offset)
    }

    /// Whether a byte lies in both ranges.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.offset < other.end && other.offset < self.end
    }

    /// Whether the range begins and ends on a cluster.
    #[must_use]
    pub const fn is_aligned(self, cluster: ClusterSize) -> bool {
        cluster.divides(self.offset) && cluster.divides(self.end)
    }
}
