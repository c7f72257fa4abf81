//! Fallible allocation, and "reserve, then push" in one place.
//!
//! The global allocator is wdk-alloc: non-paged pool, alignment of the pool only. Nothing here asks
//! for more than that, which is asserted at compile time.

#![expect(unsafe_code, reason = "a fallible Box has no stable constructor")]

use alloc::alloc::{Layout, alloc};
use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::status::NtStatus;

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

/// A copy of `bytes` in non-paged pool.
///
/// # Errors
///
/// `INSUFFICIENT_RESOURCES` when the pool has no room.
#[expect(
    clippy::disallowed_methods,
    reason = "the capacity is reserved just before, so nothing here can allocate"
)]
pub fn try_copy(bytes: &[u8]) -> Result<Box<[u8]>, NtStatus> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())
        .map_err(|_| NtStatus::INSUFFICIENT_RESOURCES)?;
    copy.extend_from_slice(bytes);
    Ok(copy.into_boxed_slice())
}
