//! What the file system makes of a request: the end of the way down.

use std::sync::Arc;

use super::Handle;
use super::file::file_of_handle;
use crate::boundary::guest::Guest;
use crate::fltmgr::{Completion, Request};
use crate::ntos::handle;
use crate::process::Bitness;
use crate::status::{STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS};
use crate::thread::{Mode, Thread};
use crate::verifier::Violation;
use crate::volume::{Caller, CallerMode, ControlRequest, Input, SourceOpen, Status};

/// The file system works on the request, in the context of `thread`.
pub(super) fn file_system(
    thread: &Arc<Thread>,
    request: &Request,
) -> Result<Completion, Violation> {
    let machine = thread.machine();
    let nothing = |status| {
        Ok(Completion {
            status,
            information: 0,
        })
    };
    if !request.minor.has_control_code() {
        return nothing(STATUS_SUCCESS);
    }
    let Some((_, open)) = request.file.open() else {
        return nothing(STATUS_INVALID_DEVICE_REQUEST);
    };
    let guest = Guest::new(machine.memory(), 0);
    let length = request.input_length;
    let bytes;
    // One buffer serves input and output: a request that claims either has it, or was built by a driver.
    let input = if request.system_buffer == 0 && (length != 0 || request.output_length != 0) {
        Input::Missing(length)
    } else {
        bytes = guest.host_read(request.system_buffer, u64::from(length))?;
        Input::Bytes(&bytes)
    };
    let control = ControlRequest {
        code: request.code,
        input,
        output_length: request.output_length,
        caller: caller(request),
    };
    let answer = open.fs_control(&control, &mut |value| resolve(thread, request.mode, value));
    guest.host_write(request.system_buffer, &answer.output)?;
    Ok(Completion {
        status: answer.status.into(),
        information: answer.information,
    })
}

fn caller(request: &Request) -> Caller {
    let mode = match request.mode {
        Mode::User => CallerMode::User,
        Mode::Kernel => CallerMode::Kernel,
    };
    // IoIs32bitProcess: of the IRP, so of the thread that asked.
    let bits32 =
        request.mode == Mode::User && request.originator.process().bitness() == Bitness::Bits32;
    Caller { mode, bits32 }
}

/// What a source handle means in the process of `thread`, for a request of this mode.
fn resolve(thread: &Arc<Thread>, mode: Mode, value: u64) -> Result<SourceOpen, Status> {
    // The pseudo-handles lead to the current process and thread, which are no files (Win32,
    // "GetCurrentProcess function").
    if matches!(value, handle::CURRENT_PROCESS | handle::CURRENT_THREAD) {
        return Err(Status::OBJECT_TYPE_MISMATCH);
    }
    let found = file_of_handle(thread, mode, Handle(value));
    let (file, granted) = found.map_err(|status| Status(status.0))?;
    Ok(match file.open() {
        Some((_, open)) => SourceOpen::Open {
            file: Arc::clone(open),
            granted,
        },
        None => SourceOpen::Foreign,
    })
}

#[cfg(test)]
mod tests {
    use crate::io::{FsControl, RequestOptions, VolumeSpec};
    use crate::machine::{BootOptions, Machine};
    use crate::status::{STATUS_INVALID_PARAMETER, STATUS_SUCCESS};
    use crate::volume::{FILE_GENERIC_READ, FSCTL_GET_INTEGRITY_INFORMATION, OpenRequest};

    #[test]
    fn an_output_that_is_claimed_without_a_buffer_is_written_nowhere() {
        let machine = Machine::boot(BootOptions::default());
        let volume = machine.mount(VolumeSpec::refs(4096)).expect("mounted");
        machine.system().run_kernel(|thread| {
            let request = OpenRequest::create(FILE_GENERIC_READ);
            let handle = thread
                .create_file(volume, r"\a", &request)
                .expect("created");
            let ask = |options| {
                let answer = thread.fs_control_with(&FsControl {
                    handle,
                    code: FSCTL_GET_INTEGRITY_INFORMATION,
                    input: None,
                    output_length: 64,
                    options,
                });
                (answer.status, answer.information)
            };
            let plain = RequestOptions::default();
            assert_eq!(ask(plain.clone()), (STATUS_SUCCESS, 16));
            for claimed in [0, 8] {
                let (status, information) = ask(plain.clone().claimed_input(claimed));
                assert_eq!(
                    (status, information),
                    (STATUS_INVALID_PARAMETER, 0),
                    "{claimed}"
                );
            }
        });
    }
}
