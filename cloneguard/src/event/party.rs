//! Who asked: the process, and for whom it did.

use crate::label::{Hex64, answer, known, reason};
use crate::names::named_code;
use crate::{NtStatus, Timestamp, sid_text};
use serde::{Serialize, Serializer};
use wire::{Process, User};

/// The process of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventProcess {
    /// Its id; none if unknown.
    pub process_id: Option<u32>,
    /// Thread of the requestor; none if unknown.
    pub thread_id: Option<u32>,
    /// A number of the process that is never used again within a boot; none if unknown.
    pub process_start_key: Option<Hex64>,
    /// When the process was made; none if unknown.
    pub process_create_time: Option<Timestamp>,
    /// Its parent; none if unknown.
    pub parent_process_id: Option<u32>,
    /// The parent's number; none if unknown.
    pub parent_start_key: Option<Hex64>,
    /// Terminal-services session; none if unknown.
    pub session_id: Option<u32>,
    /// Logon session of the effective token; none if unknown.
    pub logon_id: Option<Hex64>,
    /// Integrity level of the effective token; none if unknown.
    pub integrity_level: Option<IntegrityLevel>,
    /// Whether the effective token is elevated; none if unknown.
    pub elevated: Option<bool>,
    /// Whether the thread acts for another user than its process does; none if unknown.
    pub impersonating: Option<bool>,
    /// Why something of the token is unknown, if somebody asked.
    pub token_reason: Option<NtStatus>,
}

/// For whom a request was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventUsers {
    /// The effective user of the thread as `S-1-...`; none if unknown.
    pub user_sid: Option<String>,
    /// Why it is unknown, if somebody asked.
    pub user_reason: Option<NtStatus>,
    /// The user of the process; none if unknown.
    pub primary_user_sid: Option<String>,
    /// Why it is unknown, if somebody asked.
    pub primary_user_reason: Option<NtStatus>,
}

/// An integrity level: the last sub-authority of its SID (MS-DTYP 2.4.2.4). In JSON an object with `code`
/// and, if known, `name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IntegrityLevel(pub u32);

impl EventProcess {
    pub(super) fn new(process: &Process) -> Self {
        Self {
            process_id: known(process.process_id),
            thread_id: known(process.thread_id),
            process_start_key: process.start_key.map(Hex64),
            process_create_time: process.create_time.map(Timestamp::from_filetime),
            parent_process_id: process.parent_id,
            parent_start_key: process.parent_start_key.map(Hex64),
            session_id: process.session_id,
            logon_id: process.logon_id.map(Hex64),
            integrity_level: process.integrity_level.map(IntegrityLevel),
            elevated: answer(process.elevated),
            impersonating: answer(process.impersonating),
            token_reason: reason(process.token_reason),
        }
    }
}

impl EventUsers {
    pub(super) fn new(effective: &User<'_>, primary: &User<'_>) -> Self {
        Self {
            user_sid: effective.sid.and_then(sid_text),
            user_reason: reason(effective.reason),
            primary_user_sid: primary.sid.and_then(sid_text),
            primary_user_reason: reason(primary.reason),
        }
    }
}

impl IntegrityLevel {
    /// The name of the levels that Windows knows.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self.0 {
            0x0000 => Some("untrusted"),
            0x1000 => Some("low"),
            0x2000 => Some("medium"),
            0x2100 => Some("medium_plus"),
            0x3000 => Some("high"),
            0x4000 => Some("system"),
            0x5000 => Some("protected"),
            _ => None,
        }
    }
}

impl Serialize for IntegrityLevel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        named_code(serializer, "IntegrityLevel", self.0, self.name())
    }
}
