//! The interrupt request level as a value: [`Passive`] proves that the thread runs at PASSIVE_LEVEL.

#![expect(unsafe_code, reason = "asks the kernel for the current level")]

use core::marker::PhantomData;

/// Proof that this thread runs at PASSIVE_LEVEL.
///
/// # Invariants
///
/// Made only when the kernel answered PASSIVE_LEVEL in this thread. It cannot leave the thread (not
/// `Send`), nor enter the body of a spin lock, the one thing in this crate that raises the level.
#[derive(Clone, Copy)]
pub struct Passive(PhantomData<*const ()>);

impl Passive {
    /// Asks the kernel. `None` above PASSIVE_LEVEL.
    #[must_use]
    pub fn prove() -> Option<Self> {
        // SAFETY: callable at any level (wdm.h, KeGetCurrentIrql); it takes nothing and only reads.
        let level = unsafe { flt_sys::nt::KeGetCurrentIrql() };
        (level == flt_sys::nt::PASSIVE_LEVEL).then_some(Self(PhantomData))
    }

    /// For the entry points that the kernel documents to run at PASSIVE_LEVEL.
    pub(crate) const fn documented() -> Self {
        Self(PhantomData)
    }
}
