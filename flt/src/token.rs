//! What travels from a pre-operation callback to its post-operation callback.

use core::ffi::c_void;
use core::ptr;

/// A number chosen by the driver, carried by the filter manager as the completion context.
///
/// A number and not a pointer: nothing is allocated for it, and nothing has to be freed when an
/// instance is torn down with the request in flight. The driver checks it when it comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token(usize);

impl Token {
    /// Wraps a number.
    #[must_use]
    pub const fn new(value: usize) -> Self {
        Self(value)
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> usize {
        self.0
    }

    pub(crate) const fn into_context(self) -> *mut c_void {
        ptr::without_provenance_mut(self.0)
    }

    pub(crate) fn from_context(context: *mut c_void) -> Self {
        Self(context.addr())
    }
}
