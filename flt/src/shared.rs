//! A value that many read and one replaces, without a reader ever waiting for another.

#![expect(
    unsafe_code,
    reason = "counts the holders of a box that is shared by address"
)]

use alloc::boxed::Box;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;

use crate::atomics::{AtomicU64, Ordering, fence};
use crate::memory::try_box;
use crate::status::NtStatus;
use crate::sync::SpinLock;

/// A value and its holders.
struct Cell<T> {
    holders: AtomicU64,
    value: T,
}

/// One counted reference to a value that never changes: of a [`Shared`], the one that was current when the
/// reference was taken.
///
/// # Invariants
///
/// One of the cell's `holders` is this one, so the cell lives as long as this does.
pub struct Held<T> {
    cell: NonNull<Cell<T>>,
    owns: PhantomData<Cell<T>>,
}

// SAFETY: threads that hold one see `&T`, and whichever drops last drops the T: as for Arc.
unsafe impl<T: Send + Sync> Send for Held<T> {}
// SAFETY: as for Send.
unsafe impl<T: Send + Sync> Sync for Held<T> {}

impl<T: Send + Sync> Held<T> {
    /// Moves `value` into non-paged pool, with one holder.
    ///
    /// # Errors
    ///
    /// `INSUFFICIENT_RESOURCES` when the pool has no room; the value is dropped.
    pub fn try_new(value: T) -> Result<Self, NtStatus> {
        let holders = AtomicU64::new(1);
        let cell = try_box(Cell { holders, value })?;
        Ok(Self {
            cell: NonNull::from(Box::leak(cell)),
            owns: PhantomData,
        })
    }

    /// One more holder of the same value. Any level.
    #[must_use]
    pub fn share(&self) -> Self {
        // SAFETY: the cell lives (invariant).
        let cell = unsafe { self.cell.as_ref() };
        // One at a time and 64 bits: it does not overflow. Nothing is ordered by it, because the caller already
        // has what it shares.
        cell.holders.fetch_add(1, Ordering::Relaxed);
        Self {
            cell: self.cell,
            owns: PhantomData,
        }
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the cell lives (invariant), and a value in it is never changed.
        unsafe { &self.cell.as_ref().value }
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        // SAFETY: the cell lives until the count below says that this was the last holder (invariant).
        let cell = unsafe { self.cell.as_ref() };
        if cell.holders.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // What other holders did with the value comes before its end.
        fence(Ordering::Acquire);
        // SAFETY: made by `try_new` from a box, and no holder is left: a new one comes only from another one.
        drop(unsafe { Box::from_raw(self.cell.as_ptr()) });
    }
}

/// The current value. Its readers take a reference and go on with what they have; a new value is for those
/// who come later, and an old one ends with its last holder.
///
/// The lock is held for a count and a swap of two pointers. The T of a [`Held`] may end at DISPATCH_LEVEL,
/// where the last holder drops it, and never under the lock. What `Send` lets in is memory of the pool and
/// objects that may go at that level: owners of paged memory and of file objects are not `Send`.
pub struct Shared<T: Send + Sync> {
    current: SpinLock<Held<T>>,
}

impl<T: Send + Sync> Shared<T> {
    /// Starts with `value`.
    ///
    /// # Errors
    ///
    /// `INSUFFICIENT_RESOURCES` when the pool has no room; the value is dropped.
    pub fn try_new(value: T) -> Result<Self, NtStatus> {
        let current = SpinLock::new(Held::try_new(value)?);
        Ok(Self { current })
    }

    /// The current value. At most DISPATCH_LEVEL; never waits for more than the lock.
    pub fn get(&self) -> Held<T> {
        self.current.with(|current| current.share())
    }

    /// Makes `value` the current one. At most DISPATCH_LEVEL.
    ///
    /// # Errors
    ///
    /// `INSUFFICIENT_RESOURCES` when the pool has no room; `value` is dropped and the old one stays.
    pub fn replace(&self, value: T) -> Result<(), NtStatus> {
        let new = Held::try_new(value)?;
        let old = self
            .current
            .with(move |current| core::mem::replace(current, new));
        // Here the lock is free again.
        drop(old);
        Ok(())
    }
}
