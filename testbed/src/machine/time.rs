//! The clock of a machine as a test moves it.

use std::sync::Arc;
use std::time::Duration;

use super::Machine;
use crate::ntos::sleepers::Sleepers;
use crate::verifier::{self, Rule, Violation};

impl Machine {
    /// Moves a clock that stands still ([`crate::ClockSource::Manual`]): waits whose time has come end, as if it
    /// had passed.
    ///
    /// A thread that waits again and again sees the time only as often as it looks: first let it come to rest
    /// ([`Self::wait_until_idle`]), and move in steps of its interval.
    ///
    /// Ends the run for a clock that moves by itself.
    pub fn advance(&self, by: Duration) {
        let ticks = i64::try_from(by.as_nanos() / 100).unwrap_or(i64::MAX);
        if !self.clock.advance(ticks) {
            let detail = "this clock moves by itself";
            verifier::stop(&Violation::new(Rule::Testbed, detail));
        }
        self.sync.tell();
        self.filter_manager.tell_senders();
    }

    /// Waits until every thread that a driver has started and that has not ended sleeps: in a wait whose object is
    /// not signalled and whose time has not come, or in a send that nobody has fetched or answered.
    ///
    /// One that does not come to rest ends the run ([`crate::standstill`]).
    pub fn wait_until_idle(&self) {
        self.sleepers.wait_for(|| self.running_driver_threads());
    }

    /// Waits until `count` threads that call drivers sleep there, as those of [`Self::wait_until_idle`] do.
    pub fn wait_until_callers_sleep(&self, count: usize) {
        let own = || self.running_driver_threads();
        self.sleepers.wait_for_others(count, own);
    }

    /// Which threads sleep.
    pub(crate) fn sleepers(&self) -> &Arc<Sleepers> {
        &self.sleepers
    }
}
