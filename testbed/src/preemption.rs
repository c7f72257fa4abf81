//! One thread is held between two instructions of a driver, and another one does something meanwhile: what a scheduler
//! brings about once in a million times, at will and everywhere.
//!
//! [`Machine::preempted`] does it for one of the places that [`Machine::places`] knows. Whoever does it for each has tried every
//! order of two pieces of work in which the first is interrupted once; that is where most faults of this kind are found
//! ("Finding and Reproducing Heisenbugs in Concurrent Programs", Musuvathi and others, OSDI 2008). Orders of single accesses
//! that a processor changes are not among them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::thread::{ScopedJoinHandle, scope, sleep};
use std::time::Duration;
use std::{fmt, fs, io};

use crate::boundary::{preemption, steps};
use crate::machine::Machine;
use crate::verifier::{self, Rule, Violation};

/// Who is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The thread that does the first piece of work, or one for which it waits.
    Caller,
    /// A thread that the driver has started.
    Worker,
}

/// Where a thread is held: before an instruction of a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What people call it.
    name: String,
    /// From the base of the image.
    rva: u64,
    /// How often the thread has been there before.
    passes: u64,
    held: Held,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.passes {
            0 => Ok(()),
            passes => write!(f, ", passed {passes} times before"),
        }
    }
}

/// What came of two pieces of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preempted<A, B> {
    /// Of the one that was interrupted.
    pub first: A,
    /// Of the other one.
    pub second: B,
    /// Whether it was: a thread may take another way than before.
    pub was_held: bool,
}

/// An instruction that is executed more often is no other place after so many times.
const PASSES: u64 = 3;

impl Machine {
    /// Every place in the driver at which a thread can be held that does this piece of work, or has to do with it while it is done. It is
    /// done once, instruction by instruction.
    pub fn places(&self, driver: &str, held: Held, work: impl FnOnce()) -> Vec<Place> {
        let image = self.image_range(driver).unwrap_or_default();
        let start = image.start;
        let ((), hits) = match held {
            Held::Caller => steps::count(image, work),
            Held::Worker => steps::count_workers(&image, work),
        };
        let places = |(rva, count): (u64, u64)| {
            let name = self.image_place(start.wrapping_add(rva));
            let name = name.unwrap_or_else(|| format!("{driver}+{rva:#x}"));
            (0..count.min(PASSES)).map(move |passes| Place {
                name: name.clone(),
                rva,
                passes,
                held,
            })
        };
        hits.into_iter().flat_map(places).collect()
    }

    /// Begins the first piece of work, holds it at its place, does the second one as far as it gets on, and lets the first go on.
    /// The second one is as far as it gets when each thread of the process sleeps. So this is for a process that does nothing
    /// else: what others do there might be waited for for ever. Between two places the driver must come to rest: a thread that
    /// is still at the breakpoint of the one before would take away that of the next.
    ///
    /// A panic of either goes on here when both have ended. Ends the run if the host does not let the image be written to.
    pub fn preempted<A: Send, B: Send>(
        &self,
        driver: &str,
        place: &Place,
        first: impl FnOnce() -> A + Send,
        second: impl FnOnce() -> B + Send,
    ) -> Preempted<A, B> {
        let image = self.image_range(driver).unwrap_or_default();
        let is_worker = place.held == Held::Worker;
        let address = image.start.wrapping_add(place.rva);
        let armed = preemption::arm(address, place.passes, is_worker);
        let armed = verifier::settle(armed.map_err(|error| not_written(driver, &error)));
        scope(|scope| {
            let first = scope.spawn(move || preemption::meant(!is_worker, first));
            wait_until(|| armed.is_held() || (!is_worker && first.is_finished()));
            let second = scope.spawn(second);
            wait_until(|| second.is_finished());
            let was_held = armed.release();
            Preempted {
                first: joined(first),
                second: joined(second),
                was_held,
            }
        })
    }
}

fn not_written(driver: &str, error: &io::Error) -> Violation {
    let detail = format!("no breakpoint can be put into {driver}: {error}");
    Violation::new(Rule::Testbed, detail)
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Looks for what is waited for between two looks at the threads, which take the time of those that are looked at.
const LOOKS: u32 = 16;
/// Between two looks: as long as short work takes.
const PAUSE: Duration = Duration::from_micros(50);

/// Waits until something is so, or nobody is left who could bring it about.
fn wait_until(is_so: impl Fn() -> bool) {
    let mut before = None;
    loop {
        for _ in 0..LOOKS {
            if is_so() {
                return;
            }
            sleep(PAUSE);
        }
        // Who has not been switched to between two looks, and sleeps at both, has slept all the time from the end of the one to the begin of the
        // other. If that is everybody, nobody is left to wake anybody.
        let now = sleepers();
        if now.is_some() && now == before {
            return;
        }
        before = now;
    }
}

/// How often each thread of the process but this one has been switched away from; `None` if one of them does not sleep (proc(5),
/// `/proc/PID/task/TID/status`). One that cannot be read has ended.
fn sleepers() -> Option<BTreeMap<OsString, [u64; 2]>> {
    let own = fs::read_link("/proc/thread-self").ok()?;
    let threads = fs::read_dir("/proc/self/task").ok()?;
    threads
        .flatten()
        .filter(|thread| own.file_name() != Some(&thread.file_name()))
        .filter_map(|thread| {
            let status = fs::read_to_string(thread.path().join("status")).ok()?;
            Some((thread.file_name(), status))
        })
        .map(|(thread, status)| Some((thread, switches(&status)?)))
        .collect()
}

/// How often a thread that sleeps went to sleep, and was interrupted; `None` if it does not sleep.
fn switches(status: &str) -> Option<[u64; 2]> {
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()
    };
    if value("State:")? != "S" {
        return None;
    }
    let count = |name| value(name)?.parse().ok();
    Some([
        count("voluntary_ctxt_switches:")?,
        count("nonvoluntary_ctxt_switches:")?,
    ])
}
