//! Who asks.

use flt::fsctl::FsControl;
use flt::irql::Passive;
use flt::process::{ImageName, Mode, Process, UserSid};
use flt::status::NtStatus;
use flt::time;
use guard::policy::PathName;
use guard::{Bitness, Name, NameState, Requestor, RequestorMode};

use crate::CloneGuard;

/// What is known of the program, or the driver, that asks.
pub(crate) struct Asker {
    mode: RequestorMode,
    bitness: Bitness,
    process_id: u32,
    thread_id: u32,
    image: Option<Result<ImageName, NtStatus>>,
    user: Option<Result<UserSid, NtStatus>>,
    is_remote: bool,
}

impl Asker {
    /// Finds out. What needs PASSIVE_LEVEL stays unknown without a proof of it.
    pub(crate) fn identify(request: &FsControl<'_, CloneGuard>, passive: Option<Passive>) -> Self {
        let process = request.process();
        let asked = process.as_ref().zip(passive);
        Self {
            mode: mode(request),
            bitness: bitness(request),
            process_id: process.as_ref().map_or(0, Process::id),
            thread_id: process.as_ref().map_or(0, Process::thread_id),
            image: asked.map(|(process, passive)| process.image(passive)),
            user: asked.map(|(process, passive)| process.user(passive)),
            is_remote: request.is_remote(),
        }
    }

    pub(crate) const fn mode(&self) -> RequestorMode {
        self.mode
    }

    pub(crate) const fn bitness(&self) -> Bitness {
        self.bitness
    }

    pub(crate) const fn is_remote(&self) -> bool {
        self.is_remote
    }

    pub(crate) fn user(&self) -> Option<&[u8]> {
        let user = self.user.as_ref()?.as_ref().ok()?;
        Some(user.as_bytes())
    }

    /// For a record of a request that is judged now.
    pub(crate) fn as_requestor(&self) -> Requestor<'_> {
        Requestor {
            mode: self.mode,
            bitness: self.bitness,
            process_id: self.process_id,
            thread_id: self.thread_id,
            remote: Some(self.is_remote),
            user_sid: self.user(),
            user_reason: match &self.user {
                Some(Err(status)) => status.bits(),
                Some(Ok(_)) | None => 0,
            },
            time: time::system_time(),
            started: time::monotonic(),
        }
    }

    /// The image for a record.
    pub(crate) fn image_name(&self) -> Name<'_> {
        match &self.image {
            Some(Ok(image)) => Name {
                units: image.units(),
                state: NameState::Image,
                reason: 0,
            },
            Some(Err(status)) => Name::absent(status.bits()),
            None => Name::absent(0),
        }
    }

    /// The image for the policy. A process without one has an empty name, which is known and matches no
    /// pattern.
    pub(crate) fn image_path(&self) -> Option<PathName<'_>> {
        let image = self.image.as_ref()?.as_ref().ok()?;
        PathName::split(image.units())
    }
}

fn mode(request: &FsControl<'_, CloneGuard>) -> RequestorMode {
    match request.mode() {
        Mode::Kernel => RequestorMode::Kernel,
        Mode::User => RequestorMode::User,
    }
}

/// The 32-bit layouts are those of user-mode programs; kernel code is 64-bit whoever's thread it runs in
/// (fltkernel.h, FltIs32bitProcess: "32-bit user-mode application").
fn bitness(request: &FsControl<'_, CloneGuard>) -> Bitness {
    if request.mode() == Mode::User && request.is_32bit() {
        Bitness::Bits32
    } else {
        Bitness::Bits64
    }
}
