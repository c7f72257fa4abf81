//! What both pieces of work and the check share, or one of them uses up.

use std::sync::Mutex;

/// A value, or none for a while.
pub(super) struct Kept<T>(Mutex<Option<T>>);

impl<T> Kept<T> {
    pub(super) const fn none() -> Self {
        Self(Mutex::new(None))
    }

    pub(super) fn of(value: T) -> Self {
        Self(Mutex::new(Some(value)))
    }

    pub(super) fn put(&self, value: T) {
        *self.0.lock().expect("nobody has failed") = Some(value);
    }

    pub(super) fn take(&self) -> T {
        self.take_any().expect("kept")
    }

    pub(super) fn take_any(&self) -> Option<T> {
        self.0.lock().expect("nobody has failed").take()
    }

    pub(super) fn get(&self) -> T
    where
        T: Clone,
    {
        self.with(|kept| kept.clone())
    }

    /// Nobody else has it meanwhile.
    pub(super) fn with<R>(&self, body: impl FnOnce(&mut T) -> R) -> R {
        let mut kept = self.0.lock().expect("nobody has failed");
        body(kept.as_mut().expect("kept"))
    }
}
