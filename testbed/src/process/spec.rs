//! What a process to create is like.

use std::sync::Arc;

use super::{Bitness, Process};
use crate::io::Hold;
use crate::ntos::token::{SYSTEM_SID, Token};
use crate::status::NtStatus;

/// What a process to create is like.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    pub(super) image: String,
    pub(super) bitness: Bitness,
    pub(super) token: Token,
    pub(super) parent: Option<Arc<Process>>,
    pub(super) id: Option<u64>,
    pub(super) image_hold: Option<Hold>,
    pub(super) image_failure: Option<NtStatus>,
}

impl ProcessSpec {
    /// A native process of an ordinary user; `image` is the NT path of its program.
    pub fn user(image: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            bitness: Bitness::Bits64,
            token: Token::of("S-1-5-21-1004336348-1177238915-682003330-1001"),
            parent: None,
            id: None,
            image_hold: None,
            image_failure: None,
        }
    }

    /// The System process, which every machine has already (see [`crate::Machine::system`]).
    pub(crate) fn system() -> Self {
        Self {
            token: Token::of(SYSTEM_SID),
            id: Some(4),
            ..Self::user("System")
        }
    }

    /// Makes it a 32-bit process.
    #[must_use]
    pub fn bitness32(mut self) -> Self {
        self.bitness = Bitness::Bits32;
        self
    }

    /// Gives it the token of the user with this SID ("S-1-5-..").
    #[must_use]
    pub fn user_sid(mut self, sid: &str) -> Self {
        self.token = Token {
            user: sid.to_owned(),
            ..self.token
        };
        self
    }

    /// Gives it a token.
    #[must_use]
    pub fn token(mut self, token: Token) -> Self {
        self.token = token;
        self
    }

    pub(crate) fn given_parent(&self) -> Option<Arc<Process>> {
        self.parent.clone()
    }

    pub(crate) fn given_id(&self) -> Option<u64> {
        self.id
    }

    /// Lets the first who looks up its image wait at this barrier.
    #[must_use]
    pub fn hold_image(mut self, hold: &Hold) -> Self {
        self.image_hold = Some(hold.clone());
        self
    }

    /// Whoever looks up its image gets this status and no name.
    #[must_use]
    pub fn image_failure(mut self, status: NtStatus) -> Self {
        self.image_failure = Some(status);
        self
    }

    /// Gives it a parent; otherwise that is the process whose thread creates it, or the System process if no
    /// modelled thread does.
    #[must_use]
    pub fn parent(mut self, parent: &Arc<Process>) -> Self {
        self.parent = Some(Arc::clone(parent));
        self
    }

    /// Gives it the id of a process that has gone, as Windows does sooner or later.
    #[must_use]
    pub fn id(mut self, id: u64) -> Self {
        self.id = Some(id);
        self
    }
}
