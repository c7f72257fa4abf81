//! Every order in which threads can meet in what flt shares without a lock of the kernel, tried out by the model checker
//! loom.
//!
//! The files under test are those of the driver, compiled once more: against loom's atomics (`atomics.rs`) and a model of
//! what the kernel promises (`kernel.rs`). `./dev test` runs them with `--cfg loom`; without it there is nothing here.
//! About the order in which threads are started here see `guard/src/ring/interleavings.rs`.
#![cfg(loom)]
#![expect(
    unsafe_code,
    reason = "calls what the kernel calls, and compiles sources that share by address"
)]
#![expect(dead_code, reason = "what the driver uses of a file, and no test")]
#![expect(unreachable_pub, reason = "the sources belong to a library")]

extern crate alloc;
// The sources name the ABI by this name; here the model is it.
extern crate self as flt_sys;

mod atomics;
mod kernel;

#[path = "../../src/clients.rs"]
mod clients;
#[path = "../../src/lending.rs"]
mod lending;
#[path = "../../src/shared.rs"]
mod shared;
#[path = "../../src/slot.rs"]
mod slot;

mod blocks;
mod policies;
mod programs;
mod state;

use kernel::{irql, memory, port, status, sync, types};

/// Tries all orders in which threads are interrupted in the middle of their steps no more often than that.
fn check(interruptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions);
    builder.check(model);
}

/// Memory whose uses and whose end loom compares: a use that is not ordered before the end, or an end before it, fails.
struct Watched {
    number: u64,
    memory: loom::cell::UnsafeCell<u64>,
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
        let memory = loom::cell::UnsafeCell::new(0);
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
