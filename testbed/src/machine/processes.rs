//! The processes of a machine: creating one, finding one.

use std::sync::Arc;

use super::{Machine, lock};
use crate::ntos::object::ObjectAddress;
use crate::ntos::process_notify::{self, Event};
use crate::process::{Process, ProcessSpec};
use crate::thread;
use crate::verifier::{self, Rule, Violation};

impl Machine {
    /// Creates a process and tells the drivers that asked for it, in the thread that calls if it is a
    /// modelled one, else in a thread of the parent.
    ///
    /// Ends the run for an id that another process has.
    pub fn create_process(self: &Arc<Self>, spec: ProcessSpec) -> Arc<Process> {
        let creator = thread::try_current();
        let by_default = creator.as_ref().map(|thread| Arc::clone(thread.process()));
        let parent = spec
            .given_parent()
            .or(by_default)
            .unwrap_or_else(|| self.system());
        if let Some(other) = spec.given_id().and_then(|id| self.process(id)) {
            self.refuse_taken_id(&other);
        }
        let process = Process::create(self, spec.parent(&parent));
        lock(&self.processes).push(Arc::clone(&process));
        if self.process_notify().is_empty() {
            return process;
        }
        match creator {
            Some(thread) => process_notify::tell(&thread, &process, Event::Created),
            None => parent.run(|thread| {
                process_notify::tell(thread.thread(), &process, Event::Created);
            }),
        }
        process
    }

    /// Ends the run, and says whose references keep the id from being free.
    fn refuse_taken_id(&self, other: &Process) -> ! {
        let state = if other.has_ended() {
            "which has ended"
        } else {
            "which has not ended"
        };
        let detail = format!(
            "process id {} is that of {}, {state}; referenced by {:?}",
            other.id(),
            other.image_name(),
            self.objects.referenced_by(other.object())
        );
        verifier::stop(&Violation::new(Rule::Testbed, detail));
    }

    /// The process with this id, as long as its object exists: it may have ended.
    #[must_use]
    pub fn process(&self, id: u64) -> Option<Arc<Process>> {
        let processes = lock(&self.processes);
        let exists = |process: &&Arc<Process>| {
            process.id() == id && self.objects.kind(process.object()).is_some()
        };
        processes.iter().rev().find(exists).cloned()
    }

    /// Whether a token is the primary token of a process.
    pub(crate) fn is_primary_token(&self, token: ObjectAddress) -> bool {
        lock(&self.processes)
            .iter()
            .any(|process| process.token() == token)
    }
}
