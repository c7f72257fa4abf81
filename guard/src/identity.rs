//! Who asked: a process, what its token says, and the users it acts for.

use wire::{ProcessHead, SID_SIZE_MAX, USERS, UserHead};
use zerocopy::little_endian::{U32, U64};

use crate::encode::ternary;

/// A process, by more than the number that is used again after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number; 0 if unknown.
    pub process_id: u32,
    /// A number that is never used again within a boot; 0 if unknown.
    pub start_key: u64,
    /// When it was made: FILETIME; 0 if unknown.
    pub create_time: u64,
    /// The process that it says is its parent.
    pub parent: Option<Parent>,
}

/// The parent of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its number.
    pub process_id: u32,
    /// Its start key; 0 if unknown, as it is once the parent has ended.
    pub start_key: u64,
}

/// What the effective token of the thread says, beside its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// Terminal-services session.
    pub session_id: Option<u32>,
    /// Logon session (`AuthenticationId`).
    pub logon_id: Option<u64>,
    /// Integrity level: the last sub-authority of S-1-16-x (MS-DTYP 2.4.2.4).
    pub integrity_level: Option<u32>,
    /// Whether it is elevated.
    pub elevated: Option<bool>,
    /// Whether the thread acts for another user than its process does.
    pub impersonating: Option<bool>,
    /// NTSTATUS: why something of this is not known; 0 if all is, or if nobody could ask.
    pub reason: u32,
}

/// A user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct User<'a> {
    /// Binary SID. Bytes that are no SID (MS-DTYP 2.4.2.2: 8 bytes and 4 for each of at most 15
    /// sub-authorities) are recorded as an unknown user.
    pub sid: Option<&'a [u8]>,
    /// NTSTATUS: why it is not known; 0 if it is, or if nobody could ask.
    pub reason: u32,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The process of the requestor.
    pub process: &'a Process,
    /// Its thread; 0 if unknown.
    pub thread_id: u32,
    /// What the effective token says.
    pub token: &'a TokenFacts,
    /// The user of the effective token, which is the client's while a server acts for one.
    pub effective: User<'a>,
    /// The user of the process.
    pub primary: User<'a>,
}

impl Identity<'_> {
    /// Writes all of it.
    #[inline(always)]
    pub(crate) fn put(&self, process: &mut ProcessHead, users: &mut [UserHead; USERS]) {
        self.process.put(process);
        process.thread_id = U32::new(self.thread_id);
        self.token.put(process);
        let [effective, primary] = users;
        self.effective.put(effective);
        self.primary.put(primary);
    }
}

impl Process {
    fn put(&self, head: &mut ProcessHead) {
        head.process_id = U32::new(self.process_id);
        head.start_key = U64::new(self.start_key);
        head.create_time = U64::new(self.create_time);
        if let Some(parent) = self.parent {
            head.parent_known = 1;
            head.parent_id = U32::new(parent.process_id);
            head.parent_start_key = U64::new(parent.start_key);
        }
    }
}

impl TokenFacts {
    /// Nobody could ask.
    pub const UNKNOWN: Self = Self {
        session_id: None,
        logon_id: None,
        integrity_level: None,
        elevated: None,
        impersonating: None,
        reason: 0,
    };

    fn put(&self, head: &mut ProcessHead) {
        head.session_known = u8::from(self.session_id.is_some());
        head.session_id = U32::new(self.session_id.unwrap_or(0));
        head.logon_known = u8::from(self.logon_id.is_some());
        head.logon_id = U64::new(self.logon_id.unwrap_or(0));
        head.integrity_known = u8::from(self.integrity_level.is_some());
        head.integrity_level = U32::new(self.integrity_level.unwrap_or(0));
        head.elevated = ternary(self.elevated).raw();
        head.impersonating = ternary(self.impersonating).raw();
        head.token_reason = U32::new(self.reason);
    }
}

impl User<'_> {
    fn put(&self, head: &mut UserHead) {
        head.reason = U32::new(self.reason);
        if let Some((size, sid)) = self.sid.and_then(whole_sid)
            && let Some(place) = head.sid.get_mut(..sid.len())
        {
            place.copy_from_slice(sid);
            head.size = size;
        }
    }
}

/// The bytes and their number, if they are one whole SID by its own count of sub-authorities.
fn whole_sid(sid: &[u8]) -> Option<(u8, &[u8])> {
    let count = sid.get(1)?;
    let size = count.checked_mul(4)?.checked_add(8)?;
    let whole = sid.len() == usize::from(size) && sid.len() <= SID_SIZE_MAX;
    whole.then_some((size, sid))
}
