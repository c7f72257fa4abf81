//! What a block of guarded memory is, and any range that the image may touch.

use std::sync::Arc;

use super::memory::PAGE;

/// What the image may do with a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing: any touch is a fault.
    None,
    /// Read.
    ReadOnly,
    /// Read and write.
    ReadWrite,
    /// Read and execute.
    Execute,
}

impl Access {
    pub(super) fn protection(self) -> i32 {
        match self {
            Self::None => libc::PROT_NONE,
            Self::ReadOnly => libc::PROT_READ,
            Self::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
            Self::Execute => libc::PROT_READ | libc::PROT_EXEC,
        }
    }
}

/// A block to allocate.
#[derive(Clone, Debug)]
pub struct BlockSpec {
    /// Bytes; the last one is the last of its page when `align` allows.
    pub size: u64,
    /// Alignment of the first byte, a power of two up to a page. 1 puts any size flush against the
    /// guard page; 16 is what pool gives.
    pub align: u64,
    /// Name for reports, for instance "system buffer of request 7".
    pub label: String,
    /// Whether the block counts as paged: touching it at DISPATCH_LEVEL is then a violation.
    pub paged: bool,
    /// What the image may do with it.
    pub access: Access,
    /// What it holds at first.
    pub fill: u8,
}

impl BlockSpec {
    /// A zeroed, non-paged, writable block with the alignment of pool.
    pub fn new(size: u64, label: impl Into<String>) -> Self {
        Self {
            size,
            align: 16,
            label: label.into(),
            paged: false,
            access: Access::ReadWrite,
            fill: 0,
        }
    }
}

/// One range that the map knows.
#[derive(Clone, Debug)]
pub(super) struct Range {
    /// First accessible byte.
    pub(super) address: u64,
    /// Bytes.
    pub(super) size: u64,
    pub(super) label: Arc<str>,
    pub(super) access: Access,
    pub(super) paged: bool,
    /// `Some(by whom)` once freed.
    pub(super) freed: Option<Arc<str>>,
    /// Whether it is a block of the arena, so that the host has its second view.
    pub(super) in_arena: bool,
    /// Whether it is the stack of a thread.
    pub(super) is_stack: bool,
}

impl Range {
    /// A range that the host has mapped otherwise.
    pub(super) fn foreign(address: u64, size: u64, access: Access, label: String) -> Self {
        Self {
            address,
            size,
            label: label.into(),
            access,
            paged: false,
            freed: None,
            in_arena: false,
            is_stack: false,
        }
    }

    /// The whole pages that hold the range: first byte and end.
    pub(super) fn pages(&self) -> (u64, u64) {
        let first = self.address & !(PAGE - 1);
        let end = (self.address + self.size)
            .next_multiple_of(PAGE)
            .max(first + PAGE);
        // A block without bytes sits right behind its page.
        if self.size == 0 {
            (first - PAGE, first)
        } else {
            (first, end)
        }
    }
    /// Says in words where `address` lies relative to the range.
    pub(super) fn place(&self, address: u64) -> String {
        let range = self;
        let end = range.address + range.size;
        let name = match &range.freed {
            Some(by) => format!("the {}-byte {} (freed by {by})", range.size, range.label),
            None => format!("the {}-byte {}", range.size, range.label),
        };
        if address < range.address {
            format!("{} bytes before {name}", range.address - address)
        } else if address < end {
            format!("byte {} of {name}", address - range.address)
        } else if address == end {
            format!("right past the end of {name}")
        } else {
            format!("{} bytes past the end of {name}", address - end)
        }
    }
}
