//! The atomics of what threads share without a lock of the kernel, under one name: the files that use them are also
//! compiled against the atomics of the model checker loom, and then with a model of the kernel around them
//! (`flt/tests/orders`).

pub(crate) use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
