//! Modelled processes: identity, token, handle table, and the threads they run.
//!
//! `spec` says what one is like, `end` how it ends.

mod end;
mod spec;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{Builder, JoinHandle};

use crate::boundary::crew;
use crate::fltmgr::Connection;
use crate::io::Hold;
use crate::machine::Machine;
use crate::ntos::handle::HandleTable;
use crate::ntos::object::{Kind, ObjectAddress};
use crate::ntos::token::{Token, TokenObject};
use crate::status::NtStatus;
use crate::thread::{self, KernelThread, Mode, Thread, UserThread};
use crate::verifier::{self, Rule, Violation};

pub use spec::ProcessSpec;

/// Width of the pointers of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bitness {
    /// A WOW64 process.
    Bits32,
    /// A native process.
    Bits64,
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
    create_time: i64,
    parent: u64,
    token: ObjectAddress,
    handles: HandleTable,
    /// Connections to ports, which end with the process.
    connections: Mutex<Vec<Weak<Connection>>>,
    ended: AtomicBool,
    /// The process itself until it ends, its threads, its requests.
    holders: AtomicU32,
    /// How often its image was looked up.
    image_lookups: AtomicU32,
    image_hold: Option<Hold>,
    image_failure: Option<NtStatus>,
}

impl Process {
    /// Creates a process; the machine keeps it.
    pub(crate) fn create(machine: &Arc<Machine>, spec: ProcessSpec) -> Arc<Self> {
        let objects = machine.objects();
        let id = spec.id.unwrap_or_else(|| machine.next_client_id());
        let token_label = format!("token of {}", spec.token.user);
        let token = objects.create(
            Kind::Token,
            token_label,
            Arc::new(TokenObject::new(spec.token)),
        );
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
            create_time: machine.clock().system_time(),
            parent: spec.parent.map_or(0, |parent| parent.id),
            token,
            handles: HandleTable::default(),
            connections: Mutex::default(),
            ended: AtomicBool::new(false),
            holders: AtomicU32::new(1),
            image_lookups: AtomicU32::new(0),
            image_hold: spec.image_hold,
            image_failure: spec.image_failure,
        })
    }

    /// The machine.
    ///
    /// Ends the run when the machine is gone: a process must not outlive it.
    #[must_use]
    pub fn machine(&self) -> Arc<Machine> {
        let gone = || Violation::new(Rule::Testbed, "the machine is gone");
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

    /// Changes what its token says, as programs do with "SetTokenInformation function" and "AdjustTokenGroups function"
    /// (Microsoft Learn).
    pub fn modify_token(&self, change: impl FnOnce(&mut Token)) {
        let machine = self.machine();
        let token = machine.objects().payload(self.token, Kind::Token);
        let token: Arc<TokenObject> = verifier::settle(token);
        token.modify(change);
    }

    /// How often a driver has looked up its image.
    #[must_use]
    pub fn image_lookups(&self) -> u32 {
        self.image_lookups.load(Ordering::Relaxed)
    }

    /// Somebody looks up its image, and may have to wait. Answers with the status that it gets in place of a name.
    pub(crate) fn look_up_image(&self) -> Option<NtStatus> {
        let before = self.image_lookups.fetch_add(1, Ordering::Relaxed);
        if let Some(hold) = self.image_hold.as_ref().filter(|_| before == 0) {
            hold.pass();
        }
        self.image_failure
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

    /// When it was created, in 100 ns since 1601.
    #[must_use]
    pub fn create_time(&self) -> i64 {
        self.create_time
    }

    /// Id of the process that created it; the System process has none, 0.
    #[must_use]
    pub fn parent_id(&self) -> u64 {
        self.parent
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

    /// The program has connected to a port.
    pub(crate) fn note_connection(&self, connection: &Arc<Connection>) {
        lock(&self.connections).push(Arc::downgrade(connection));
    }

    /// A process that has ended starts no threads.
    fn check_alive(&self) {
        if self.has_ended() {
            let detail = format!(
                "a thread is started in process {}, which has ended",
                self.id
            );
            verifier::stop(&Violation::new(Rule::Testbed, detail));
        }
    }

    /// Runs `body` on a new thread of the process, in user mode, and returns its value.
    pub fn run<T: Send>(self: &Arc<Self>, body: impl FnOnce(&UserThread) -> T + Send) -> T {
        self.check_alive();
        self.run_scoped(Mode::User, |thread| body(&UserThread::new(thread)))
    }

    /// Runs `body` on a new thread of the process, in kernel mode, and returns its value.
    pub fn run_kernel<T: Send>(
        self: &Arc<Self>,
        body: impl FnOnce(&KernelThread) -> T + Send,
    ) -> T {
        self.check_alive();
        self.run_scoped(Mode::Kernel, |thread| body(&KernelThread::new(thread)))
    }

    pub(crate) fn run_scoped<T: Send>(
        self: &Arc<Self>,
        mode: Mode,
        body: impl FnOnce(&Arc<Thread>) -> T + Send,
    ) -> T {
        let thread = thread::prepare(self, mode);
        let ended = verifier::settle(crew::run(|| thread::run_prepared(&thread, body)));
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Starts `body` on a new thread of the process, in user mode.
    pub fn spawn<T: Send + 'static>(
        self: &Arc<Self>,
        body: impl FnOnce(&UserThread) -> T + Send + 'static,
    ) -> Running<T> {
        self.check_alive();
        // It holds the process from now on, also if that ends before the host has started the thread.
        let thread = thread::prepare(self, Mode::User);
        Running::start(move || {
            thread::run_prepared(&thread, |thread| body(&UserThread::new(thread)))
        })
    }

    /// Starts `body` on a new thread of the process, in kernel mode.
    pub fn spawn_kernel<T: Send + 'static>(
        self: &Arc<Self>,
        body: impl FnOnce(&KernelThread) -> T + Send + 'static,
    ) -> Running<T> {
        self.check_alive();
        let thread = thread::prepare(self, Mode::Kernel);
        Running::start(move || {
            thread::run_prepared(&thread, |thread| body(&KernelThread::new(thread)))
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

fn host_refuses(error: std::io::Error) -> Violation {
    Violation::new(Rule::Testbed, format!("the host starts no thread: {error}"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
