//! The border between host and image: the only unsafe code of the crate.
//!
//! [`memory`] hands out guarded blocks and knows every range that the image may touch; [`guest`] reads
//! and writes there after checking; [`call`] crosses into the image, `trampoline` comes back from it to
//! the routines that [`import`] describes;
//! `crew` lends host threads; `steps` counts instructions, `preemption` holds a thread before one; [`fault`] explains a
//! crash of image code, and gives both of them their traps. All else of the crate is safe code.

pub mod arguments;
pub(crate) mod block;
pub mod call;
pub(crate) mod crew;
pub mod fault;
pub mod guest;
pub mod import;
pub(crate) mod mapping;
pub mod memory;
pub(crate) mod preemption;
pub(crate) mod steps;
pub(crate) mod trampoline;

/// Ends the process at once: no destructors, no exit handlers, no waiting for other threads.
#[expect(
    unsafe_code,
    reason = "the one system call that ends a process without running code of it"
)]
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` takes any integer and touches no memory of the process.
    unsafe { libc::_exit(code) }
}
