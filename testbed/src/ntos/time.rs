//! Clocks.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::boundary::import::Call;
use crate::verifier::Violation;

/// Counts of `KeQueryPerformanceCounter` per second: what current Windows uses.
const FREQUENCY: i64 = 10_000_000;
/// 100 ns units between 1601-01-01 and 1970-01-01 ("FILETIME structure", Microsoft Learn).
const UNIX_EPOCH_TICKS: i64 = 116_444_736_000_000_000;

/// Where a machine takes its time from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockSource {
    /// The host's clocks.
    #[default]
    Host,
    /// Starts at `start` (100 ns since 1601) and moves on by `step` with every look: the same run
    /// gives the same times.
    Stepped {
        /// System time of the first look.
        start: i64,
        /// 100 ns units between two looks.
        step: i64,
    },
    /// Starts at `start` (100 ns since 1601) and stands still until the test moves it
    /// ([`crate::Machine::advance`]); waits with a time-out follow it.
    Manual {
        /// System time at boot.
        start: i64,
    },
}

/// The clock of a machine.
#[derive(Debug)]
pub struct Clock {
    source: ClockSource,
    looks: AtomicI64,
    advanced: AtomicI64,
    boot: Instant,
}

impl Clock {
    pub(crate) fn new(source: ClockSource) -> Self {
        Self {
            source,
            looks: AtomicI64::new(0),
            advanced: AtomicI64::new(0),
            boot: Instant::now(),
        }
    }

    fn stepped(&self, start: i64, step: i64) -> i64 {
        start.saturating_add(step.saturating_mul(self.looks.fetch_add(1, Ordering::Relaxed)))
    }

    /// Moves a clock that stands still; `false` for one that runs by itself.
    pub(crate) fn advance(&self, ticks: i64) -> bool {
        let later = |advanced: i64| Some(advanced.saturating_add(ticks));
        let order = Ordering::SeqCst;
        // It always says something.
        let _before = self.advanced.fetch_update(order, order, later);
        matches!(self.source, ClockSource::Manual { .. })
    }

    /// What the test has made of a clock that stands still, from its boot on.
    pub(crate) fn manual_now(&self) -> Option<i64> {
        let moved = || self.advanced.load(Ordering::SeqCst);
        matches!(self.source, ClockSource::Manual { .. }).then(moved)
    }

    /// System time in 100 ns units since 1601.
    #[must_use]
    pub fn system_time(&self) -> i64 {
        match self.source {
            ClockSource::Host => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                i64::try_from(since.as_nanos() / 100)
                    .map_or(i64::MAX, |ticks| ticks.saturating_add(UNIX_EPOCH_TICKS))
            }
            ClockSource::Stepped { start, step } => self.stepped(start, step),
            ClockSource::Manual { start } => {
                start.saturating_add(self.advanced.load(Ordering::SeqCst))
            }
        }
    }

    /// 100 ns units since boot.
    #[must_use]
    pub fn performance_counter(&self) -> i64 {
        match self.source {
            ClockSource::Host => {
                i64::try_from(self.boot.elapsed().as_nanos() / 100).unwrap_or(i64::MAX)
            }
            ClockSource::Stepped { step, .. } => self.stepped(0, step),
            ClockSource::Manual { .. } => {
                // No machine loads a driver in the instant of its start.
                FREQUENCY.saturating_add(self.advanced.load(Ordering::SeqCst))
            }
        }
    }
}

/// "KeQuerySystemTimePrecise function (wdm.h)", Microsoft Learn.
pub(crate) fn ke_query_system_time_precise(call: &Call, time: u64) -> Result<(), Violation> {
    let guest = call.guest();
    guest.check_aligned(time, 8, "CurrentTime")?;
    guest.write_i64(time, call.machine().clock().system_time(), "CurrentTime")
}

/// "KeQueryPerformanceCounter function (wdm.h)", Microsoft Learn.
pub(crate) fn ke_query_performance_counter(call: &Call, frequency: u64) -> Result<i64, Violation> {
    if frequency != 0 {
        call.guest()
            .write_i64(frequency, FREQUENCY, "PerformanceFrequency")?;
    }
    Ok(call.machine().clock().performance_counter())
}

/// "KeQueryInterruptTimePrecise function (wdm.h)", Microsoft Learn: 100 ns units since boot, and the
/// performance counter of the same instant.
pub(crate) fn ke_query_interrupt_time_precise(call: &Call, counter: u64) -> Result<u64, Violation> {
    let now = call.machine().clock().performance_counter();
    call.guest().write_i64(counter, now, "QpcTimeStamp")?;
    // The counter runs at 10 MHz, so its count is the time in 100 ns.
    Ok(now.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stepped_clock_moves_with_every_look() {
        let clock = Clock::new(ClockSource::Stepped {
            start: 1000,
            step: 10,
        });
        assert_eq!([clock.system_time(), clock.system_time()], [1000, 1010]);
        assert_eq!(clock.performance_counter(), 20);
    }

    #[test]
    fn a_manual_clock_moves_when_it_is_told_to() {
        let clock = Clock::new(ClockSource::Manual { start: 1000 });
        let look = || (clock.system_time(), clock.performance_counter());
        assert_eq!(look(), look());
        let before = look();
        assert!(clock.advance(7));
        assert_eq!(look(), (before.0 + 7, before.1 + 7));
        assert!(!Clock::new(ClockSource::Host).advance(7));
    }

    #[test]
    fn the_host_clock_counts_from_1601() {
        // 2020-01-01 in 100 ns units since 1601.
        assert!(Clock::new(ClockSource::Host).system_time() > 132_223_104_000_000_000);
    }
}
