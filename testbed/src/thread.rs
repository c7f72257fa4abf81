//! Modelled threads: each is one real thread of the host.
//!
//! [`Thread`] carries what a Windows thread has (IRQL, previous mode, impersonation, disabled APCs)
//! and what reports need (what is running, which call). [`UserThread`] and [`KernelThread`] are the
//! two previous modes; the I/O calls on them are in `io`. Processes make threads (`process`).

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::boundary::fault::SignalStack;
use crate::boundary::memory::Access;
use crate::machine::Machine;
use crate::ntos::Irql;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::ntos::token::Impersonation;
use crate::process::Process;
use crate::verifier::{self, CallSite, Rule, Violation};

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
    /// Addresses of the spin locks it holds, oldest first, each with the IRQL before.
    spin_locks: Vec<(u64, u8)>,
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

    /// What it is doing, as lines of a report.
    #[must_use]
    pub fn report(&self) -> String {
        let progress = lock(&self.progress);
        let mut text = String::new();
        if let Some(site) = progress.calls.last() {
            text.push_str(&format!("  call:    {site}\n"));
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
}

/// Runs `body` as a modelled thread of `process` on the present thread of the host, which must be
/// fresh: one host thread is one modelled thread.
pub(crate) fn run_as<T>(
    process: &Arc<Process>,
    mode: Mode,
    body: impl FnOnce(&Arc<Thread>) -> T,
) -> T {
    run_prepared(&prepare(process, mode), body)
}

/// Makes the thread and its object before its host thread starts, so that others can refer to it.
pub(crate) fn prepare(process: &Arc<Process>, mode: Mode) -> Arc<Thread> {
    let machine = process.machine();
    let id = machine.next_client_id();
    let kind_label = format!("ETHREAD of thread {id} of {}", process.image_name());
    Arc::new_cyclic(|me: &std::sync::Weak<Thread>| Thread {
        object: machine
            .objects()
            .create(Kind::Thread, kind_label, Arc::new(me.clone())),
        machine: Arc::clone(&machine),
        process: Arc::clone(process),
        id,
        irql: AtomicU8::new(0),
        mode: AtomicU8::new(mode as u8),
        top_level_irp: AtomicBool::new(false),
        apcs_disabled: AtomicU32::new(0),
        breakpoints: AtomicU32::new(0),
        impersonation: Mutex::new(None),
        progress: Mutex::default(),
    })
}

/// Runs `body` as `thread` on the present thread of the host.
pub(crate) fn run_prepared<T>(thread: &Arc<Thread>, body: impl FnOnce(&Arc<Thread>) -> T) -> T {
    let _entered = Entered::new(thread);
    let value = body(thread);
    let left = thread.spin_locks();
    if thread.irql() != 0 || !left.is_empty() {
        let detail = format!(
            "a thread ends at IRQL {} with {} spin locks",
            thread.irql(),
            left.len()
        );
        verifier::stop(&Violation::new(Rule::Irql, detail));
    }
    value
}

/// Makes a thread current as long as it lives.
struct Entered {
    thread: Arc<Thread>,
    stack: u64,
    _signal_stack: SignalStack,
}

impl Entered {
    fn new(thread: &Arc<Thread>) -> Self {
        let signal_stack = verifier::settle(SignalStack::install());
        let (stack, size) = verifier::settle(crate::boundary::fault::stack_range());
        let label = format!("stack of thread {}", thread.id);
        thread
            .machine
            .memory()
            .add_range(stack, size, Access::ReadWrite, label);
        let before = CURRENT.replace(Some(Arc::clone(thread)));
        if before.is_some() {
            let detail = "a modelled thread was started on a host thread that is one already";
            verifier::stop(&Violation::new(Rule::Testbed, detail));
        }
        Self {
            thread: Arc::clone(thread),
            stack,
            _signal_stack: signal_stack,
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(None);
        let machine = &self.thread.machine;
        machine.memory().remove_range(self.stack);
        machine.sync().signal_thread(self.thread.object);
        machine.objects().release(self.thread.object);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

macro_rules! thread_kinds {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug)]
            pub struct $name {
                thread: Arc<Thread>,
            }

            impl $name {
                pub(crate) fn new(thread: &Arc<Thread>) -> Self {
                    Self { thread: Arc::clone(thread) }
                }

                /// The modelled thread.
                #[must_use]
                pub fn thread(&self) -> &Arc<Thread> {
                    &self.thread
                }

                /// The machine it runs on.
                #[must_use]
                pub fn machine(&self) -> &Arc<Machine> {
                    self.thread.machine()
                }

                /// Runs `body` while impersonating.
                pub fn impersonate<T>(&self, whom: Impersonation, body: impl FnOnce() -> T) -> T {
                    let before = self.thread.set_impersonation(Some(whom));
                    let value = body();
                    self.thread.set_impersonation(before);
                    value
                }
            }
        )*
    };
}

thread_kinds! {
    /// A thread that calls the system from user mode: previous mode user, handles of its process.
    UserThread;
    /// A thread of kernel code: previous mode kernel, kernel handles.
    KernelThread;
}
