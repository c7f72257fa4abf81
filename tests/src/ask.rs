//! A clone request: what a case fills in, and its bytes in the four layouts.

use crate::scene::{ActorRef, Handle};
use crate::stage::Carriage;
use crate::windows::DUPLICATE_EXTENTS_EX;

/// Every byte of padding, and every byte behind the structure: a C compiler promises nothing there.
const GARBAGE: u8 = 0xCC;

/// A request, as a good caller would send it; each method spoils one thing.
#[derive(Clone, Debug)]
pub struct Ask {
    pub(crate) by: ActorRef,
    pub(crate) code: u32,
    pub(crate) is_narrow: bool,
    pub(crate) to: Handle,
    pub(crate) from: Handle,
    pub(crate) range: (i64, i64, i64),
    pub(crate) output: u32,
    pub(crate) carriage: Carriage,
    size: Option<u64>,
    flags: u32,
    length: Option<usize>,
    has_input: bool,
}

impl Ask {
    /// A request by `by`, to the target `to`, from the source `from`; nothing else is set.
    pub(crate) const fn new(by: ActorRef, code: u32, to: Handle, from: Handle) -> Self {
        Self {
            by,
            code,
            is_narrow: false,
            to,
            from,
            range: (0, 0, 0),
            output: 0,
            carriage: Carriage::Usual,
            size: None,
            flags: 0,
            length: None,
            has_input: true,
        }
    }

    /// Another caller, perhaps one whose structures have the 32-bit layouts.
    #[must_use]
    pub(crate) const fn sent_by(self, by: ActorRef, is_narrow: bool) -> Self {
        Self {
            by,
            is_narrow,
            ..self
        }
    }

    /// Source offset, target offset, byte count.
    #[must_use]
    pub const fn range(self, source: i64, target: i64, count: i64) -> Self {
        Self {
            range: (source, target, count),
            ..self
        }
    }

    /// The handle in the structure.
    #[must_use]
    pub const fn from(self, from: Handle) -> Self {
        Self { from, ..self }
    }

    /// The handle that the request is sent to.
    #[must_use]
    pub const fn to(self, to: Handle) -> Self {
        Self { to, ..self }
    }

    /// The `Size` field of the EX structure.
    #[must_use]
    pub const fn size(self, size: u64) -> Self {
        Self {
            size: Some(size),
            ..self
        }
    }

    /// The `Flags` of the EX structure.
    #[must_use]
    pub const fn flags(self, flags: u32) -> Self {
        Self { flags, ..self }
    }

    /// The input length, with garbage behind the structure if that is longer.
    #[must_use]
    pub const fn length(self, length: usize) -> Self {
        Self {
            length: Some(length),
            ..self
        }
    }

    /// The input is so many bytes shorter than the structure.
    #[must_use]
    pub fn short_by(self, bytes: usize) -> Self {
        let length = self.layout_size().saturating_sub(bytes);
        self.length(length)
    }

    /// So many bytes of garbage follow the structure.
    #[must_use]
    pub fn trailing(self, bytes: usize) -> Self {
        let length = self.layout_size() + bytes;
        self.length(length)
    }

    /// A NULL buffer of no bytes.
    #[must_use]
    pub const fn no_input(self) -> Self {
        Self {
            has_input: false,
            ..self
        }
    }

    /// An output buffer of so many bytes.
    #[must_use]
    pub const fn output(self, bytes: u32) -> Self {
        Self {
            output: bytes,
            ..self
        }
    }

    /// How it travels.
    #[must_use]
    pub const fn carried(self, carriage: Carriage) -> Self {
        Self { carriage, ..self }
    }

    /// A driver built it: it claims as much input as there would be, and has no buffer.
    #[must_use]
    pub fn without_buffer(self) -> Self {
        let length = self.length.unwrap_or(self.layout_size());
        let claimed = u32::try_from(length).unwrap_or(u32::MAX);
        self.carried(Carriage::WithoutBuffer(claimed))
    }

    /// Another control code; the structure stays what it is.
    #[must_use]
    pub const fn code(self, code: u32) -> Self {
        Self { code, ..self }
    }

    /// The bytes of the whole structure: MS-FSCC 2.3.7.1 and 2.3.9.1 with a C compiler's padding.
    fn layout_size(&self) -> usize {
        match (self.code == DUPLICATE_EXTENTS_EX, self.is_narrow) {
            (false, false | true) => 0x20,
            (true, false) => 0x30,
            (true, true) => 0x28,
        }
    }

    /// The input; `None` is no buffer.
    pub(crate) fn input(&self) -> Option<Vec<u8>> {
        if !self.has_input || matches!(self.carriage, Carriage::WithoutBuffer(_)) {
            return None;
        }
        let is_ex = self.code == DUPLICATE_EXTENTS_EX;
        let mut bytes = Vec::new();
        if is_ex {
            let size = self.size.unwrap_or(self.layout_size() as u64);
            self.pointer(&mut bytes, size);
        }
        self.pointer(&mut bytes, self.from.raw.0);
        pad(&mut bytes);
        for value in [self.range.0, self.range.1, self.range.2] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        if is_ex {
            bytes.extend_from_slice(&self.flags.to_le_bytes());
            pad(&mut bytes);
        }
        bytes.resize(self.length.unwrap_or(bytes.len()), GARBAGE);
        Some(bytes)
    }

    /// A HANDLE or SIZE_T.
    fn pointer(&self, bytes: &mut Vec<u8>, value: u64) {
        let whole = value.to_le_bytes();
        bytes.extend_from_slice(if self.is_narrow { &whole[..4] } else { &whole });
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(8), GARBAGE);
}

#[cfg(test)]
mod tests {
    use super::Ask;
    use crate::scene::{ActorRef, Handle};
    use crate::windows::{DUPLICATE_EXTENTS, DUPLICATE_EXTENTS_EX};

    fn bytes(code: u32, is_narrow: bool) -> Vec<u8> {
        let handle = Handle::of_value(0x0102_0304_0506_0708);
        let ask = Ask {
            is_narrow,
            ..Ask::new(ActorRef::PROGRAM, code, handle, handle)
        };
        ask.range(0x11, 0x22, 0x33).flags(0x44).input().unwrap()
    }

    /// Offsets: MS-FSCC 2.3.7.1 and 2.3.9.1, and DUPLICATE_EXTENTS_DATA32 and _EX32 of winioctl.h.
    #[test]
    fn every_field_lies_where_the_layout_has_it() {
        for (code, narrow, size, handle, offsets) in [
            (DUPLICATE_EXTENTS, false, 0x20, 0, 8),
            (DUPLICATE_EXTENTS, true, 0x20, 0, 8),
            (DUPLICATE_EXTENTS_EX, false, 0x30, 8, 0x10),
            (DUPLICATE_EXTENTS_EX, true, 0x28, 4, 8),
        ] {
            let bytes = bytes(code, narrow);
            assert_eq!(bytes.len(), size);
            assert_eq!(bytes[handle..handle + 4], [8, 7, 6, 5]);
            let fields = [0, 8, 0x10].map(|at| bytes[offsets + at]);
            assert_eq!(fields, [0x11, 0x22, 0x33]);
            if code == DUPLICATE_EXTENTS_EX {
                assert_eq!(usize::from(bytes[0]), size);
                assert_eq!(bytes[offsets + 0x18], 0x44);
            }
        }
    }

    #[test]
    fn lengths_cut_and_extend() {
        let handle = Handle::of_value(4);
        let ask = Ask::new(ActorRef::PROGRAM, DUPLICATE_EXTENTS_EX, handle, handle);
        assert_eq!(ask.clone().short_by(1).input().unwrap().len(), 0x2F);
        assert_eq!(ask.clone().trailing(8).input().unwrap().len(), 0x38);
        assert_eq!(ask.no_input().input(), None);
    }
}
