//! UTF-16LE text inside a record, without copying it.
//!
//! Names on Windows are sequences of 16-bit units that need not be valid UTF-16. [`Units`] gives
//! the units as they are; [`Text`] shows them, with U+FFFD for what is no character.

use core::fmt;

/// Iterator over the 16-bit units of a name.
#[derive(Clone, Debug)]
pub struct Units<'a> {
    bytes: core::slice::ChunksExact<'a, u8>,
}

impl<'a> Units<'a> {
    /// Units of a byte string in little-endian order; an odd last byte is not looked at.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes: bytes.chunks_exact(2),
        }
    }
}

impl Iterator for Units<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let pair = self.bytes.next()?;
        pair.first_chunk().map(|unit| u16::from_le_bytes(*unit))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.bytes.size_hint()
    }
}

/// Shows a name as text; what is no character becomes U+FFFD.
#[derive(Clone, Debug)]
pub struct Text<'a>(Units<'a>);

impl<'a> Text<'a> {
    /// The text of the units.
    pub(crate) const fn new(units: Units<'a>) -> Self {
        Self(units)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for unit in char::decode_utf16(self.0.clone()) {
            f.write_char(unit.unwrap_or(char::REPLACEMENT_CHARACTER))?;
        }
        Ok(())
    }
}
