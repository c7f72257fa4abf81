//! The request to stop, made by another thread: Ctrl-C, the end of a service.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A request to stop that whoever waits for something hears at once.
#[derive(Clone, Default)]
pub struct Stop {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_requested: bool,
    next: u64,
    /// What frees whoever waits in the system, by number.
    actions: Vec<(u64, Box<dyn Fn() + Send>)>,
}

/// An action that is taken when the stop is requested, until this is dropped.
#[must_use = "dropping this withdraws the action"]
pub struct OnRequest {
    stop: Stop,
    number: u64,
}

impl Stop {
    /// Nothing has been requested yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Requests the stop; `false` if it was requested before.
    pub fn request(&self) -> bool {
        let mut state = self.lock();
        let is_first = !state.is_requested;
        state.is_requested = true;
        if is_first {
            for (_, action) in &state.actions {
                action();
            }
        }
        self.inner.changed.notify_all();
        is_first
    }

    /// Whether the stop has been requested.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.lock().is_requested
    }

    /// Has `action` taken when the stop is requested: at once if it has been. The action must not use this
    /// value.
    pub fn on_request(&self, action: impl Fn() + Send + 'static) -> OnRequest {
        let mut state = self.lock();
        if state.is_requested {
            action();
        }
        state.next += 1;
        let number = state.next;
        state.actions.push((number, Box::new(action)));
        OnRequest {
            stop: self.clone(),
            number,
        }
    }

    /// Waits so long; `false` as soon as the stop is requested.
    #[must_use]
    pub fn sleep(&self, duration: Duration) -> bool {
        let deadline = Instant::now() + duration;
        let mut state = self.lock();
        while !state.is_requested {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let waited = self.inner.changed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        false
    }

    /// Does something with a stop that is requested with this one, or when so much time has passed. Whether it was
    /// the time.
    pub fn within<T>(&self, patience: Duration, action: impl FnOnce(&Self) -> T) -> (T, bool) {
        let inner = Self::new();
        let (other, timer) = (inner.clone(), inner.clone());
        let with_this = self.on_request(move || {
            other.request();
        });
        let watch = thread::spawn(move || timer.sleep(patience) && timer.request());
        let value = action(&inner);
        inner.request();
        drop(with_this);
        // The thread cannot panic; if it did, nobody ran out of patience.
        (value, watch.join().unwrap_or(false))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnRequest {
    fn drop(&mut self) {
        let number = self.number;
        self.stop
            .lock()
            .actions
            .retain(|(other, _)| *other != number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn counting(stop: &Stop, count: &Arc<AtomicU32>) -> OnRequest {
        let count = Arc::clone(count);
        stop.on_request(move || {
            count.fetch_add(1, Ordering::SeqCst);
        })
    }

    #[test]
    fn an_action_is_taken_once_and_also_when_it_comes_late() {
        let (stop, count) = (Stop::new(), Arc::default());
        let early = counting(&stop, &count);
        drop(counting(&stop, &count));
        assert!(!stop.is_requested());
        assert!(stop.request());
        assert!(!stop.request(), "the second time");
        assert_eq!(count.load(Ordering::SeqCst), 1, "the other was withdrawn");
        let late = counting(&stop, &count);
        assert_eq!(count.load(Ordering::SeqCst), 2);
        drop((early, late));
        assert!(stop.is_requested());
    }

    #[test]
    fn an_action_within_a_time_hears_of_its_end_and_of_the_stop() {
        let stop = Stop::new();
        let wait = |stop: &Stop| while stop.sleep(Duration::from_secs(600)) {};
        assert_eq!(stop.within(Duration::ZERO, wait), ((), true));
        assert!(!stop.is_requested(), "it was the time");
        let value = stop.within(Duration::from_secs(600), |inner| {
            stop.request();
            wait(inner);
            7
        });
        assert_eq!(value, (7, false));
        assert_eq!(
            Stop::new().within(Duration::from_secs(600), |_| 8),
            (8, false)
        );
    }

    #[test]
    fn a_sleeper_wakes_when_the_stop_is_requested() {
        let stop = Stop::new();
        assert!(stop.sleep(Duration::ZERO), "nobody has asked");
        let other = stop.clone();
        // Long enough that a test which sleeps it out would be noticed.
        let sleeper = thread::spawn(move || other.sleep(Duration::from_secs(600)));
        stop.request();
        assert!(!sleeper.join().unwrap());
    }
}
