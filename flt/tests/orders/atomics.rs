//! Loom's atomics and its cell under the names of `flt/src/atomics.rs`.
//!
//! Those of a static are made by a constant expression, which loom's are not: they become loom's at their first use, which
//! a test has to make before it starts threads. Loom fails if it did not.
//!
//! A store to a flag is an exchange here. Loom lets an exchange read one value and then come behind another one (0.7.3,
//! `rt/atomic.rs`: "RMW Atomicity" is left open), so of a store and an exchange that meet it tries orders that no machine has,
//! in which the store is lost.

use core::ptr;
use std::sync::OnceLock;

pub(crate) use core::sync::atomic::Ordering;
pub(crate) use loom::sync::atomic::{AtomicU64, fence};

/// Memory that one thread at a time has to itself: whoever asks for its address counts as writing to it, so loom fails if two
/// ask whom nothing orders.
pub(crate) struct UnsafeCell<T>(loom::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::cell::UnsafeCell::new(value))
    }

    pub(crate) fn get(&self) -> *mut T {
        self.0.with_mut(|address| address)
    }
}

macro_rules! of_a_static {
    ($name:ident$(<$type:ident>)?: $value:ty { $($call:ident($($argument:ident: $what:ty),*) $(-> $answer:ty)?;)* }) => {
        pub(crate) struct $name$(<$type>)? {
            first: $value,
            made: OnceLock<loom::sync::atomic::$name$(<$type>)?>,
        }

        // SAFETY: `first` is a value that is never changed, and a pointer that is not followed.
        unsafe impl$(<$type>)? Sync for $name$(<$type>)? {}
        // SAFETY: as for Sync.
        unsafe impl$(<$type>)? Send for $name$(<$type>)? {}

        impl$(<$type>)? $name$(<$type>)? {
            pub(crate) const fn new(first: $value) -> Self {
                Self { first, made: OnceLock::new() }
            }

            $(pub(crate) fn $call(&self, $($argument: $what,)* order: Ordering) $(-> $answer)? {
                let made = self.made.get_or_init(|| loom::sync::atomic::$name::new(self.first));
                made.$call($($argument,)* order)
            })*
        }
    };
}

of_a_static!(AtomicBool: bool {
    load() -> bool;
    swap(value: bool) -> bool;
});

impl AtomicBool {
    pub(crate) fn store(&self, value: bool, order: Ordering) {
        self.swap(value, order);
    }
}

of_a_static!(AtomicU32: u32 {
    load() -> u32;
    fetch_add(value: u32) -> u32;
    fetch_sub(value: u32) -> u32;
    fetch_or(value: u32) -> u32;
});
of_a_static!(AtomicPtr<T>: *mut T {
    load() -> *mut T;
    store(value: *mut T);
});

impl<T> AtomicPtr<T> {
    /// The variable's address, which the model of the filter manager takes back.
    pub(crate) const fn as_ptr(&self) -> *mut *mut T {
        ptr::from_ref(self).cast_mut().cast()
    }
}
