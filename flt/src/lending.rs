//! Blocks of non-paged memory that are made once and lent out, so that a request that needs one for a moment allocates
//! nothing.

#![expect(
    unsafe_code,
    reason = "a block is written through a shared reference by whoever holds its bit"
)]

use alloc::boxed::Box;
use core::ops::{Deref, DerefMut};

use crate::atomics::{AtomicU64, Ordering, UnsafeCell};
use crate::memory::try_filled;
use crate::status::NtStatus;

/// How often a block is tried for: whoever gets none goes on without.
const TRIES: u32 = 16;

/// Up to 64 blocks of `SIZE` bytes.
///
/// # Invariants
///
/// A set bit of `free` is that of a block which nobody has; a clear one is that of a block with exactly one
/// [`Lent`], or of none.
pub struct Lender<const SIZE: usize> {
    blocks: Box<[UnsafeCell<[u8; SIZE]>]>,
    free: AtomicU64,
}

// SAFETY: a block is reached only through the one `Lent` that has it (invariant), and bytes may move between threads.
unsafe impl<const SIZE: usize> Sync for Lender<SIZE> {}

impl<const SIZE: usize> Lender<SIZE> {
    /// Allocates `count` blocks, 64 at most.
    ///
    /// # Errors
    ///
    /// `INSUFFICIENT_RESOURCES` when the pool has no room.
    pub fn try_new(count: u32) -> Result<Self, NtStatus> {
        let count = count.min(u64::BITS);
        let blocks = try_filled(usize::try_from(count).unwrap_or(0), || {
            UnsafeCell::new([0; SIZE])
        })?;
        Ok(Self {
            blocks,
            free: AtomicU64::new(
                u64::MAX
                    .checked_shr(u64::BITS.saturating_sub(count))
                    .unwrap_or(0),
            ),
        })
    }

    /// A block that nobody has, with what its last borrower left in it; `None` if all are lent, or if others
    /// were quicker again and again. Any level.
    pub fn lend(&self) -> Option<Lent<'_, SIZE>> {
        let mut free = self.free.load(Ordering::Relaxed);
        // Each try that fails is a block that another thread got or gave back meanwhile.
        for _ in 0..TRIES {
            // The lowest set bit; none of none.
            let bit = free & free.wrapping_neg();
            let block = self
                .blocks
                .get(usize::try_from(bit.trailing_zeros()).ok()?)?;
            // Acquired, so that all that the last borrower did with the block is over. Not the weak one, which may fail
            // without another thread.
            let swap =
                self.free
                    .compare_exchange(free, free & !bit, Ordering::Acquire, Ordering::Relaxed);
            match swap {
                Ok(_) => {
                    return Some(Lent {
                        block,
                        bit,
                        free: &self.free,
                    });
                }
                Err(now) => free = now,
            }
        }
        None
    }
}

/// A block that is lent.
///
/// # Invariants
///
/// It is the only one with its block, whose bit it has cleared.
pub struct Lent<'a, const SIZE: usize> {
    block: &'a UnsafeCell<[u8; SIZE]>,
    bit: u64,
    free: &'a AtomicU64,
}

impl<const SIZE: usize> Deref for Lent<'_, SIZE> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: nobody else has the block (invariant), and `self` is borrowed as long as the bytes are.
        unsafe { &*self.block.get() }
    }
}

impl<const SIZE: usize> DerefMut for Lent<'_, SIZE> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: nobody else has the block (invariant), and `self` is borrowed mutably as long as the bytes are.
        unsafe { &mut *self.block.get() }
    }
}

impl<const SIZE: usize> Drop for Lent<'_, SIZE> {
    fn drop(&mut self) {
        // Released, so that the next borrower comes after all that was done with the block.
        self.free.fetch_or(self.bit, Ordering::Release);
    }
}
