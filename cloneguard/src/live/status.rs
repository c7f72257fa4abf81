//! How things stand with the driver: a status connection receives one report and nothing else.

use super::{ConnectError, Failure, Source, Stop};
use crate::label::hex;
use crate::{BootId, CounterValues, SCHEMA_VERSION, Timestamp};
use core::convert::Infallible;
use serde::{Serialize, Serializer};
use std::time::Duration;
use wire::policy::PolicyMode;
use wire::{ConnectRequest, StatusReport};
use zerocopy::IntoBytes as _;

/// How long a driver may take to answer. It does so at once.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A status report in native numbers. Its JSON is one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Version of the JSON.
    pub schema_version: u32,
    /// `status`, as records have a kind.
    pub kind: &'static str,
    /// The load of the driver.
    #[serde(serialize_with = "boot_id")]
    pub boot_id: BootId,
    /// When it was loaded.
    pub started: Timestamp,
    /// When the report was made.
    pub time: Timestamp,
    /// Version of the driver: major, minor, patch, build.
    pub driver_version: String,
    /// The last sequence number that was handed out.
    pub last_sequence: u64,
    /// Bytes of the driver's journal.
    pub journal_size: u64,
    /// Bytes of it in use.
    pub journal_used: u64,
    /// Revision of the policy in force; 0 without one.
    pub policy_revision: u64,
    /// `observe` or `enforce`.
    pub policy_mode: &'static str,
    /// Whether the policy is locked until the driver is loaded anew.
    pub policy_locked: bool,
    /// Whether a program receives records.
    pub consumer_connected: bool,
    /// Volumes that are watched.
    pub volumes_attached: u32,
    /// Volumes that could share blocks and are not watched.
    pub volumes_not_attached: u32,
    /// The driver's counters.
    pub counters: CounterValues,
}

impl Status {
    /// Asks a driver.
    ///
    /// # Errors
    ///
    /// Why there is no report.
    pub fn ask(source: &dyn Source, stop: &Stop) -> Result<Self, Failure<Infallible>> {
        Self::ask_within(PATIENCE, source, stop)
    }

    /// Asks a driver that may take so long.
    fn ask_within(
        patience: Duration,
        source: &dyn Source,
        stop: &Stop,
    ) -> Result<Self, Failure<Infallible>> {
        let (asked, is_late) = stop.within(patience, |stop| Self::wait(source, stop));
        asked.map_err(|error| {
            if is_late {
                Failure::Connect(ConnectError::Silent)
            } else {
                error
            }
        })
    }

    /// Asks, and waits for the answer until a stop is requested.
    fn wait(source: &dyn Source, stop: &Stop) -> Result<Self, Failure<Infallible>> {
        let request = ConnectRequest::status();
        let connected = source.connect(request.as_bytes(), stop);
        let mut port = connected.map_err(Failure::Connect)?;
        let message = port.get_message().map_err(Failure::Lost)?;
        let report = StatusReport::parse(&message.body).map_err(Failure::Batch)?;
        Ok(report.into())
    }
}

impl From<&StatusReport> for Status {
    fn from(report: &StatusReport) -> Self {
        let version = report.driver_version.map(|part| part.get().to_string());
        let mode = PolicyMode::from_raw(report.policy_mode);
        Self {
            schema_version: SCHEMA_VERSION,
            kind: "status",
            boot_id: report.boot_id,
            started: Timestamp::from_filetime(report.started.get()),
            time: Timestamp::from_filetime(report.now.get()),
            driver_version: version.join("."),
            last_sequence: report.last_sequence.get(),
            journal_size: report.journal_size.get(),
            journal_used: report.journal_used.get(),
            policy_revision: report.policy_revision.get(),
            // A report with another mode does not parse.
            policy_mode: mode.map_or("unknown", PolicyMode::name),
            policy_locked: report.locked != 0,
            consumer_connected: report.consumer != 0,
            volumes_attached: report.volumes_attached.get(),
            volumes_not_attached: report.volumes_not_attached.get(),
            counters: (&report.counters).into(),
        }
    }
}

/// Asks a driver to read its stored policy again. What becomes of it is told by a record.
///
/// # Errors
///
/// Why it could not be asked.
pub fn reload(source: &dyn Source, stop: &Stop) -> Result<(), ConnectError> {
    reload_within(PATIENCE, source, stop)
}

/// The same of a driver that may take so long.
fn reload_within(patience: Duration, source: &dyn Source, stop: &Stop) -> Result<(), ConnectError> {
    let request = ConnectRequest::reload();
    let connect = |stop: &Stop| source.connect(request.as_bytes(), stop).map(drop);
    let (asked, is_late) = stop.within(patience, connect);
    asked.map_err(|error| if is_late { ConnectError::Silent } else { error })
}

fn boot_id<S: Serializer>(boot_id: &BootId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(boot_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Port;

    /// A driver that never answers.
    struct Silent;

    impl Source for Silent {
        fn connect(&self, _: &[u8], stop: &Stop) -> Result<Box<dyn Port>, ConnectError> {
            while stop.sleep(Duration::from_secs(600)) {}
            Err(ConnectError::Stopped)
        }
    }

    #[test]
    fn nobody_waits_for_ever_for_a_driver_that_is_silent() {
        let asked = Status::ask_within(Duration::ZERO, &Silent, &Stop::new());
        assert!(
            matches!(asked, Err(Failure::Connect(ConnectError::Silent))),
            "{asked:?}"
        );
        let asked = reload_within(Duration::ZERO, &Silent, &Stop::new());
        assert!(matches!(asked, Err(ConnectError::Silent)), "{asked:?}");
    }

    #[test]
    fn a_stop_is_not_silence() {
        let stop = Stop::new();
        stop.request();
        let asked = Status::ask_within(Duration::from_secs(600), &Silent, &stop);
        assert!(
            matches!(asked, Err(Failure::Connect(ConnectError::Stopped))),
            "{asked:?}"
        );
    }
}
