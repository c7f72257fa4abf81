//! What the C runtime of Visual C++ does for a Rust program before `main` and around it, for the one processor
//! of which no free runtime is at hand: ARM64. `./dev package --harness` compiles this file alone and links it in place of
//! `libcmt.lib`; on Windows the real one is linked and this is not used. Its tests compile it for x86-64 as well and run
//! the program under Wine.
//!
//! Only what the standard library asks for stands here: the entry, thread-local storage, and the words that
//! the compiler writes into every object. Memory functions come from ntdll.dll, those of C from
//! ucrtbase.dll (`../imports/std.txt`). There is no
//! unwinding: the programs abort on a panic.
#![no_std]

use core::ffi::{c_char, c_int, c_void};

unsafe extern "C" {
    /// Rust's own, which the compiler writes for `fn main`.
    fn main(count: c_int, words: *const *const c_char) -> c_int;
}

#[link(name = "kernel32")]
unsafe extern "system" {
    fn ExitProcess(status: u32) -> !;
}

/// Where the system starts the program. The standard library takes the command line from the system and not
/// from the arguments of `main` (std::env::args on Windows), so these may be empty.
#[unsafe(no_mangle)]
extern "C" fn mainCRTStartup() -> ! {
    // SAFETY: Rust's main looks at as many words as it is told, which is none.
    let status = unsafe { main(0, core::ptr::null()) };
    // SAFETY: nothing follows.
    unsafe { ExitProcess(status.cast_unsigned()) }
}

/// The frame handler of C++ exceptions. Nothing throws one; of a fault of the processor each handler on the stack
/// is asked in turn: ExceptionContinueSearch (1) leaves it to the next.
#[unsafe(no_mangle)]
extern "C" fn __CxxFrameHandler3() -> c_int {
    1
}

/// "This object uses floating point", of which nothing here has to know.
#[unsafe(no_mangle)]
static _fltused: c_int = 0;

/// The table of `type_info`, which the description of Rust's own panics points to. Nobody calls what it holds.
#[unsafe(export_name = "??_7type_info@@6B@")]
static TYPE_INFO: [usize; 2] = [0; 2];

// Thread-local storage (PE/COFF, "The .tls Section"): the linker sorts the parts of a section by what follows
// the dollar sign, so these two lie around all variables, and the other two around all callbacks.
#[unsafe(no_mangle)]
#[unsafe(link_section = ".tls")]
static mut _tls_start: usize = 0;
#[unsafe(no_mangle)]
#[unsafe(link_section = ".tls$ZZZ")]
static mut _tls_end: usize = 0;
#[unsafe(no_mangle)]
#[unsafe(link_section = ".CRT$XLA")]
static __xl_a: usize = 0;
#[unsafe(no_mangle)]
#[unsafe(link_section = ".CRT$XLZ")]
static __xl_z: usize = 0;

/// The number that the loader gives to this program's storage.
#[unsafe(no_mangle)]
static mut _tls_index: u32 = 0;

/// IMAGE_TLS_DIRECTORY64 (winnt.h).
#[repr(C)]
struct TlsDirectory {
    start: *const c_void,
    end: *const c_void,
    index: *const c_void,
    callbacks: *const c_void,
    zero_fill: u32,
    characteristics: u32,
}

// SAFETY: nothing of this program reads it; the loader does, once.
unsafe impl Sync for TlsDirectory {}

/// The linker enters what has this name into the directory of the image.
#[unsafe(no_mangle)]
static _tls_used: TlsDirectory = TlsDirectory {
    start: (&raw const _tls_start).cast(),
    end: (&raw const _tls_end).cast(),
    index: (&raw const _tls_index).cast(),
    // Behind the zero that opens the list; the other one ends it.
    callbacks: (&raw const __xl_a).wrapping_add(1).cast(),
    zero_fill: 0,
    characteristics: 0,
};
