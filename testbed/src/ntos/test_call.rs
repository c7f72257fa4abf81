//! Calls of handlers by the host, for the tests beside them.

use std::sync::Arc;

use crate::boundary::import::Call;
use crate::boundary::memory::BlockSpec;
use crate::machine::{BootOptions, Machine};
use crate::process::ProcessSpec;
use crate::thread::Thread;
use crate::verifier::{Rule, Violation};

/// Runs `body` with a call by a kernel thread of the System process of a fresh machine.
pub(super) fn in_system<T: Send>(body: impl FnOnce(&Call) -> T + Send) -> T {
    let machine = Machine::boot(BootOptions::default());
    machine
        .system()
        .run_kernel(|thread| body(&call(thread.thread())))
}

/// Runs `body` with a call while a user-mode request of an ordinary process is carried out.
pub(super) fn in_user<T: Send>(body: impl FnOnce(&Call) -> T + Send) -> T {
    let machine = Machine::boot(BootOptions::default());
    let process = machine.create_process(ProcessSpec::user(r"\Device\X\copy.exe"));
    process.run(|thread| body(&call(thread.thread())))
}

fn call(thread: &Arc<Thread>) -> Call {
    Call::by_host(thread, "Routine")
}

/// A zeroed block of `size` bytes for results.
pub(super) fn block(call: &Call, size: u64) -> u64 {
    call.machine()
        .memory()
        .allocate(BlockSpec::new(size, "block of a test"))
        .expect("memory")
}

/// The rule that a result breaks.
pub(super) fn broken<T: std::fmt::Debug>(result: Result<T, Violation>) -> Rule {
    result.expect_err("a violation").rule
}
