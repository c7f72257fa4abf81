//! A clone request, and its bytes in the four layouts.

use testbed::io::Handle;

use super::{CLUSTER, EX, PLAIN};

/// A request: MS-FSCC 2.3.7.1 or 2.3.9.1, with the padding that a C compiler adds.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) code: u32,
    /// Layout of a 32-bit caller.
    pub(crate) narrow: bool,
    pub(crate) handle: u64,
    pub(crate) source: i64,
    pub(crate) target: i64,
    pub(crate) count: i64,
    /// The Size field of the EX structure, if not the layout's.
    pub(crate) size: Option<u64>,
    pub(crate) flags: u32,
    /// Bytes cut off the end, or added to it if negative.
    pub(crate) cut: isize,
    /// Length of the output buffer.
    pub(crate) output: u32,
}

impl Ask {
    /// One cluster from the start to the start, plain code, 64-bit.
    pub(crate) fn plain(source: Handle) -> Self {
        Self {
            code: PLAIN,
            narrow: false,
            handle: source.0,
            source: 0,
            target: 0,
            count: CLUSTER,
            size: None,
            flags: 0,
            cut: 0,
            output: 0,
        }
    }

    /// The same with the EX code.
    pub(crate) fn ex(source: Handle) -> Self {
        Self {
            code: EX,
            ..Self::plain(source)
        }
    }

    /// Bytes of the whole structure.
    pub(crate) fn layout_size(&self) -> u64 {
        match (self.code == EX, self.narrow) {
            (false, _) => 0x20,
            (true, false) => 0x30,
            (true, true) => 0x28,
        }
    }

    /// The input; padding is garbage, as an uninitialised one is.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let size = self.size.unwrap_or_else(|| self.layout_size());
        let mut word = |value: u64| {
            let whole = value.to_le_bytes();
            bytes.extend_from_slice(if self.narrow { &whole[..4] } else { &whole });
        };
        if self.code == EX {
            word(size);
        }
        word(self.handle);
        bytes.resize(bytes.len().next_multiple_of(8), 0xEE);
        for value in [self.source, self.target, self.count] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        if self.code == EX {
            bytes.extend_from_slice(&self.flags.to_le_bytes());
            bytes.resize(bytes.len().next_multiple_of(8), 0xEE);
        }
        let length = bytes.len().saturating_add_signed(-self.cut);
        bytes.resize(length, 0xEE);
        bytes
    }
}
