//! Instances: one filter on one volume, and the requests it has seen but not completed.
//!
//! Each request for which a pre-operation asked for a post-operation is a [`Node`]. It leaves the
//! list exactly once: to be completed, or to be drained when the instance is torn down. Callbacks in
//! progress are counted with the thread that runs them.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};

use super::dispatch::Request;
use super::frame::Frame;
use super::lock;
use super::registry::Filter;
use crate::boundary::import::Call;
use crate::io::MountedVolume;
use crate::machine::Machine;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::verifier::{Rule, Violation};

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum InstancePhase {
    /// Its setup callback is running, or is about to.
    #[default]
    Attaching,
    /// Requests are shown to it.
    Attached,
    /// No new requests; those it has seen come to their end.
    TearingDown,
    /// Torn down, or never attached.
    Gone,
}

#[derive(Debug, Default)]
struct State {
    phase: InstancePhase,
    /// Threads that run a callback for a request.
    active: Vec<u64>,
    pending: Vec<Arc<Node>>,
}

/// One filter on one volume.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(super) filter: Arc<Filter>,
    pub(super) volume: Arc<MountedVolume>,
    /// Its `PFLT_INSTANCE`.
    pub(super) address: ObjectAddress,
    state: Mutex<State>,
    changed: Condvar,
}

/// A request between pre- and post-operation of one instance.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) request: Arc<Request>,
    /// The structures that the post-operation gets back.
    pub(super) frame: Frame,
    /// What the pre-operation stored as completion context.
    pub(super) context: u64,
    /// Whether the pre-operation returned FLT_PREOP_SYNCHRONIZE.
    pub(super) synchronized: bool,
}

impl Instance {
    /// A new instance, attaching.
    pub(super) fn create(
        machine: &Machine,
        filter: &Arc<Filter>,
        volume: &Arc<MountedVolume>,
    ) -> Arc<Self> {
        let label = format!("FLT_INSTANCE of {} on {}", filter.name, volume.name());
        Arc::new_cyclic(|me: &Weak<Self>| Self {
            filter: Arc::clone(filter),
            volume: Arc::clone(volume),
            address: machine
                .objects()
                .create(Kind::Instance, label, Arc::new(me.clone())),
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Name of the filter.
    pub(crate) fn filter_name(&self) -> &str {
        &self.filter.name
    }

    /// Whether it is going or gone.
    pub(super) fn is_ending(&self) -> bool {
        let phase = self.phase();
        matches!(phase, InstancePhase::TearingDown | InstancePhase::Gone)
    }

    pub(super) fn phase(&self) -> InstancePhase {
        lock(&self.state).phase
    }

    pub(super) fn attached(&self) {
        lock(&self.state).phase = InstancePhase::Attached;
        self.changed.notify_all();
    }

    /// Ends the life of the instance; a driver that holds a reference can still ask about it.
    pub(super) fn discard(self: &Arc<Self>, machine: &Machine) {
        lock(&machine.filter_manager().gone).push(Arc::clone(self));
        lock(&self.state).phase = InstancePhase::Gone;
        self.changed.notify_all();
        machine.objects().release(self.address);
    }

    /// Notes that `thread` is going to run the pre-operation; `None` when no new requests are shown.
    pub(super) fn enter(&self, thread: u64) -> Option<Active<'_>> {
        let mut state = lock(&self.state);
        (state.phase == InstancePhase::Attached).then(|| {
            state.active.push(thread);
            Active {
                instance: self,
                thread,
            }
        })
    }

    /// Puts a request whose post-operation is wanted on the list.
    pub(super) fn hold(&self, node: &Arc<Node>) {
        lock(&self.state).pending.push(Arc::clone(node));
    }

    /// Takes a request off the list to complete it on `thread`; `None` when it has been drained.
    pub(super) fn take(&self, node: &Arc<Node>, thread: u64) -> Option<Active<'_>> {
        let mut state = lock(&self.state);
        let index = state
            .pending
            .iter()
            .position(|other| Arc::ptr_eq(other, node))?;
        state.pending.remove(index);
        state.active.push(thread);
        Some(Active {
            instance: self,
            thread,
        })
    }

    /// Shows no new requests from here on; `false` when somebody else is tearing it down already.
    pub(super) fn begin_teardown(&self) -> bool {
        let mut state = lock(&self.state);
        let first = state.phase == InstancePhase::Attached;
        if first {
            state.phase = InstancePhase::TearingDown;
        }
        first
    }

    /// Waits until its setup has an end.
    pub(super) fn wait_until_set_up(&self) {
        self.wait_while(|phase| phase == InstancePhase::Attaching);
    }

    /// Waits until whoever tears it down has finished.
    pub(super) fn wait_until_gone(&self) {
        self.wait_while(|phase| phase != InstancePhase::Gone);
    }

    fn wait_while(&self, is_so: impl Fn(InstancePhase) -> bool) {
        let state = lock(&self.state);
        let waited = self.changed.wait_while(state, |state| is_so(state.phase));
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until no callback runs and takes all requests that wait for their post-operation; `None`
    /// when nothing is left. Synchronised ones too: "If the filter is draining, Filter Manager does
    /// not sync back to the original thread" ("Returning FLT_PREOP_SYNCHRONIZE").
    ///
    /// # Errors
    ///
    /// [`Rule::Unload`] when `thread` itself runs a callback of the instance: it would wait for
    /// itself.
    pub(super) fn drainable(&self, thread: u64) -> Result<Option<Vec<Arc<Node>>>, Violation> {
        let mut state = lock(&self.state);
        loop {
            if state.active.contains(&thread) {
                let detail = "FltUnregisterFilter from a callback of the filter waits for itself";
                return Err(Violation::new(Rule::Unload, detail));
            }
            if state.active.is_empty() {
                let nodes = std::mem::take(&mut state.pending);
                return Ok((!nodes.is_empty()).then_some(nodes));
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A callback in progress; ends when dropped.
#[derive(Debug)]
pub(super) struct Active<'a> {
    instance: &'a Instance,
    thread: u64,
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.instance.state);
        if let Some(index) = state
            .active
            .iter()
            .position(|thread| *thread == self.thread)
        {
            state.active.swap_remove(index);
        }
        self.instance.changed.notify_all();
    }
}

/// The instance at `address`, which must belong to the driver that calls.
pub(super) fn own_instance(call: &Call, address: u64) -> Result<Arc<Instance>, Violation> {
    let address = ObjectAddress(address);
    let weak: Arc<Weak<Instance>> = call.machine().objects().payload(address, Kind::Instance)?;
    let instance = weak
        .upgrade()
        .ok_or_else(|| call.violation(Rule::UseAfterFree, "the instance has been torn down"))?;
    if instance.filter.driver != call.driver() {
        let detail = format!("the PFLT_INSTANCE is that of {}", instance.filter.name);
        return Err(call.violation(Rule::Argument, detail));
    }
    Ok(instance)
}
