//! Holds a thread before an instruction of an image, as long as somebody wants.
//!
//! A breakpoint stands there (`INT3`, one byte, so that it is whole at any time; Intel SDM 3A, "Handling Self- and
//! Cross-Modifying Code") and is taken away by the thread that meets it, which then waits in the handler of the trap. Whoever is not meant steps over it: for one instruction
//! it is away. What the handler needs is in statics, of which nothing is freed: a thread that meets
//! what another one has just taken away goes on as if nothing had been there.
#![expect(
    unsafe_code,
    reason = "waits in a signal handler, where a lock may not be taken"
)]

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::call;

/// Nobody is to be held.
const OFF: u32 = 0;
/// The thread is on its way.
const ARMED: u32 = 1;
/// It waits.
const HELD: u32 = 2;
/// It goes on.
const RELEASED: u32 = 3;
const INT3: u8 = 0xCC;

static STATE: AtomicU32 = AtomicU32::new(OFF);
/// The address of the instruction; 0 for none.
static PLACE: AtomicU64 = AtomicU64::new(0);
/// Its first byte.
static BYTE: AtomicU32 = AtomicU32::new(0);
/// How often the threads that are meant still come there without being held.
static PASSES: AtomicU64 = AtomicU64::new(0);
/// Whether the threads are meant that a driver has started.
static WORKERS: AtomicBool = AtomicBool::new(false);
/// One at a time.
static BUSY: Mutex<()> = Mutex::new(());
/// The memory of this process, whatever may be done to it otherwise (proc(5), `/proc/PID/mem`).
static MEMORY: OnceLock<File> = OnceLock::new();

thread_local! {
    /// Whether this thread is meant.
    static MEANT: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread steps over the breakpoint.
    static STEPS_OVER: Cell<bool> = const { Cell::new(false) };
}

/// A thread is to be held, is held, or was, as long as this lives.
#[derive(Debug)]
pub(crate) struct Armed {
    _one_at_a_time: MutexGuard<'static, ()>,
}

/// Holds a thread before the instruction at this address, when it has been there so often. `workers` means the
/// threads that a driver has started; others are by [`meant`].
///
/// # Errors
///
/// Those of the host, when the image cannot be written to.
pub(crate) fn arm(place: u64, passes: u64, workers: bool) -> io::Result<Armed> {
    let armed = Armed {
        _one_at_a_time: BUSY.lock().unwrap_or_else(PoisonError::into_inner),
    };
    if MEMORY.get().is_none() {
        let memory = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/proc/self/mem")?;
        let _there_already = MEMORY.set(memory);
    }
    let mut byte = [0];
    memory()?.read_exact_at(&mut byte, place)?;
    BYTE.store(u32::from(byte[0]), Ordering::Relaxed);
    PASSES.store(passes, Ordering::Relaxed);
    WORKERS.store(workers, Ordering::Relaxed);
    PLACE.store(place, Ordering::Relaxed);
    STATE.store(ARMED, Ordering::Release);
    write(INT3)?;
    Ok(armed)
}

fn memory() -> io::Result<&'static File> {
    MEMORY
        .get()
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

/// Writes the first byte of the instruction. For the signal handler too: pwrite(2) may be called there.
fn write(byte: u8) -> io::Result<()> {
    memory()?.write_all_at(&[byte], PLACE.load(Ordering::Relaxed))
}

fn take_away() {
    let byte = u8::try_from(BYTE.load(Ordering::Relaxed)).unwrap_or(INT3);
    // What could be written a moment ago can be now. If not, the thread comes here again and again, and that shows.
    let _written = write(byte);
}

impl Armed {
    /// Whether the thread is at its place.
    pub(crate) fn is_held(&self) -> bool {
        STATE.load(Ordering::Acquire) == HELD
    }

    /// Lets it go, and holds nobody any more; answers whether it was held.
    pub(crate) fn release(&self) -> bool {
        let was = STATE.swap(RELEASED, Ordering::AcqRel);
        if was == ARMED {
            take_away();
        }
        wake();
        was == HELD
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        self.release();
        STATE.store(OFF, Ordering::Release);
    }
}

/// Where a thread is held, or was held last by what is still under way.
pub(crate) fn place() -> Option<u64> {
    matches!(STATE.load(Ordering::Acquire), HELD | RELEASED).then(|| PLACE.load(Ordering::Relaxed))
}

/// Whether this thread is meant.
pub(crate) fn is_meant() -> bool {
    MEANT.get()
}

/// Runs `body` on this thread, which is meant in it or not.
pub(crate) fn meant<T>(meant: bool, body: impl FnOnce() -> T) -> T {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            MEANT.set(self.0);
        }
    }
    let _before = Before(MEANT.replace(meant));
    body()
}

/// What a thread is to do that has met a breakpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The instruction that stands there.
    Execute,
    /// The same, and come here again behind it ([`stepped`]).
    Step,
}

/// A thread has met a breakpoint in front of this address; `None` if it is none of these. For the signal handler: it takes no lock and
/// allocates nothing.
pub(super) fn met(behind: u64) -> Option<Next> {
    let state = STATE.load(Ordering::Acquire);
    if behind.wrapping_sub(1) != PLACE.load(Ordering::Relaxed) {
        return None;
    }
    if state != ARMED {
        // It was taken away since.
        return Some(Next::Execute);
    }
    let is_meant = if WORKERS.load(Ordering::Relaxed) {
        call::in_system_thread()
    } else {
        MEANT.get()
    };
    let pass = |left: u64| left.checked_sub(1);
    if !is_meant
        || PASSES
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, pass)
            .is_ok()
    {
        take_away();
        STEPS_OVER.set(true);
        return Some(Next::Step);
    }
    let held = STATE.compare_exchange(ARMED, HELD, Ordering::AcqRel, Ordering::Acquire);
    take_away();
    while held.is_ok() && STATE.load(Ordering::Acquire) == HELD {
        wait();
    }
    Some(Next::Execute)
}

/// A thread has executed one instruction; answers whether that was over the breakpoint, which stands there again.
pub(super) fn stepped() -> bool {
    let is_over = STEPS_OVER.replace(false);
    if is_over && STATE.load(Ordering::Acquire) == ARMED {
        let _written = write(INT3);
        // Somebody may have let the thread go meanwhile.
        if STATE.load(Ordering::Acquire) != ARMED {
            take_away();
        }
    }
    is_over
}

/// Sleeps until [`wake`], or less.
fn wait() {
    let (state, flags) = (STATE.as_ptr(), libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG);
    let for_ever = ptr::null::<libc::timespec>();
    // SAFETY: FUTEX_WAIT of futex(2) reads the word, which is static, and no time-out; the call may be made in a handler.
    unsafe { libc::syscall(libc::SYS_futex, state, flags, HELD, for_ever) };
}

fn wake() {
    let (state, flags) = (STATE.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG);
    // SAFETY: FUTEX_WAKE of futex(2) takes the word for a name and does not touch it.
    unsafe { libc::syscall(libc::SYS_futex, state, flags, i32::MAX) };
}
