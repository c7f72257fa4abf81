//! From the image to the host: one trampoline per import, one dispatcher for all.
//!
//! The import address table of an image points to [`Trampolines`]: a few bytes of code each, which
//! load the address of their [`Binding`] and jump to `import_entry`. That stores the four register
//! arguments into the home space that the x64 convention reserves above the return address
//! ("x64 calling convention", Microsoft Learn), so that all arguments, variadic ones too, stand in a
//! row, and calls [`dispatch`]. The dispatcher builds a [`Call`], checks the IRQL and runs the safe
//! handler from the table that [`imports!`](crate::imports) made.
#![expect(unsafe_code, reason = "is entered from image code and reads its argument words")]

use std::arch::naked_asm;
use std::ptr;
use std::sync::Arc;

use super::guest::Guest;
use super::memory::{Access, PAGE, host_usize, protect};
use crate::machine::Machine;
use crate::ntos::Irql;
use crate::status::NtStatus;
use crate::thread::{self, Thread};
use crate::verifier::{self, CallSite, Rule, Violation};

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

/// What a handler gives back to the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The word in RAX.
    Value(u64),
    /// The routine never returns: the thread ends here.
    ThreadEnds,
}

/// Marks the answer of a routine that ends its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadEnds;

/// A type that an argument word can be read as. Narrow types ignore the upper bits, which the
/// convention leaves undefined.
pub trait FromWord {
    /// The value in `word`.
    fn from_word(word: u64) -> Self;
}

/// A type that a handler can return.
pub trait IntoAnswer {
    /// What the image finds in RAX. Bits that the convention leaves undefined are filled with
    /// garbage on purpose.
    fn into_answer(self) -> Answer;
}

macro_rules! words {
    ($($type:ty, $unsigned:ty, $garbage:literal;)*) => {
        $(
            impl FromWord for $type {
                fn from_word(word: u64) -> Self {
                    (word & u64::from(<$unsigned>::MAX)) as $unsigned as $type
                }
            }

            impl IntoAnswer for $type {
                fn into_answer(self) -> Answer {
                    Answer::Value(u64::from(self as $unsigned) | $garbage)
                }
            }
        )*
    };
}

words! {
    u8, u8, 0xDEAD_DEAD_DEAD_DE00;
    u16, u16, 0xDEAD_DEAD_DEAD_0000;
    u32, u32, 0xDEAD_DEAD_0000_0000;
    i32, u32, 0xDEAD_DEAD_0000_0000;
    u64, u64, 0;
    i64, u64, 0;
}

impl FromWord for bool {
    fn from_word(word: u64) -> Self {
        u8::from_word(word) != 0
    }
}

impl IntoAnswer for bool {
    fn into_answer(self) -> Answer {
        u8::from(self).into_answer()
    }
}

impl IntoAnswer for NtStatus {
    fn into_answer(self) -> Answer {
        self.0.into_answer()
    }
}

impl IntoAnswer for () {
    fn into_answer(self) -> Answer {
        Answer::Value(0xDEAD_DEAD_DEAD_DEAD)
    }
}

impl IntoAnswer for ThreadEnds {
    fn into_answer(self) -> Answer {
        Answer::ThreadEnds
    }
}

/// Writes the import table of a module.
///
/// ```ignore
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
                            let mut words = $crate::boundary::import::Reader::new(call);
                            let arguments: ($($type,)*) = ($(words.next::<$type>()?,)*);
                            let answer: $ret = $($crate::boundary::import::Apply::apply(&$handler, call, arguments)?)?
                                $($grouped(call, arguments)?)?;
                            Ok($crate::boundary::import::IntoAnswer::into_answer(answer))
                        },
                    },
                )*],
            };
    };
}

/// Takes the argument words of a call one after the other; the machinery of `imports!`.
#[derive(Debug)]
pub struct Reader<'a> {
    call: &'a Call,
    next: usize,
}

impl<'a> Reader<'a> {
    /// Begins with the first word.
    #[must_use]
    pub fn new(call: &'a Call) -> Self {
        Self { call, next: 0 }
    }

    /// The next word as a `T`.
    ///
    /// # Errors
    ///
    /// As [`Call::word`].
    pub fn next<T: FromWord>(&mut self) -> Result<T, Violation> {
        let word = self.call.word(self.next)?;
        self.next += 1;
        Ok(T::from_word(word))
    }
}

/// Spreads a tuple of arguments over the parameters of a handler; the machinery of `imports!`.
pub trait Apply<Arguments, R> {
    /// Calls the handler.
    ///
    /// # Errors
    ///
    /// What the handler answers.
    fn apply(&self, call: &Call, arguments: Arguments) -> Result<R, Violation>;
}

macro_rules! apply {
    ($($type:ident $value:ident),*) => {
        impl<F, R, $($type),*> Apply<($($type,)*), R> for F
        where
            F: Fn(&Call $(, $type)*) -> Result<R, Violation>,
        {
            fn apply(&self, call: &Call, ($($value,)*): ($($type,)*)) -> Result<R, Violation> {
                self(call $(, $value)*)
            }
        }
    };
}

apply!();
apply!(A a);
apply!(A a, B b);
apply!(A a, B b, C c);
apply!(A a, B b, C c, D d);

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
        let site = CallSite { driver: 0, driver_name: Arc::from("host"), routine, rva: 0 };
        Self { routine, thread: Arc::clone(thread), site, words: Words::None }
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
            format!("called at {}, allowed up to {}", Irql::describe(now), Irql::describe(max as u8)),
        ))
    }
}

/// What a trampoline passes on: which import of which driver.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) import: &'static Import,
    pub(crate) driver: u32,
    pub(crate) driver_name: Arc<str>,
    pub(crate) image_base: u64,
}

/// Executable stubs, one per binding, in pages of their own.
#[derive(Debug)]
pub(crate) struct Trampolines {
    start: u64,
    size: u64,
    /// Kept where they are for as long as the stubs hold their addresses.
    _bindings: Box<[Binding]>,
}

/// `mov r10, imm64; mov r11, imm64; jmp r11`, padded.
const STUB_BYTES: usize = 32;

impl Trampolines {
    /// Makes a stub for each binding.
    pub(crate) fn new(bindings: Vec<Binding>) -> Result<Self, Violation> {
        let bindings = bindings.into_boxed_slice();
        let entry = import_entry as extern "C" fn() as *const u8;
        let mut code = Vec::with_capacity(bindings.len() * STUB_BYTES);
        for binding in &bindings {
            let mut stub = [0xCC; STUB_BYTES];
            stub[..2].copy_from_slice(&[0x49, 0xBA]);
            stub[2..10].copy_from_slice(&ptr::from_ref(binding).expose_provenance().to_le_bytes());
            stub[10..12].copy_from_slice(&[0x49, 0xBB]);
            stub[12..20].copy_from_slice(&entry.expose_provenance().to_le_bytes());
            stub[20..23].copy_from_slice(&[0x41, 0xFF, 0xE3]);
            code.extend_from_slice(&stub);
        }
        let size = (code.len().max(1) as u64).next_multiple_of(PAGE);
        let start = map_anonymous(size)?;
        let target: *mut u8 = ptr::with_exposed_provenance_mut(host_usize(start));
        // SAFETY: `map_anonymous` just returned `size` writable bytes, at least as many as `code` has.
        unsafe { ptr::copy_nonoverlapping(code.as_ptr(), target, code.len()) };
        protect(start, size, Access::Execute)?;
        Ok(Self { start, size, _bindings: bindings })
    }

    /// Address of the stub of the binding with this index.
    pub(crate) fn address(&self, index: usize) -> u64 {
        self.start + (index * STUB_BYTES) as u64
    }
}

impl Drop for Trampolines {
    fn drop(&mut self) {
        let start = ptr::with_exposed_provenance_mut(host_usize(self.start));
        // SAFETY: `new` mapped exactly this range. The only addresses of it are in the image of the same
        // driver, which is inaccessible or unmapped by now.
        unsafe { libc::munmap(start, host_usize(self.size)) };
    }
}

/// Maps fresh, zeroed, writable pages.
pub(crate) fn map_anonymous(size: u64) -> Result<u64, Violation> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh mapping at an address of the host's choice replaces nothing.
    let start =
        unsafe { libc::mmap(ptr::null_mut(), host_usize(size), protection, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        let error = std::io::Error::last_os_error();
        return Err(Violation::new(Rule::Testbed, format!("the host has no memory: {error}")));
    }
    Ok(start.expose_provenance() as u64)
}

/// Common entry of all stubs. In: r10 = binding, the rest as the image's caller left it.
///
/// The stack pointer is 8 below a multiple of 16, as after any call; 40 more bytes align it and
/// leave the home space that the callee may use.
#[unsafe(naked)]
extern "C" fn import_entry() {
    naked_asm!(
        "mov [rsp + 8], rcx",
        "mov [rsp + 16], rdx",
        "mov [rsp + 24], r8",
        "mov [rsp + 32], r9",
        "mov rcx, r10",
        "lea rdx, [rsp + 8]",
        "mov r8, [rsp]",
        "sub rsp, 40",
        "call {dispatch}",
        "add rsp, 40",
        "ret",
        dispatch = sym dispatch,
    )
}

/// Runs the handler of `binding`; `words` is the address of the first argument word.
///
/// # Safety
///
/// `binding` comes from a stub of [`Trampolines`], which keeps it in place.
unsafe extern "win64" fn dispatch(binding: *const Binding, words: u64, returns_to: u64) -> u64 {
    // SAFETY: by the contract above the binding is alive: its driver is executing this call.
    let binding = unsafe { &*binding };
    match answer(binding, words, returns_to) {
        Answer::Value(value) => value,
        Answer::ThreadEnds => super::call::leave_thread(),
    }
}

fn answer(binding: &Binding, words: u64, returns_to: u64) -> Answer {
    let Some(thread) = thread::try_current() else {
        let detail = format!("{} called on a thread that is no modelled one", binding.import.name);
        verifier::stop(&Violation::new(Rule::Testbed, detail));
    };
    let routine = binding.import.name;
    let site = CallSite {
        driver: binding.driver,
        driver_name: Arc::clone(&binding.driver_name),
        routine,
        rva: returns_to.wrapping_sub(binding.image_base),
    };
    thread.enter_call(&site);
    let call = Call { routine, thread, site, words: Words::Stack(words) };
    let result = call
        .thread
        .check_breakpoint(routine)
        .and_then(|()| call.check_irql(binding.import.max_irql))
        .and_then(|()| (binding.import.handler)(&call));
    let answer = verifier::settle(result);
    call.thread.leave_call();
    answer
}
