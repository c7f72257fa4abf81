//! Every order in which threads can meet in what flt shares without a lock of the kernel, tried out by the model checker
//! loom; and some of them under Miri, which looks at every access.
//!
//! The files under test are those of the driver, compiled once more with a model of what the kernel promises (`kernel.rs`):
//! against loom's atomics (`atomics.rs`), with `--cfg loom`, as `./dev test` runs them; or, by `./dev miri`, against those of
//! the machine and with the driver's own allocations (`flt/src/memory.rs`). In any other build there is nothing here. About the
//! order in which threads are started here see `guard/src/ring/interleavings.rs`.
#![cfg(any(loom, miri))]
#![expect(
    unsafe_code,
    reason = "calls what the kernel calls, and compiles sources that share by address"
)]
#![expect(dead_code, reason = "what the driver uses of a file, and no test")]
#![expect(unreachable_pub, reason = "the sources belong to a library")]

extern crate alloc;
// The sources name the ABI and the allocator by these names; here the model is the one, the host has the other.
extern crate self as flt_sys;
#[cfg(miri)]
extern crate self as wdk_alloc;

#[cfg(loom)]
mod atomics;
#[cfg(miri)]
#[path = "../../src/atomics.rs"]
mod atomics;
mod kernel;
#[cfg(miri)]
#[path = "../../src/memory.rs"]
mod memory;
mod model;

#[path = "../../src/clients.rs"]
mod clients;
#[path = "../../src/lending.rs"]
mod lending;
#[path = "../../src/shared.rs"]
mod shared;
#[path = "../../src/slot.rs"]
mod slot;
#[path = "../../src/wish.rs"]
mod wish;

mod blocks;
mod policies;
mod programs;
mod state;
mod wishes;

#[cfg(loom)]
use kernel::memory;
use kernel::{irql, port, status, sync, types};
use model::UnsafeCell;
#[cfg(miri)]
use std::alloc::System as WdkAllocator;

/// As in the driver, all memory is the pool's.
#[cfg(miri)]
#[global_allocator]
static POOL: memory::Pool = memory::Pool::new();

/// Memory whose uses and whose end loom compares: a use that is not ordered before the end, or an end before it, fails.
struct Watched {
    number: u64,
    memory: UnsafeCell<u64>,
    ends: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

// SAFETY: loom sees every access to `memory`, and fails when two of them are not ordered.
unsafe impl Send for Watched {}
// SAFETY: as for Send.
unsafe impl Sync for Watched {}

/// How many values have ended.
type Ends = std::sync::Arc<std::sync::atomic::AtomicUsize>;

impl Watched {
    fn new(number: u64, ends: &Ends) -> Self {
        let memory = UnsafeCell::new(0);
        // SAFETY: nobody else has it yet.
        memory.with_mut(|memory| unsafe { *memory = number });
        Self {
            number,
            memory,
            ends: Ends::clone(ends),
        }
    }

    /// Uses it: it is whole.
    fn look(&self) -> u64 {
        // SAFETY: loom has compared this read with all writes.
        let found = self.memory.with(|memory| unsafe { *memory });
        assert_eq!(found, self.number, "the value is whole, and has not ended");
        found
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // SAFETY: the value ends, and loom has compared this write with all others.
        self.memory.with_mut(|memory| unsafe { *memory = u64::MAX });
        self.ends.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

fn ended(ends: &Ends) -> usize {
    ends.load(std::sync::atomic::Ordering::Relaxed)
}
