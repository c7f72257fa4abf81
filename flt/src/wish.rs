//! A wish that many may have and one thread fulfils: to have something read again that has been changed.

use crate::atomics::{AtomicBool, Ordering};

/// Whether somebody wishes it.
///
/// Several who wish it before it is begun are content with one look. Who wishes it later, also while the look goes on, has not
/// been heard yet: the wish is there again.
pub struct Wish(AtomicBool);

impl Wish {
    /// Nobody wishes anything.
    #[must_use]
    pub const fn none() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Wishes it. What the caller has done before is seen by the look that answers. Any level.
    pub fn make(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody does. Any level.
    pub fn is_there(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Begins to fulfil it, before the look: whoever wishes it from now on may come too late for that. Any level.
    pub fn begin(&self) {
        // Not a store: that would take a wish along without having seen what was done before it.
        self.0.swap(false, Ordering::Acquire);
    }
}
