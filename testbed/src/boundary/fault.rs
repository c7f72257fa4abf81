//! Explains a crash of image code, then ends the process.
//!
//! A handler for the fault signals runs on a stack of its own ([`SignalStack`]). When the fault is
//! the image's, it says which address was touched and what lies beside it, where in which image the
//! instruction stands, what is running, and which places of the image the stack leads back to. A
//! fault of the host itself goes on to whoever handled it before.
#![expect(
    unsafe_code,
    reason = "signal handlers, alternate stacks and the registers of a fault"
)]

use std::cell::OnceCell;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use super::guest::Guest;
use super::mapping::Mapping;
use super::memory::{Access, host_usize};
use super::{preemption, steps};
use crate::machine::Machine;
use crate::thread::{self, Thread};
use crate::verifier::{self, Rule, Violation};

const SIGNALS: [libc::c_int; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGTRAP,
];
const SIGNAL_STACK_BYTES: usize = 128 * 1024;
/// Words of the stack that are searched for return addresses.
const STACK_WORDS: u64 = 512;
/// Return addresses that are shown.
const STACK_LINES: usize = 12;

/// What handled each of [`SIGNALS`] before.
static BEFORE: OnceLock<[libc::sigaction; SIGNALS.len()]> = OnceLock::new();

/// Installs the handler, once for the process.
pub(crate) fn install() {
    BEFORE.get_or_init(|| SIGNALS.map(install_one));
}

fn install_one(signal: libc::c_int) -> libc::sigaction {
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_fault;
    // SAFETY: `sigaction` is plain data for which zero means "no flags, nothing blocked".
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = (handler as *const ()).expose_provenance();
    // NODEFER: a fault inside the report must not hang, it must end the process.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
    // SAFETY: as above.
    let mut before: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: both structures are valid, and the handler has the signature that SA_SIGINFO asks for.
    unsafe { libc::sigaction(signal, &raw const action, &raw mut before) };
    before
}

/// The alternate signal stack of a modelled thread: a fault may be an overflow of the ordinary one.
#[derive(Debug)]
struct SignalStack {
    _pages: Mapping,
    before: (u64, libc::c_int, usize),
}

impl SignalStack {
    /// Gives the present thread a stack for signals as long as the value lives.
    fn install() -> Result<Self, Violation> {
        let pages = Mapping::anonymous(SIGNAL_STACK_BYTES as u64)?;
        let new = stack(pages.start(), 0, SIGNAL_STACK_BYTES);
        let mut old = stack(0, libc::SS_DISABLE, 0);
        // SAFETY: the new stack is a fresh mapping of that size, which goes only after `drop` has set
        // the old one again; `old` is a valid place for the answer.
        let result = unsafe { libc::sigaltstack(&raw const new, &raw mut old) };
        if result != 0 {
            return Err(Violation::new(
                Rule::Testbed,
                "the host gives no stack for signals",
            ));
        }
        let before = (
            old.ss_sp.expose_provenance() as u64,
            old.ss_flags,
            old.ss_size,
        );
        Ok(Self {
            _pages: pages,
            before,
        })
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        let (start, flags, size) = self.before;
        let old = stack(start, flags, size);
        // SAFETY: it is what was set before on this thread, and `self` never left the thread.
        unsafe { libc::sigaltstack(&raw const old, ptr::null_mut()) };
    }
}

fn stack(start: u64, flags: libc::c_int, size: usize) -> libc::stack_t {
    libc::stack_t {
        ss_sp: ptr::with_exposed_provenance_mut(host_usize(start)),
        ss_flags: flags,
        ss_size: size,
    }
}

/// What a host thread needs once, however many modelled threads it runs.
struct Prepared {
    stack: (u64, u64),
    _signals: SignalStack,
}

thread_local! {
    static PREPARED: OnceCell<Prepared> = const { OnceCell::new() };
}

/// Gives the present thread a stack for signals, unless it has one from here, and answers the first
/// byte and the size of its ordinary stack.
pub(crate) fn prepare_thread() -> Result<(u64, u64), Violation> {
    PREPARED.with(|prepared| {
        if let Some(prepared) = prepared.get() {
            return Ok(prepared.stack);
        }
        let new = Prepared {
            stack: stack_range()?,
            _signals: SignalStack::install()?,
        };
        Ok(prepared.get_or_init(|| new).stack)
    })
}

/// First byte and size of the stack of the present thread.
fn stack_range() -> Result<(u64, u64), Violation> {
    let failed = || Violation::new(Rule::Testbed, "the host does not tell where the stack is");
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::zeroed();
    // SAFETY: it takes nothing and answers the present thread.
    let thread = unsafe { libc::pthread_self() };
    // SAFETY: `thread` is the present thread, so a live one, and the attributes are a valid place for the answer.
    if unsafe { libc::pthread_getattr_np(thread, attributes.as_mut_ptr()) } != 0 {
        return Err(failed());
    }
    let (mut start, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the call above has initialised the attributes.
    let result =
        unsafe { libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut start, &raw mut size) };
    // SAFETY: as above; they are not used afterwards.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    if result != 0 {
        Err(failed())
    } else {
        Ok((start.expose_provenance() as u64, size as u64))
    }
}

/// The registers of a fault that the report needs.
struct Registers {
    rip: u64,
    rsp: u64,
    rcx: u64,
    /// Page-fault error code: bit 1 a write, bit 4 an instruction fetch (Intel SDM 3A, 4.7).
    error: u64,
}

extern "C" fn on_fault(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let context: *mut libc::ucontext_t = context.cast();
    // SAFETY: the system passes valid information on this signal to a handler set with SA_SIGINFO.
    let is_step = signal == libc::SIGTRAP && unsafe { (*info).si_code } == libc::TRAP_TRACE;
    // SAFETY: the system passes the context of this signal to a handler set with SA_SIGINFO, whose own it is until that returns.
    let registers = unsafe { &mut (*context).uc_mcontext.gregs };
    if signal == libc::SIGTRAP && trapped(is_step, registers) {
        return;
    }
    let register = |index: libc::c_int| {
        registers
            .get(usize::try_from(index).unwrap_or(usize::MAX))
            .map_or(0, |r| r.cast_unsigned())
    };
    let registers = Registers {
        rip: register(libc::REG_RIP),
        rsp: register(libc::REG_RSP),
        rcx: register(libc::REG_RCX),
        error: register(libc::REG_ERR),
    };
    // SAFETY: `info` is valid for the same reason.
    let info = unsafe { &*info };
    // SAFETY: every signal that this handler is installed for carries an address.
    let address = unsafe { info.si_addr() }.expose_provenance() as u64;
    let Some(thread) = thread::try_current() else {
        return pass_on(signal);
    };
    let in_image = thread.machine().image_place(registers.rip);
    if signal == libc::SIGTRAP && in_image.is_some() {
        return thread.note_breakpoint();
    }
    let touched = thread.machine().memory().range_at(address).is_some();
    if in_image.is_none() && !touched && !thread.machine().owns(address) && thread.depth() == 0 {
        return pass_on(signal);
    }
    let violation = Violation::new(Rule::Fault, explain(&thread, signal, address, &registers));
    let mut text = verifier::report(&violation, Some(&thread));
    text.push_str(&trail(&thread, registers.rsp));
    verifier::end_process(&text);
}

/// The trap flag (Intel SDM 3A, 17.3.1.4).
const TRAP_FLAG: libc::greg_t = 0x100;

/// Deals with a trap that the test-bed has brought about itself; answers whether it was one.
fn trapped(is_step: bool, registers: &mut [libc::greg_t]) -> bool {
    let index = |register: libc::c_int| usize::try_from(register).unwrap_or(usize::MAX);
    let Ok([rip, flags]) = registers.get_disjoint_mut([index(libc::REG_RIP), index(libc::REG_EFL)])
    else {
        return false;
    };
    if is_step {
        let is_over = preemption::stepped();
        if is_over || !steps::note(rip.cast_unsigned()) {
            *flags &= !TRAP_FLAG;
        }
        return true;
    }
    let next = preemption::met(rip.cast_unsigned());
    if next.is_some() {
        *rip = rip.wrapping_sub(1);
    }
    if next == Some(preemption::Next::Step) {
        *flags |= TRAP_FLAG;
    }
    next.is_some()
}

/// Restores what was there before; the instruction faults again and meets it.
fn pass_on(signal: libc::c_int) {
    let index = SIGNALS.iter().position(|known| *known == signal);
    if let Some(before) = index.and_then(|index| BEFORE.get()?.get(index)) {
        // SAFETY: the structure is what `sigaction` itself answered for this signal.
        unsafe { libc::sigaction(signal, ptr::from_ref(before), ptr::null_mut()) };
    }
}

fn explain(thread: &Thread, signal: libc::c_int, address: u64, registers: &Registers) -> String {
    let machine = thread.machine();
    let at = machine
        .image_place(registers.rip)
        .unwrap_or_else(|| format!("outside any image ({:#x})", registers.rip));
    let code = code_at(machine, registers.rip);
    match (signal, code.as_slice()) {
        (libc::SIGILL, [0x0F, 0x0B, ..]) => {
            format!(
                "undefined instruction (ud2: an abort or a broken promise to the compiler) at {at}"
            )
        }
        (libc::SIGILL, _) => format!("illegal instruction at {at}"),
        (libc::SIGFPE, _) => format!("division error at {at}"),
        // "__fastfail", Microsoft Learn: int 29h with the code in ECX.
        (libc::SIGSEGV, [0xCD, 0x29, ..]) => {
            format!(
                "fast fail with code {} at {at}",
                registers.rcx & 0xFFFF_FFFF
            )
        }
        (libc::SIGSEGV, [0x44, 0x0F, 0x20 | 0x22, ..] | [0x0F, 0x20 | 0x22, ..]) => {
            format!("control register (IRQL?) used directly at {at}: not modelled")
        }
        _ if address == 0 && registers.error == 0 => {
            format!("privileged instruction or non-canonical address at {at}")
        }
        _ => {
            let how = if registers.error & 16 != 0 {
                "executed"
            } else if registers.error & 2 != 0 {
                "written"
            } else {
                "read"
            };
            format!("{} was {how} at {at}", machine.describe(address))
        }
    }
}

fn code_at(machine: &Machine, rip: u64) -> Vec<u8> {
    let guest = Guest::new(machine.memory(), 0);
    if guest.check(rip, 4, Access::Execute, "code").is_err() {
        return Vec::new();
    }
    guest.bytes(rip, 4, "code").unwrap_or_default()
}

/// Places of images to which the stack leads back: words that stand right behind a call.
fn trail(thread: &Thread, rsp: u64) -> String {
    let machine = thread.machine();
    let guest = Guest::new(machine.memory(), 0);
    let mut text = String::new();
    let mut lines = 0;
    for index in 0..STACK_WORDS {
        let Ok(word) = guest.read_stack(rsp.wrapping_add(8 * index)) else {
            break;
        };
        if lines < STACK_LINES
            && follows_call(guest, word)
            && let Some(place) = machine.image_place(word)
        {
            text.push_str(&format!("  stack:   {place}\n"));
            lines += 1;
        }
    }
    text
}

/// Whether the bytes before `address` are a near call: E8 rel32, or FF /2 with a register, a memory
/// operand with displacement, or RIP-relative (Intel SDM 2A, CALL).
fn follows_call(guest: Guest<'_>, address: u64) -> bool {
    const LONGEST: u64 = 7;
    let start = address.wrapping_sub(LONGEST);
    if guest
        .check(start, LONGEST + 1, Access::Execute, "code")
        .is_err()
    {
        return false;
    }
    let before = guest.bytes(start, LONGEST, "code").unwrap_or_default();
    let [.., a, b, c, d, e, f] = before.as_slice() else {
        return false;
    };
    let calls_indirectly = |opcode: u8, operand: u8| opcode == 0xFF && operand >> 3 & 7 == 2;
    *b == 0xE8
        || calls_indirectly(*e, *f)
        || calls_indirectly(*d, *e)
        || calls_indirectly(*c, *d)
        || calls_indirectly(*a, *b)
}
