//! What becomes of a run in which somebody waits for ever: the process ends with a report, where it would have no end otherwise.
//!
//! Whoever calls a driver comes back ([`Visit`]), and what somebody waits for that a driver is to do comes ([`Waiting`]). If for long
//! nobody has gone in or come out, on any machine of the process, and somebody is still inside, then those inside wait for each other,
//! or for what nobody does. The report says which threads they are ([`Present`]), where in the driver, and what holds them up. That is
//! no question of how fast the host is: as long as anybody gets on, nothing happens. The driver's own threads are in the report, but do
//! not count as somebody who gets on: one that looks about every second wakes up however stuck the others are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use crate::thread::Thread;
use crate::verifier::{self, Rule, Violation};

/// Milliseconds between two looks. The looks are counted and not the time: a process that is stopped does not look.
static LOOK: AtomicU64 = AtomicU64::new(1000);
/// So many looks in a row at which nobody has gone in or come out, each of which takes milliseconds, are no slow host.
const PATIENCE: u32 = 300;

/// How often anybody has gone in, and come out.
static ENTERED: AtomicU64 = AtomicU64::new(0);
static LEFT: AtomicU64 = AtomicU64::new(0);
/// How often somebody inside has got on.
static PROGRESS: AtomicU64 = AtomicU64::new(0);

/// Who could be in the report.
static PRESENT: Mutex<Listed<Arc<Thread>>> = Mutex::new(Listed::new());
static AWAITED: Mutex<Listed<String>> = Mutex::new(Listed::new());

/// Things in the order in which they came.
struct Listed<T> {
    next: u64,
    items: BTreeMap<u64, T>,
}

impl<T> Listed<T> {
    const fn new() -> Self {
        Self {
            next: 0,
            items: BTreeMap::new(),
        }
    }

    fn add(&mut self, item: T) -> u64 {
        self.next += 1;
        self.items.insert(self.next, item);
        self.next
    }
}

/// Somebody is inside as long as the value lives: in a driver, or waits for what one is to do.
#[derive(Debug)]
pub(crate) struct Visit(());

impl Visit {
    /// Goes in.
    pub(crate) fn begin() -> Self {
        ENTERED.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        LEFT.fetch_add(1, Ordering::SeqCst);
    }
}

/// Somebody who is in no driver waits for what one is to do, as long as the value lives.
#[derive(Debug)]
pub(crate) struct Waiting {
    number: u64,
    _visit: Visit,
}

impl Waiting {
    /// Begins to wait for `what`.
    pub(crate) fn begin(what: &str) -> Self {
        let awaited = format!("{what}, by {}", host_thread());
        Self {
            number: lock(&AWAITED).add(awaited),
            _visit: Visit::begin(),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        lock(&AWAITED).items.remove(&self.number);
    }
}

/// A modelled thread runs as long as the value lives.
#[derive(Debug)]
pub(crate) struct Present(u64);

impl Present {
    pub(crate) fn new(thread: &Arc<Thread>) -> Self {
        Self(lock(&PRESENT).add(Arc::clone(thread)))
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let thread = lock(&PRESENT).items.remove(&self.0);
        // The last one who holds a machine may take it down, and not with the lock.
        drop(thread);
    }
}

/// The present thread of the host. The threads of a test program are called after their tests.
pub(crate) fn host_thread() -> String {
    let thread = std::thread::current();
    match thread.name() {
        Some(name) => format!("thread {name:?} of the host"),
        None => "a thread of the host without a name".to_owned(),
    }
}

/// Shortens the time between two looks, for those who wait for the report.
pub fn look_every(interval: Duration) {
    let milliseconds = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
    LOOK.store(milliseconds, Ordering::Relaxed);
}

/// Has the process watched from now on.
pub(crate) fn watch() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let started = Builder::new().name("standstill".to_owned()).spawn(look_on);
        let refused = |error| {
            let detail = format!("the host starts no thread: {error}");
            Violation::new(Rule::Testbed, detail)
        };
        // It ends with the process.
        drop(verifier::settle(started.map_err(refused)));
    });
}

fn look_on() {
    let (mut before, mut in_vain) = (traffic(), 0);
    loop {
        std::thread::sleep(Duration::from_millis(LOOK.load(Ordering::Relaxed)));
        let now @ (left, entered, _) = traffic();
        let stands_still = now == before && entered > left;
        in_vain = if stands_still { in_vain + 1 } else { 0 };
        before = now;
        if in_vain == PATIENCE {
            verifier::end_process(&report());
        }
    }
}

/// Somebody who is inside gets on, as far as can be told: the instructions are counted one by one, which takes minutes. For a
/// signal handler too.
pub(crate) fn gets_on() {
    PROGRESS.fetch_add(1, Ordering::SeqCst);
}

/// How often anybody has come out and gone in, and got on.
fn traffic() -> (u64, u64, u64) {
    (
        LEFT.load(Ordering::SeqCst),
        ENTERED.load(Ordering::SeqCst),
        PROGRESS.load(Ordering::SeqCst),
    )
}

fn report() -> String {
    let detail = format!(
        "somebody waits for a driver, and at {PATIENCE} looks nobody had come out or gone in"
    );
    let mut text = verifier::report(&Violation::new(Rule::Standstill, detail), None);
    for awaited in lock(&AWAITED).items.values() {
        // Writing to a text does not fail.
        let _written = writeln!(text, "  awaited: {awaited}");
    }
    for thread in lock(&PRESENT).items.values() {
        if thread.depth() > 0 {
            text.push_str(&thread.report());
            let _written = writeln!(text, "  machine: of {}", thread.machine().booted_by());
        }
    }
    text
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
