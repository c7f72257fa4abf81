//! A file-system control from its caller through the filters to the file system and back: what
//! `NtFsControlFile` does for METHOD_BUFFERED codes.
//!
//! The system buffer has room for the longer of input and output and its end is flush against a
//! page without access. With no output that is the end of the input, so reading one byte too many
//! faults; if the output is longer, what follows the input is the garbage [`STALE`], as pool memory is
//! on Windows ("Buffer Descriptions for I/O Control Codes"). Rules for NULL and access follow the
//! documentation of `NtFsControlFile` and "Security Issues for I/O Control Codes".

use std::sync::Arc;

use super::answer::file_system;
use super::file::file_of_handle;
use super::{FileObject, Handle, MinorFunction, MountedVolume, RequestOptions, Rewrite};
use crate::boundary::guest::{Guest, HostPlace};
use crate::boundary::memory::{Access, BlockSpec};
use crate::boundary::steps::{self, Write};
use crate::fltmgr::{self, Completion, Descent, Request};
use crate::machine::Machine;
use crate::process::Running;
use crate::status::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_HANDLE,
    STATUS_INVALID_PARAMETER, STATUS_PENDING, STATUS_VOLUME_DISMOUNTED,
};
use crate::thread::{KernelThread, Mode, Thread, UserThread};
use crate::verifier::{self, Rule, Violation};
use crate::volume::FSCTL_SET_SPARSE;

/// What fills a system buffer behind the input.
const STALE: u8 = 0xA5;

/// The final status of an operation, and its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IoStatus {
    /// The NTSTATUS.
    pub status: NtStatus,
    /// `IO_STATUS_BLOCK.Information`.
    pub information: u64,
    /// What arrived in the caller's output buffer.
    pub output: Vec<u8>,
}

impl IoStatus {
    /// A failure before any request exists.
    fn refused(status: NtStatus) -> Self {
        Self {
            status,
            information: 0,
            output: Vec::new(),
        }
    }
}

/// A file-system control to send.
#[derive(Clone, Debug)]
pub struct FsControl<'a> {
    /// The handle it is sent to.
    pub handle: Handle,
    /// The control code; only METHOD_BUFFERED ones are modelled.
    pub code: u32,
    /// The input; `None` is a NULL buffer.
    pub input: Option<&'a [u8]>,
    /// Bytes of the output buffer.
    pub output_length: u32,
    /// How it is carried.
    pub options: RequestOptions,
}

/// A request with everything that was captured for it.
struct Prepared {
    request: Arc<Request>,
    machine: Arc<Machine>,
}

/// Lowest two bits of a control code: METHOD_BUFFERED is 0 (`CTL_CODE`).
const METHOD_MASK: u32 = 3;

/// The access bits of a code demand FILE_READ_DATA (1) and FILE_WRITE_DATA (2) of the handle.
const fn demanded_access(code: u32) -> u32 {
    (code >> 14) & 3
}

/// Checks the caller's arguments and builds the request; `Err` is a status given before a request
/// exists, which no filter ever sees.
fn prepare(thread: &Arc<Thread>, control: &FsControl<'_>) -> Result<Prepared, NtStatus> {
    let mode = thread.mode();
    let (file, granted) = file_of_handle(thread, mode, control.handle)?;
    let demanded = demanded_access(control.code);
    if mode == Mode::User && granted & demanded != demanded {
        return Err(STATUS_ACCESS_DENIED);
    }
    let volume = file
        .volume()
        .cloned()
        .ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
    if volume.is_dismounted() {
        return Err(STATUS_VOLUME_DISMOUNTED);
    }
    if !file.hold_if_held() {
        return Err(STATUS_INVALID_HANDLE);
    }
    let built = verifier::settle(build(thread, control, (Arc::clone(&file), volume)));
    let Some(prepared) = built else {
        file.let_go(thread.machine());
        return Err(STATUS_INVALID_PARAMETER);
    };
    // The thread that asks holds it too.
    let _held = thread.process().hold();
    Ok(prepared)
}

fn build(
    thread: &Arc<Thread>,
    control: &FsControl<'_>,
    (file, volume): (Arc<FileObject>, Arc<MountedVolume>),
) -> Result<Option<Prepared>, Violation> {
    let machine = thread.machine();
    if control.code & METHOD_MASK != 0 {
        let detail = format!("control code {:#x} is not METHOD_BUFFERED", control.code);
        return Err(Violation::new(Rule::NotModelled, detail));
    }
    let input = control.input.unwrap_or_default();
    let Ok(input_length) = u32::try_from(input.len()) else {
        return Ok(None);
    };
    let minor = control
        .options
        .minor_function()
        .unwrap_or(match thread.mode() {
            Mode::User => MinorFunction::UserRequest,
            Mode::Kernel => MinorFunction::KernelCall,
        });
    let id = machine.io().next_request();
    let claimed = control.options.claimed_input_length();
    let system_buffer = match claimed {
        Some(_) => 0,
        None => system_buffer(machine, id, input, control.output_length)?,
    };
    let request = Request {
        id,
        originator: Arc::clone(thread),
        mode: thread.mode(),
        minor,
        file,
        volume,
        code: control.code,
        input_length: claimed.unwrap_or(input_length),
        output_length: control.output_length,
        system_buffer,
        options: control.options.clone(),
    };
    Ok(Some(Prepared {
        request: Arc::new(request),
        machine: Arc::clone(machine),
    }))
}

/// Copies the input once, into a new system buffer; 0 when both lengths are zero.
fn system_buffer(machine: &Machine, id: u64, input: &[u8], output: u32) -> Result<u64, Violation> {
    let size = (input.len() as u64).max(u64::from(output));
    if size == 0 {
        return Ok(0);
    }
    let spec = BlockSpec::new(size, format!("system buffer of request {id}"));
    let spec = BlockSpec {
        align: 1,
        access: Access::None,
        fill: STALE,
        ..spec
    };
    let address = machine.memory().allocate(spec)?;
    Guest::new(machine.memory(), 0).host_write(address, input)?;
    Ok(address)
}

/// Sends the request down on `thread`; the file system has answered when this returns.
fn descend(thread: &Arc<Thread>, prepared: &Prepared) -> Result<(Descent, Completion), Violation> {
    let request = &prepared.request;
    let before = thread.has_top_level_irp();
    thread.set_top_level_irp(before || request.options.has_top_level_irp());
    let go = || match request.options.rewrite() {
        Some(rewrite) => descend_rewritten(thread, request, rewrite),
        None => fltmgr::descend(thread, request),
    };
    let descent = if request.options.is_in_critical_region() {
        thread.in_critical_region(go)
    } else {
        go()
    };
    thread.set_top_level_irp(before);
    let descent = descent?;
    let completion = match descent.completed() {
        Some(completion) => completion,
        None => file_system(thread, request)?,
    };
    Ok((descent, completion))
}

/// Sends a request through the filters, and writes to its system buffer meanwhile.
fn descend_rewritten(
    thread: &Arc<Thread>,
    request: &Arc<Request>,
    rewrite: &Rewrite,
) -> Result<Descent, Violation> {
    let machine = thread.machine();
    let range = machine.image_range(&rewrite.driver).unwrap_or_default();
    let length = rewrite.input.len() as u64;
    let write = Write {
        behind: rewrite.behind,
        place: HostPlace::of(machine.memory(), request.system_buffer, length)?,
        bytes: rewrite.input.clone(),
    };
    steps::write_meanwhile(range, write, || fltmgr::descend(thread, request))
}

/// Carries the answer up through the filters and back to the caller, and ends the request. A request
/// that is to be held is held here: the file system has worked on it and has not said so yet.
fn finish(
    thread: &Arc<Thread>,
    prepared: &Prepared,
    (descent, completion): (Descent, Completion),
) -> Result<IoStatus, Violation> {
    let (request, machine) = (&prepared.request, &prepared.machine);
    if descent.completed().is_none()
        && let Some(hold) = request.options.held_by()
    {
        hold.pass();
    }
    let completion = fltmgr::ascend(thread, descent, completion)?;
    let output = copy_back(machine, request, completion)?;
    if request.system_buffer != 0 {
        let by = format!("the completion of request {}", request.id);
        machine.memory().free(request.system_buffer, &by)?;
    }
    request.file.let_go(machine);
    request.originator.process().let_go();
    let Completion {
        status,
        information,
    } = completion;
    Ok(IoStatus {
        status,
        information,
        output,
    })
}

/// "The I/O manager copies the output to the caller": Information bytes, unless the status is an
/// error, and never more than the caller has room for.
fn copy_back(
    machine: &Machine,
    request: &Request,
    completion: Completion,
) -> Result<Vec<u8>, Violation> {
    const ERROR: u32 = 0xC000_0000;
    if request.output_length == 0 || completion.status.0 >= ERROR {
        return Ok(Vec::new());
    }
    if completion.information > u64::from(request.output_length) {
        let detail = format!(
            "request {} ends with Information {} for an output buffer of {} bytes",
            request.id, completion.information, request.output_length
        );
        return Err(Violation::new(Rule::CallbackData, detail));
    }
    Guest::new(machine.memory(), 0).host_read(request.system_buffer, completion.information)
}

/// Carries a request on `thread` from the filters to the file system and back.
fn carry(thread: &Arc<Thread>, prepared: &Prepared) -> IoStatus {
    let outcome = descend(thread, prepared).and_then(|reached| finish(thread, prepared, reached));
    verifier::settle(outcome)
}

fn fs_control(thread: &Arc<Thread>, control: &FsControl<'_>) -> IoStatus {
    let prepared = match prepare(thread, control) {
        Ok(prepared) => prepared,
        Err(status) => return IoStatus::refused(status),
    };
    if prepared.request.options.is_posted() {
        let system = thread.machine().system();
        return system.run_kernel(|worker| carry(worker.thread(), &prepared));
    }
    carry(thread, &prepared)
}

/// A request that the file system answers later, on another thread.
#[derive(Debug)]
pub struct PendingControl(State);

#[derive(Debug)]
enum State {
    Complete(IoStatus),
    Running(Running<IoStatus>),
}

impl PendingControl {
    /// What `NtFsControlFile` answers: STATUS_PENDING, or the final status if the request is complete.
    #[must_use]
    pub fn answered(&self) -> NtStatus {
        match &self.0 {
            State::Complete(status) => status.status,
            State::Running(_) => STATUS_PENDING,
        }
    }

    /// Waits for the completion.
    #[must_use]
    pub fn wait(self) -> IoStatus {
        match self.0 {
            State::Complete(status) => status,
            State::Running(running) => running.join(),
        }
    }
}

/// Sends a request down; the file system answers STATUS_PENDING and completes on another thread. For a
/// file object that was opened for synchronous I/O the I/O manager waits for that (windows-driver-docs,
/// "Synchronous and Asynchronous I/O").
fn start_fs_control(thread: &Arc<Thread>, control: &FsControl<'_>) -> PendingControl {
    let prepared = match prepare(thread, control) {
        Ok(prepared) => prepared,
        Err(status) => return PendingControl(State::Complete(IoStatus::refused(status))),
    };
    let reached = verifier::settle(descend(thread, &prepared));
    if reached.0.is_synchronized() {
        let status = verifier::settle(finish(thread, &prepared, reached));
        return PendingControl(State::Complete(status));
    }
    let system = thread.machine().system();
    let synchronous = prepared.request.file.is_synchronous();
    let running = system
        .spawn_kernel(move |worker| verifier::settle(finish(worker.thread(), &prepared, reached)));
    PendingControl(if synchronous {
        State::Complete(running.join())
    } else {
        State::Running(running)
    })
}

macro_rules! control_calls {
    ($($thread:ident)*) => {
        $(
            impl $thread {
                /// Sends a file-system control and waits for its end.
                #[must_use]
                pub fn fs_control(&self, handle: Handle, code: u32, input: Option<&[u8]>, output_length: u32) -> IoStatus {
                    let options = RequestOptions::default();
                    self.fs_control_with(&FsControl { handle, code, input, output_length, options })
                }

                /// Sends a file-system control as its options say and waits for its end.
                #[must_use]
                pub fn fs_control_with(&self, control: &FsControl<'_>) -> IoStatus {
                    fs_control(self.thread(), control)
                }

                /// Sends a file-system control that the file system completes on another thread.
                ///
                /// A filter that synchronises the request makes it complete before this returns, and so
                /// does a handle for synchronous I/O.
                #[must_use]
                pub fn start_fs_control(&self, control: &FsControl<'_>) -> PendingControl {
                    start_fs_control(self.thread(), control)
                }

                /// FSCTL_SET_SPARSE.
                ///
                /// # Errors
                ///
                /// The status of the request.
                pub fn set_sparse(&self, handle: Handle, sparse: bool) -> Result<(), NtStatus> {
                    let answer = self.fs_control(handle, FSCTL_SET_SPARSE, Some(&[u8::from(sparse)]), 0);
                    if answer.status.is_success() { Ok(()) } else { Err(answer.status) }
                }
            }
        )*
    };
}

control_calls! { UserThread KernelThread }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{FILE_READ_DATA, FILE_WRITE_DATA};

    #[test]
    fn the_access_bits_of_a_code_are_those_of_the_data_rights() {
        assert_eq!(demanded_access(0x0009_8344), FILE_WRITE_DATA);
        assert_eq!(demanded_access(0x0009_027C), 0);
        assert_eq!(
            demanded_access(0x0009_C280),
            FILE_READ_DATA | FILE_WRITE_DATA
        );
    }
}
