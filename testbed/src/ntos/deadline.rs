//! When a wait ends by itself, on the host's clock or on that of a test.

use std::sync::{Arc, Condvar, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::ntos::time::Clock;

/// When a wait ends by itself.
#[derive(Clone, Debug)]
pub(crate) enum Deadline {
    /// On the host's clock; `None` is too far away for it.
    Host(Option<Instant>),
    /// When the test has moved its clock so far.
    Manual {
        /// The clock.
        clock: Arc<Clock>,
        /// In its 100 ns units.
        at: i64,
    },
}

impl Deadline {
    /// The end of a wait of `limit` on the host's clock.
    pub(crate) fn on_host(limit: Duration) -> Self {
        Self::Host(Instant::now().checked_add(limit))
    }

    /// The end of a wait of `limit` on `clock`.
    pub(crate) fn after(clock: &Arc<Clock>, limit: Duration) -> Self {
        let Some(now) = clock.manual_now() else {
            return Self::on_host(limit);
        };
        let ticks = i64::try_from(limit.as_nanos() / 100).unwrap_or(i64::MAX);
        Self::Manual {
            clock: Arc::clone(clock),
            at: now.saturating_add(ticks),
        }
    }

    /// Whether it is reached.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Host(end) => end.is_some_and(|end| end <= Instant::now()),
            Self::Manual { clock, at } => clock.manual_now().is_none_or(|now| now >= *at),
        }
    }

    /// Waits until `changed` is told, or for as long as is left. Whoever moves the clock of a test tells.
    pub(crate) fn wait<'a, T>(
        &self,
        changed: &Condvar,
        guard: MutexGuard<'a, T>,
    ) -> MutexGuard<'a, T> {
        match self {
            Self::Host(Some(end)) => {
                let left = end.saturating_duration_since(Instant::now());
                let waited = changed.wait_timeout(guard, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            Self::Host(None) | Self::Manual { .. } => {
                changed.wait(guard).unwrap_or_else(PoisonError::into_inner)
            }
        }
    }
}
