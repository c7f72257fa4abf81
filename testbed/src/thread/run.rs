//! How a modelled thread begins and ends on a thread of the host.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32};
use std::sync::{Arc, Mutex};

use super::{CURRENT, Mode, Thread};
use crate::boundary::fault;
use crate::ntos::object::Kind;
use crate::process::Process;
use crate::standstill::Present;
use crate::verifier::{self, Rule, Violation};

/// Makes the thread and its object before its host thread starts, so that others can refer to it; it holds
/// its process from now on.
pub(crate) fn prepare(process: &Arc<Process>, mode: Mode) -> Arc<Thread> {
    let machine = process.machine();
    let id = machine.next_client_id();
    let kind_label = format!("ETHREAD of thread {id} of {}", process.image_name());
    if !process.hold() {
        let detail = format!(
            "a thread is started in process {}, which is gone",
            process.id()
        );
        verifier::stop(&Violation::new(Rule::Testbed, detail));
    }
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

/// Runs `body` as `thread` on the present thread of the host, which must be fresh: one host thread is one
/// modelled thread.
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
    _present: Present,
}

impl Entered {
    fn new(thread: &Arc<Thread>) -> Self {
        let (stack, size) = verifier::settle(fault::prepare_thread());
        let label = format!("stack of thread {}", thread.id);
        thread.machine.memory().add_stack(stack, size, label);
        let before = CURRENT.replace(Some(Arc::clone(thread)));
        if before.is_some() {
            let detail = "a modelled thread was started on a host thread that is one already";
            verifier::stop(&Violation::new(Rule::Testbed, detail));
        }
        Self {
            thread: Arc::clone(thread),
            stack,
            _present: Present::new(thread),
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
        self.thread.process.let_go();
    }
}
