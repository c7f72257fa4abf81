//! Clients of the socket that do not mean well: they get a status or are cut off, and change nothing.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use cloneguard::Consumer;
use cloneguard::live::frame::{Frame, Kind};
use wire::{Ack, Batch, ConnectRequest};
use zerocopy::IntoBytes as _;

use super::rig::{Running, Server};

const INVALID_PARAMETER: u32 = 0xC000_000D;
const REVISION_MISMATCH: u32 = 0xC000_0059;
const CONNECTION_COUNT_LIMIT: u32 = 0xC000_0246;
const NO_WAITER_FOR_REPLY: u32 = 0xC01C_0020;

fn good_context() -> Vec<u8> {
    Consumer::new().connect_request().as_bytes().to_vec()
}

impl Server {
    fn stream(&self) -> UnixStream {
        UnixStream::connect(&self.socket).expect("the server listens")
    }

    /// Connects with a context; the connection and its status.
    fn connect(&self, context: &[u8]) -> (UnixStream, u32) {
        let mut stream = self.stream();
        let request = Frame::new(Kind::Connect, 0, context.to_vec());
        request.write(&mut stream).expect("the server reads");
        let answer = read(&mut stream);
        assert_eq!(answer.kind, Kind::Connected);
        (stream, answer.value)
    }

    /// Sends bytes; the server closes the connection.
    fn cuts_off(&self, bytes: &[u8]) {
        let mut stream = self.stream();
        stream.write_all(bytes).expect("the server reads");
        is_closed(stream);
    }
}

fn read(stream: &mut UnixStream) -> Frame {
    let frame = Frame::read(stream).expect("a frame");
    frame.expect("the connection stands")
}

/// The next frame of this kind.
fn next(stream: &mut UnixStream, kind: Kind) -> Frame {
    loop {
        let frame = read(stream);
        if frame.kind == kind {
            return frame;
        }
    }
}

/// Nothing comes any more.
fn is_closed(mut stream: UnixStream) {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(count) => assert_eq!(count, 0, "{rest:?}"),
        // It was closed before all of ours had been read.
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
}

/// A frame with one byte changed.
fn spoiled(frame: &Frame, place: usize, value: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.write(&mut bytes).expect("it is short");
    bytes[place] ^= value;
    bytes
}

/// A well-behaved consumer gets what there is. It ends with 5 if records were lost before it came, which they are when
/// the load has filled the journal meanwhile.
fn works(server: &Server) {
    let once = Running::start_unread(server.tool("watch").arg("--once")).end();
    let is_without_loss = once.says("; 0 lost");
    let code = if is_without_loss { 0 } else { 5 };
    assert_eq!(once.status.code(), Some(code), "{once:#?}");
}

#[test]
fn a_context_that_is_no_request_has_its_status() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let good = good_context();
    let change = |place: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[place] ^= value;
        bytes
    };
    for (name, context, status) in [
        ("nothing", vec![], INVALID_PARAMETER),
        ("short", good[..good.len() - 1].to_vec(), INVALID_PARAMETER),
        ("long", vec![0; 0xFFFF], INVALID_PARAMETER),
        ("magic", change(0, 1), INVALID_PARAMETER),
        ("version", change(4, 0x80), REVISION_MISMATCH),
        ("kind", change(6, 0x40), INVALID_PARAMETER),
        ("reserved", change(8, 1), INVALID_PARAMETER),
    ] {
        let (stream, found) = server.connect(&context);
        assert_eq!(found, status, "{name}");
        is_closed(stream);
    }
    works(&server);
    server.stop();
}

#[test]
fn what_is_no_frame_ends_its_connection_and_no_other() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let (mut watching, status) = server.connect(&good_context());
    assert_eq!(status, 0);
    let connect = Frame::new(Kind::Connect, 0, good_context());
    let reply = Frame::about(Kind::Reply, 1, 0, vec![]);
    server.cuts_off(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    server.cuts_off(&spoiled(&connect, 0, 1));
    server.cuts_off(&spoiled(&connect, 4, 1));
    server.cuts_off(&spoiled(&connect, 6, 0x10));
    // Four gigabytes are promised.
    server.cuts_off(&spoiled(&connect, 11, 0xFF));
    server.cuts_off(&spoiled(&reply, 0, 0));
    // Half a frame, and gone.
    let half = spoiled(&connect, 0, 0);
    let mut stream = server.stream();
    stream
        .write_all(&half[..half.len() / 2])
        .expect("the server reads");
    drop(stream);
    // The one that connected before is still sent to, until it asks to connect once more.
    next(&mut watching, Kind::Message);
    connect.write(&mut watching).expect("the server reads");
    while Frame::read(&mut watching).is_ok_and(|frame| frame.is_some()) {}
    server.running.wait_for("out of turn");
    works(&server);
    server.stop();
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_releases_nothing() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    server.running.wait_for(" requests, ");
    let mut first = None;
    for through in [u64::MAX, 1 << 40] {
        let (mut stream, status) = server.connect(&good_context());
        assert_eq!(status, 0);
        let message = next(&mut stream, Kind::Message);
        let batch = Batch::parse(&message.body).expect("a batch");
        let sequence = batch.first_sequence().expect("records wait");
        assert_eq!(
            *first.get_or_insert(sequence),
            sequence,
            "it is still there"
        );
        let ack = Ack::new(batch.boot_id(), through).bytes().to_vec();
        let reply = Frame::about(Kind::Reply, message.id, 0, ack.clone());
        reply.write(&mut stream).expect("the server reads");
        assert_eq!(next(&mut stream, Kind::Replied).value, 0, "it was taken");
        let again = Frame::about(Kind::Reply, message.id + 1000, 0, ack);
        again.write(&mut stream).expect("the server reads");
        assert_eq!(next(&mut stream, Kind::Replied).value, NO_WAITER_FOR_REPLY);
        let lines = server.running.printed();
        let before = lines.iter().filter(|line| line.ends_with("gone")).count();
        drop(stream);
        super::rig::until("its end", || {
            let lines = server.running.printed();
            let now = lines.iter().filter(|line| line.ends_with("gone")).count();
            (now > before).then_some(())
        });
    }
    works(&server);
    server.stop();
}

#[test]
fn a_flood_of_connections_is_stemmed() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    // Half of them say nothing, half ask for the one place.
    let flood: Vec<_> = (0..200)
        .map(|number| {
            let mut stream = server.stream();
            if number % 2 == 0 {
                let request = Frame::new(Kind::Connect, 0, good_context());
                // Those beyond the limit are closed before they are read.
                let _refused = request.write(&mut stream);
            }
            stream
        })
        .collect();
    server.running.wait_for("are connected");
    drop(flood);
    super::rig::until("a place", || {
        let watch = Running::start_unread(server.tool("watch").arg("--once"));
        watch.end().status.success().then_some(())
    });
    server.stop();
}

#[test]
fn clients_that_hold_every_place_do_not_keep_the_server_from_its_end() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let visit = ConnectRequest::reload();
    let visitors: Vec<_> = (0..4).map(|_| server.connect(visit.as_bytes())).collect();
    assert!(visitors.iter().any(|(_, status)| *status == 0));
    let (_, status) = visitors.last().expect("there are four");
    assert_eq!(*status, CONNECTION_COUNT_LIMIT, "no place is left");
    let (report, _scratch) = server.stop();
    assert_eq!(report.counter("seen"), report.count("sent"));
    drop(visitors);
}
