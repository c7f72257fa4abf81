//! Tokens: who a process or an impersonating thread is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ntos::object::ObjectAddress;

/// SID of the account SYSTEM.
pub const SYSTEM_SID: &str = "S-1-5-18";

/// What a token says ("Access Tokens", Microsoft Learn).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// SID of the user, as text.
    pub user: String,
    /// Session in which the user works; 0 for services.
    pub session: u32,
    /// Relative id of the integrity level: 0x2000 medium, 0x3000 high, 0x4000 system.
    pub integrity: u32,
    /// Logon that the token comes from (`LUID`).
    pub logon: u64,
    /// Whether it is elevated: that of an administrator after consent, or of the system.
    pub elevated: bool,
}

impl Token {
    /// A token of the user with this SID.
    #[must_use]
    pub fn of(user: &str) -> Self {
        let system = user == SYSTEM_SID;
        Self {
            user: user.to_owned(),
            session: u32::from(!system),
            integrity: if system { 0x4000 } else { 0x2000 },
            // SYSTEM_LUID is 0x3E7 (ntifs.h); any other value does for a user.
            logon: if system { 0x3E7 } else { 0x0002_5E91 },
            elevated: system,
        }
    }
}

/// A token as an object: what it says can be changed, and it tells of that.
#[derive(Debug)]
pub(crate) struct TokenObject {
    id: u64,
    state: Mutex<TokenState>,
}

/// What a token says, since the modification with this id.
#[derive(Clone, Debug)]
pub(crate) struct TokenState {
    pub(crate) token: Token,
    pub(crate) modified_id: u64,
}

impl TokenObject {
    pub(crate) fn new(token: Token) -> Self {
        let id = next_luid();
        let state = Mutex::new(TokenState {
            token,
            modified_id: next_luid(),
        });
        Self { id, state }
    }

    /// `TokenId`: that of this token and of no other.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// What it says now.
    pub(crate) fn state(&self) -> TokenState {
        self.lock().clone()
    }

    /// Changes what it says. "ModifiedId: Specifies an LUID that changes each time the token is modified" (Microsoft Learn,
    /// "TOKEN_STATISTICS structure (ntifs.h)").
    pub(crate) fn modify(&self, change: impl FnOnce(&mut Token)) {
        let mut state = self.lock();
        change(&mut state.token);
        state.modified_id = next_luid();
    }

    fn lock(&self) -> MutexGuard<'_, TokenState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number that is never given twice ("LUID structure (ntdef.h)", Microsoft Learn).
fn next_luid() -> u64 {
    // Above the numbers of well-known logons.
    static NEXT: AtomicU64 = AtomicU64::new(0x1_0000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What a thread impersonates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impersonation {
    /// Address of the token.
    pub token: ObjectAddress,
    /// `SECURITY_IMPERSONATION_LEVEL`: 0 anonymous, 1 identification, 2 impersonation, 3 delegation.
    pub level: u32,
}

/// The binary form of a SID given as text: revision, count, 48-bit authority, then the
/// sub-authorities (MS-DTYP 2.4.2).
#[must_use]
pub fn sid_bytes(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.strip_prefix("S-1-")?.split('-');
    let authority: u64 = parts.next()?.parse().ok()?;
    let rest: Vec<u32> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let count = u8::try_from(rest.len()).ok().filter(|count| *count <= 15)?;
    if authority >= 1 << 48 {
        return None;
    }
    let mut bytes = vec![1, count];
    bytes.extend_from_slice(authority.to_be_bytes().get(2..)?);
    bytes.extend(rest.iter().flat_map(|part| part.to_le_bytes()));
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_becomes_its_binary_form() {
        // Local System and the built-in administrators, as MS-DTYP 2.4.2.4 lists them.
        assert_eq!(
            sid_bytes("S-1-5-18").unwrap(),
            [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]
        );
        let administrators = sid_bytes("S-1-5-32-544").unwrap();
        assert_eq!(
            administrators,
            [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0]
        );
    }

    #[test]
    fn what_is_no_sid_is_refused() {
        for text in [
            "",
            "S-1-",
            "S-2-5-18",
            "S-1-5-x",
            "S-1-5-4294967296",
            "S-1-281474976710656-1",
        ] {
            assert_eq!(sid_bytes(text), None, "{text}");
        }
    }
}
