//! Modelled threads: each is one real thread of the host.
//!
//! [`Thread`] carries what a Windows thread has (IRQL, previous mode, impersonation, disabled APCs)
//! and what reports need (what is running, which call). [`UserThread`] and [`KernelThread`] are the
//! two previous modes; the I/O calls on them are in `io`. Processes make threads (`process`).

mod kinds;
mod run;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::machine::Machine;
use crate::ntos::Irql;
use crate::ntos::object::ObjectAddress;
use crate::ntos::token::Impersonation;
use crate::process::Process;
use crate::verifier::{CallSite, Rule, Violation};

pub use kinds::{KernelThread, UserThread};
pub(crate) use run::{prepare, run_prepared};

/// `KPROCESSOR_MODE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Kernel mode.
    Kernel = 0,
    /// User mode.
    User = 1,
}

/// One modelled thread.
#[derive(Debug)]
pub struct Thread {
    machine: Arc<Machine>,
    process: Arc<Process>,
    id: u64,
    object: ObjectAddress,
    irql: AtomicU8,
    mode: AtomicU8,
    top_level_irp: AtomicBool,
    apcs_disabled: AtomicU32,
    breakpoints: AtomicU32,
    impersonation: Mutex<Option<Impersonation>>,
    progress: Mutex<Progress>,
}

/// What the thread is doing, for reports and for the checks after a callback.
#[derive(Debug, Default)]
struct Progress {
    running: Vec<String>,
    calls: Vec<CallSite>,
    /// What holds it up in that call.
    awaits: Option<Awaited>,
    /// Addresses of the spin locks it holds, oldest first, each with the IRQL before.
    spin_locks: Vec<(u64, u8)>,
}

/// What holds a thread up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Awaited {
    /// A spin lock, and the id of the thread that held it when this one came.
    SpinLock(u64, u64),
    /// An event, or the end of a thread.
    Object(u64),
}

/// State of a thread before a callback, compared afterwards.
#[derive(Debug)]
pub(crate) struct Before {
    irql: u8,
    apcs_disabled: u32,
    spin_locks: usize,
    depth: usize,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Thread>>> = const { RefCell::new(None) };
}

/// The modelled thread that runs this code, if it is one.
#[must_use]
pub fn try_current() -> Option<Arc<Thread>> {
    CURRENT
        .try_with(|current| current.try_borrow().ok().and_then(|thread| thread.clone()))
        .ok()?
}

/// The modelled thread that runs this code.
///
/// # Errors
///
/// [`Rule::Testbed`] on a thread of the host.
pub fn current() -> Result<Arc<Thread>, Violation> {
    try_current().ok_or_else(|| Violation::new(Rule::Testbed, "this is not a modelled thread"))
}

impl Thread {
    /// The machine it runs on.
    #[must_use]
    pub fn machine(&self) -> &Arc<Machine> {
        &self.machine
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }

    /// Its thread id, a multiple of 4, unique among threads and processes.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Address of its `ETHREAD`.
    #[must_use]
    pub fn object(&self) -> ObjectAddress {
        self.object
    }

    /// The IRQL it runs at.
    #[must_use]
    pub fn irql(&self) -> u8 {
        self.irql.load(Ordering::Relaxed)
    }

    /// Sets the IRQL and returns the one before.
    pub(crate) fn set_irql(&self, irql: u8) -> u8 {
        self.irql.swap(irql, Ordering::Relaxed)
    }

    /// Runs `body` at `irql`, which is not below the present one, and lowers it afterwards.
    ///
    /// # Errors
    ///
    /// [`Rule::Irql`] when `irql` is lower than the present one.
    pub fn at_irql<T>(&self, irql: Irql, body: impl FnOnce() -> T) -> Result<T, Violation> {
        let before = self.irql();
        if (irql as u8) < before {
            let detail = format!("raising from {} to {}", Irql::describe(before), irql as u8);
            return Err(Violation::new(Rule::Irql, detail));
        }
        self.set_irql(irql as u8);
        let value = body();
        self.set_irql(before);
        Ok(value)
    }

    /// The previous mode: whose request it is carrying out.
    #[must_use]
    pub fn mode(&self) -> Mode {
        if self.mode.load(Ordering::Relaxed) == Mode::User as u8 {
            Mode::User
        } else {
            Mode::Kernel
        }
    }

    /// Whether a top-level IRP is set (`IoGetTopLevelIrp`).
    #[must_use]
    pub fn has_top_level_irp(&self) -> bool {
        self.top_level_irp.load(Ordering::Relaxed)
    }

    /// Sets or clears the top-level IRP.
    pub fn set_top_level_irp(&self, set: bool) {
        self.top_level_irp.store(set, Ordering::Relaxed);
    }

    /// How often APCs are disabled (`KeEnterCriticalRegion`).
    #[must_use]
    pub fn apcs_disabled(&self) -> u32 {
        self.apcs_disabled.load(Ordering::Relaxed)
    }

    /// Runs `body` in a critical region.
    pub fn in_critical_region<T>(&self, body: impl FnOnce() -> T) -> T {
        self.apcs_disabled.fetch_add(1, Ordering::Relaxed);
        let value = body();
        self.apcs_disabled.fetch_sub(1, Ordering::Relaxed);
        value
    }

    /// Whom it impersonates.
    #[must_use]
    pub fn impersonation(&self) -> Option<Impersonation> {
        *lock(&self.impersonation)
    }

    /// Impersonates, or stops when `None`; returns what was before.
    pub fn set_impersonation(&self, new: Option<Impersonation>) -> Option<Impersonation> {
        std::mem::replace(&mut lock(&self.impersonation), new)
    }

    /// The spin locks held, oldest first, each with the IRQL before it was taken.
    pub(crate) fn spin_locks(&self) -> Vec<(u64, u8)> {
        lock(&self.progress).spin_locks.clone()
    }

    pub(crate) fn push_spin_lock(&self, address: u64, old_irql: u8) {
        lock(&self.progress).spin_locks.push((address, old_irql));
    }

    pub(crate) fn pop_spin_lock(&self) {
        lock(&self.progress).spin_locks.pop();
    }

    /// How many callbacks of images are on the stack.
    pub(crate) fn depth(&self) -> usize {
        lock(&self.progress).running.len()
    }

    pub(crate) fn enter_call(&self, site: &CallSite) {
        lock(&self.progress).calls.push(site.clone());
    }

    pub(crate) fn leave_call(&self) {
        lock(&self.progress).calls.pop();
    }

    /// Runs `wait`, in which it waits for `what`.
    pub(crate) fn awaiting<T>(&self, what: Awaited, wait: impl FnOnce() -> T) -> T {
        lock(&self.progress).awaits = Some(what);
        let value = wait();
        lock(&self.progress).awaits = None;
        value
    }

    /// Notes that `label` is running now.
    pub(crate) fn begin(&self, label: &str) -> Before {
        let mut progress = lock(&self.progress);
        let before = Before {
            irql: self.irql(),
            apcs_disabled: self.apcs_disabled(),
            spin_locks: progress.spin_locks.len(),
            depth: progress.running.len(),
        };
        progress.running.push(label.to_owned());
        before
    }

    /// Ends what [`Self::begin`] began and checks what it left behind.
    pub(crate) fn end(&self, before: Before) -> Result<(), Violation> {
        self.check_breakpoint("return")?;
        let mut progress = lock(&self.progress);
        let label = progress.running.last().cloned().unwrap_or_default();
        if let Some((address, _)) = progress.spin_locks.get(before.spin_locks) {
            let detail = format!("{label} returned with the spin lock at {address:#x} held");
            return Err(Violation::new(Rule::SpinLock, detail));
        }
        let (was, is) = (before.irql, self.irql());
        if was != is {
            let detail = format!(
                "{label} was called at {} and returned at {}",
                Irql::describe(was),
                Irql::describe(is)
            );
            return Err(Violation::new(Rule::Irql, detail));
        }
        if before.apcs_disabled != self.apcs_disabled() {
            let detail = format!("{label} returned with another count of disabled APCs");
            return Err(Violation::new(Rule::Irql, detail));
        }
        progress.running.truncate(before.depth);
        Ok(())
    }

    /// Remembers a breakpoint instruction: without a debugger it stops Windows (bug check 0x7E), but
    /// the panic handler of the wdk crates runs one just before it names the place of the panic.
    pub(crate) fn note_breakpoint(&self) {
        self.breakpoints.fetch_add(1, Ordering::Relaxed);
    }

    /// Whoever goes on after a breakpoint, other than to stop the system, breaks a rule.
    pub(crate) fn check_breakpoint(&self, routine: &str) -> Result<(), Violation> {
        if self.breakpoints.load(Ordering::Relaxed) == 0 || routine == "KeBugCheckEx" {
            return Ok(());
        }
        Err(Violation::new(
            Rule::Fault,
            format!("a breakpoint instruction ran before {routine}"),
        ))
    }

    /// The innermost of what is running now; empty for nothing.
    pub(crate) fn running(&self) -> String {
        let progress = lock(&self.progress);
        progress.running.last().cloned().unwrap_or_default()
    }

    /// What it is doing, as lines of a report.
    #[must_use]
    pub fn report(&self) -> String {
        let progress = lock(&self.progress);
        let mut text = String::new();
        if let Some(site) = progress.calls.last() {
            text.push_str(&format!("  call:    {site}\n"));
        }
        if let Some(awaited) = progress.awaits {
            text.push_str(&format!("  awaits:  {}\n", self.describe(awaited)));
        }
        for label in progress.running.iter().rev() {
            text.push_str(&format!("  running: {label}\n"));
        }
        let process = &self.process;
        text.push_str(&format!(
            "  thread:  {} of process {} ({}), IRQL {}, previous mode {:?}\n",
            self.id,
            process.id(),
            process.image_name(),
            Irql::describe(self.irql()),
            self.mode()
        ));
        text
    }

    fn describe(&self, awaited: Awaited) -> String {
        match awaited {
            Awaited::SpinLock(lock, owner) => {
                let place = self.machine.describe(lock);
                format!("the spin lock at {place}, which thread {owner} holds")
            }
            Awaited::Object(object) => self.machine.describe(object),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
