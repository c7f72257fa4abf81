//! Faults of one instant: a thread is held between two instructions of the driver, another one does something, and the first goes
//! on. [`everywhere`] tries that at each instruction in turn, so it finds what a race meets once in a million times.
//!
//! A short run takes one place in some, `./dev races` each. What a test counts on is that nothing else happens in its process,
//! so each runs in a child ([`alone`]).

mod clones;

use std::process::Command;

use cloneguard::Entry;
use testbed::{Held, Place};

use super::watch::Watcher;
use super::{Bench, SERVICE};

/// Tells a test that it is its own child.
const ALONE: &str = "CLONEGUARD_ALONE";
/// In a short run one place is tried of so many.
const STRIDE: usize = 7;

/// Runs a test in a process in which nothing else happens, which is this test program again.
fn alone<T: FnOnce()>(test: T) {
    if std::env::var_os(ALONE).is_some() {
        return test();
    }
    let child = Command::new(std::env::current_exe().expect("known"))
        .args(["--exact", test_around::<T>()])
        .args(["--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .output()
        .expect("it runs");
    let told = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{told}");
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(told.contains("1 passed"), "{told}");
}

/// The test in which a closure is, as the harness names it: the path without the crate's name.
fn test_around<T>() -> &'static str {
    let closure = std::any::type_name::<T>();
    let within = closure.split_once("::").map(|(_, path)| path);
    let test = within.and_then(|path| path.strip_suffix("::{{closure}}"));
    test.unwrap_or_else(|| panic!("{closure} is no closure of a test"))
}

/// The places in a piece of work that are tried, which is done for that once.
fn places(bench: &Bench, held: Held, work: impl FnOnce()) -> Vec<Place> {
    let stride = if super::races::rounds() > 1 {
        1
    } else {
        STRIDE
    };
    let places = bench.machine.places(SERVICE, held, work);
    places.into_iter().step_by(stride).collect()
}

/// Does `first` once for each place, interrupted there by `second`, and `check`s. Most of them must be met.
fn everywhere<A: Send, B: Send>(
    bench: &Bench,
    places: &[Place],
    first: impl Fn() -> A + Sync,
    second: impl Fn() -> B + Sync,
    mut check: impl FnMut(A, B),
) {
    let machine = &bench.machine;
    let mut met = 0;
    for place in places {
        let named = Named(|| machine.place_name(SERVICE, *place));
        let done = machine.preempted(SERVICE, *place, &first, &second);
        met += usize::from(done.was_held);
        check(done.first, done.second);
        drop(named);
    }
    assert!(met > places.len() / 2, "{met} of {} places", places.len());
}

/// Says where a thread was held if what follows fails.
struct Named<F: Fn() -> String>(F);

impl<F: Fn() -> String> Drop for Named<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the thread was held at {}", self.0());
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
