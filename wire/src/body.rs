//! The fixed part of each kind of record, behind the head that all kinds share.
//!
//! `request.rs` has those about requests, `own.rs` those about the driver itself. [`RecordBody`] is what
//! a writer needs to know of each; `check.rs` is what a reader asks of each.

mod own;
mod request;

pub use own::{
    ConsumerBody, GapBody, HeartbeatBody, IMAGE_HASH_SIZE, PolicyBody, StartedBody, StoppingBody,
    VolumeBody,
};
pub use request::{EndHead, EndedBody, REQUEST_NAMES, RequestBody, SummaryBody};

use crate::part::NameHead;
use crate::{DecodeError, RecordKind};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A fixed part: its size, the kinds that have it, and the heads of the names behind it.
///
/// Implemented by the bodies of this crate only.
pub trait RecordBody:
    FromBytes + IntoBytes + KnownLayout + Immutable + Unaligned + sealed::Checked + Sized
{
    /// The kinds of records that have this body.
    const KINDS: &'static [RecordKind];
    /// How many names follow it.
    const NAMES: usize;
    /// Bytes of the body.
    const SIZE: usize = size_of::<Self>();

    /// The heads of the names, in the order in which the names follow.
    fn names(&self) -> &[NameHead];

    /// The same, to be filled in.
    fn names_mut(&mut self) -> &mut [NameHead];
}

/// What nobody outside can implement.
pub(crate) mod sealed {
    use super::DecodeError;

    /// A body that can be checked.
    pub trait Checked {
        /// Checks every field but the names.
        ///
        /// # Errors
        ///
        /// What is wrong with the first wrong field.
        fn check(&self) -> Result<(), DecodeError>;
    }
}

/// Declares which kinds have a body, and its names if it has any.
macro_rules! record_body {
    ($name:ty: $($kind:ident)|+) => {
        impl $crate::RecordBody for $name {
            const KINDS: &'static [$crate::RecordKind] = &[$($crate::RecordKind::$kind),+];
            const NAMES: usize = 0;

            fn names(&self) -> &[$crate::NameHead] {
                &[]
            }

            fn names_mut(&mut self) -> &mut [$crate::NameHead] {
                &mut []
            }
        }
    };
    ($name:ty: $($kind:ident)|+, $count:expr) => {
        impl $crate::RecordBody for $name {
            const KINDS: &'static [$crate::RecordKind] = &[$($crate::RecordKind::$kind),+];
            const NAMES: usize = $count;

            fn names(&self) -> &[$crate::NameHead] {
                &self.names
            }

            fn names_mut(&mut self) -> &mut [$crate::NameHead] {
                &mut self.names
            }
        }
    };
}
use record_body;
