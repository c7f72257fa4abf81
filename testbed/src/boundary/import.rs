//! The modelled routines: their tables, and one call of one of them.
//!
//! [`imports!`](crate::imports) writes an [`ImportTable`]: per routine the name, the highest IRQL and a
//! safe handler. A handler gets a [`Call`]: machine, thread, who calls from where, checked memory. How
//! control comes here from the image is in `trampoline`, how words become arguments in `arguments`.

use std::sync::Arc;

pub use super::arguments::{Answer, Apply, FromWord, FromWords, IntoAnswer, Reader, ThreadEnds};
use super::guest::Guest;
use crate::machine::Machine;
use crate::ntos::Irql;
use crate::thread::Thread;
use crate::verifier::{CallSite, Rule, Violation};

/// One modelled routine.
#[derive(Debug)]
pub struct Import {
    /// Name as the image imports it.
    pub name: &'static str,
    /// The highest IRQL at which it may be called, from its documentation page.
    pub max_irql: Irql,
    /// The safe code behind it.
    pub handler: fn(&Call) -> Result<Answer, Violation>,
}

/// The modelled routines of one module of the kernel.
#[derive(Debug)]
pub struct ImportTable {
    /// Name of the module as images import it, for instance "fltmgr.sys".
    pub module: &'static str,
    /// Its routines.
    pub functions: &'static [Import],
}

/// Writes the import table of a module.
///
/// ```text
/// imports! {
///     pub static IMPORTS: "ntoskrnl.exe" {
///         ExFreePool(block: u64) -> () [Dispatch] => pool::ex_free_pool;
///     }
/// }
/// ```
///
/// Each handler is `fn(&Call, arguments..) -> Result<R, Violation>` with up to four arguments. A handler
/// in brackets, `=> [port::flt_send_message]`, takes them as one tuple: `fn(&Call, (A, B, ..))`. The
/// level in brackets is an [`Irql`]: `Passive`, `Apc`, `Dispatch` or `High`.
#[macro_export]
macro_rules! imports {
    ($(#[$meta:meta])* $vis:vis static $table:ident: $module:literal {
        $($name:ident($($arg:ident: $type:ty),* $(,)?) -> $ret:ty [$irql:ident]
            => $($handler:path)? $([$grouped:path])?;)*
    }) => {
        $(#[$meta])*
        $vis static $table: $crate::boundary::import::ImportTable =
            $crate::boundary::import::ImportTable {
                module: $module,
                functions: &[$(
                    $crate::boundary::import::Import {
                        name: stringify!($name),
                        max_irql: $crate::ntos::Irql::$irql,
                        handler: |call| {
                            let words = $crate::boundary::import::Reader::new(call);
                            let arguments: ($($type,)*) = words.tuple()?;
                            let answer: $ret = $($crate::boundary::import::Apply::apply(&$handler, call, arguments)?)?
                                $($grouped(call, arguments)?)?;
                            Ok($crate::boundary::import::IntoAnswer::into_answer(answer))
                        },
                    },
                )*],
            };
    };
}

/// One call of a modelled routine.
#[derive(Debug)]
pub struct Call {
    routine: &'static str,
    thread: Arc<Thread>,
    site: CallSite,
    words: Words,
}

/// Where the argument words of a call are.
#[derive(Debug)]
enum Words {
    /// In a row on the stack of the image, from this address.
    Stack(u64),
    /// No image: the host calls a handler on its own account.
    None,
}

impl Call {
    /// A call that the host makes on its own account, for tests of a handler and for routines that
    /// use another: it counts as driver 0, named "host".
    #[must_use]
    pub fn by_host(thread: &Arc<Thread>, routine: &'static str) -> Self {
        let site = CallSite {
            driver: 0,
            driver_name: Arc::from("host"),
            symbols: Arc::default(),
            routine,
            rva: 0,
        };
        Self {
            routine,
            thread: Arc::clone(thread),
            site,
            words: Words::None,
        }
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &Arc<Machine> {
        self.thread.machine()
    }

    /// The thread that calls.
    #[must_use]
    pub fn thread(&self) -> &Arc<Thread> {
        &self.thread
    }

    /// A call by an image; `words` is the address of its first argument word.
    pub(super) fn by_image(thread: Arc<Thread>, site: CallSite, words: u64) -> Self {
        Self {
            routine: site.routine,
            thread,
            site,
            words: Words::Stack(words),
        }
    }

    /// Name of the routine.
    #[must_use]
    pub fn routine(&self) -> &'static str {
        self.routine
    }

    /// Which driver calls, from where.
    #[must_use]
    pub fn site(&self) -> &CallSite {
        &self.site
    }

    /// Number of the driver that calls; 0 is the host.
    #[must_use]
    pub fn driver(&self) -> u32 {
        self.site.driver
    }

    /// Checked access to the memory of the image, at the IRQL of the caller.
    #[must_use]
    pub fn guest(&self) -> Guest<'_> {
        Guest::new(self.machine().memory(), self.thread.irql())
    }

    /// The argument word with this index, counted from 0; beyond the declared arguments it is a
    /// variadic one.
    ///
    /// # Errors
    ///
    /// [`Rule::BadPointer`] when the stack ends before it.
    pub fn word(&self, index: usize) -> Result<u64, Violation> {
        match self.words {
            // The words are on the caller's own stack, resident by nature: no IRQL limit.
            Words::Stack(address) => Guest::new(self.machine().memory(), 0)
                .read_u64(address + 8 * index as u64, "argument on the stack"),
            Words::None => Err(self.violation(Rule::Testbed, "a host call has no argument words")),
        }
    }

    /// A violation by this call.
    pub fn violation(&self, rule: Rule, detail: impl AsRef<str>) -> Violation {
        Violation::new(rule, format!("{}: {}", self.routine, detail.as_ref()))
    }

    /// Checks that the caller runs at `max` or below; for limits that depend on the arguments.
    ///
    /// # Errors
    ///
    /// [`Rule::Irql`].
    pub fn check_irql(&self, max: Irql) -> Result<(), Violation> {
        let now = self.thread.irql();
        if now <= max as u8 {
            return Ok(());
        }
        Err(self.violation(
            Rule::Irql,
            format!(
                "called at {}, allowed up to {}",
                Irql::describe(now),
                Irql::describe(max as u8)
            ),
        ))
    }
}
