//! What the sources run on: threads and cells of loom, which tries every order, or those of the machine, which Miri interprets.

#[cfg(loom)]
pub(crate) use loom::cell::UnsafeCell;
#[cfg(loom)]
pub(crate) use loom::sync::atomic::AtomicUsize;
#[cfg(loom)]
pub(crate) use loom::sync::{Arc, Mutex};
#[cfg(loom)]
pub(crate) use loom::thread;
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::AtomicUsize;
#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, Mutex};
#[cfg(not(loom))]
pub(crate) use std::thread;

/// How often Miri plays a model: each time its threads meet in another order.
#[cfg(not(loom))]
const TURNS: usize = 8;

/// Tries all orders in which threads are interrupted in the middle of their steps no more often than that.
#[cfg(loom)]
pub(crate) fn check(interruptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions);
    builder.check(model);
}

/// Tries some.
#[cfg(not(loom))]
pub(crate) fn check(interruptions: usize, model: impl Fn()) {
    let turns = if interruptions == 0 { 1 } else { TURNS };
    (0..turns).for_each(|_| model());
}

/// A cell with loom's interface. What two threads do with the memory at one time, Miri sees by itself.
#[cfg(not(loom))]
pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    pub(crate) fn with<R>(&self, body: impl FnOnce(*const T) -> R) -> R {
        body(self.0.get())
    }

    pub(crate) fn with_mut<R>(&self, body: impl FnOnce(*mut T) -> R) -> R {
        body(self.0.get())
    }
}
