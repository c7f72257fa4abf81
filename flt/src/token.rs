//! The number that travels from a pre-operation callback to its post-operation callback.

use core::ffi::c_void;
use core::ptr;

/// A number chosen by the driver, carried by the filter manager as the completion context.
///
/// A number and not a pointer: nothing is allocated for it, and nothing has to be freed when an
/// instance is torn down with the request in flight. The driver checks it when it comes back.
///
/// # Invariants
///
/// The number is odd, which an address of a [`crate::recheck::Kept`] never is: that tells the two apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token(usize);

impl Token {
    /// Wraps a number of 63 bits; the top bit of `value` does not travel.
    #[must_use]
    pub const fn new(value: usize) -> Self {
        Self((value << 1_u32) | 1)
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> usize {
        self.0 >> 1_u32
    }

    pub(crate) const fn into_context(self) -> *mut c_void {
        ptr::without_provenance_mut(self.0)
    }

    /// `None` for an even number.
    pub(crate) fn from_context(context: *mut c_void) -> Option<Self> {
        let number = context.addr();
        (number & 1 == 1).then_some(Self(number))
    }
}
