//! How the harness wants a request carried: on which thread and at which IRQL the callbacks run, how
//! long the file system holds it, what fails on the way.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::lock;
use crate::boundary::memory::Access;
use crate::ntos::Irql;
use crate::standstill::Waiting;
use crate::status::NtStatus;

/// Minor function of a file-system control (`wdm.h`, `ntifs.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinorFunction {
    /// `IRP_MN_USER_FS_REQUEST`.
    UserRequest,
    /// `IRP_MN_VERIFY_VOLUME`: has no control code and no buffer, answered with success by the file
    /// system of this test-bed. Where the other members would lie is garbage.
    VerifyVolume,
    /// `IRP_MN_KERNEL_CALL`, which has the value of the obsolete `IRP_MN_TRACK_LINK`.
    KernelCall,
}

impl MinorFunction {
    pub(crate) const fn value(self) -> u8 {
        match self {
            Self::UserRequest => 0,
            Self::VerifyVolume => 2,
            Self::KernelCall => 4,
        }
    }

    /// Whether the parameters are a control code with its buffer.
    pub(crate) const fn has_control_code(self) -> bool {
        match self {
            Self::UserRequest | Self::KernelCall => true,
            Self::VerifyVolume => false,
        }
    }
}

/// Where post-operations run that were not synchronised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PostOperation {
    /// In the thread of the pre-operation, at its IRQL.
    SameThread,
    /// In an arbitrary thread, here one of the System process, at DISPATCH_LEVEL: the worst that the
    /// documentation allows, and the default.
    #[default]
    OtherThreadAtDispatch,
}

/// See the module. The default is a plain request with the strictest post-operation.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    post: PostOperation,
    minor: Option<MinorFunction>,
    posted: bool,
    apc_level: bool,
    synchronized_apc_level: bool,
    top_level_irp: bool,
    writable_buffer: bool,
    claimed_input: Option<u32>,
    name_failure: Option<NtStatus>,
    hold: Option<Hold>,
    rewrite: Option<Rewrite>,
    critical_region: bool,
}

/// Somebody else writes to the system buffer while a driver looks at it: a filter above, or the kernel code whose buffer
/// it is.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// The driver.
    pub driver: String,
    /// Behind so many instructions of its pre-operation; 0 is before the first.
    pub behind: u64,
    /// What stands there from then on.
    pub input: Vec<u8>,
}

impl RequestOptions {
    /// Where post-operations run.
    #[must_use]
    pub fn post(self, post: PostOperation) -> Self {
        Self { post, ..self }
    }

    /// The minor function; otherwise it is the one that belongs to the mode of the caller.
    #[must_use]
    pub fn minor(self, minor: MinorFunction) -> Self {
        Self {
            minor: Some(minor),
            ..self
        }
    }

    /// A filter above has posted the request: everything below runs in a worker thread of the System
    /// process. The file system resolves handles there too, as it would on Windows.
    #[must_use]
    pub fn posted(self) -> Self {
        Self {
            posted: true,
            ..self
        }
    }

    /// Pre-operations run at APC_LEVEL.
    #[must_use]
    pub fn at_apc_level(self) -> Self {
        Self {
            apc_level: true,
            ..self
        }
    }

    /// Post-operations that were synchronised run at APC_LEVEL, the highest level that is allowed.
    #[must_use]
    pub fn synchronized_at_apc_level(self) -> Self {
        Self {
            synchronized_apc_level: true,
            ..self
        }
    }

    /// A top-level IRP is set in the thread that runs the pre-operations.
    #[must_use]
    pub fn top_level_irp(self) -> Self {
        Self {
            top_level_irp: true,
            ..self
        }
    }

    /// The driver can write to the system buffer, and is reported afterwards if it did. Otherwise
    /// the write itself faults, which names the instruction.
    #[must_use]
    pub fn writable_system_buffer(self) -> Self {
        Self {
            writable_buffer: true,
            ..self
        }
    }

    /// The request comes from a driver that built it itself: it claims this much input and has no
    /// system buffer. For kernel-mode callers, with no input and no output.
    #[must_use]
    pub fn claimed_input(self, length: u32) -> Self {
        Self {
            claimed_input: Some(length),
            ..self
        }
    }

    /// Asking the file system for a name fails with this status; names in the cache are still found.
    #[must_use]
    pub fn names_fail(self, status: NtStatus) -> Self {
        Self {
            name_failure: Some(status),
            ..self
        }
    }

    /// The file system holds the request until `hold` is released.
    #[must_use]
    pub fn hold(self, hold: &Hold) -> Self {
        Self {
            hold: Some(hold.clone()),
            ..self
        }
    }

    /// APCs are disabled in the thread that runs the pre-operations.
    #[must_use]
    pub fn in_critical_region(self) -> Self {
        Self {
            critical_region: true,
            ..self
        }
    }

    /// The input is written anew while a driver looks at it. Every instruction of the driver is stepped for that, so
    /// that it comes between the same two in each run.
    #[must_use]
    pub fn rewritten(self, rewrite: Rewrite) -> Self {
        Self {
            rewrite: Some(rewrite),
            ..self
        }
    }

    pub(super) const fn is_in_critical_region(&self) -> bool {
        self.critical_region
    }

    pub(crate) const fn rewrite(&self) -> Option<&Rewrite> {
        self.rewrite.as_ref()
    }

    pub(crate) const fn post_operation(&self) -> PostOperation {
        self.post
    }

    pub(super) const fn minor_function(&self) -> Option<MinorFunction> {
        self.minor
    }

    pub(super) const fn is_posted(&self) -> bool {
        self.posted
    }

    pub(crate) const fn pre_at_apc_level(&self) -> bool {
        self.apc_level
    }

    pub(crate) const fn synchronized_level(&self) -> Irql {
        if self.synchronized_apc_level {
            Irql::Apc
        } else {
            Irql::Passive
        }
    }

    pub(super) const fn has_top_level_irp(&self) -> bool {
        self.top_level_irp
    }

    pub(crate) const fn system_buffer_access(&self) -> Access {
        if self.writable_buffer {
            Access::ReadWrite
        } else {
            Access::ReadOnly
        }
    }

    pub(super) const fn claimed_input_length(&self) -> Option<u32> {
        self.claimed_input
    }

    pub(crate) const fn name_failure(&self) -> Option<NtStatus> {
        self.name_failure
    }

    pub(super) fn held_by(&self) -> Option<&Hold> {
        self.hold.as_ref()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct HoldState {
    arrived: usize,
    released: bool,
}

/// A barrier in the file system: requests wait there until the harness lets them go.
#[derive(Clone, Debug, Default)]
pub struct Hold(Arc<(Mutex<HoldState>, Condvar)>);

impl Hold {
    /// A closed barrier.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until `count` requests have arrived since the barrier was made.
    pub fn wait_for(&self, count: usize) {
        let _waiting = Waiting::begin("requests that come to a file system");
        self.wait_until(|state| state.arrived >= count);
    }

    /// Waits until a request has arrived, or all are let go; whether one has arrived. For a request that may end before
    /// it comes here, if its sender lets all go behind its end.
    #[must_use]
    pub fn wait_for_one_or_release(&self) -> bool {
        let awaited = "a request that comes to a file system, or the end of its sender";
        let _waiting = Waiting::begin(awaited);
        self.wait_until(|state| state.arrived > 0 || state.released);
        lock(&self.0.0).arrived > 0
    }

    /// Lets go all requests, later ones too.
    pub fn release(&self) {
        let (state, changed) = &*self.0;
        lock(state).released = true;
        changed.notify_all();
    }

    /// A request arrives and waits.
    pub(crate) fn pass(&self) {
        let (state, changed) = &*self.0;
        lock(state).arrived += 1;
        changed.notify_all();
        self.wait_until(|state| state.released);
    }

    fn wait_until(&self, done: impl Fn(&HoldState) -> bool) {
        let (state, changed) = &*self.0;
        let mut state = lock(state);
        while !done(&state) {
            state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_counts_who_arrives_and_lets_all_go() {
        let hold = Hold::new();
        std::thread::scope(|scope| {
            let first = scope.spawn(|| hold.pass());
            let second = scope.spawn(|| hold.pass());
            hold.wait_for(2);
            assert!(!first.is_finished() && !second.is_finished());
            hold.release();
        });
        hold.pass();
        assert_eq!(lock(&hold.0.0).arrived, 3);
    }

    #[test]
    fn who_waits_learns_that_nobody_came() {
        let hold = Hold::new();
        hold.release();
        assert!(!hold.wait_for_one_or_release());
        hold.pass();
        assert!(hold.wait_for_one_or_release());
    }

    #[test]
    fn only_requests_with_a_code_have_its_members() {
        assert!(MinorFunction::KernelCall.has_control_code());
        assert!(!MinorFunction::VerifyVolume.has_control_code());
    }
}
