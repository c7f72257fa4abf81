//! The atomics of the journal under one name: those of `core`, or those of the model checker loom when
//! its tests run (`--cfg loom`, see `ring/interleavings.rs`).

pub(crate) use core::sync::atomic::Ordering;

#[cfg(not(all(test, loom)))]
pub(crate) use core::sync::atomic::AtomicU64;
#[cfg(all(test, loom))]
pub(crate) use loom::sync::atomic::AtomicU64;

/// How often a compare-and-swap is tried. Whoever fails once was overtaken by another processor that got
/// on, and fails again only if that happens again: so many times in a row is beyond any machine, and a
/// loop that ends for certain.
pub(crate) const ATTEMPTS: u32 = 1 << 16;

/// Takes one off a counter; `false` if there is none left.
pub(crate) fn take_one(counter: &AtomicU64) -> bool {
    let mut found = counter.load(Ordering::Relaxed);
    for _ in 0..ATTEMPTS {
        let Some(less) = found.checked_sub(1) else {
            return false;
        };
        match counter.compare_exchange_weak(found, less, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(now) => found = now,
        }
    }
    false
}
