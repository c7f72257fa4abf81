//! Looking again: whether a claimed handle still names the file it named on the way down.
//!
//! A caller may close a handle and get the same value for another file between our look and that of the
//! file system. A request that is to be looked at again carries a [`Kept`], a box, in place of a plain
//! [`Token`], and is synchronised: it comes back in its own thread.

#![expect(
    unsafe_code,
    reason = "sends a box through the filter manager as an address"
)]

use alloc::boxed::Box;
use core::ffi::c_void;

use flt_sys::callback::FLT_CALLBACK_DATA;

use crate::irql::Passive;
use crate::memory::try_box;
use crate::object::FileObject;
use crate::requestor::InRequestor;
use crate::status::NtStatus;
use crate::token::{Token, UNSEEN_MASK};

/// What the claimed handle names after the request has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceAfter {
    /// Nobody wanted to know.
    NotAsked,
    /// The same file object, or another open of the same stream.
    Same,
    /// Another file, or none: it was closed.
    Changed,
    /// It could not be asked: there was no memory to keep the source, the request did not come back in the requestor's
    /// context at PASSIVE_LEVEL, or the instance was torn down.
    Unknown,
}

/// A source to be looked at again: its file object and the handle that named it.
pub struct Kept(Box<Source>);

struct Source {
    file: FileObject,
    handle: u64,
    token: Token,
}

// The low bits of an address tell a box from a token.
const _: () = assert!(
    align_of::<Source>() > UNSEEN_MASK,
    "an address must have them clear"
);

impl Kept {
    /// Keeps `file`, which `handle` was resolved to. At most DISPATCH_LEVEL.
    ///
    /// # Errors
    ///
    /// `INSUFFICIENT_RESOURCES` when the pool has no room; the file is let go of.
    pub fn try_new(file: FileObject, handle: u64) -> Result<Self, NtStatus> {
        let token = Token::new(0);
        try_box(Source {
            file,
            handle,
            token,
        })
        .map(Self)
    }

    /// The file as it was found on the way down.
    #[must_use]
    pub const fn file(&self) -> &FileObject {
        &self.0.file
    }

    /// The completion context that carries both. Whoever gets it back owns the box.
    pub(crate) fn into_context(mut self, token: Token) -> *mut c_void {
        self.0.token = token;
        Box::into_raw(self.0).cast()
    }

    /// Resolves the handle again and compares.
    ///
    /// # Safety
    ///
    /// 1. `data` is the callback data of a running post-operation callback that does not drain.
    pub(crate) unsafe fn look_again(&self, data: *mut FLT_CALLBACK_DATA) -> SourceAfter {
        // FLT_PREOP_SYNCHRONIZE promises the thread, and APC_LEVEL at most: both are looked at, not believed.
        let Some(passive) = Passive::prove() else {
            return SourceAfter::Unknown;
        };
        // SAFETY: contract 1.
        let Some(requestor) = (unsafe { InRequestor::prove(data) }) else {
            return SourceAfter::Unknown;
        };
        match FileObject::resolve(self.0.handle, &requestor, passive) {
            Ok(now) if now.file.is_same_stream(self.file()) => SourceAfter::Same,
            Err(NtStatus::INSUFFICIENT_RESOURCES) => SourceAfter::Unknown,
            // A handle that the object manager refuses now, and did not before, was closed.
            Ok(_) | Err(_) => SourceAfter::Changed,
        }
    }
}

/// A completion context that has come back.
pub(crate) enum Carried {
    /// A number alone.
    Token(Token),
    /// A number alone, of a request whose source could not be kept.
    Unseen(Token),
    /// A number and the source to be looked at again.
    Kept(Token, Kept),
}

impl Carried {
    /// Takes a completion context apart; `None` for null, which none of ours is.
    ///
    /// # Safety
    ///
    /// 1. `context` is null, or of [`Token::into_context`] or [`Token::into_unseen`], or of [`Kept::into_context`],
    ///    which is then taken back here for the first time.
    pub(crate) unsafe fn from_context(context: *mut c_void) -> Option<Self> {
        if let Some(token) = Token::from_context(context) {
            return Some(Self::Token(token));
        }
        if let Some(token) = Token::from_unseen(context) {
            return Some(Self::Unseen(token));
        }
        if context.is_null() {
            return None;
        }
        // SAFETY: both low bits are clear and it is not null, so a box of `Kept::into_context`, and nobody else's (contract 1).
        let source = unsafe { Box::from_raw(context.cast::<Source>()) };
        Some(Self::Kept(source.token, Kept(source)))
    }
}
