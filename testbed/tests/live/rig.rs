//! Programs that run beside the test: started, read, signalled, awaited.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::driver_image::image;

/// After so long without what it waits for, a test hangs. None gets near, on a full machine and with a sanitizer either.
const HANG: Duration = Duration::from_secs(300);

/// Waits until something is there.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < HANG, "in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// A directory of this test alone, gone when dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("live-{}-{number}", std::process::id());
        // Below the directory for temporary files: the path of a socket has 108 bytes at most.
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("there is a directory for temporary files");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is a temporary file.
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// What a program has printed so far.
#[derive(Default)]
struct Printed {
    state: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    /// Outputs that have not ended.
    open: u32,
}

impl Printed {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads an output to its end, on a thread.
    fn read(self: &Arc<Self>, from: impl Read + Send + 'static) {
        self.lock().open += 1;
        let printed = Arc::clone(self);
        thread::spawn(move || {
            for line in BufReader::new(from).lines() {
                let Ok(line) = line else { break };
                printed.lock().lines.push(line);
                printed.changed.notify_all();
            }
            printed.lock().open -= 1;
            printed.changed.notify_all();
        });
    }

    /// Waits for a line; `None` if all outputs end without it.
    fn wait_for(&self, wanted: impl Fn(&str) -> bool, what: &str) -> Option<String> {
        let start = Instant::now();
        let mut state = self.lock();
        loop {
            if let Some(line) = state.lines.iter().find(|line| wanted(line)) {
                return Some(line.clone());
            }
            if state.open == 0 {
                return None;
            }
            assert!(
                start.elapsed() < HANG,
                "in vain: {what:?} in {:#?}",
                state.lines
            );
            let waited = self.changed.wait_timeout(state, Duration::from_secs(1));
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// All lines, once the outputs have ended.
    fn all(&self) -> Vec<String> {
        let mut state = self.lock();
        while state.open != 0 {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.lines.clone()
    }
}

/// A program that runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    printed: Arc<Printed>,
}

/// A program that has ended, with all that it has printed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) lines: Vec<String>,
}

impl Ended {
    /// Whether it has printed this.
    pub(crate) fn says(&self, part: &str) -> bool {
        self.lines.iter().any(|line| line.contains(part))
    }
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::spawn(command.stdout(Stdio::piped()))
    }

    /// Starts one of which only the standard error output is read.
    pub(crate) fn start_unread(command: &mut Command) -> Self {
        Self::spawn(command.stdout(Stdio::null()))
    }

    fn spawn(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program starts");
        let printed = Arc::<Printed>::default();
        if let Some(out) = child.stdout.take() {
            printed.read(out);
        }
        printed.read(child.stderr.take().expect("it is piped"));
        Self { child, printed }
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        let status = self.child.try_wait();
        status.expect("it can be waited for").is_some()
    }

    /// What it has printed so far.
    pub(crate) fn printed(&self) -> Vec<String> {
        self.printed.lock().lines.clone()
    }

    /// Waits until it has printed a line with this part, and gives the line.
    pub(crate) fn wait_for(&self, part: &str) -> String {
        let line = self.printed.wait_for(|line| line.contains(part), part);
        line.unwrap_or_else(|| panic!("no {part:?} in {:#?}", self.printed.all()))
    }

    /// Whether it prints this line before it ends.
    pub(crate) fn comes_to(&self, line: &str) -> bool {
        self.printed.wait_for(|other| other == line, line).is_some()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It fails if the program has ended, which the caller finds out.
        let _sent = kill_process(id.expect("a process has an id"), signal);
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let status = until("the end of a program", || {
            self.child.try_wait().expect("it can be waited for")
        });
        Ended {
            status,
            lines: self.printed.all(),
        }
    }

    /// Asks it to end, and waits.
    pub(crate) fn interrupt(self) -> Ended {
        self.signal(Signal::INT);
        self.end()
    }

    /// Ends it at once, in the middle of whatever it does.
    pub(crate) fn kill(self) -> Ended {
        self.signal(Signal::KILL);
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended.
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// A test-bed that serves.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) socket: PathBuf,
    pub(crate) scratch: Scratch,
}

impl Server {
    /// Starts one, with the shipped driver; `None` if there is none.
    pub(crate) fn start(more: &[&str]) -> Option<Self> {
        let scratch = Scratch::new();
        let socket = scratch.path("socket");
        Self::start_on(scratch, socket, more)
    }

    /// Starts one on this socket.
    pub(crate) fn start_on(scratch: Scratch, socket: PathBuf, more: &[&str]) -> Option<Self> {
        let running = Running::start(serve(&image()?, &socket).args(more));
        running.wait_for("Listening");
        Some(Self {
            running,
            socket,
            scratch,
        })
    }

    /// Prepares a command of the tool at this server.
    pub(crate) fn tool(&self, command: &str) -> Command {
        let mut tool = Command::new(tool());
        tool.arg(command).arg("--socket").arg(&self.socket);
        tool
    }

    /// A `watch` with a journal in the scratch directory.
    pub(crate) fn keep(&self) -> Command {
        let mut watch = self.tool("watch");
        watch.arg("--json").arg("--journal").arg(self.journal());
        watch
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.scratch.path("journal")
    }

    /// Asks it to end: the load stops, the driver is unloaded. Nothing may be left behind.
    pub(crate) fn stop(self) -> (Report, Scratch) {
        self.running.signal(Signal::TERM);
        let ended = self.running.end();
        assert!(ended.status.success(), "{ended:#?}");
        let line = ended.lines.iter().find(|line| line.starts_with('{'));
        let text = line.unwrap_or_else(|| panic!("no report in {ended:#?}"));
        (Report::parse(text), self.scratch)
    }
}

/// Prepares a test-bed that serves.
pub(crate) fn serve(image: &Path, socket: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.arg("serve").arg("--image").arg(image);
    command.arg("--socket").arg(socket);
    command
}

/// What the server counted, and the driver's last counters.
#[derive(Debug)]
pub(crate) struct Report(serde_json::Value);

impl Report {
    fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).expect("the report is JSON"))
    }

    /// A count of the server.
    pub(crate) fn count(&self, name: &str) -> u64 {
        self.0[name]
            .as_u64()
            .unwrap_or_else(|| panic!("{name} in {self:?}"))
    }

    /// The last number that the driver had handed out before it was unloaded.
    pub(crate) fn last_sequence(&self) -> u64 {
        let number = self.0["driver"]["last_sequence"].as_u64();
        number.unwrap_or_else(|| panic!("a number in {self:?}"))
    }

    /// A counter of the driver.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        let count = self.0["driver"]["counters"][name].as_u64();
        count.unwrap_or_else(|| panic!("counter {name} in {self:?}"))
    }
}

/// The program `cloneguard`, built from the present sources. Cargo builds no program of another package for a test.
pub(crate) fn tool() -> &'static Path {
    static TOOL: OnceLock<PathBuf> = OnceLock::new();
    TOOL.get_or_init(|| {
        let testbed = Path::new(env!("CARGO_BIN_EXE_testbed"));
        let profile = testbed.parent().and_then(Path::file_name);
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args([
            "build",
            "--quiet",
            "--package",
            "cloneguard",
            "--bin",
            "cloneguard",
        ]);
        if profile.is_some_and(|profile| profile == "release") {
            build.arg("--release");
        }
        let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(
            built.expect("cargo runs").success(),
            "cloneguard did not build"
        );
        let tool = testbed.with_file_name("cloneguard");
        assert!(tool.is_file(), "{} was built", tool.display());
        tool
    })
}
