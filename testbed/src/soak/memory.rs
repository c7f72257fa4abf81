//! Watches the memory of the driver and of this process, in which the consumer is the tool's own code.

use std::sync::Arc;

use testbed::Machine;

use crate::demo::stage::{SERVICE, Stage};

/// How much more the second half of a run may need than the first: part of it, and a start.
const GROWTH: f64 = 1.25;
const START: u64 = 32 << 20;
/// Bytes of a page of the host.
const PAGE: u64 = 4096;

/// What was seen.
pub(crate) struct Watch {
    machine: Arc<Machine>,
    driver: Vec<u64>,
    process: Vec<u64>,
}

impl Watch {
    pub(crate) fn new(stage: &Stage) -> Self {
        Self {
            machine: Arc::clone(&stage.machine),
            driver: Vec::new(),
            process: Vec::new(),
        }
    }

    /// Notes what is held now. Between two loads the driver holds nothing.
    pub(crate) fn look(&mut self) {
        self.driver.extend(self.machine.pool_held(SERVICE));
        self.process.extend(resident());
    }

    /// What has grown.
    pub(crate) fn faults(&self) -> Vec<String> {
        let watched = [
            ("the driver", &self.driver),
            ("this process", &self.process),
        ];
        let grown = watched.into_iter().filter_map(|(who, samples)| {
            let (before, after) = peaks(samples);
            let limit = (before as f64 * GROWTH) as u64 + START;
            (after > limit).then(|| format!("{who} has grown from {before} to {after} bytes"))
        });
        grown.collect()
    }

    pub(crate) fn summary(&self) -> String {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let ((driver, driver_after), (process, process_after)) =
            (peaks(&self.driver), peaks(&self.process));
        format!(
            "Memory in the first and the second half: driver {:.1} and {:.1} MiB, this process {:.0} and {:.0} MiB",
            mib(driver),
            mib(driver_after),
            mib(process),
            mib(process_after)
        )
    }
}

/// The most in the first and in the second half.
fn peaks(samples: &[u64]) -> (u64, u64) {
    let (first, second) = samples.split_at(samples.len() / 2);
    let peak = |half: &[u64]| half.iter().copied().max().unwrap_or(0);
    (peak(first), peak(second))
}

/// Bytes of this process in memory (proc(5), statm).
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halves_are_compared_by_their_peaks() {
        assert_eq!(peaks(&[1, 9, 2, 3]), (9, 3));
        assert_eq!(peaks(&[]), (0, 0));
    }

    #[test]
    fn this_process_is_in_memory() {
        assert!(resident().is_some_and(|bytes| bytes > PAGE));
    }
}
