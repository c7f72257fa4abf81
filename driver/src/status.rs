//! The answer to a visitor who wants to know how things stand.

use flt::time;
use wire::StatusReport;
use zerocopy::{FromZeros as _, IntoBytes as _};

use crate::CloneGuard;

/// The bytes of a report.
pub(crate) struct Report(StatusReport);

impl AsMut<[u8]> for Report {
    fn as_mut(&mut self) -> &mut [u8] {
        self.0.as_mut_bytes()
    }
}

impl CloneGuard {
    /// How things stand now.
    pub(crate) fn report(&self) -> Report {
        let mut report = StatusReport::new_zeroed();
        report.begin(self.audit.boot_id);
        let (started, _) = self.housekeeping.began;
        report.started = started.into();
        report.now = time::system_time().into();
        let counters = self.audit.counters();
        // Of the same look as the counters, which it is the sum of.
        report.last_sequence = counters.last_sequence().unwrap_or(u64::MAX).into();
        let usage = self.audit.usage();
        report.journal_size = usage.size.into();
        report.journal_used = usage.used.into();
        let policy = self.policy.current();
        report.policy_revision = policy.revision().into();
        report.policy_mode = policy.mode().raw();
        report.locked = u8::from(policy.is_locked());
        report.consumer = u8::from(flt::filter::is_connected::<Self>());
        report.volumes_attached = self.volumes.attached().into();
        report.volumes_not_attached = self.volumes.unwatched().into();
        report.driver_version = crate::VERSION.map(Into::into);
        report.counters = counters;
        Report(report)
    }
}
