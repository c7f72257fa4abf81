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
/// The number is odd, which an address of a [`crate::recheck::Kept`] never is, nor a context of [`Token::into_unseen`]:
/// that tells them apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token(usize);

/// How far the number is shifted in a context of [`Token::into_unseen`], and what its low bits are then: even, and no
/// address of a [`crate::recheck::Kept`].
const UNSEEN_SHIFT: u32 = 2;
const UNSEEN: usize = 0b10;
pub(crate) const UNSEEN_MASK: usize = 0b11;

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

    /// As [`Self::into_context`], with the word that no second look at the source can be made. For a number of 62 bits;
    /// a larger one goes without the word.
    pub(crate) fn into_unseen(self) -> *mut c_void {
        match self.value().checked_mul(1 << UNSEEN_SHIFT) {
            Some(shifted) => ptr::without_provenance_mut(shifted | UNSEEN),
            None => self.into_context(),
        }
    }

    /// `None` for what is no context of [`Self::into_unseen`].
    pub(crate) fn from_unseen(context: *mut c_void) -> Option<Self> {
        let number = context.addr();
        (number & UNSEEN_MASK == UNSEEN).then_some(Self::new(number >> UNSEEN_SHIFT))
    }

    /// `None` for an even number.
    pub(crate) fn from_context(context: *mut c_void) -> Option<Self> {
        let number = context.addr();
        (number & 1 == 1).then_some(Self(number))
    }
}
