//! Which callback of a filter the present thread is in, and what may not be called from there.
//!
//! One modelled thread is one real thread, so a thread-local stack is enough. Routines of the filter
//! manager ask [`check`] first.

use std::cell::RefCell;

use crate::boundary::import::Call;
use crate::verifier::{Rule, Violation};

/// A callback of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// `InstanceSetupCallback`.
    Setup,
    /// A pre-operation.
    Pre,
    /// A post-operation, possibly at DISPATCH_LEVEL in an arbitrary thread.
    Post,
    /// A post-operation after FLT_PREOP_SYNCHRONIZE: in the thread of the pre-operation.
    SynchronizedPost,
    /// A post-operation with FLTFL_POST_OPERATION_DRAINING.
    Draining,
    /// `InstanceQueryTeardownCallback`.
    QueryTeardown,
    /// `InstanceTeardownStartCallback`.
    TeardownStart,
    /// `InstanceTeardownCompleteCallback`.
    TeardownComplete,
    /// A context cleanup callback.
    ContextCleanup,
    /// The connect callback of a port.
    Connect,
    /// The disconnect callback of a port.
    Disconnect,
    /// `FilterUnloadCallback`.
    Unload,
}

thread_local! {
    static STACK: RefCell<Vec<Callback>> = const { RefCell::new(Vec::new()) };
}

/// Runs `body` while the thread counts as being inside `callback`.
pub(crate) fn within<T>(callback: Callback, body: impl FnOnce() -> T) -> T {
    STACK.with_borrow_mut(|stack| stack.push(callback));
    let value = body();
    STACK.with_borrow_mut(|stack| stack.pop());
    value
}

/// The innermost callback that the present thread is in.
pub(crate) fn current() -> Option<Callback> {
    STACK.with_borrow(|stack| stack.last().copied())
}

/// What a routine of the filter manager does, as far as callbacks limit it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Gives something back; allowed everywhere.
    Release,
    /// Allocates, gets or sets a context.
    Context,
    /// Waits for a user-mode program.
    Waits,
    /// Anything else.
    Other,
}

/// Refuses `call` where the documentation of the running callback forbids it.
///
/// # Errors
///
/// [`Rule::Draining`], [`Rule::Context`] or [`Rule::Wait`].
pub(crate) fn check(call: &Call, nature: Nature) -> Result<(), Violation> {
    let refused = match (current(), nature) {
        (_, Nature::Release) => None,
        // nc-fltkernel-pflt_post_operation_callback: a draining call cleans up its completion context.
        (Some(Callback::Draining), _) => Some((
            Rule::Draining,
            "a draining post-operation may only release what its completion context holds",
        )),
        // The same page: "It cannot get, set, or delete contexts, but it can release contexts",
        // with FLT_PREOP_SYNCHRONIZE as the exception; at whatever IRQL this call happens to run.
        (Some(Callback::Post), Nature::Context) => Some((
            Rule::Context,
            "a post-operation may release contexts, not get or set them",
        )),
        // nc-fltkernel-pflt_instance_setup_callback, note in the remarks.
        (Some(Callback::Setup), Nature::Waits) => Some((
            Rule::Wait,
            "an instance setup may not talk to another process",
        )),
        // The program gets its handle when the callback has returned: only then can it fetch a message.
        (Some(Callback::Connect), Nature::Waits) => Some((
            Rule::Wait,
            "a connect callback may not send: the program cannot fetch before its connect has ended",
        )),
        _ => None,
    };
    refused.map_or(Ok(()), |(rule, detail)| Err(call.violation(rule, detail)))
}
