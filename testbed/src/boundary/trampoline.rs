//! From the image to the host: one stub per import, one dispatcher for all.
//!
//! The import address table of an image points to [`Trampolines`]: a few bytes of code each, which
//! load the address of their [`Binding`] and jump to `import_entry`. That stores the four register
//! arguments into the home space that the x64 convention reserves above the return address
//! ("x64 calling convention", Microsoft Learn), so that all arguments, variadic ones too, stand in a
//! row, and calls [`dispatch`], which builds a [`Call`], checks the IRQL and runs the handler.
#![expect(
    unsafe_code,
    reason = "is entered from image code and reads what it left in registers"
)]

use std::arch::naked_asm;
use std::ptr;
use std::sync::Arc;

use super::arguments::Answer;
use super::call::check_stack;
use super::import::{Call, Import};
use super::mapping::Mapping;
use super::memory::{Access, PAGE};
use super::steps::Outside;
use crate::symbols::Symbols;
use crate::thread;
use crate::verifier::{self, CallSite, Rule, Violation};

/// What a trampoline passes on: which import of which driver.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) import: &'static Import,
    pub(crate) driver: u32,
    pub(crate) driver_name: Arc<str>,
    pub(crate) symbols: Arc<Symbols>,
    pub(crate) image_base: u64,
}

/// Executable stubs, one per binding, in pages of their own.
#[derive(Debug)]
pub(crate) struct Trampolines {
    code: Mapping,
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
        let mapping = Mapping::anonymous(size)?;
        mapping.fill(&code, Access::Execute)?;
        Ok(Self {
            code: mapping,
            _bindings: bindings,
        })
    }

    /// Address of the stub of the binding with this index.
    pub(crate) fn address(&self, index: usize) -> u64 {
        self.code.start() + (index * STUB_BYTES) as u64
    }
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
    let _outside = Outside::enter();
    // SAFETY: by the contract above the binding is alive: its driver is executing this call.
    let binding = unsafe { &*binding };
    match answer(binding, words, returns_to) {
        Answer::Value(value) => value,
        Answer::ThreadEnds => super::call::leave_thread(),
    }
}

fn answer(binding: &Binding, words: u64, returns_to: u64) -> Answer {
    let Some(thread) = thread::try_current() else {
        let detail = format!(
            "{} called on a thread that is no modelled one",
            binding.import.name
        );
        verifier::stop(&Violation::new(Rule::Testbed, detail));
    };
    let routine = binding.import.name;
    let site = CallSite {
        driver: binding.driver,
        driver_name: Arc::clone(&binding.driver_name),
        symbols: Arc::clone(&binding.symbols),
        routine,
        rva: returns_to.wrapping_sub(binding.image_base),
    };
    thread.enter_call(&site);
    let call = Call::by_image(thread, site, words);
    call.machine().call_counter().note(&call);
    let result = call
        .thread()
        .check_breakpoint(routine)
        .and_then(|()| check_stack(words))
        .and_then(|()| call.check_irql(binding.import.max_irql))
        .and_then(|()| (binding.import.handler)(&call));
    let answer = verifier::settle(result);
    call.thread().leave_call();
    answer
}
