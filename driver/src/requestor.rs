//! Who asks.

use flt::fsctl::FsControl;
use flt::irql::Passive;
use flt::requestor::{Mode, Requestor as Requester};
use flt::shared::Held;
use flt::status::NtStatus;
use flt::subject::UserSid;
use flt::time;
use guard::policy::PathName;
use guard::{Bitness, Identity, Name, Parent, Process, Requestor, RequestorMode, TokenFacts, User};

use crate::CloneGuard;
use crate::processes::{Known, Processes};
use crate::tokens::{Tokens, Told};

/// What is known of the program, or the driver, that asks.
pub(crate) struct Asker {
    mode: RequestorMode,
    bitness: Bitness,
    is_remote: bool,
    process: Process,
    thread_id: u32,
    known: Option<Result<Held<Known>, NtStatus>>,
    tokens: Option<Told>,
}

impl Asker {
    /// Finds out. What needs PASSIVE_LEVEL stays unknown without a proof of it.
    pub(crate) fn identify(
        request: &FsControl<'_, CloneGuard>,
        processes: &Processes,
        passive: Option<Passive>,
    ) -> Self {
        let requester = request.requestor();
        let known = requester
            .as_ref()
            .and_then(|requester| know(requester, processes, passive));
        Self {
            mode: mode(request),
            bitness: bitness(request),
            is_remote: request.is_remote(),
            process: requester
                .as_ref()
                .map_or_else(Process::default, |requester| of(requester, known.as_ref())),
            thread_id: requester.as_ref().map_or(0, Requester::thread_id),
            tokens: requester.zip(passive).map(|(requester, passive)| {
                let memory = known.as_ref().and_then(|known| known.as_ref().ok());
                let memory = memory.map(|known| &known.tokens);
                Told::ask(&requester.subject(passive), memory, passive)
            }),
            known,
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

    /// The user that the thread acts for.
    pub(crate) fn user(&self) -> Option<&[u8]> {
        let user = self.tokens.as_ref()?.effective().as_ref().ok()?;
        Some(user.as_bytes())
    }

    /// For a record of a request that is judged now.
    pub(crate) fn as_requestor(&self) -> Requestor<'_> {
        let tokens = self.tokens.as_deref();
        Requestor {
            mode: self.mode,
            bitness: self.bitness,
            remote: Some(self.is_remote),
            time: time::system_time(),
            started: time::monotonic(),
            identity: Identity {
                process: &self.process,
                thread_id: self.thread_id,
                token: tokens.map_or(&TokenFacts::UNKNOWN, Tokens::facts),
                effective: user(tokens.map(Tokens::effective)),
                primary: user(tokens.map(Tokens::primary)),
            },
        }
    }

    /// The image for a record.
    pub(crate) fn image_name(&self) -> Name<'_> {
        match &self.known {
            Some(known) => match known.as_ref().map(|known| known.image.as_ref()) {
                Ok(Ok(image)) => image.as_name(),
                Ok(Err(status)) | Err(status) => Name::absent(status.bits()),
            },
            None => Name::absent(0),
        }
    }

    /// The image of the parent for a record.
    pub(crate) fn parent_name(&self) -> Name<'_> {
        let parent = self.known().and_then(|known| known.parent.as_ref());
        let image = parent.and_then(|parent| parent.image.as_ref());
        image.map_or(Name::absent(0), |image| image.as_name())
    }

    /// The image for the policy.
    pub(crate) fn image_path(&self) -> Option<PathName<'_>> {
        self.known()?.image.as_ref().ok()?.as_path()
    }

    fn known(&self) -> Option<&Known> {
        Some(self.known.as_ref()?.as_ref().ok()?)
    }
}

/// The image and the parent of the requestor's process: from memory at any level.
fn know(
    requester: &Requester<'_>,
    processes: &Processes,
    passive: Option<Passive>,
) -> Option<Result<Held<Known>, NtStatus>> {
    match passive {
        Some(passive) => Some(processes.know(requester, passive)),
        None => processes.find(requester.start_key()).map(Ok),
    }
}

/// What tells the process from others.
fn of(requester: &Requester<'_>, known: Option<&Result<Held<Known>, NtStatus>>) -> Process {
    let known = known.and_then(|known| known.as_ref().ok());
    let parent = known.and_then(|known| known.parent.as_ref());
    Process {
        process_id: requester.id(),
        start_key: requester.start_key(),
        create_time: requester.create_time(),
        parent: parent.map(|parent| Parent {
            process_id: parent.id,
            start_key: parent.start_key,
        }),
    }
}

fn user(answer: Option<&Result<UserSid, NtStatus>>) -> User<'_> {
    match answer {
        Some(Ok(user)) => User {
            sid: Some(user.as_bytes()),
            reason: 0,
        },
        Some(Err(status)) => User {
            sid: None,
            reason: status.bits(),
        },
        None => User::default(),
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
