//! One connection of the socket: one program at the port.
//!
//! The program runs in a modelled process of its own, that of an administrator. One thread reads the
//! socket and replies, one waits at the port and writes. The end of the socket kills the process, the
//! end of the port closes the socket.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use cloneguard::live::frame::{Frame, Kind};
use cloneguard::live::{Status, Stop};
use testbed::fltmgr::PortClient;
use testbed::ntos::token::Token;
use testbed::{NtStatus, Process, ProcessSpec};
use wire::{ConnectRequest, StatusReport};
use zerocopy::IntoBytes as _;

use super::tally::Tally;
use crate::demo::stage::{PORT, Stage, image_path};

/// An administrator, elevated: the default descriptor of a port lets no other user in.
const ADMINISTRATOR: &str = "S-1-5-21-1004336348-1177238915-682003330-500";
const HIGH_INTEGRITY: u32 = 0x3000;
/// Clients at once; the port itself has fewer places.
const LINKS_MAX: usize = 16;
/// How long a client may take to say what it wants, and a consumer to take anything at the end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often somebody looks who waits.
const LOOK: Duration = Duration::from_millis(20);

/// All connections.
pub(crate) struct Links {
    stage: Arc<Stage>,
    tally: Arc<Tally>,
    /// Cuts off all of them.
    stop: Stop,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Links {
    pub(crate) fn new(stage: &Arc<Stage>, tally: &Arc<Tally>) -> Arc<Self> {
        Arc::new(Self {
            stage: Arc::clone(stage),
            tally: Arc::clone(tally),
            stop: Stop::new(),
            threads: Mutex::default(),
        })
    }

    /// Serves a client on a thread of its own. One too many is closed.
    pub(crate) fn add(self: &Arc<Self>, stream: UnixStream) {
        let mut threads = lock(&self.threads);
        threads.retain(|thread| !thread.is_finished());
        if threads.len() >= LINKS_MAX {
            let text = format!("client refused: {LINKS_MAX} are connected");
            return self.tally.tell(&text);
        }
        let links = Arc::clone(self);
        let serving = move || {
            if let Err(error) = links.serve(stream) {
                links.tally.tell(&format!("client cut off: {error}"));
            }
        };
        match thread::Builder::new()
            .name("client".to_owned())
            .spawn(serving)
        {
            Ok(thread) => threads.push(thread),
            Err(error) => self.tally.tell(&format!("client refused: {error}")),
        }
    }

    /// A client did not get as far as that.
    pub(crate) fn cannot_accept(&self, error: &io::Error) {
        self.tally.tell(&format!("no client: {error}"));
        // Out of descriptors, for instance: they come back when a client goes.
        thread::sleep(Duration::from_millis(100));
    }

    /// How things stand, whatever the clients do: if they hold every place, they have to go.
    fn status(&self) -> Result<Status> {
        self.ask().or_else(|_no_place| {
            self.end();
            self.ask()
        })
    }

    /// How things stand, by a status connection as a program makes one; an error if the driver lets none in.
    fn ask(&self) -> Result<Status> {
        let process = self.administrator();
        let request = ConnectRequest::status();
        let connected = process.run(|thread| {
            thread
                .machine()
                .connect_port(thread, PORT, request.as_bytes())
        });
        let report = connected
            .map_err(|status| anyhow!("no status from the driver: {status}"))
            .and_then(|port| {
                let message = port.get_message()?;
                let report = StatusReport::parse(&message.body);
                Ok(report
                    .map_err(|error| anyhow!("no status report: {error}"))?
                    .into())
            });
        process.exit();
        report
    }

    /// Gives a consumer that is there the time to take what the driver holds, as long as it takes something; how
    /// things stand then.
    pub(crate) fn drain(&self) -> Result<Status> {
        let mut status = self.status()?;
        let mut still = Instant::now();
        while status.consumer_connected && status.counters.held != 0 && still.elapsed() < PATIENCE {
            thread::sleep(LOOK);
            let next = self.status()?;
            if next.counters.delivered != status.counters.delivered {
                still = Instant::now();
            }
            status = next;
        }
        Ok(status)
    }

    /// Cuts off everybody, also who comes later, and waits for the threads.
    pub(crate) fn end(&self) {
        self.stop.request();
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            // One that panicked has said so.
            drop(thread.join());
        }
    }

    fn serve(&self, mut stream: UnixStream) -> io::Result<()> {
        let other = stream.try_clone()?;
        let _on_stop = self.stop.on_request(move || {
            // It fails only where the connection has ended already.
            drop(other.shutdown(Shutdown::Both));
        });
        stream.set_read_timeout(Some(PATIENCE))?;
        let context = match Frame::read(&mut stream)? {
            Some(frame) if frame.kind == Kind::Connect => frame.body,
            Some(frame) => return Err(out_of_turn(&frame)),
            None => return Ok(()),
        };
        stream.set_read_timeout(None)?;
        let out = stream.try_clone()?;
        // From here on nothing leaves before the program has ended.
        let process = self.administrator();
        let connected = process.run(|thread| thread.machine().connect_port(thread, PORT, &context));
        let number = self.tally.client(&connected);
        let status = connected.as_ref().err().map_or(0, |status| status.raw());
        let told = Frame::new(Kind::Connected, status, Vec::new()).write(&mut stream);
        let Ok(port) = connected else {
            process.exit();
            return told.or_else(killed);
        };
        let ended = match told {
            Ok(()) => Self::exchange(&process, (stream, out), Arc::new(port)),
            Err(error) => {
                process.kill();
                killed(error)
            }
        };
        self.tally.gone(number);
        ended
    }

    fn administrator(&self) -> Arc<Process> {
        let token = Token {
            integrity: HIGH_INTEGRITY,
            elevated: true,
            ..Token::of(ADMINISTRATOR)
        };
        let spec = ProcessSpec::user(image_path("cloneguard.exe")).token(token);
        self.stage.machine.create_process(spec)
    }

    /// Messages one way, replies the other, until either side ends.
    fn exchange(
        process: &Arc<Process>,
        (mut stream, out): (UnixStream, UnixStream),
        port: Arc<PortClient>,
    ) -> io::Result<()> {
        let out = Arc::new(Mutex::new(out));
        let (other, shared) = (Arc::clone(&port), Arc::clone(&out));
        let waiting = process.spawn(move |_| Self::forward(&other, &shared));
        let ended = answer(&mut stream, &port, &out);
        // The program is dead: whatever it was doing at the port ends, and what it has open is closed.
        process.kill();
        // A message that is being written to nobody ends too; it fails only if the client has gone.
        drop(stream.shutdown(Shutdown::Both));
        waiting.join();
        ended
    }

    /// Waits at the port and writes what comes.
    fn forward(port: &PortClient, out: &Mutex<UnixStream>) {
        while let Ok(message) = port.next_message() {
            let (id, room) = (message.id, message.reply_length);
            let frame = Frame::about(Kind::Message, id, room, message.body);
            // The reader sees the end of the socket too, and says why.
            if frame.write(&mut *lock(out)).is_err() {
                break;
            }
        }
        // The port is closed, so is the socket. It fails only if the client has gone.
        drop(lock(out).shutdown(Shutdown::Both));
    }
}

/// Reads replies and gives them to the driver, until the program ends.
fn answer(stream: &mut UnixStream, port: &PortClient, out: &Mutex<UnixStream>) -> io::Result<()> {
    loop {
        let frame = match Frame::read(stream) {
            Ok(Some(frame)) if frame.kind == Kind::Reply => frame,
            Ok(Some(frame)) => return Err(out_of_turn(&frame)),
            Ok(None) => return Ok(()),
            Err(error) => return killed(error),
        };
        let taken = port.reply(frame.id, NtStatus(frame.value), &frame.body);
        let status = taken.err().map_or(0, |status| status.raw());
        let answer = Frame::about(Kind::Replied, frame.id, status, Vec::new());
        if let Err(error) = answer.write(&mut *lock(out)) {
            return killed(error);
        }
    }
}

/// An error that a program leaves behind that was killed in the middle of something is none.
fn killed(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionReset => Ok(()),
        _ => Err(error),
    }
}

fn out_of_turn(frame: &Frame) -> io::Error {
    let what = format!("{:?} out of turn", frame.kind);
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
