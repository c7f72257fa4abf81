//! The safety property of enforce mode, on random scripts: whatever CloneGuard refuses by a definite
//! rule, the file system would have refused with the same status; whatever the file system accepts,
//! CloneGuard passes; in observe mode status, information, output and content are those of a run
//! without it.
//!
//! [`run`] plays scripts on two machines, without and with the driver, and compares all that callers
//! and owners see. The referee is the model file system on the machine without the driver, not another
//! copy of our rules. `script` is what is played; `generate`, `request` and `volume` draw it from a
//! seed; `place` is a machine, `play`, `flight`, `carry` and `owner` play a script on it; `judge` compares,
//! `setup` says what the driver may refuse, `shrink` makes what fails small, `command` is the subcommand.
//!
//! [`replay`] plays a script that a fuzzer has made of bytes (`codec`, `bounds`), with an administrator in it: `act` is what she
//! does, `keeper` and `ward` do it and know what must come of it, `stored` what the driver finds of its policy, `minute`
//! and `trail` what it must tell. `scribe` makes such scripts of the conformance cases, `stories` are some by hand.

mod act;
mod bounds;
mod carry;
mod codec;
mod command;
mod draw;
mod flight;
mod generate;
mod judge;
mod keeper;
mod minute;
mod owner;
mod place;
mod play;
mod replay;
mod request;
mod run;
mod scribe;
mod script;
mod setup;
mod shrink;
mod stored;
mod stories;
mod trail;
mod volume;
mod ward;

pub use command::PropertyOptions;
pub use judge::{DEFINITE, Tally};
pub use replay::{change, drawn, replay};
pub use run::{Failure, Options, Stopped, run};
pub use scribe::{Seed, Sent, seeds};
pub use stories::stories;
pub use volume::{Exclusion, exclusions};

/// What the driver does with what breaks a definite rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Without a policy: it records.
    Observe,
    /// With a policy that says no more than that it enforces.
    Enforce,
}

impl Mode {
    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Enforce => "enforce",
        }
    }
}
