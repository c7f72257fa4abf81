//! The atomics of what threads share without a lock of the kernel, and the cell for what one of them has to itself, under one
//! name: the files that use them are also compiled against those of the model checker loom, and then with a model of the kernel
//! around them (`flt/tests/orders`).

pub(crate) use core::cell::UnsafeCell;
pub(crate) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
