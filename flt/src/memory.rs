//! Fallible allocation, "reserve, then push" in one place, and the count of all that is held.
//!
//! The global allocator is [`Pool`], which is wdk-alloc and a counter: non-paged pool, alignment of the pool
//! only. Nothing here asks for more than that, which is asserted at compile time.

#![expect(
    unsafe_code,
    reason = "a fallible Box has no stable constructor, and an allocator is an unsafe trait"
)]

use alloc::alloc::{GlobalAlloc, Layout, alloc};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use wdk_alloc::WdkAllocator;

use crate::status::NtStatus;

/// The driver's allocator: that of wdk-alloc, and how many bytes it has given and not got back.
pub struct Pool {
    held: AtomicU64,
}

impl Pool {
    /// Nothing is held. For the one static of a driver.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "only for the static of a driver"
    )]
    pub const fn new() -> Self {
        Self {
            held: AtomicU64::new(0),
        }
    }

    /// The bytes that the driver holds now: all that it has allocated for itself. What the kernel and the filter
    /// manager allocate for it, such as contexts and names, is not in it. Any level.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }
}

// SAFETY: every block comes from wdk-alloc and goes back to it, unchanged; it never unwinds, and neither does
// counting.
unsafe impl GlobalAlloc for Pool {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of GlobalAlloc::alloc, which is the same there.
        let block = unsafe { WdkAllocator.alloc(layout) };
        if !block.is_null() {
            self.held
                .fetch_add(size_of_layout(layout), Ordering::Relaxed);
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.held
            .fetch_sub(size_of_layout(layout), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of GlobalAlloc::dealloc, and the block came from there.
        unsafe { WdkAllocator.dealloc(block, layout) };
    }
}

/// Its bytes; a layout never has more than `isize::MAX`.
fn size_of_layout(layout: Layout) -> u64 {
    u64::try_from(layout.size()).unwrap_or(0)
}

/// The pool's own alignment on 64-bit Windows (ExAllocatePool2: 16 bytes).
const POOL_ALIGNMENT: usize = 16;

/// Moves `value` into non-paged pool.
///
/// # Errors
///
/// `INSUFFICIENT_RESOURCES` when the pool has no room; the value is dropped.
pub fn try_box<T>(value: T) -> Result<Box<T>, NtStatus> {
    const {
        assert!(
            align_of::<T>() <= POOL_ALIGNMENT,
            "wdk-alloc ignores larger alignments"
        );
        assert!(size_of::<T>() != 0, "a zero-sized value needs no pool");
    }
    // SAFETY: the layout has a size above zero, asserted above.
    let block = unsafe { alloc(Layout::new::<T>()) }.cast::<T>();
    if block.is_null() {
        return Err(NtStatus::INSUFFICIENT_RESOURCES);
    }
    // SAFETY: the block is not null, has T's size, and the pool's alignment is enough (asserted).
    unsafe { block.write(value) };
    // SAFETY: allocated by the global allocator with T's layout and initialised just above.
    Ok(unsafe { Box::from_raw(block) })
}

/// `byte_count` zero bytes of non-paged pool.
///
/// # Errors
///
/// `INSUFFICIENT_RESOURCES` when the pool has no room.
#[expect(
    clippy::disallowed_methods,
    reason = "the capacity is reserved just before, so nothing here can allocate"
)]
pub fn try_zeroed(byte_count: usize) -> Result<Box<[u8]>, NtStatus> {
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(byte_count)
        .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
    bytes.resize(byte_count, 0);
    Ok(bytes.into_boxed_slice())
}

/// A copy of `items` in non-paged pool.
///
/// # Errors
///
/// `INSUFFICIENT_RESOURCES` when the pool has no room.
#[expect(
    clippy::disallowed_methods,
    reason = "the capacity is reserved just before, so nothing here can allocate"
)]
pub fn try_copy<T: Copy>(items: &[T]) -> Result<Box<[T]>, NtStatus> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(items.len())
        .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
    copy.extend_from_slice(items);
    Ok(copy.into_boxed_slice())
}

/// `count` values of `make`, side by side in non-paged pool.
///
/// # Errors
///
/// `INSUFFICIENT_RESOURCES` when the pool has no room.
#[expect(
    clippy::disallowed_methods,
    reason = "the capacity is reserved just before, so nothing here can allocate"
)]
pub fn try_filled<T>(count: usize, make: impl FnMut() -> T) -> Result<Box<[T]>, NtStatus> {
    const {
        assert!(
            align_of::<T>() <= POOL_ALIGNMENT,
            "wdk-alloc ignores larger alignments"
        );
    }
    let mut items = Vec::new();
    items
        .try_reserve_exact(count)
        .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
    items.resize_with(count, make);
    Ok(items.into_boxed_slice())
}

/// Adds `item` to `items`.
///
/// # Errors
///
/// `INSUFFICIENT_RESOURCES` when the pool has no room; the item is dropped.
pub fn try_push<T>(items: &mut Vec<T>, item: T) -> Result<(), NtStatus> {
    const {
        assert!(
            align_of::<T>() <= POOL_ALIGNMENT,
            "wdk-alloc ignores larger alignments"
        );
    }
    items
        .try_reserve(1)
        .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
    let length = items.len();
    // `Vec::push` would leave a way to a failed allocation in the driver, which the compiler cannot see is shut.
    let place = items.spare_capacity_mut().first_mut();
    place.ok_or(NtStatus::INSUFFICIENT_RESOURCES)?.write(item);
    // SAFETY: the first place behind the last item has just been written, and lies within the capacity.
    unsafe { items.set_len(length.saturating_add(1)) };
    Ok(())
}
