//! Callers: processes of the modelled machine. Each call runs on a thread of its own.

use std::sync::{Arc, Mutex, PoisonError};

use testbed::io::{FsControl, Handle, IoStatus, MinorFunction, RequestOptions, VolumeId as BedId};
use testbed::status::NtStatus;
use testbed::volume::OpenRequest;
use testbed::{Machine, Process, ProcessSpec};

use crate::stage::{Actor, Answer, Carriage, Control, Open, RawHandle, Trouble, Who};
use crate::status::Status;

/// The user whose programs send requests.
const USER: &str = "S-1-5-21-1004336348-1177238915-682003330-1001";

/// The user of [`Who::ProgramOfAnother`].
const ANOTHER_USER: &str = "S-1-5-21-1004336348-1177238915-682003330-1002";

/// A process and the mode in which it calls.
pub(super) struct BedActor {
    process: Arc<Process>,
    who: Who,
    /// What it has open; closed when the case ends.
    handles: Mutex<Vec<Handle>>,
}

impl BedActor {
    /// Starts a process whose image is named after `label`.
    pub(super) fn start(machine: &Arc<Machine>, who: Who, label: &str) -> Self {
        let image = format!(r"\Device\HarddiskVolume1\conformance\{label}.exe");
        let spec = ProcessSpec::user(image).user_sid(USER);
        let process = match who {
            Who::Program => machine.create_process(spec),
            Who::ProgramOfAnother => machine.create_process(spec.user_sid(ANOTHER_USER)),
            Who::Program32 | Who::KernelIn32 => machine.create_process(spec.bitness32()),
            Who::Kernel | Who::Server => machine.system(),
        };
        Self {
            process,
            who,
            handles: Mutex::default(),
        }
    }

    fn keep(&self, handle: Handle) -> RawHandle {
        self.lock().push(handle);
        RawHandle(handle.0)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Handle>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the same words on a thread of either mode.
macro_rules! on_thread {
    ($actor:expr, |$thread:ident| $body:expr) => {
        if $actor.who.is_kernel() {
            $actor.process.run_kernel(|$thread| $body)
        } else {
            $actor.process.run(|$thread| $body)
        }
    };
}

impl Actor for BedActor {
    fn open(&self, what: Open<'_>, access: u32) -> Result<RawHandle, Trouble> {
        let opened = match what {
            Open::File(volume, path) => {
                let (volume, request) = (BedId(volume.0), OpenRequest::existing(access));
                if self.who == Who::Server {
                    on_thread!(self, |thread| thread
                        .create_remote_file(volume, path, &request))
                } else {
                    on_thread!(self, |thread| thread.create_file(volume, path, &request))
                }
            }
            Open::Directory(volume, path) => {
                let request = OpenRequest::create_directory(access);
                on_thread!(self, |thread| thread.create_file(
                    BedId(volume.0),
                    path,
                    &request
                ))
            }
            Open::Volume(volume) => {
                on_thread!(self, |thread| thread.open_volume(BedId(volume.0), access))
            }
            Open::Pipe => {
                let name = r"\Device\NamedPipe\conformance";
                Ok(on_thread!(self, |thread| thread.open_foreign(name, access)))
            }
            Open::Event => Ok(on_thread!(self, |thread| thread.create_event())),
        };
        Ok(self.keep(opened.map_err(failed("an open"))?))
    }

    fn duplicate(&self, handle: RawHandle, access: Option<u32>) -> Result<RawHandle, Trouble> {
        let handle = Handle(handle.0);
        let duplicate = on_thread!(self, |thread| thread.duplicate_handle(handle, access));
        Ok(self.keep(duplicate.map_err(failed("duplicating a handle"))?))
    }

    fn close(&self, handle: RawHandle) -> Result<(), Trouble> {
        let handle = Handle(handle.0);
        self.lock().retain(|open| *open != handle);
        on_thread!(self, |thread| thread.close(handle)).map_err(failed("closing"))
    }

    fn control(&self, control: &Control<'_>) -> Result<Answer, Trouble> {
        let control = FsControl {
            handle: Handle(control.to.0),
            code: control.code,
            input: control.input,
            output_length: control.output,
            options: options(control.carriage),
        };
        let IoStatus {
            status,
            information,
            output,
        } = on_thread!(self, |thread| thread.fs_control_with(&control));
        Ok(Answer {
            status: Status(status.0),
            information,
            output,
        })
    }
}

impl Drop for BedActor {
    fn drop(&mut self) {
        for handle in std::mem::take(&mut *self.lock()) {
            // A handle that is gone already was closed by a case on purpose.
            let _closed = on_thread!(self, |thread| thread.close(handle));
        }
    }
}

fn options(carriage: Carriage) -> RequestOptions {
    let usual = RequestOptions::default();
    match carriage {
        Carriage::Usual => usual,
        Carriage::Posted => usual.posted(),
        Carriage::AtApcLevel => usual.at_apc_level(),
        Carriage::WithoutBuffer(length) => usual.claimed_input(length),
        Carriage::KernelCall => usual.minor(MinorFunction::KernelCall),
        Carriage::VerifyVolume => usual.minor(MinorFunction::VerifyVolume),
    }
}

fn failed(doing: &'static str) -> impl Fn(NtStatus) -> Trouble {
    move |status| Trouble::Failed(format!("{doing} failed with {status}"))
}
