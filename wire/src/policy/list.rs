//! The value lists of a policy. They are closed: the driver refuses what it does not know, because
//! a rule that is half understood is worse than none.

/// Declares a closed list: variants with their byte and the word for it.
macro_rules! closed_enum {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $value:literal => $text:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of the list.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant,)+];

            /// The value of a byte; `None` outside the list.
            #[must_use]
            pub const fn from_raw(raw: u8) -> Option<Self> {
                match raw {
                    $($value => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The byte in the blob.
            #[must_use]
            pub const fn raw(self) -> u8 {
                match self {
                    $(Self::$variant => $value,)+
                }
            }

            /// The word for the value.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

closed_enum! {
    /// Whether anything is refused at all.
    PolicyMode {
        /// Nothing is refused; records say what would have been.
        Observe = 1 => "observe",
        /// What the rules and the policy say is refused.
        Enforce = 2 => "enforce",
    }
}

closed_enum! {
    /// What a rule of the policy does with the requests that it matches.
    Effect {
        /// Nothing, and no later rule of the policy is looked at.
        Allow = 1 => "allow",
        /// The record notes it; the request goes down.
        Flag = 2 => "flag",
        /// The request is refused in enforce mode.
        Deny = 3 => "deny",
    }
}

closed_enum! {
    /// What happens to a request for whose record there is no room.
    OnAuditLoss {
        /// It goes down and the loss is counted.
        Count = 1 => "count",
        /// It is refused in enforce mode.
        Refuse = 2 => "refuse",
    }
}

closed_enum! {
    /// Which requests a rule means by where they come from.
    Remote {
        /// Both kinds: there is no condition.
        Either = 0 => "either",
        /// Only those that came over the network.
        Only = 1 => "remote",
        /// Only those of this machine.
        Never = 2 => "local",
    }
}

closed_enum! {
    /// How a volume is named.
    VolumeKind {
        /// Not at all: every volume is meant.
        Any = 0 => "any",
        /// By its NT device name.
        Device = 1 => "device",
        /// By its GUID.
        Guid = 2 => "guid",
    }
}
