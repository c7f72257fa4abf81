//! The socket of `testbed serve`: the driver's port, played on Linux.

use super::frame::{Frame, Kind};
use super::{ConnectError, Message, OnRequest, Port, PortError, Source, Stop};
use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// Where a test-bed listens.
#[derive(Clone, Debug)]
pub struct Socket {
    path: PathBuf,
}

impl Socket {
    /// The socket at `path`.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    fn open(&self) -> Result<UnixStream, ConnectError> {
        UnixStream::connect(&self.path).map_err(|error| {
            let path = self.path.display();
            match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                    ConnectError::NotLoaded(format!(
                        "no test-bed listens on {path}: start one with `./dev serve`"
                    ))
                }
                io::ErrorKind::PermissionDenied => ConnectError::Denied(format!(
                    "{path}: {error}: the socket is its owner's alone"
                )),
                _ => ConnectError::Broken(error),
            }
        })
    }
}

impl Source for Socket {
    fn connect(&self, context: &[u8], stop: &Stop) -> Result<Box<dyn Port>, ConnectError> {
        let mut stream = self.open()?;
        let other = stream.try_clone().map_err(ConnectError::Broken)?;
        let on_stop = stop.on_request(move || {
            // It fails only where the connection has ended already.
            let _ended = other.shutdown(Shutdown::Both);
        });
        let answer = ask(&mut stream, context);
        if stop.is_requested() {
            return Err(ConnectError::Stopped);
        }
        match answer.map_err(ConnectError::Broken)? {
            0 => Ok(Box::new(SocketPort {
                stream,
                waiting: VecDeque::new(),
                _on_stop: on_stop,
            })),
            status => Err(ConnectError::from_status(status)),
        }
    }
}

/// Asks to be let in; the status.
fn ask(stream: &mut UnixStream, context: &[u8]) -> io::Result<u32> {
    Frame::new(Kind::Connect, 0, context.to_vec()).write(stream)?;
    match Frame::read(stream)? {
        Some(answer) if answer.kind == Kind::Connected => Ok(answer.value),
        Some(other) => Err(unexpected(other.kind)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn unexpected(kind: Kind) -> io::Error {
    let what = format!("the test-bed sends {kind:?} out of turn");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Messages that may come while a reply is on its way: the driver sends one at a time, and again when nobody
/// answers.
const WAITING_MAX: usize = 16;

/// A connection through the socket.
struct SocketPort {
    stream: UnixStream,
    /// Messages that came while a reply was on its way.
    waiting: VecDeque<Message>,
    _on_stop: OnRequest,
}

impl SocketPort {
    fn read(&mut self) -> Result<Frame, PortError> {
        let frame = Frame::read(&mut self.stream).map_err(broken)?;
        frame.ok_or(PortError::Ended)
    }
}

impl Port for SocketPort {
    fn get_message(&mut self) -> Result<Message, PortError> {
        if let Some(message) = self.waiting.pop_front() {
            return Ok(message);
        }
        let frame = self.read()?;
        match frame.kind {
            Kind::Message => Ok(message(frame)),
            other => Err(PortError::Broken(unexpected(other))),
        }
    }

    fn reply(&mut self, id: u64, body: &[u8]) -> Result<(), PortError> {
        let frame = Frame::about(Kind::Reply, id, 0, body.to_vec());
        frame.write(&mut self.stream).map_err(broken)?;
        loop {
            let frame = self.read()?;
            match frame.kind {
                Kind::Message if self.waiting.len() < WAITING_MAX => {
                    self.waiting.push_back(message(frame));
                }
                Kind::Replied if frame.id == id => return taken(frame.value),
                other => return Err(PortError::Broken(unexpected(other))),
            }
        }
    }
}

fn message(frame: Frame) -> Message {
    Message {
        id: frame.id,
        body: frame.body,
    }
}

/// STATUS_PORT_DISCONNECTED (MS-ERREF 2.3.1).
const PORT_DISCONNECTED: u32 = 0xC000_0037;
/// STATUS_FLT_NO_WAITER_FOR_REPLY (MS-ERREF 2.3.1).
const NO_WAITER_FOR_REPLY: u32 = 0xC01C_0020;

/// What the status of a reply means.
fn taken(status: u32) -> Result<(), PortError> {
    match status {
        0 => Ok(()),
        NO_WAITER_FOR_REPLY => Err(PortError::NobodyWaits),
        PORT_DISCONNECTED => Err(PortError::Ended),
        other => {
            let status = crate::NtStatus::new(other);
            let what = format!("a reply was refused: {status}");
            Err(PortError::Broken(io::Error::other(what)))
        }
    }
}

/// A server that went away, cleanly or not, is a driver that went away.
fn broken(error: io::Error) -> PortError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionReset => PortError::Ended,
        _ => PortError::Broken(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::thread;

    /// A test-bed that does as `serve` says with the one client that comes, after it has read its request.
    fn against<T>(
        name: &str,
        serve: impl FnOnce(UnixStream) + Send + 'static,
        client: impl FnOnce(&Socket) -> T,
    ) -> T {
        let name = format!("cloneguard-socket-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let listener = UnixListener::bind(&path).unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let request = Frame::read(&mut stream).unwrap().unwrap();
            assert_eq!(request, Frame::new(Kind::Connect, 0, b"context".to_vec()));
            serve(stream);
        });
        let value = client(&Socket::new(path.clone()));
        server.join().unwrap();
        std::fs::remove_file(path).unwrap();
        value
    }

    fn write(stream: &mut UnixStream, kind: Kind, id: u64, value: u32, body: &[u8]) {
        let frame = Frame::about(kind, id, value, body.to_vec());
        frame.write(stream).unwrap();
    }

    fn connect(socket: &Socket) -> Result<Box<dyn Port>, ConnectError> {
        socket.connect(b"context", &Stop::new())
    }

    #[test]
    fn messages_come_in_order_also_those_that_overtake_the_answer_to_a_reply() {
        let serve = |mut stream: UnixStream| {
            write(&mut stream, Kind::Connected, 0, 0, &[]);
            write(&mut stream, Kind::Message, 1, 99, b"one");
            let reply = Frame::read(&mut stream).unwrap();
            assert_eq!(
                reply,
                Some(Frame::about(Kind::Reply, 1, 0, b"ack".to_vec()))
            );
            write(&mut stream, Kind::Message, 2, 99, b"two");
            write(&mut stream, Kind::Message, 3, 99, b"three");
            write(&mut stream, Kind::Replied, 1, 0, &[]);
        };
        against("order", serve, |socket| {
            let mut port = connect(socket).unwrap();
            assert_eq!(port.get_message().unwrap().body, b"one");
            port.reply(1, b"ack").unwrap();
            assert_eq!(port.get_message().unwrap().body, b"two");
            assert_eq!(port.get_message().unwrap().body, b"three");
            assert!(matches!(port.get_message(), Err(PortError::Ended)));
        });
    }

    #[test]
    fn the_status_of_a_reply_is_told() {
        let serve = |mut stream: UnixStream| {
            write(&mut stream, Kind::Connected, 0, 0, &[]);
            for status in [NO_WAITER_FOR_REPLY, PORT_DISCONNECTED, 0xC000_0001] {
                let id = Frame::read(&mut stream).unwrap().unwrap().id;
                write(&mut stream, Kind::Replied, id, status, &[]);
            }
        };
        against("replies", serve, |socket| {
            let mut port = connect(socket).unwrap();
            assert!(matches!(port.reply(1, &[]), Err(PortError::NobodyWaits)));
            assert!(matches!(port.reply(2, &[]), Err(PortError::Ended)));
            assert!(matches!(port.reply(3, &[]), Err(PortError::Broken(_))));
        });
    }

    #[test]
    fn no_more_messages_than_any_driver_sends_are_kept_for_later() {
        for (name, count, is_taken) in
            [("few", WAITING_MAX, true), ("many", WAITING_MAX + 1, false)]
        {
            let serve = move |mut stream: UnixStream| {
                write(&mut stream, Kind::Connected, 0, 0, &[]);
                Frame::read(&mut stream).unwrap();
                // In one piece, since the client does not read to the end of too many.
                let mut frames = Vec::new();
                for _ in 0..count {
                    let message = Frame::about(Kind::Message, 1, 64, b"again".to_vec());
                    message.write(&mut frames).unwrap();
                }
                let replied = Frame::about(Kind::Replied, 7, 0, Vec::new());
                replied.write(&mut frames).unwrap();
                io::Write::write_all(&mut stream, &frames).unwrap();
            };
            against(name, serve, |socket| {
                let taken = connect(socket).unwrap().reply(7, &[]);
                let is_broken = matches!(taken, Err(PortError::Broken(_)));
                assert_eq!(
                    (taken.is_ok(), is_broken),
                    (is_taken, !is_taken),
                    "{taken:?}"
                );
            });
        }
    }

    #[test]
    fn a_refusal_is_told() {
        let serve =
            |mut stream: UnixStream| write(&mut stream, Kind::Connected, 0, 0xC000_0246, &[]);
        let refused = against("refusal", serve, |socket| connect(socket).err());
        assert!(matches!(refused, Some(ConnectError::Busy)), "{refused:?}");
    }

    #[test]
    fn a_server_that_talks_nonsense_is_not_believed() {
        for (name, kind, id) in [("out", Kind::Replied, 8), ("back", Kind::Connect, 0)] {
            let serve = move |mut stream: UnixStream| {
                write(&mut stream, Kind::Connected, 0, 0, &[]);
                write(&mut stream, kind, id, 0, &[]);
            };
            against(name, serve, |socket| {
                let mut port = connect(socket).unwrap();
                assert!(matches!(port.get_message(), Err(PortError::Broken(_))));
            });
        }
    }

    #[test]
    fn nobody_there_is_no_driver() {
        let path = std::env::temp_dir().join("cloneguard-nobody-there");
        let refused = connect(&Socket::new(path)).err();
        assert!(
            matches!(refused, Some(ConnectError::NotLoaded(_))),
            "{refused:?}"
        );
    }

    #[test]
    fn a_stop_ends_a_wait_for_a_message_and_one_for_the_answer() {
        for (name, is_let_in) in [("message", true), ("answer", false)] {
            let stop = Stop::new();
            let other = stop.clone();
            let serve = move |mut stream: UnixStream| {
                if is_let_in {
                    write(&mut stream, Kind::Connected, 0, 0, &[]);
                }
                other.request();
                // The connection stands until the client has gone.
                assert!(Frame::read(&mut stream).unwrap().is_none());
            };
            against(name, serve, |socket| {
                // The stop may come before the answer has been read.
                let stopped = match socket.connect(b"context", &stop) {
                    Ok(mut port) => matches!(port.get_message(), Err(PortError::Ended)),
                    Err(error) => matches!(error, ConnectError::Stopped),
                };
                assert!(stopped);
            });
        }
    }
}
