//! Why there is no connection, or no longer one.

use crate::NtStatus;
use std::{fmt, io};

/// Why a program was not let in.
#[derive(Debug)]
pub enum ConnectError {
    /// There is no driver: what was looked for, and where.
    NotLoaded(String),
    /// This user may not connect.
    Denied(String),
    /// All places at the port are taken; there is one for a consumer.
    Busy,
    /// Driver and tool speak different versions of the wire format.
    OtherVersion,
    /// The driver refuses the request with this status.
    Refused(NtStatus),
    /// The way to the driver is broken.
    Broken(io::Error),
    /// The driver does not answer.
    Silent,
    /// A stop was requested.
    Stopped,
}

// MS-ERREF 2.3.1.
const STATUS_ACCESS_DENIED: u32 = 0xC000_0022;
const STATUS_OBJECT_NAME_NOT_FOUND: u32 = 0xC000_0034;
const STATUS_REVISION_MISMATCH: u32 = 0xC000_0059;
const STATUS_CONNECTION_COUNT_LIMIT: u32 = 0xC000_0246;

impl ConnectError {
    /// What a status means that is no success.
    #[must_use]
    pub fn from_status(status: u32) -> Self {
        match status {
            STATUS_OBJECT_NAME_NOT_FOUND => {
                Self::NotLoaded("the driver is not loaded: nobody offers its port".to_owned())
            }
            STATUS_ACCESS_DENIED => Self::Denied(
                "the port of the driver is for administrators: run this as one".to_owned(),
            ),
            STATUS_CONNECTION_COUNT_LIMIT => Self::Busy,
            STATUS_REVISION_MISMATCH => Self::OtherVersion,
            other => Self::Refused(NtStatus::new(other)),
        }
    }

    /// Whether trying again is of no use.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Denied(_) | Self::OtherVersion | Self::Refused(_) => true,
            Self::NotLoaded(_) | Self::Busy | Self::Broken(_) | Self::Silent | Self::Stopped => {
                false
            }
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLoaded(what) | Self::Denied(what) => f.write_str(what),
            Self::Busy => f.write_str(
                "another program is connected: the driver serves one consumer at a time, end that one first",
            ),
            Self::OtherVersion => f.write_str(
                "driver and tool speak different versions of the wire format: install the same version of both",
            ),
            Self::Refused(status) => write!(f, "the driver refuses the request: {status}"),
            Self::Broken(error) => write!(f, "the connection to the driver broke: {error}"),
            Self::Silent => f.write_str("the driver does not answer"),
            Self::Stopped => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for ConnectError {}

/// Why a connection cannot be used.
#[derive(Debug)]
pub enum PortError {
    /// It has ended: the driver went away, or a stop was requested.
    Ended,
    /// Nobody waits for this reply any more.
    NobodyWaits,
    /// The way to the driver is broken.
    Broken(io::Error),
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("the driver has closed the connection"),
            Self::NobodyWaits => f.write_str("the driver no longer waits for this reply"),
            Self::Broken(error) => write!(f, "the connection to the driver broke: {error}"),
        }
    }
}

impl std::error::Error for PortError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning_and_the_others_are_named() {
        let text = |status| ConnectError::from_status(status).to_string();
        assert!(text(STATUS_OBJECT_NAME_NOT_FOUND).contains("not loaded"));
        assert!(text(STATUS_ACCESS_DENIED).contains("administrators"));
        assert!(text(STATUS_CONNECTION_COUNT_LIMIT).contains("another program"));
        assert!(text(STATUS_REVISION_MISMATCH).contains("versions"));
        assert!(text(0xC000_000D).contains("STATUS_INVALID_PARAMETER"));
    }

    #[test]
    fn only_what_may_pass_is_worth_another_try() {
        for (status, is_final) in [
            (STATUS_OBJECT_NAME_NOT_FOUND, false),
            (STATUS_CONNECTION_COUNT_LIMIT, false),
            (STATUS_ACCESS_DENIED, true),
            (STATUS_REVISION_MISMATCH, true),
            (0xC000_000D, true),
        ] {
            let error = ConnectError::from_status(status);
            assert_eq!(error.is_final(), is_final, "{error}");
        }
    }
}
