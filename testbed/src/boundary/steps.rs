//! Counts the instructions of an image that a piece of work executes, one by one, and lets somebody else write to memory
//! between two of them.
//!
//! With the trap flag set the processor raises a debug exception behind every instruction (Intel SDM 3A, 17.3.1.4), which
//! the host turns into SIGTRAP. The handler looks where the thread stands and counts, if that is in the image. The flag is
//! set as control crosses into the image and cleared as it comes back ([`Inside`], [`Outside`]): the host makes threads
//! and the like with signals blocked, and a blocked SIGTRAP of this kind ends the process. A count does not depend on
//! what else the machine does, and the same code counts the same each time.
#![expect(
    unsafe_code,
    reason = "sets the trap flag, and shares a table with a signal handler"
)]

use std::arch::asm;
use std::cell::Cell;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::guest::HostPlace;
use crate::standstill;

/// How often each byte of a range was where the thread stood.
#[derive(Debug)]
struct Table {
    start: u64,
    hits: Box<[AtomicU64]>,
    /// All of them together.
    steps: AtomicU64,
    write: Option<Write>,
}

impl Table {
    fn new(range: &Range<u64>, write: Option<Write>) -> Self {
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0);
        Self {
            start: range.start,
            hits: (0..length).map(|_| AtomicU64::new(0)).collect(),
            steps: AtomicU64::new(0),
            write,
        }
    }

    fn hits(&self) -> Vec<(u64, u64)> {
        let hits = (0_u64..).zip(self.hits.iter());
        let hits = hits.map(|(at, count)| (at, count.load(Ordering::Relaxed)));
        hits.filter(|(_, count)| *count > 0).collect()
    }
}

/// Bytes that somebody else writes while the image works on them.
#[derive(Debug)]
pub(crate) struct Write {
    /// Behind so many instructions of the image; 0 is before the first.
    pub(crate) behind: u64,
    /// Where, in the host's view.
    pub(crate) place: HostPlace,
    pub(crate) bytes: Vec<u8>,
}

impl Write {
    /// Writes if that many instructions have been executed. For the signal handler, as [`note`].
    fn perform(&self, steps: u64) {
        if steps == self.behind {
            self.place.store(&self.bytes);
        }
    }
}

/// The table of the work that is being counted; null for none.
static TABLE: AtomicPtr<Table> = AtomicPtr::new(ptr::null_mut());
/// That of the threads that a driver has started, likewise.
static WORKER_TABLE: AtomicPtr<Table> = AtomicPtr::new(ptr::null_mut());
/// All that there were of these: nobody waits for those threads, so one may look at a table when all is over.
static WORKER_TABLES: Mutex<Vec<&'static Table>> = Mutex::new(Vec::new());
/// Steps of anybody. After so many somebody has got on, though nobody has gone in or come out.
static STEPS: AtomicU64 = AtomicU64::new(0);
const PROGRESS: u64 = 1 << 16;
/// One at a time.
static BUSY: Mutex<()> = Mutex::new(());

thread_local! {
    /// Whether this thread is counted.
    static COUNTS: Cell<bool> = const { Cell::new(false) };
    /// Whether a driver has started this thread.
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body` on this thread, and answers how often each address of the range was executed: pairs of the distance from
/// its start and a count, those of 0 left out.
pub(crate) fn count<T>(range: Range<u64>, body: impl FnOnce() -> T) -> (T, Vec<(u64, u64)>) {
    step(&range, None, body)
}

/// Runs `body` on this thread, and lets somebody else write meanwhile.
pub(crate) fn write_meanwhile<T>(range: Range<u64>, write: Write, body: impl FnOnce() -> T) -> T {
    step(&range, Some(write), body).0
}

/// Runs `body`, and answers the same of the threads that a driver has started, while it runs.
pub(crate) fn count_workers<T>(
    range: &Range<u64>,
    body: impl FnOnce() -> T,
) -> (T, Vec<(u64, u64)>) {
    let _busy = BUSY.lock().unwrap_or_else(PoisonError::into_inner);
    let table: &'static Table = Box::leak(Box::new(Table::new(range, None)));
    WORKER_TABLES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(table);
    WORKER_TABLE.store(ptr::from_ref(table).cast_mut(), Ordering::Release);
    let counting = Counting;
    let value = body();
    drop(counting);
    (value, table.hits())
}

fn step<T>(
    range: &Range<u64>,
    write: Option<Write>,
    body: impl FnOnce() -> T,
) -> (T, Vec<(u64, u64)>) {
    let _busy = BUSY.lock().unwrap_or_else(PoisonError::into_inner);
    let table = Table::new(range, write);
    table.write.iter().for_each(|write| write.perform(0));
    TABLE.store(ptr::from_ref(&table).cast_mut(), Ordering::Release);
    COUNTS.set(true);
    let counting = Counting;
    let value = body();
    drop(counting);
    (value, table.hits())
}

/// A count is under way; ends it when dropped, also by a panic.
struct Counting;

impl Drop for Counting {
    fn drop(&mut self) {
        COUNTS.set(false);
        WORKER_TABLE.store(ptr::null_mut(), Ordering::Release);
        TABLE.store(ptr::null_mut(), Ordering::Release);
    }
}

/// Whether what this thread does is counted.
pub(crate) fn is_counted() -> bool {
    COUNTS.get()
}

/// Runs `body`, for which the thread that is counted waits, on a thread that is counted too.
pub(super) fn counted_too<T>(counted: bool, body: impl FnOnce() -> T) -> T {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            COUNTS.set(self.0);
        }
    }
    let _before = Before(COUNTS.replace(counted));
    body()
}

/// Notes where a thread stands behind an instruction; answers whether it is to be stepped further. For the signal handler: it
/// takes no lock and allocates nothing.
pub(super) fn note(address: u64) -> bool {
    let table = if IS_WORKER.get() {
        WORKER_TABLE.load(Ordering::Acquire)
    } else {
        TABLE.load(Ordering::Acquire)
    };
    // SAFETY: a table of workers lives for ever. The other one lives until the pointer to it is null again, which is behind
    // the last step of the thread that is counted; only that thread and those for which it waits look at it, and their
    // handler is what runs here.
    let Some(table) = (unsafe { table.as_ref() }) else {
        COUNTS.set(false);
        return false;
    };
    if STEPS
        .fetch_add(1, Ordering::Relaxed)
        .is_multiple_of(PROGRESS)
    {
        standstill::gets_on();
    }
    let at = usize::try_from(address.wrapping_sub(table.start)).ok();
    if let Some(count) = at.and_then(|at| table.hits.get(at)) {
        count.fetch_add(1, Ordering::Relaxed);
        let steps = table.steps.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(write) = &table.write {
            write.perform(steps);
        }
    }
    true
}

fn is_worker_counted() -> bool {
    !WORKER_TABLE.load(Ordering::Relaxed).is_null()
}

/// Control is in the image for as long as the value lives: with a count under way, each instruction is seen.
pub(super) struct Inside {
    is_worker: bool,
}

impl Inside {
    #[inline]
    pub(super) fn enter() -> Self {
        Self::step_in(false)
    }

    /// The same on a thread that the driver has started.
    pub(super) fn enter_as_worker() -> Self {
        IS_WORKER.set(true);
        COUNTS.set(is_worker_counted());
        Self::step_in(true)
    }

    #[inline]
    fn step_in(is_worker: bool) -> Self {
        if COUNTS.get() {
            set_trap_flag();
        }
        Self { is_worker }
    }
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        if COUNTS.get() {
            clear_trap_flag();
        }
        if self.is_worker {
            IS_WORKER.set(false);
            COUNTS.set(false);
        }
    }
}

/// Control is back in the host for as long as the value lives, which was called by an image.
pub(super) struct Outside(());

impl Outside {
    #[inline]
    pub(super) fn enter() -> Self {
        if COUNTS.get() {
            clear_trap_flag();
        }
        Self(())
    }
}

impl Drop for Outside {
    #[inline]
    fn drop(&mut self) {
        if IS_WORKER.get() {
            COUNTS.set(is_worker_counted());
        }
        if COUNTS.get() {
            set_trap_flag();
        }
    }
}

fn set_trap_flag() {
    // SAFETY: changes the trap flag alone, for which a handler is installed before any image runs; the stack is as before
    // behind it.
    unsafe {
        asm!("pushfq", "or qword ptr [rsp], 0x100", "popfq");
    }
}

fn clear_trap_flag() {
    // SAFETY: as above.
    unsafe {
        asm!("pushfq", "and qword ptr [rsp], -0x101", "popfq");
    }
}
