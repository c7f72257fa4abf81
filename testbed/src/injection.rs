//! Calls that fail for want of memory, chosen one by one.
//!
//! A routine that can run out of resources asks `Injection::fails` once. A sweep over one scenario runs it with
//! [`Injection::fail`] 1, 2, .. until [`Injection::calls`] stays below the number. A sweep over many runs, whose threads
//! may come in another order each time, names a call by its [`Site`] and by how often that was passed before
//! ([`Injection::choose`]); which there are a run with [`Injection::watch`] tells. For a time without memory there is
//! [`Injection::fail_all`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::boundary::import::Call;

/// A place in a driver that calls a routine which may fail, and what was running then.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The routine.
    pub routine: String,
    /// Return address relative to the base of the image.
    pub rva: u64,
    /// The innermost callback or thread of the driver, without the object that it is about: many places share the one
    /// instruction that allocates.
    pub during: String,
}

/// A call that was chosen to fail: the first at its site is number 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chosen {
    /// Where.
    pub site: Site,
    /// How many calls there, up to this one.
    pub number: u64,
}

#[derive(Debug, Default)]
struct Watched {
    passed: BTreeMap<Site, u64>,
    chosen: Vec<Chosen>,
    failed: Vec<Chosen>,
}

/// Chooses calls that fail for want of memory.
#[derive(Debug, Default)]
pub struct Injection {
    /// Fallible calls so far.
    calls: AtomicU64,
    /// The number of the one call that fails, counted from 1; 0 for none.
    chosen: AtomicU64,
    /// Whether every call fails.
    all: AtomicBool,
    /// Whether calls are told by their sites.
    watches: AtomicBool,
    watched: Mutex<Watched>,
}

impl Injection {
    /// Lets the `number`th fallible call from now on fail, counted from 1; 0 lets none fail.
    pub fn fail(&self, number: u64) {
        let before = self.calls.load(Ordering::Relaxed);
        let chosen = if number == 0 { 0 } else { before + number };
        self.chosen.store(chosen, Ordering::Relaxed);
    }

    /// Lets every fallible call fail from now on, or none any more.
    pub fn fail_all(&self, fail: bool) {
        self.all.store(fail, Ordering::Relaxed);
    }

    /// How many fallible calls drivers have made so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Counts calls by their sites from now on.
    pub fn watch(&self) {
        self.choose(Vec::new());
    }

    /// Counts calls by their sites from now on, and lets these fail.
    pub fn choose(&self, chosen: Vec<Chosen>) {
        let fresh = Watched {
            chosen,
            ..Watched::default()
        };
        *self.watched() = fresh;
        self.watches.store(true, Ordering::Release);
    }

    /// How often each site was passed since then.
    #[must_use]
    pub fn passed(&self) -> BTreeMap<Site, u64> {
        self.watched().passed.clone()
    }

    /// Which of the chosen calls were made, and failed, since then.
    #[must_use]
    pub fn failed(&self) -> Vec<Chosen> {
        self.watched().failed.clone()
    }

    /// Counts a fallible call of a driver and says whether it is to fail.
    pub(crate) fn fails(&self, call: &Call) -> bool {
        if call.driver() == 0 {
            return false;
        }
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let chosen = self.watches.load(Ordering::Acquire) && self.passes(call);
        chosen || self.all.load(Ordering::Relaxed) || number == self.chosen.load(Ordering::Relaxed)
    }

    /// Counts it by its site, and says whether it was chosen.
    fn passes(&self, call: &Call) -> bool {
        let site = Site::of(call);
        let mut watched = self.watched();
        let number = watched.passed.entry(site.clone()).or_default();
        *number += 1;
        let this = Chosen {
            number: *number,
            site,
        };
        let fails = watched.chosen.contains(&this);
        if fails {
            watched.failed.push(this);
        }
        fails
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site {
    fn of(call: &Call) -> Self {
        let running = call.thread().running();
        let during = running.split(" of ").next().unwrap_or_default();
        Self {
            routine: call.routine().to_owned(),
            rva: call.site().rva,
            during: during.to_owned(),
        }
    }
}
