//! The end of a process: its handles, its connections, and word to the drivers that asked for it.
//!
//! A process object outlives its process as long as a thread, a request or a driver holds it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Process;
use crate::io;
use crate::ntos::process_notify::{self, Event};
use crate::thread::{Mode, Thread};
use crate::verifier::{self, Rule, Violation};

impl Process {
    /// Ends the process as its program does: drivers are told in its last thread, then its handles are closed.
    ///
    /// Its other threads must have returned, or be about to.
    pub fn exit(self: &Arc<Self>) {
        self.end(|process, thread| {
            process_notify::tell(thread, process, Event::Ended);
            process.close_everything(thread);
        });
    }

    /// Ends the process from outside, at any instant: whatever its threads wait for in a port comes to an end.
    ///
    /// No page says whether drivers are told before the handles are closed or after: here it is after, with
    /// [`Self::exit`] before.
    pub fn kill(self: &Arc<Self>) {
        self.end(|process, thread| {
            process.close_everything(thread);
            process_notify::tell(thread, process, Event::Ended);
        });
    }

    /// Whether it has ended, or is about to.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Runs `body` on the last thread of the process, once.
    fn end(self: &Arc<Self>, body: impl FnOnce(&Arc<Self>, &Arc<Thread>) + Send) {
        if self.id == self.machine().system().id() {
            let detail = "the System process does not end";
            verifier::stop(&Violation::new(Rule::Testbed, detail));
        }
        if !self.ended.swap(true, Ordering::SeqCst) {
            self.run_scoped(Mode::User, |thread| body(self, thread));
            self.let_go();
        }
    }

    fn close_everything(self: &Arc<Self>, thread: &Arc<Thread>) {
        let machine = self.machine();
        for (value, _) in self.handles.all() {
            // A thread that still runs may have closed it meanwhile.
            let _closed = io::close_handle(&machine, self, Mode::User, value);
        }
        let connections = std::mem::take(&mut *super::lock(&self.connections));
        for connection in connections.iter().filter_map(std::sync::Weak::upgrade) {
            verifier::settle(connection.disconnect(thread));
        }
    }

    /// A thread or a request holds the process object; `false` when that is gone.
    pub(crate) fn hold(&self) -> bool {
        let more = |holders: u32| (holders != 0).then(|| holders + 1);
        let held = self
            .holders
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        held.is_ok()
    }

    /// It no longer does.
    pub(crate) fn let_go(&self) {
        if self.holders.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.machine().objects().release(self.object);
        }
    }
}
