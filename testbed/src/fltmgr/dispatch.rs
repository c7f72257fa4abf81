//! Takes one request down through the instances of a volume and up again.
//!
//! [`descend`] calls the pre-operations from the highest altitude down; when the file system has
//! answered, [`ascend`] calls the post-operations from the lowest up. Every status that a callback
//! returns is judged. Sources:
//! `nc-fltkernel-pflt_pre_operation_callback`, `nc-fltkernel-pflt_post_operation_callback`.

use std::sync::Arc;

use super::frame::{Frame, Stage, UNSET};
use super::instance::{Instance, Node};
use super::judge::{judge_context, judge_edits, judge_post, judge_pre};
use super::layout::{callback_status as answer, flags};
use super::lock;
use super::phase::Callback;
use super::registry::CallbackCall;
use crate::boundary::guest::Guest;
use crate::boundary::memory::BlockSpec;
use crate::io::{FileObject, MinorFunction, MountedVolume, PostOperation, RequestOptions};
use crate::ntos::Irql;
use crate::status::{NtStatus, STATUS_FLT_POST_OPERATION_CLEANUP};
use crate::thread::{Mode, Thread};
use crate::verifier::{self, Rule, Violation};

/// `IO_STATUS_BLOCK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) status: NtStatus,
    pub(crate) information: u64,
}

/// A file-system control on its way.
#[derive(Debug)]
pub(crate) struct Request {
    /// Number of the request, from 1.
    pub(crate) id: u64,
    /// The thread that asked, whichever thread works on it.
    pub(crate) originator: Arc<Thread>,
    pub(crate) mode: Mode,
    pub(crate) minor: MinorFunction,
    pub(crate) file: Arc<FileObject>,
    pub(crate) volume: Arc<MountedVolume>,
    pub(crate) code: u32,
    pub(crate) input_length: u32,
    pub(crate) output_length: u32,
    /// Address of the system buffer, or 0.
    pub(crate) system_buffer: u64,
    pub(crate) options: RequestOptions,
}

impl Request {
    /// Bytes of the system buffer: room for input and output.
    pub(crate) fn system_buffer_length(&self) -> u64 {
        u64::from(self.input_length.max(self.output_length))
    }
}

/// What became of a pre-operation.
enum PreOutcome {
    /// No post-operation for this instance.
    Pass,
    /// A post-operation is wanted.
    Post(Arc<Node>),
    /// The filter has completed the request.
    Complete(Completion),
}

/// A request that has gone down: who waits for its completion, from the top down.
#[derive(Debug)]
pub(crate) struct Descent {
    waiting: Vec<(Arc<Instance>, Arc<Node>)>,
    completed: Option<Completion>,
}

impl Descent {
    /// How a filter completed the request, if one did: then it goes no further.
    pub(crate) fn completed(&self) -> Option<Completion> {
        self.completed
    }

    /// Whether a filter wants its post-operation in the thread of its pre-operation.
    pub(crate) fn is_synchronized(&self) -> bool {
        self.waiting.iter().any(|(_, node)| node.synchronized)
    }
}

/// Calls the pre-operations for `request` on `thread`, from the highest altitude down.
pub(crate) fn descend(thread: &Arc<Thread>, request: &Arc<Request>) -> Result<Descent, Violation> {
    let instances = lock(request.volume.instances()).clone();
    let mut descent = Descent {
        waiting: Vec::new(),
        completed: None,
    };
    for instance in instances {
        match pre_operation(thread, request, &instance)? {
            PreOutcome::Pass => {}
            PreOutcome::Post(node) => descent.waiting.push((instance, node)),
            PreOutcome::Complete(completion) => {
                descent.completed = Some(completion);
                break;
            }
        }
    }
    Ok(descent)
}

/// Calls the post-operations, from the lowest altitude up, and returns the final status.
pub(crate) fn ascend(
    thread: &Arc<Thread>,
    descent: Descent,
    completion: Completion,
) -> Result<Completion, Violation> {
    let mut completion = completion;
    for (instance, node) in descent.waiting.into_iter().rev() {
        completion = complete(thread, &instance, &node, completion)?;
    }
    Ok(completion)
}

fn pre_operation(
    thread: &Arc<Thread>,
    request: &Arc<Request>,
    instance: &Arc<Instance>,
) -> Result<PreOutcome, Violation> {
    let registration = &instance.filter.registration;
    if !registration.filters_requests() {
        return Ok(PreOutcome::Pass);
    }
    // Held until the outcome is on the list of pending requests: a teardown that starts meanwhile
    // waits for this callback and then finds the request.
    let Some(_active) = instance.enter(thread.id()) else {
        return Ok(PreOutcome::Pass);
    };
    let frame = Frame::new(thread.machine(), request, instance)?;
    let answer = if registration.pre == 0 {
        PreAnswer::post_only()
    } else {
        call_pre(thread, request, instance, &frame)?
    };
    if answer.wants_post() {
        let synchronized = answer.outcome == answer::PRE_SYNCHRONIZE;
        let (request, context) = (Arc::clone(request), answer.context);
        let node = Arc::new(Node {
            request,
            frame,
            context,
            synchronized,
        });
        instance.hold(&node);
        return Ok(PreOutcome::Post(node));
    }
    let by = format!(
        "the end of request {} for {}",
        request.id, instance.filter.name
    );
    frame.free(thread.machine(), &by)?;
    Ok(if answer.outcome == answer::PRE_COMPLETE {
        PreOutcome::Complete(answer.io_status)
    } else {
        PreOutcome::Pass
    })
}

/// What a pre-operation returned and left behind.
struct PreAnswer {
    outcome: u32,
    context: u64,
    io_status: Completion,
}

impl PreAnswer {
    /// For a filter that registered a post-operation only.
    fn post_only() -> Self {
        Self {
            outcome: answer::PRE_WITH_CALLBACK,
            context: 0,
            io_status: UNSET,
        }
    }

    fn wants_post(&self) -> bool {
        matches!(
            self.outcome,
            answer::PRE_WITH_CALLBACK | answer::PRE_SYNCHRONIZE
        )
    }
}

/// Calls the pre-operation and judges its answer.
fn call_pre(
    thread: &Arc<Thread>,
    request: &Arc<Request>,
    instance: &Arc<Instance>,
    frame: &Frame,
) -> Result<PreAnswer, Violation> {
    let machine = thread.machine();
    let filter = &instance.filter;
    let label = format!(
        "pre-operation of {} for request {}",
        filter.name, request.id
    );
    let spec = BlockSpec::new(8, format!("CompletionContext of the {label}"));
    let slot = machine.memory().allocate(BlockSpec { align: 8, ..spec })?;
    let before = frame.open(machine, request, Stage::Pre)?;
    let what = CallbackCall {
        callback: Callback::Pre,
        label: &label,
        address: filter.registration.pre,
        request: request.id,
        is_void: false,
    };
    let irql = if request.options.pre_at_apc_level() {
        Irql::Apc
    } else {
        Irql::Passive
    };
    let outcome = thread.at_irql(irql, || {
        filter.call(thread, what, &[frame.data, frame.objects, slot])
    })??;
    let after = frame.close(machine, request)?;
    let context = Guest::new(machine.memory(), 0).read_u64(slot, "CompletionContext")?;
    machine
        .memory()
        .free(slot, &format!("the return of the {label}"))?;
    let completes = outcome == answer::PRE_COMPLETE;
    judge_pre(machine.memory(), instance, request, (outcome, context))
        .and_then(|()| judge_edits(request, (&before, &after), completes))
        .map_err(|(rule, detail)| Violation::new(rule, format!("the {label} {detail}")))?;
    Ok(PreAnswer {
        outcome,
        context,
        io_status: after.io_status(),
    })
}

/// Completes a request at one instance, unless it has been drained there.
fn complete(
    thread: &Arc<Thread>,
    instance: &Arc<Instance>,
    node: &Arc<Node>,
    completion: Completion,
) -> Result<Completion, Violation> {
    if node.synchronized {
        let level = node.request.options.synchronized_level();
        return thread.at_irql(level, || {
            let callback = Callback::SynchronizedPost;
            post_operation(thread, instance, node, completion, callback)
        })?;
    }
    let post =
        |thread: &Arc<Thread>| post_operation(thread, instance, node, completion, Callback::Post);
    match node.request.options.post_operation() {
        PostOperation::SameThread => post(thread),
        PostOperation::OtherThreadAtDispatch => {
            thread.machine().system().run_kernel(|other| {
                // Settled here, so that the report shows the thread on which it happened.
                let at_dispatch = other
                    .thread()
                    .at_irql(Irql::Dispatch, || post(other.thread()));
                Ok(verifier::settle(at_dispatch.and_then(|result| result)))
            })
        }
    }
}

fn post_operation(
    thread: &Arc<Thread>,
    instance: &Arc<Instance>,
    node: &Arc<Node>,
    completion: Completion,
    callback: Callback,
) -> Result<Completion, Violation> {
    let Some(_active) = instance.take(node, thread.id()) else {
        return Ok(completion);
    };
    let stage = Stage::Post(completion);
    call_post(thread, instance, node, (callback, stage))
}

/// Calls the post-operation for a request that is off the list, and frees its structures.
fn call_post(
    thread: &Arc<Thread>,
    instance: &Arc<Instance>,
    node: &Node,
    (callback, stage): (Callback, Stage),
) -> Result<Completion, Violation> {
    let machine = thread.machine();
    let (filter, request) = (&instance.filter, &node.request);
    let draining = callback == Callback::Draining;
    let (kind, frame, post_flags) = if draining {
        let copy = Frame::new(machine, request, instance)?;
        ("draining post-operation", copy, flags::POST_DRAINING)
    } else {
        ("post-operation", node.frame, 0)
    };
    let label = format!("{kind} of {} for request {}", filter.name, request.id);
    judge_context(machine.memory(), node.context)
        .map_err(|(rule, detail)| Violation::new(rule, format!("the {label} {detail}")))?;
    let before = frame.open(machine, request, stage)?;
    let what = CallbackCall {
        callback,
        label: &label,
        address: filter.registration.post,
        request: request.id,
        is_void: false,
    };
    let arguments = [
        frame.data,
        frame.objects,
        node.context,
        u64::from(post_flags),
    ];
    let outcome = filter.call(thread, what, &arguments)?;
    let after = frame.close(machine, request)?;
    judge_post(outcome, draining)
        .and_then(|()| match before.changes(&after) {
            None => Ok(()),
            Some(what) => Err((Rule::CallbackData, format!("changed {what}"))),
        })
        .map_err(|(rule, detail)| Violation::new(rule, format!("the {label} {detail}")))?;
    let by = format!("the return of the {label}");
    frame.free(machine, &by)?;
    if draining {
        node.frame.free(machine, &by)?;
    }
    Ok(after.io_status())
}

/// Calls the post-operation to clean up, for a request that is still in the file system.
pub(super) fn drain(
    thread: &Arc<Thread>,
    instance: &Arc<Instance>,
    node: &Node,
) -> Result<(), Violation> {
    let completion = Completion {
        status: STATUS_FLT_POST_OPERATION_CLEANUP,
        information: 0,
    };
    call_post(
        thread,
        instance,
        node,
        (Callback::Draining, Stage::Draining(completion)),
    )
    .map(drop)
}
