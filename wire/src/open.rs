//! The small value lists of the wire: one byte each, open on the reading side.
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

open_enum! {
    /// What a record tells about.
    RecordKind {
        /// One clone request, from the decision to its final status.
        Clone = 1 => "clone",
    }
}

open_enum! {
    /// What was decided about a request.
    Verdict {
        /// No rule fired.
        Passed = 1 => "passed",
        /// A rule fired that only notes; the request went down.
        Flagged = 2 => "flagged",
        /// A definite rule fired in observe mode; the request went down all the same.
        WouldRefuse = 3 => "would_refuse",
        /// The request was refused. Nothing in version 0 writes this value.
        Refused = 4 => "refused",
        /// The request went down without having been looked at.
        NotInspected = 5 => "not_inspected",
    }
}

open_enum! {
    /// Processor mode of the requestor, as the I/O manager recorded it (`KPROCESSOR_MODE`).
    Mode {
        /// A driver or a system component.
        Kernel = 0 => "kernel",
        /// A user-mode program.
        User = 1 => "user",
    }
}

open_enum! {
    /// Pointer width of the requestor, which decides the layout of the input buffer.
    Bitness {
        /// A 32-bit program on a 64-bit kernel.
        Bits32 = 32 => "32",
        /// A 64-bit caller.
        Bits64 = 64 => "64",
    }
}

open_enum! {
    /// How the driver learned the end of the request.
    OutcomeKind {
        /// Not yet ended. Such a record stays in the driver and is never delivered.
        Pending = 0 => "pending",
        /// The post-operation callback saw the final status, be it success or failure.
        Completed = 1 => "completed",
        /// The instance was torn down while the request was below: the status is not known.
        Draining = 2 => "draining",
    }
}

open_enum! {
    /// What became of the source handle that the caller named.
    SourceState {
        /// It resolved to a file object on the target's volume.
        SameVolume = 1 => "same_volume",
        /// It resolved to a file object elsewhere.
        OtherVolume = 2 => "other_volume",
        /// The object manager refused it; the record holds the status.
        HandleRefused = 3 => "handle_refused",
        /// The callback did not run in the requestor's process, so the handle means nothing here.
        NotInContext = 4 => "not_in_context",
        /// Nobody tried, because there was no claim to read or the level forbade it.
        NotInspected = 5 => "not_inspected",
    }
}

open_enum! {
    /// Where a name comes from.
    NameState {
        /// There is none; the reason says why.
        Absent = 0 => "absent",
        /// The filter manager's normalised name.
        Normalized = 1 => "normalized",
        /// The name as it was opened; the reason says why not the normalised one.
        Opened = 2 => "opened",
        /// The image of a process, as the process manager keeps it.
        Image = 3 => "image",
    }
}
