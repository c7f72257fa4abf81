//! Faults of one instant: a thread is held between two instructions of the driver, another one does something, and the first goes
//! on. [`everywhere`] tries that at each instruction in turn, so it finds what a race meets once in a million times.
//!
//! A short run takes one place in some, `./dev races` each. What a test counts on is that nothing else happens in its process,
//! so each runs in a child (`alone`).

mod clones;
mod connections;
mod deliveries;
mod kept;
mod losses;
mod policies;
mod processes;
mod shutdowns;
mod summaries;
mod tokens;
mod unloads;
mod volumes;

use cloneguard::Entry;
use testbed::{Held, Place};

use super::alone::alone;
use super::watch::Watcher;
use super::{Bench, SERVICE};
use kept::Kept;

/// In a short run one place is tried of so many.
const STRIDE: usize = 7;

/// The places in a piece of work that are tried, which is done for that once.
fn places(bench: &Bench, held: Held, work: impl FnOnce()) -> Vec<Place> {
    one_in(STRIDE, bench, held, work)
}

/// The same, and in a short run one in so many.
fn one_in(stride: usize, bench: &Bench, held: Held, work: impl FnOnce()) -> Vec<Place> {
    let is_short = super::races::rounds() == 1;
    let places = bench.machine.places(SERVICE, held, work);
    places
        .into_iter()
        .step_by(if is_short { stride } else { 1 })
        .collect()
}

/// Does `first` once for each place, interrupted there by `second`, and `check`s.
fn everywhere<A: Send, B: Send>(
    bench: &Bench,
    places: &[Place],
    first: impl Fn() -> A + Sync,
    second: impl Fn() -> B + Sync,
    mut check: impl FnMut(A, B),
) {
    let mut met = Met::default();
    for place in places {
        let named = Named(place);
        let done = bench.machine.preempted(SERVICE, place, &first, &second);
        met.note(done.was_held);
        check(done.first, done.second);
        drop(named);
    }
}

/// How often a thread was held: it must be mostly.
#[derive(Default)]
struct Met {
    tried: u32,
    held: u32,
}

impl Met {
    fn note(&mut self, was_held: bool) {
        self.tried += 1;
        self.held += u32::from(was_held);
    }
}

impl Drop for Met {
    fn drop(&mut self) {
        let is_most = self.held > self.tried / 2;
        assert!(
            is_most || std::thread::panicking(),
            "a thread was held {} times in {}",
            self.held,
            self.tried
        );
    }
}

/// Says where a thread was held if what follows fails.
struct Named<'p>(&'p Place);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("a thread was held at {}", self.0);
        }
    }
}

/// All that the driver has to tell when it has come to rest.
fn told(bench: &Bench, watcher: &mut Watcher) -> Vec<Entry> {
    let mut entries = Vec::new();
    loop {
        bench.machine.wait_until_idle();
        let Some(taken) = watcher.poll() else {
            return entries;
        };
        watcher.acknowledge(&taken);
        entries.extend(taken.entries);
    }
}
