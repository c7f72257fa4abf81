//! Checked reads and writes of memory that host and image share.
//!
//! An address that the driver passes is an allegation. Each access is compared with the map of
//! [`Memory`]: a live block, a section of the image, a stack; enough bytes; writable if written; not
//! paged when the IRQL is raised. What fails is a [`Violation`] that names the argument.
#![expect(
    unsafe_code,
    reason = "copies bytes from and to memory that the image uses at the same time"
)]

use std::arch::asm;
use std::ptr;
use std::sync::Arc;

use super::memory::{Access, Memory, Range, host_usize};
use crate::ntos::Irql;
use crate::verifier::{Rule, Violation};

/// Reads and writes on behalf of code that runs at one IRQL.
#[derive(Clone, Copy, Debug)]
pub struct Guest<'a> {
    memory: &'a Memory,
    irql: u8,
}

macro_rules! scalars {
    ($($read:ident $write:ident $type:ty;)*) => {
        $(
            #[doc = concat!("Reads a little-endian `", stringify!($type), "`; `what` names the place in reports.")]
            ///
            /// # Errors
            ///
            /// [`Rule::BadPointer`] or [`Rule::UseAfterFree`].
            pub fn $read(&self, address: u64, what: &str) -> Result<$type, Violation> {
                let mut bytes = [0; size_of::<$type>()];
                self.copy_out(address, &mut bytes, what)?;
                Ok(<$type>::from_le_bytes(bytes))
            }

            #[doc = concat!("Writes a little-endian `", stringify!($type), "`; `what` names the place in reports.")]
            ///
            /// # Errors
            ///
            /// [`Rule::BadPointer`] or [`Rule::UseAfterFree`].
            pub fn $write(&self, address: u64, value: $type, what: &str) -> Result<(), Violation> {
                self.copy_in(address, &value.to_le_bytes(), what)
            }
        )*
    };
}

impl<'a> Guest<'a> {
    /// Access for code at `irql`.
    #[must_use]
    pub fn new(memory: &'a Memory, irql: u8) -> Self {
        Self { memory, irql }
    }

    scalars! {
        read_u8 write_u8 u8;
        read_u16 write_u16 u16;
        read_u32 write_u32 u32;
        read_u64 write_u64 u64;
        read_i32 write_i32 i32;
        read_i64 write_i64 i64;
    }

    /// Reads `size` bytes.
    ///
    /// # Errors
    ///
    /// [`Rule::BadPointer`] or [`Rule::UseAfterFree`].
    pub fn bytes(&self, address: u64, size: u64, what: &str) -> Result<Vec<u8>, Violation> {
        self.check(address, size, Access::ReadOnly, what)?;
        let mut bytes = vec![0; host_usize(size)];
        self.copy_out(address, &mut bytes, what)?;
        Ok(bytes)
    }

    /// Writes `bytes`.
    ///
    /// # Errors
    ///
    /// [`Rule::BadPointer`] or [`Rule::UseAfterFree`].
    pub fn write_bytes(&self, address: u64, bytes: &[u8], what: &str) -> Result<(), Violation> {
        self.copy_in(address, bytes, what)
    }

    /// Reads the characters of a `UNICODE_STRING` (Length at 0, MaximumLength at 2, Buffer at 8).
    ///
    /// # Errors
    ///
    /// As [`Self::bytes`]; [`Rule::String`] for an odd length, a length above the maximum or a buffer
    /// that is not aligned.
    pub fn read_unicode_string(&self, address: u64, what: &str) -> Result<Vec<u16>, Violation> {
        self.check_aligned(address, 8, what)?;
        let length = self.read_u16(address, what)?;
        let maximum = self.read_u16(address + 2, what)?;
        let buffer = self.read_u64(address + 8, what)?;
        if length % 2 != 0 || length > maximum {
            return Err(Violation::new(
                Rule::String,
                format!("{what}: Length {length}, MaximumLength {maximum}"),
            ));
        }
        if length == 0 {
            return Ok(Vec::new());
        }
        self.check_aligned(buffer, 2, what)?;
        let bytes = self.bytes(buffer, u64::from(length), what)?;
        Ok(bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|unit| u16::from_le_bytes(*unit))
            .collect())
    }

    /// Reads a NUL-terminated byte string of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::bytes`]; [`Rule::String`] when no NUL is found.
    pub fn read_c_string(
        &self,
        address: u64,
        limit: u64,
        what: &str,
    ) -> Result<Vec<u8>, Violation> {
        let mut text = Vec::new();
        for offset in 0..limit {
            match self.read_u8(address + offset, what)? {
                0 => return Ok(text),
                byte => text.push(byte),
            }
        }
        Err(Violation::new(
            Rule::String,
            format!("{what}: no NUL within {limit} bytes"),
        ))
    }

    /// Checks that `address` is a multiple of `align`.
    ///
    /// # Errors
    ///
    /// [`Rule::BadPointer`].
    pub fn check_aligned(&self, address: u64, align: u64, what: &str) -> Result<(), Violation> {
        if address.is_multiple_of(align) {
            return Ok(());
        }
        Err(Violation::new(
            Rule::BadPointer,
            format!(
                "{what}: {} is not aligned to {align}",
                self.memory.describe(address)
            ),
        ))
    }

    /// Checks that the driver may use `size` bytes at `address` in the way of `access`.
    ///
    /// # Errors
    ///
    /// [`Rule::BadPointer`], [`Rule::UseAfterFree`], or [`Rule::Irql`] for paged memory at a raised
    /// IRQL.
    pub fn check(
        &self,
        address: u64,
        size: u64,
        access: Access,
        what: &str,
    ) -> Result<(), Violation> {
        if size == 0 {
            return Ok(());
        }
        self.range(address, size, access, what).map(drop)
    }

    fn range(
        &self,
        address: u64,
        size: u64,
        access: Access,
        what: &str,
    ) -> Result<Range, Violation> {
        let bad = |rule, why: &str| {
            let place = self.memory.describe(address);
            Err(Violation::new(
                rule,
                format!("{what}: {why} ({size} bytes at {place})"),
            ))
        };
        let Some(range) = self.memory.range_at(address) else {
            return bad(Rule::BadPointer, "bad pointer");
        };
        if range.freed.is_some() {
            return bad(Rule::UseAfterFree, "used after it was freed");
        }
        let room = (range.address + range.size).saturating_sub(address);
        if address < range.address || room < size {
            return bad(Rule::BadPointer, "outside the block");
        }
        if !allows(range.access, access) {
            return bad(
                Rule::BadPointer,
                &format!("needs {access:?}, it allows {:?}", range.access),
            );
        }
        if range.paged && self.irql >= Irql::Dispatch as u8 {
            return bad(Rule::Irql, "paged memory touched at DISPATCH_LEVEL");
        }
        Ok(range)
    }

    /// Reads a word of a stack, on which frames of image and host alternate.
    ///
    /// # Errors
    ///
    /// [`Rule::BadPointer`].
    pub(super) fn read_stack(&self, address: u64) -> Result<u64, Violation> {
        let range = self.range(address, 8, Access::ReadOnly, "stack")?;
        let place = self.memory.host_address(&range, address);
        let word: u64;
        // SAFETY: the bytes lie in one mapped range, and the instruction only reads them. It is no read of Rust's: a frame of
        // the host has places to which no reference leads, and AddressSanitizer would say so.
        unsafe {
            asm!(
                "mov {word}, [{place}]",
                place = in(reg) place,
                word = out(reg) word,
                options(readonly, nostack, preserves_flags),
            );
        }
        Ok(word)
    }

    fn copy_out(&self, address: u64, bytes: &mut [u8], what: &str) -> Result<(), Violation> {
        if bytes.is_empty() {
            return Ok(());
        }
        let range = self.range(address, bytes.len() as u64, Access::ReadOnly, what)?;
        let source: *const u8 =
            ptr::with_exposed_provenance(host_usize(self.memory.host_address(&range, address)));
        // SAFETY: 1. `range` proves that the bytes lie in one mapped range: of the arena, seen through
        // the host view, or of an image or stack that outlives this call. 2. `bytes` is host memory,
        // apart from all of them. Image code on another thread may write meanwhile, as real kernel
        // memory changes under a reader: the copy is then of mixed bytes, which no check relies on.
        unsafe { ptr::copy_nonoverlapping(source, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn copy_in(&self, address: u64, bytes: &[u8], what: &str) -> Result<(), Violation> {
        if bytes.is_empty() {
            return Ok(());
        }
        let range = self.range(address, bytes.len() as u64, Access::ReadWrite, what)?;
        self.store(&range, address, bytes);
        Ok(())
    }

    /// Writes into a block whatever the driver may do with it at the moment: for the host's own
    /// structures (callback data, name information).
    ///
    /// # Errors
    ///
    /// [`Rule::Testbed`] when the bytes do not lie in a live block: a fault of the test-bed.
    pub fn host_write(&self, address: u64, bytes: &[u8]) -> Result<(), Violation> {
        if bytes.is_empty() {
            return Ok(());
        }
        let range = self.block(address, bytes.len() as u64)?;
        self.store(&range, address, bytes);
        Ok(())
    }

    /// Reads from a block whatever the driver may do with it at the moment.
    ///
    /// # Errors
    ///
    /// As [`Self::host_write`].
    pub fn host_read(&self, address: u64, size: u64) -> Result<Vec<u8>, Violation> {
        let mut bytes = vec![0; host_usize(size)];
        if size == 0 {
            return Ok(bytes);
        }
        let range = self.block(address, size)?;
        let source: *const u8 =
            ptr::with_exposed_provenance(host_usize(self.memory.host_address(&range, address)));
        // SAFETY: as in `copy_out`; `block` proves that it is a block of the arena, which the host view
        // maps whatever the image may do.
        unsafe { ptr::copy_nonoverlapping(source, bytes.as_mut_ptr(), bytes.len()) };
        Ok(bytes)
    }

    /// The block of the arena that holds these bytes.
    fn block(&self, address: u64, size: u64) -> Result<Range, Violation> {
        // Paged or not is no matter for the host itself.
        let host = Guest {
            memory: self.memory,
            irql: 0,
        };
        let own = |violation: Violation| Violation::new(Rule::Testbed, violation.detail);
        let range = host
            .range(address, size, Access::None, "host access")
            .map_err(own)?;
        if range.in_arena {
            return Ok(range);
        }
        Err(Violation::new(
            Rule::Testbed,
            format!("{} is no block of the host", range.label),
        ))
    }

    fn store(&self, range: &Range, address: u64, bytes: &[u8]) {
        let target: *mut u8 =
            ptr::with_exposed_provenance_mut(host_usize(self.memory.host_address(range, address)));
        // SAFETY: 1. the callers got `range` from a check of these bytes. 2. The target is a page of
        // the arena through the writable host view, or a writable section or stack of the image.
        // 3. No Rust reference points there: the host keeps addresses only.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
    }
}

/// Bytes of a block in the host's view, to be written at a moment at which nothing can be looked up.
///
/// # Invariants
///
/// They lay in a block of the arena of `_memory` when this was made.
#[derive(Debug)]
pub(crate) struct HostPlace {
    _memory: Arc<Memory>,
    address: u64,
    size: usize,
}

impl HostPlace {
    /// # Errors
    ///
    /// As [`Guest::host_write`].
    pub(crate) fn of(memory: &Arc<Memory>, address: u64, size: u64) -> Result<Self, Violation> {
        let range = Guest::new(memory, 0).block(address, size)?;
        Ok(Self {
            address: memory.host_address(&range, address),
            size: host_usize(size),
            _memory: Arc::clone(memory),
        })
    }

    /// Writes as many of the bytes as there is room for; takes no lock and allocates nothing.
    pub(crate) fn store(&self, bytes: &[u8]) {
        let target: *mut u8 = ptr::with_exposed_provenance_mut(host_usize(self.address));
        let length = bytes.len().min(self.size);
        // SAFETY: the target lies in the arena (invariant), which the host view maps writable as long as the memory
        // lives, whatever became of the block; no Rust reference points there.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), target, length) };
    }
}

/// Whether memory that allows `allowed` may be used in the way of `wanted`.
fn allows(allowed: Access, wanted: Access) -> bool {
    match wanted {
        Access::None => true,
        Access::ReadOnly => allowed != Access::None,
        Access::ReadWrite | Access::Execute => allowed == wanted,
    }
}
