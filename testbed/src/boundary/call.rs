//! From the host to the image: callbacks, entry points and the bodies of system threads.
//!
//! [`image`] calls one function of a driver and checks what every callback owes: the IRQL, spin locks
//! and disabled APCs are as they were. [`system_thread`] runs the body of a thread, which may end by
//! not returning: `PsTerminateSystemThread` goes straight back to the host frame that started it.
//! How much of the stack a callback has taken is looked at whenever it calls out ([`check_stack`]).
#![expect(
    unsafe_code,
    reason = "calls addresses in the image with the x64 calling convention"
)]

use std::arch::naked_asm;
use std::cell::Cell;
use std::ptr;

use super::memory::{Access, host_usize};
use super::steps::Inside;
use crate::standstill::Visit;
use crate::thread::Thread;
use crate::verifier::{self, Rule, Violation};

/// Most arguments that [`image`] passes.
pub const MAX_ARGUMENTS: usize = 8;

/// Bytes of stack that a callback may have taken when it calls out: half of what a thread has in the kernel of 64-bit
/// Windows, 24 KiB ("How do I keep my driver from running out of kernel-mode stack?", Microsoft Learn). On the rest of it
/// run the file system below, and the filters and drivers above and below.
const STACK_MAX: u64 = 12 * 1024;

type Function = extern "win64" fn(u64, u64, u64, u64, u64, u64, u64, u64) -> u64;

/// Calls the function of the image at `address` with `arguments` on the current thread and returns
/// RAX; narrower results stand in its low bits, the rest is undefined. `label` says what runs, for
/// instance "pre-operation of CloneGuard for request 7".
///
/// # Errors
///
/// [`Rule::BadPointer`] when `address` is not executable memory of an image; [`Rule::Irql`] or
/// [`Rule::SpinLock`] when the function returned in another state than it was called in.
pub fn image(
    thread: &Thread,
    label: &str,
    address: u64,
    arguments: &[u64],
) -> Result<u64, Violation> {
    let function = function(thread, label, address)?;
    let mut words = [0; MAX_ARGUMENTS];
    let Some(slots) = words.get_mut(..arguments.len()) else {
        return Err(Violation::new(
            Rule::Testbed,
            format!("too many arguments for {label}"),
        ));
    };
    slots.copy_from_slice(arguments);
    let [a, b, c, d, e, f, g, h] = words;
    let before = thread.begin(label);
    let _visit = Visit::begin();
    let _entered = Entered::here();
    let inside = Inside::enter();
    let result = function(a, b, c, d, e, f, g, h);
    drop(inside);
    thread.end(before)?;
    Ok(result)
}

/// Runs the body of a system thread until it returns or ends itself.
///
/// # Errors
///
/// As [`image`].
pub(crate) fn system_thread(
    thread: &Thread,
    label: &str,
    start: u64,
    context: u64,
) -> Result<(), Violation> {
    function(thread, label, start)?;
    let before = thread.begin(label);
    let _entered = Entered::here();
    let resume = RESUME.with(Cell::as_ptr);
    let inside = Inside::enter_as_worker();
    // SAFETY: 1. `function` has checked that `start` is code of an image. 2. `resume` is the cell of
    // this thread, which outlives the call. 3. `leave_thread` comes back here only while this frame
    // stands, because the cell is cleared below.
    unsafe { enter_thread(start, context, resume) };
    drop(inside);
    RESUME.set(0);
    thread.end(before)
}

fn function(thread: &Thread, label: &str, address: u64) -> Result<Function, Violation> {
    let guest = super::guest::Guest::new(thread.machine().memory(), 0);
    guest.check(address, 1, Access::Execute, label)?;
    let pointer: *const () = ptr::with_exposed_provenance(host_usize(address));
    // SAFETY: 1. the address lies in an executable section of a mapped image. 2. All entry points that
    // the callers pass follow the x64 convention with at most `MAX_ARGUMENTS` integer arguments; more
    // words than a function declares are never looked at and removed by the caller.
    Ok(unsafe { std::mem::transmute::<*const (), Function>(pointer) })
}

/// The innermost callback of this thread is under way as long as the value lives.
struct Entered(u64);

impl Entered {
    /// Notes where the stack of the callback begins: as good as here.
    #[inline(always)]
    fn here() -> Self {
        let mark = 0_u8;
        let top = ptr::from_ref(&mark).expose_provenance() as u64;
        Self(STACK_TOP.replace(top))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        STACK_TOP.set(self.0);
    }
}

/// Whether the callback that calls out with its stack pointer at `bottom` has left enough of the stack to others.
///
/// # Errors
///
/// [`Rule::Stack`].
pub(super) fn check_stack(bottom: u64) -> Result<(), Violation> {
    let used = STACK_TOP.get().saturating_sub(bottom);
    if used <= STACK_MAX {
        return Ok(());
    }
    let detail = format!("{used} bytes of stack are taken, and {STACK_MAX} may be");
    Err(Violation::new(Rule::Stack, detail))
}

thread_local! {
    /// Where the stack of the innermost callback begins; 0 when none runs.
    static STACK_TOP: Cell<u64> = const { Cell::new(0) };

    /// Stack pointer to which the end of the running system thread returns; 0 when none runs.
    static RESUME: Cell<u64> = const { Cell::new(0) };
}

/// Whether the current thread runs the body of a system thread.
pub(crate) fn in_system_thread() -> bool {
    RESUME.get() != 0
}

/// Ends the body of the current system thread: control continues in [`system_thread`].
///
/// The frames between are those of the image, which Windows abandons just so, and two of the host
/// (`import_entry`, `dispatch`) that own nothing.
pub(crate) fn leave_thread() -> ! {
    let resume = RESUME.get();
    if resume == 0 {
        let detail = "PsTerminateSystemThread outside the body of a system thread";
        verifier::stop(&Violation::new(Rule::SystemThread, detail));
    }
    // SAFETY: `resume` was stored by `enter_thread` on this thread, and its frame still stands: the
    // cell is cleared as soon as it returns.
    unsafe { resume_thread(resume) }
}

/// Saves what the System V convention wants kept, stores the stack pointer and calls `start`.
///
/// # Safety
///
/// `start` is code of an image that takes one argument; `resume` is writable.
#[unsafe(naked)]
unsafe extern "sysv64" fn enter_thread(start: u64, context: u64, resume: *mut u64) {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdx], rsp",
        "sub rsp, 40",
        "mov rcx, rsi",
        "call rdi",
        "add rsp, 40",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}

/// Returns from the `enter_thread` that stored `resume`.
///
/// # Safety
///
/// That frame still stands, on this thread.
#[unsafe(naked)]
unsafe extern "sysv64" fn resume_thread(resume: u64) -> ! {
    naked_asm!(
        "mov rsp, rdi",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}
