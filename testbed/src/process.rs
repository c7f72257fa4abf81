//! Modelled processes: identity, token, handle table, and the threads they run.

use std::sync::{Arc, Weak};
use std::thread::{Builder, JoinHandle};

use crate::boundary::crew;
use crate::machine::Machine;
use crate::ntos::handle::HandleTable;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::ntos::token::{SYSTEM_SID, Token};
use crate::thread::{self, KernelThread, Mode, Thread, UserThread};
use crate::verifier;

/// Width of the pointers of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bitness {
    /// A WOW64 process.
    Bits32,
    /// A native process.
    Bits64,
}

/// What a process to create is like.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    image: String,
    bitness: Bitness,
    token: Token,
}

impl ProcessSpec {
    /// A native process of an ordinary user; `image` is the NT path of its program.
    pub fn user(image: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            bitness: Bitness::Bits64,
            token: Token::of("S-1-5-21-1004336348-1177238915-682003330-1001"),
        }
    }

    /// The System process, which every machine has already (see [`Machine::system`]).
    #[must_use]
    pub fn system() -> Self {
        Self {
            image: "System".to_owned(),
            bitness: Bitness::Bits64,
            token: Token::of(SYSTEM_SID),
        }
    }

    /// Makes it a 32-bit process.
    #[must_use]
    pub fn bitness32(mut self) -> Self {
        self.bitness = Bitness::Bits32;
        self
    }

    /// Gives it the token of the user with this SID ("S-1-5-..").
    #[must_use]
    pub fn user_sid(mut self, sid: &str) -> Self {
        self.token = Token {
            user: sid.to_owned(),
            ..self.token
        };
        self
    }

    /// Gives it a token.
    #[must_use]
    pub fn token(mut self, token: Token) -> Self {
        self.token = token;
        self
    }
}

/// One modelled process.
#[derive(Debug)]
pub struct Process {
    machine: Weak<Machine>,
    id: u64,
    object: ObjectAddress,
    image: String,
    bitness: Bitness,
    start_key: u64,
    token: ObjectAddress,
    handles: HandleTable,
}

impl Process {
    /// Creates a process; the machine keeps it.
    pub(crate) fn create(machine: &Arc<Machine>, id: u64, spec: ProcessSpec) -> Arc<Self> {
        let objects = machine.objects();
        let token_label = format!("token of {}", spec.token.user);
        let token = objects.create(Kind::Token, token_label, Arc::new(spec.token));
        Arc::new_cyclic(|me: &Weak<Self>| Self {
            object: objects.create(
                Kind::Process,
                format!("EPROCESS of process {id} ({})", spec.image),
                Arc::new(me.clone()),
            ),
            machine: Arc::downgrade(machine),
            id,
            image: spec.image,
            bitness: spec.bitness,
            start_key: machine.next_start_key(),
            token,
            handles: HandleTable::default(),
        })
    }

    /// The machine.
    ///
    /// Ends the run when the machine is gone: a process must not outlive it.
    #[must_use]
    pub fn machine(&self) -> Arc<Machine> {
        let gone = || verifier::Violation::new(verifier::Rule::Testbed, "the machine is gone");
        verifier::settle(self.machine.upgrade().ok_or_else(gone))
    }

    /// Process id, a multiple of 4; 4 is the System process.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Address of its `EPROCESS`.
    #[must_use]
    pub fn object(&self) -> ObjectAddress {
        self.object
    }

    /// NT path of its program.
    #[must_use]
    pub fn image_name(&self) -> &str {
        &self.image
    }

    /// Width of its pointers.
    #[must_use]
    pub fn bitness(&self) -> Bitness {
        self.bitness
    }

    /// What `PsGetProcessStartKey` answers: unique for the boot.
    #[must_use]
    pub fn start_key(&self) -> u64 {
        self.start_key
    }

    /// Address of its primary token.
    #[must_use]
    pub fn token(&self) -> ObjectAddress {
        self.token
    }

    /// Its handles. Those of the System process are the kernel handles.
    #[must_use]
    pub fn handles(&self) -> &HandleTable {
        &self.handles
    }

    /// Runs `body` on a new thread of the process, in user mode, and returns its value.
    pub fn run<T: Send>(self: &Arc<Self>, body: impl FnOnce(&UserThread) -> T + Send) -> T {
        self.run_scoped(Mode::User, |thread| body(&UserThread::new(thread)))
    }

    /// Runs `body` on a new thread of the process, in kernel mode, and returns its value.
    pub fn run_kernel<T: Send>(
        self: &Arc<Self>,
        body: impl FnOnce(&KernelThread) -> T + Send,
    ) -> T {
        self.run_scoped(Mode::Kernel, |thread| body(&KernelThread::new(thread)))
    }

    fn run_scoped<T: Send>(
        self: &Arc<Self>,
        mode: Mode,
        body: impl FnOnce(&Arc<Thread>) -> T + Send,
    ) -> T {
        let ended = verifier::settle(crew::run(|| thread::run_as(self, mode, body)));
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Starts `body` on a new thread of the process, in user mode.
    pub fn spawn<T: Send + 'static>(
        self: &Arc<Self>,
        body: impl FnOnce(&UserThread) -> T + Send + 'static,
    ) -> Running<T> {
        let process = Arc::clone(self);
        Running::start(move || {
            thread::run_as(&process, Mode::User, |thread| {
                body(&UserThread::new(thread))
            })
        })
    }

    /// Starts `body` on a new thread of the process, in kernel mode.
    pub fn spawn_kernel<T: Send + 'static>(
        self: &Arc<Self>,
        body: impl FnOnce(&KernelThread) -> T + Send + 'static,
    ) -> Running<T> {
        let process = Arc::clone(self);
        Running::start(move || {
            thread::run_as(&process, Mode::Kernel, |thread| {
                body(&KernelThread::new(thread))
            })
        })
    }
}

/// A thread started by [`Process::spawn`].
#[derive(Debug)]
pub struct Running<T>(JoinHandle<T>);

impl<T: Send + 'static> Running<T> {
    pub(crate) fn start(body: impl FnOnce() -> T + Send + 'static) -> Self {
        Self(verifier::settle(
            thread_builder().spawn(body).map_err(host_refuses),
        ))
    }

    /// Waits for its end and returns its value; a panic of its body goes on here.
    pub fn join(self) -> T {
        self.0
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

fn thread_builder() -> Builder {
    Builder::new()
        .name("modelled".to_owned())
        .stack_size(crew::STACK_BYTES)
}

fn host_refuses(error: std::io::Error) -> verifier::Violation {
    verifier::Violation::new(
        verifier::Rule::Testbed,
        format!("the host starts no thread: {error}"),
    )
}
