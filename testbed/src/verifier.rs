//! What counts as a violation, and how the run ends when there is one.
//!
//! A modelled routine returns [`Violation`]; the import thunk hands it to [`stop`], which prints what,
//! where and which call and ends the process with [`EXIT_CODE`]. Nothing unwinds: above the host
//! frames lie frames of the image, which has no unwinder. [`CallSite`] names the driver, the routine
//! and the place in the image in every report of a leak, and the function if there is a map of the image.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use crate::boundary::preemption;
use crate::symbols::Symbols;
use crate::thread::{self, Thread};

/// Exit code of a process whose driver broke a rule, faulted or stopped the system.
pub const EXIT_CODE: i32 = 86;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The kind of rule that was broken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// The short name under which reports show the rule.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

rules! {
    /// A routine was called above its documented IRQL, or a callback returned at another IRQL.
    Irql = "irql",
    /// A pointer from the driver does not lead to memory that it may use so.
    BadPointer = "bad-pointer",
    /// Memory was used after it was freed.
    UseAfterFree = "use-after-free",
    /// Bytes outside a block were overwritten.
    Overrun = "overrun",
    /// Pool was asked for or returned wrongly: flags, tag, double free.
    Pool = "pool",
    /// Something that the driver took was not given back.
    Leak = "leak",
    /// An opaque object was used as another kind.
    WrongKind = "wrong-kind",
    /// Reference counting of an object.
    Reference = "reference",
    /// Handles: value, mode, access, closing.
    Handle = "handle",
    /// Spin locks: recursion, order, IRQL, not released.
    SpinLock = "spin-lock",
    /// Events: not initialised, freed while in use.
    Event = "event",
    /// A callback took more of the stack than it may.
    Stack = "stack",
    /// A wait without a bound, or at an IRQL that forbids it.
    Wait = "wait",
    /// Somebody waits for a driver, and for long nobody has come out of one or gone in.
    Standstill = "standstill",
    /// Process-notify routines: registered twice, removed wrongly.
    ProcessNotify = "process-notify",
    /// Device objects, what is sent to them, and who is told of a shutdown.
    Device = "device",
    /// System threads: not ended, ended wrongly.
    SystemThread = "system-thread",
    /// An argument breaks the documented contract of the routine.
    Argument = "argument",
    /// A string structure is malformed.
    String = "string",
    /// The image touched memory or ran an instruction that it may not.
    Fault = "fault",
    /// The driver stopped the system.
    BugCheck = "bug-check",
    /// Registration with the filter manager.
    Registration = "registration",
    /// A status returned by a callback.
    CallbackStatus = "callback-status",
    /// Callback data, parameters or the system buffer were changed or kept.
    CallbackData = "callback-data",
    /// What a draining post-operation may not do.
    Draining = "draining",
    /// Contexts of the filter manager.
    Context = "context",
    /// Name information.
    Name = "name",
    /// Communication ports.
    Port = "port",
    /// Order or completeness of an unload.
    Unload = "unload",
    /// Legal perhaps, but the test-bed has no model of it and refuses rather than guess.
    NotModelled = "not-modelled",
    /// The test-bed itself could not go on (for instance the host is out of memory).
    Testbed = "testbed",
}

/// A rule that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// What exactly happened, with names and numbers.
    pub detail: String,
}

impl Violation {
    /// A violation of `rule`.
    pub fn new(rule: Rule, detail: impl Into<String>) -> Self {
        Self {
            rule,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.name(), self.detail)
    }
}

impl std::error::Error for Violation {}

/// Where in which driver a kernel routine was called: what a leak report names.
#[derive(Clone, Debug)]
pub struct CallSite {
    /// Number of the driver, unique in its machine.
    pub driver: u32,
    /// Its name.
    pub driver_name: Arc<str>,
    /// Its functions.
    pub symbols: Arc<Symbols>,
    /// The routine that was called.
    pub routine: &'static str,
    /// Return address relative to the base of the image.
    pub rva: u64,
}

impl fmt::Display for CallSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} from {}+{:#x}",
            self.routine, self.driver_name, self.rva
        )?;
        // A call that does not return is the last of its function.
        match self.symbols.function(self.rva.saturating_sub(1)) {
            Some(function) => write!(f, " in {function}"),
            None => Ok(()),
        }
    }
}

/// The text that [`stop`] prints for `violation` on `thread`.
#[must_use]
pub fn report(violation: &Violation, thread: Option<&Thread>) -> String {
    let mut text = format!(
        "testbed: VIOLATION of rule {}\n  what:    {}\n",
        violation.rule.name(),
        violation.detail
    );
    if let Some(thread) = thread {
        text.push_str(&thread.report());
        if let Some(held) = preemption::place().and_then(|at| thread.machine().image_place(at)) {
            text.push_str(&format!(
                "  held:    a thread at {held}, meanwhile another one ran\n"
            ));
        }
    }
    text
}

/// Prints the report of `violation` to standard error and ends the process with [`EXIT_CODE`].
pub fn stop(violation: &Violation) -> ! {
    let thread = thread::try_current();
    end_process(&report(violation, thread.as_deref()))
}

/// The value, or [`stop`]: for host code that is called by test code and has no way to answer with a
/// violation.
pub fn settle<T>(result: Result<T, Violation>) -> T {
    result.unwrap_or_else(|violation| stop(&violation))
}

/// Prints `text` and ends the process at once, other threads included.
pub(crate) fn end_process(text: &str) -> ! {
    let mut error = std::io::stderr().lock();
    // Nothing is left to do when standard error is closed: the exit code still tells.
    let _written = error
        .write_all(text.as_bytes())
        .and_then(|()| error.flush());
    crate::boundary::exit_now(EXIT_CODE)
}
