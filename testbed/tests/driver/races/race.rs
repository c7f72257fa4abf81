//! Where the threads of a race meet, and how it comes to an end.
//!
//! [`Race::run`] has the threads started ([`Race::start`]), each with a [`Racer`] by which it says that it has made a step. If one
//! fails, the others see that the race is over, and the test fails with a report: which thread, what it said, how far each had come.
//! If none makes a step any more, the process ends with that report, where there would be no end otherwise. That is no
//! question of how fast the machine is: as long as anybody gets on, nothing happens.

use std::any::Any;
use std::fmt;
use std::io::Write as _;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle, yield_now};
use std::time::Duration;

/// Between two looks at the steps. The looks are counted and not the time: a process that is stopped does not look.
const LOOK: Duration = Duration::from_secs(1);
/// So many looks in a row without a step of anybody, each of which takes milliseconds, are a deadlock and not a slow machine.
const PATIENCE: u32 = 300;

/// The threads of a race, and how far they are.
pub(super) struct Race {
    title: String,
    /// The first is the test itself.
    lanes: Mutex<Vec<Arc<Lane>>>,
    /// Workers that can begin.
    ready: AtomicUsize,
    /// Requests that were answered.
    answered: AtomicU64,
    /// Up to how many requests there are to be now.
    leash: AtomicU64,
    over: AtomicBool,
    look: Duration,
}

/// One thread.
struct Lane {
    name: String,
    steps: AtomicU64,
    /// Where the test is; workers do the same all the time.
    place: Mutex<String>,
    state: Mutex<String>,
}

/// A thread's part in the race.
pub(super) struct Racer<'r> {
    race: &'r Race,
    lane: Arc<Lane>,
}

impl Race {
    /// The title tells the race from every other one.
    pub(super) fn new(title: impl fmt::Display) -> Self {
        let race = Self {
            title: title.to_string(),
            lanes: Mutex::default(),
            ready: AtomicUsize::new(0),
            answered: AtomicU64::new(0),
            leash: AtomicU64::new(0),
            over: AtomicBool::new(false),
            look: LOOK,
        };
        race.lane("the test");
        race
    }

    /// Runs `body`, which starts the threads, until all of them have ended.
    pub(super) fn run<'r, T>(&'r self, body: impl for<'s> FnOnce(&'s Scope<'s, 'r>) -> T) -> T {
        let (running, ended) = channel();
        let outcome = thread::scope(|watch| {
            watch.spawn(move || self.watch(&ended));
            let test = self.test();
            let run = || thread::scope(|scope| self.guarded(&test, || body(scope)));
            let outcome = catch_unwind(AssertUnwindSafe(run));
            drop(running);
            outcome
        });
        outcome.unwrap_or_else(|panic| {
            eprintln!("{self}");
            resume_unwind(panic)
        })
    }

    /// Starts a thread of the race.
    pub(super) fn start<'s, 'r, T: Send + 's>(
        &'r self,
        scope: &'s Scope<'s, 'r>,
        name: &str,
        body: impl FnOnce(&Racer<'r>) -> T + Send + 's,
    ) -> ScopedJoinHandle<'s, T> {
        let racer = Racer {
            race: self,
            lane: self.lane(name),
        };
        let run = move || self.guarded(&racer.lane, || body(&racer));
        let builder = thread::Builder::new().name(name.to_owned());
        builder.spawn_scoped(scope, run).expect("a thread")
    }

    fn lane(&self, name: &str) -> Arc<Lane> {
        let lane = Arc::new(Lane {
            name: name.to_owned(),
            steps: AtomicU64::new(0),
            place: Mutex::default(),
            state: Mutex::new("goes on".to_owned()),
        });
        unpoisoned(&self.lanes).push(Arc::clone(&lane));
        lane
    }

    fn test(&self) -> Arc<Lane> {
        Arc::clone(&unpoisoned(&self.lanes)[0])
    }

    /// Notes how a thread ends. One that fails ends the race, so that nobody waits for it.
    fn guarded<T>(&self, lane: &Lane, body: impl FnOnce() -> T) -> T {
        match catch_unwind(AssertUnwindSafe(body)) {
            Ok(value) => {
                lane.is("has ended".to_owned());
                value
            }
            Err(panic) => {
                lane.is(format!("failed: {}", said(&*panic)));
                self.end();
                resume_unwind(panic)
            }
        }
    }

    /// The test has got somewhere.
    pub(super) fn stage(&self, place: impl fmt::Display) {
        let test = self.test();
        *unpoisoned(&test.place) = format!(" at {place}");
        test.steps.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until so many workers can begin.
    pub(super) fn wait_for_workers(&self, count: usize) {
        while self.ready.load(Ordering::SeqCst) < count {
            self.pause();
        }
    }

    /// Waits for so many answers, and does something else meanwhile.
    pub(super) fn wait_for(&self, requests: u64, mut meanwhile: impl FnMut()) {
        while self.answered() < requests {
            meanwhile();
            self.pause();
        }
    }

    /// Lets others go on while the test waits for them; fails if one of them has.
    pub(super) fn pause(&self) {
        assert!(!self.is_over(), "a thread of the race has failed");
        yield_now();
    }

    /// So many requests may be sent.
    pub(super) fn allow(&self, requests: u64) {
        self.leash.store(requests, Ordering::SeqCst);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Looks whether anybody gets on, as long as there is somebody.
    fn watch(&self, ended: &Receiver<()>) {
        let (mut before, mut in_vain) = (self.steps(), 0);
        while ended.recv_timeout(self.look) == Err(RecvTimeoutError::Timeout) {
            let now = self.steps();
            in_vain = if now == before { in_vain + 1 } else { 0 };
            before = now;
            if in_vain == PATIENCE {
                self.give_up();
            }
        }
    }

    fn steps(&self) -> u64 {
        let lanes = unpoisoned(&self.lanes);
        lanes.iter().map(|lane| lane.steps()).sum()
    }

    /// Threads that wait for ever cannot be ended, the process can.
    fn give_up(&self) -> ! {
        let told = format!("\nthe race stands still: for long nobody has made a step\n{self}\n");
        // What a test prints in the usual way is shown when it has ended.
        let shown = std::io::stderr().write_all(told.as_bytes());
        shown.unwrap_or_else(|_nobody_to_tell| std::process::abort());
        std::process::abort()
    }
}

impl fmt::Display for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answered = self.answered();
        writeln!(f, "race: {}; {answered} requests answered", self.title)?;
        for lane in unpoisoned(&self.lanes).iter() {
            let (place, state) = (unpoisoned(&lane.place), unpoisoned(&lane.state));
            writeln!(f, "  {}{place} (step {}) {state}", lane.name, lane.steps())?;
        }
        Ok(())
    }
}

impl Lane {
    fn is(&self, state: String) {
        *unpoisoned(&self.state) = state;
    }

    fn steps(&self) -> u64 {
        self.steps.load(Ordering::SeqCst)
    }
}

impl Racer<'_> {
    /// Has come a step further.
    pub(super) fn step(&self) {
        self.lane.steps.fetch_add(1, Ordering::SeqCst);
    }

    /// Can begin, and waits for its first turn.
    pub(super) fn prepared(&self) {
        self.step();
        self.ready.fetch_add(1, Ordering::SeqCst);
    }

    /// Asks for its turn; `false` when the race is over.
    pub(super) fn turn(&self) -> bool {
        loop {
            if self.is_over() {
                return false;
            }
            if self.answered() < self.leash.load(Ordering::SeqCst) {
                return true;
            }
            yield_now();
        }
    }

    /// Has its answer.
    pub(super) fn count(&self) {
        self.step();
        self.race.answered.fetch_add(1, Ordering::SeqCst);
    }
}

impl Deref for Racer<'_> {
    type Target = Race;

    fn deref(&self) -> &Race {
        self.race
    }
}

/// Waits for a thread; if that has failed, so does this one, with the same words.
pub(super) fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// What a thread said when it failed.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without words")
}

/// Of what is behind these locks nothing is ever half done.
fn unpoisoned<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Tells the test below that it is its own child.
    const STANDS_STILL: &str = "CLONEGUARD_RACE_STANDS_STILL";

    /// Works until the race is over.
    fn work(racer: &Racer<'_>) {
        racer.prepared();
        while racer.turn() {
            racer.count();
        }
    }

    fn sleep(_: &Racer<'_>) {
        loop {
            thread::park();
        }
    }

    /// What the test of a race that fails says, and the report.
    fn failure<'r>(
        race: &'r Race,
        body: impl for<'s> FnOnce(&'s Scope<'s, 'r>),
    ) -> (String, String) {
        race.allow(u64::MAX);
        let outcome = catch_unwind(AssertUnwindSafe(|| race.run(body)));
        let panic = outcome.expect_err("it fails");
        (said(&*panic).to_owned(), race.to_string())
    }

    #[test]
    fn a_thread_that_fails_ends_the_race() {
        let race = Race::new("one of two fails");
        let (said, report) = failure(&race, |scope| {
            let left = race.start(scope, "left", work);
            let right = race.start(scope, "right", |racer| {
                racer.count();
                racer.count();
                panic!("no third one")
            });
            joined(left);
            joined(right)
        });
        assert_eq!(said, "no third one");
        assert!(report.starts_with("race: one of two fails; "), "{report}");
        for line in ["right (step 2) failed: no third one\n", ") has ended\n"] {
            assert!(report.contains(line), "{report}");
        }
    }

    #[test]
    fn a_test_that_fails_ends_the_race() {
        let race = Race::new("the test fails");
        let (said, report) = failure(&race, |scope| {
            race.start(scope, "worker", work);
            race.wait_for_workers(1);
            race.stage("its end");
            panic!("nothing fits")
        });
        assert_eq!(said, "nothing fits");
        let line = "the test at its end (step 1) failed: nothing fits\n";
        assert!(report.contains(line), "{report}");
    }

    #[test]
    fn a_test_that_waits_for_one_that_fails_is_told() {
        let race = Race::new("the worker fails");
        let (said, report) = failure(&race, |scope| {
            race.start(scope, "worker", |_| panic!("no first one"));
            race.wait_for(1, || ());
        });
        assert_eq!(said, "a thread of the race has failed");
        let line = "worker (step 0) failed: no first one\n";
        assert!(report.contains(line), "{report}");
    }

    /// Played by a child of this process, which looks more often. It has no other end, so nothing depends on when it looks.
    #[test]
    fn a_race_that_stands_still_is_told() {
        if std::env::var_os(STANDS_STILL).is_some() {
            let race = Race {
                look: Duration::from_millis(1),
                ..Race::new("nobody gets on")
            };
            race.run(|scope| joined(race.start(scope, "sleeper", sleep)))
        }
        let name = "races::race::tests::a_race_that_stands_still_is_told";
        let child = Command::new(std::env::current_exe().expect("known"))
            .args(["--exact", name])
            .env(STANDS_STILL, "1")
            .output();
        let child = child.expect("it runs");
        let told = String::from_utf8_lossy(&child.stderr);
        assert!(!child.status.success(), "{told}");
        for line in ["the race stands still", "race: nobody gets on; 0 requests"] {
            assert!(told.contains(line), "{told}");
        }
    }
}
