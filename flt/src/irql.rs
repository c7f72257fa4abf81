//! The interrupt request level as a value: [`Passive`] proves that the thread runs at PASSIVE_LEVEL.

#![expect(unsafe_code, reason = "asks the kernel for the current level")]

use core::marker::PhantomData;

/// Proof that this thread runs at PASSIVE_LEVEL.
///
/// # Invariants
///
/// Made only in a thread that runs at PASSIVE_LEVEL: because the kernel said so, or because it documents
/// that level for the entry point. It cannot leave the thread (not `Send`), nor enter the body of a spin
/// lock, the one thing in this crate that raises the level.
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
    ///
    /// # Safety
    ///
    /// 1. Called in such an entry point, in the kernel's own thread of the call.
    pub(crate) const unsafe fn documented() -> Self {
        Self(PhantomData)
    }
}
