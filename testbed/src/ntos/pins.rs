//! What keeps a driver from going: calls into it that are about to be made or have not returned.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Counts of such calls, by the driver's number.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    counts: Mutex<BTreeMap<u32, usize>>,
    none: Condvar,
}

/// The driver stays as long as the value lives.
#[derive(Debug)]
pub(crate) struct Pin<'p> {
    pins: &'p Pins,
    driver: u32,
}

impl Pins {
    /// Keeps a driver.
    pub(crate) fn pin(&self, driver: u32) -> Pin<'_> {
        *self.lock().entry(driver).or_default() += 1;
        Pin { pins: self, driver }
    }

    /// Waits until nothing keeps the driver.
    pub(crate) fn wait_until_none(&self, driver: u32) {
        let kept = |counts: &mut BTreeMap<u32, usize>| counts.contains_key(&driver);
        // A panic of a thread that had the lock has failed the test already.
        drop(
            self.none
                .wait_while(self.lock(), kept)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        let mut counts = self.pins.lock();
        if let Some(count) = counts.get_mut(&self.driver) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.driver);
                self.pins.none.notify_all();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pin_lets_go() {
        let pins = Pins::default();
        let (first, second) = (pins.pin(1), pins.pin(1));
        drop(first);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| pins.wait_until_none(1));
            pins.wait_until_none(2);
            assert!(pins.lock().contains_key(&1));
            drop(second);
            assert!(waiting.join().is_ok());
        });
        assert!(pins.lock().is_empty());
    }
}
