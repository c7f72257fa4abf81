//! The small value lists of the wire: one byte each, open on the reading side.
//!
//! `request.rs` has those about a request and what it was judged by, `own.rs` those about records and
//! about the driver itself.
//!
//! A reader may be older than the writer, so every list has `Unknown`, which keeps the byte as it
//! came. `from_raw` never makes an `Unknown` of a byte that has a name.

/// Declares an open list: variants with their byte and their stable name in JSON.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $value:literal => $text:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A byte that this build has no name for.
            Unknown(u8),
        }

        impl $name {
            /// Every value that has a name, in the order of the list.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)+];

            /// The value of a byte from the wire.
            #[must_use]
            pub const fn from_raw(raw: u8) -> Self {
                match raw {
                    $($value => Self::$variant,)+
                    other => Self::Unknown(other),
                }
            }

            /// The byte on the wire.
            #[must_use]
            pub const fn raw(self) -> u8 {
                match self {
                    $(Self::$variant => $value,)+
                    Self::Unknown(raw) => raw,
                }
            }

            /// The stable name in JSON; `None` for an unknown byte.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => Some($text),)+
                    Self::Unknown(_) => None,
                }
            }
        }
    };
}

mod own;
mod request;

pub use own::{
    ConsumerEvent, LossCause, LossClass, PolicyEvent, PreviousStop, RecordKind, VolumeCause,
    VolumeEvent,
};
pub use request::{
    Bitness, FactState, FileKind, Mode, NameState, OutcomeKind, PolicyMatch, SourceAfter,
    SourceState, Ternary, Verdict,
};
