//! A session on connections that a test has written down.

use crate::build::{BOOT, batch, counters, sound};
use cloneguard::live::{
    ConnectError, Ended, Failure, Message, Notice, Port, PortError, Session, Sink, Source, Stop,
};
use cloneguard::{Consumer, Delivery};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use wire::{Ack, ConnectRequest, DecodeError};
use zerocopy::IntoBytes as _;

/// What is shown once the driver has been told.
const SHOWN: u64 = 9;

/// What happened, in order.
type Log = Rc<RefCell<Vec<String>>>;

/// What a connection does next.
enum Step {
    /// A message comes, and its reply is taken.
    Message(Vec<u8>),
    /// A message comes, and nobody waits for its reply.
    Late(Vec<u8>),
    /// The user asks for the end.
    Stop,
    /// The driver closes the connection.
    End,
}

/// What trying to connect leads to.
type Connection = Result<Vec<Step>, fn() -> ConnectError>;

struct Script {
    log: Log,
    connections: RefCell<VecDeque<Connection>>,
}

struct ScriptedPort {
    log: Log,
    stop: Stop,
    steps: VecDeque<Step>,
    answer: fn() -> Result<(), PortError>,
}

impl Source for Script {
    fn connect(&self, context: &[u8], stop: &Stop) -> Result<Box<dyn Port>, ConnectError> {
        let mut connections = self.connections.borrow_mut();
        let connection = connections.pop_front().expect("one more connection");
        let text = (0..10).find(|after| {
            context == ConnectRequest::watch(BOOT, *after).as_bytes()
                || context == ConnectRequest::watch([0; 16], *after).as_bytes()
        });
        self.log
            .borrow_mut()
            .push(format!("connect after {}", text.expect("a small number")));
        let steps = connection.map_err(|error| error())?;
        Ok(Box::new(ScriptedPort {
            log: Rc::clone(&self.log),
            stop: stop.clone(),
            steps: steps.into(),
            answer: || Ok(()),
        }))
    }
}

impl Port for ScriptedPort {
    fn get_message(&mut self) -> Result<Message, PortError> {
        let (body, answer): (_, fn() -> _) = match self.steps.pop_front().expect("one more step") {
            Step::Message(body) => (body, || Ok(())),
            Step::Late(body) => (body, || Err(PortError::NobodyWaits)),
            Step::Stop => {
                self.stop.request();
                return Err(PortError::Ended);
            }
            Step::End => return Err(PortError::Ended),
        };
        self.answer = answer;
        Ok(Message { id: 7, body })
    }

    fn reply(&mut self, id: u64, body: &[u8]) -> Result<(), PortError> {
        assert_eq!(id, 7);
        let ack = Ack::parse(body).expect("an acknowledgement");
        let through = ack.through_sequence();
        self.log.borrow_mut().push(format!("acknowledge {through}"));
        (self.answer)()
    }
}

impl Drop for ScriptedPort {
    fn drop(&mut self) {
        self.log.borrow_mut().push("close".to_owned());
    }
}

struct Notes {
    log: Log,
    /// The last number that can be kept.
    limit: u64,
}

impl Sink for Notes {
    type Error = &'static str;

    fn take(&mut self, delivery: &Delivery<'_>) -> Result<(), &'static str> {
        let through = delivery.ack.through_sequence();
        if through > self.limit {
            return Err("full");
        }
        self.log.borrow_mut().push(format!("keep {through}"));
        Ok(())
    }

    fn told(&mut self, delivery: &Delivery<'_>) -> Result<(), &'static str> {
        let through = delivery.ack.through_sequence();
        if through == SHOWN {
            self.log.borrow_mut().push(format!("show {through}"));
        }
        Ok(())
    }

    fn notice(&mut self, notice: Notice<'_>) {
        let text = match notice {
            Notice::Connected => "connected".to_owned(),
            Notice::Lost(_) => "lost".to_owned(),
            Notice::Refused(error) => format!("refused: {error}"),
        };
        self.log.borrow_mut().push(text);
    }
}

/// Plays the connections; how it ended, and the log.
fn play(
    connections: Vec<Connection>,
    once: bool,
    limit: u64,
) -> (Result<Ended, Failure<&'static str>>, Vec<String>) {
    let (log, stop) = (Log::default(), Stop::new());
    let source = Script {
        log: Rc::clone(&log),
        connections: RefCell::new(connections.into()),
    };
    let mut sink = Notes {
        log: Rc::clone(&log),
        limit,
    };
    let mut session = Session::new(&source, &stop, Consumer::new()).once(once);
    let ended = session.run(&mut sink);
    assert!(
        source.connections.borrow().is_empty(),
        "nothing is left over"
    );
    let log = log.take();
    (ended, log)
}

fn message(records: &[(u64, u64)]) -> Step {
    Step::Message(sound(records))
}

#[test]
fn what_was_kept_is_acknowledged_and_nothing_else() {
    let steps = vec![message(&[(1, 0)]), message(&[(2, 0)]), message(&[(3, 0)])];
    let (ended, log) = play(vec![Ok(steps)], false, 1);
    assert!(matches!(ended, Err(Failure::Sink("full"))), "{ended:?}");
    let expected = [
        "connect after 0",
        "connected",
        "keep 1",
        "acknowledge 1",
        "close",
    ];
    assert_eq!(log, expected);
}

#[test]
fn the_driver_does_not_wait_until_records_are_shown() {
    let steps = vec![message(&[(SHOWN, 8)]), Step::Stop];
    let (_, log) = play(vec![Ok(steps)], false, SHOWN);
    assert_eq!(log[2..5], ["keep 9", "acknowledge 9", "show 9"]);
}

#[test]
fn a_driver_that_comes_back_is_told_how_far_it_got() {
    let first = vec![message(&[(1, 0), (2, 0)]), Step::End];
    let busy: Connection = Err(|| ConnectError::Busy);
    let second = vec![message(&[(2, 0), (3, 0)]), Step::Stop];
    let (ended, log) = play(
        vec![Ok(first), busy, Err(|| ConnectError::Busy), Ok(second)],
        false,
        9,
    );
    assert!(matches!(ended, Ok(Ended::Stopped)), "{ended:?}");
    let text = log.join("\n");
    let refused = log.iter().filter(|line| line.starts_with("refused"));
    assert_eq!(refused.count(), 1, "the same reason is given once: {text}");
    let place = |what: &str| log.iter().position(|line| line == what).expect(what);
    assert!(place("close") < place("connect after 2"), "{text}");
    assert!(place("lost") < place("keep 3"), "{text}");
    assert!(place("keep 3") < place("acknowledge 3"), "{text}");
}

#[test]
fn a_reply_that_nobody_waits_for_is_given_again() {
    let late = Step::Late(sound(&[(1, 0)]));
    let (ended, log) = play(
        vec![Ok(vec![late, message(&[(1, 0)]), Step::Stop])],
        false,
        9,
    );
    assert!(matches!(ended, Ok(Ended::Stopped)), "{ended:?}");
    let acknowledged = log.iter().filter(|line| *line == "acknowledge 1");
    assert_eq!(acknowledged.count(), 2, "{log:?}");
}

#[test]
fn without_a_driver_at_the_start_there_is_no_session() {
    let gone = || ConnectError::NotLoaded("gone".to_owned());
    let (ended, log) = play(vec![Err(gone)], false, 9);
    assert!(
        matches!(ended, Err(Failure::Connect(ConnectError::NotLoaded(_)))),
        "{ended:?}"
    );
    assert_eq!(log, ["connect after 0"]);
}

#[test]
fn a_refusal_for_good_ends_the_tries() {
    let denied: Connection = Err(|| ConnectError::Denied("no".to_owned()));
    let (ended, log) = play(vec![Ok(vec![Step::End]), denied], false, 9);
    assert!(
        matches!(ended, Err(Failure::Connect(ConnectError::Denied(_)))),
        "{ended:?}"
    );
    assert_eq!(log.last().map(String::as_str), Some("connect after 0"));
}

#[test]
fn what_is_no_batch_ends_the_session_without_an_answer() {
    let (ended, log) = play(vec![Ok(vec![Step::Message(vec![1, 2, 3])])], false, 9);
    assert!(
        matches!(ended, Err(Failure::Batch(DecodeError::Short { .. }))),
        "{ended:?}"
    );
    assert_eq!(log, ["connect after 0", "connected", "close"]);
}

#[test]
fn once_ends_when_the_driver_holds_nothing_else() {
    // It has handed out 3 numbers and holds all; then there are two more, and so on for ever.
    let first = batch(BOOT, counters(3, 0), &[(1, 0), (2, 0)]);
    let second = batch(BOOT, counters(5, 0), &[(3, 0), (4, 0)]);
    let (ended, _) = play(
        vec![Ok(vec![Step::Message(first), Step::Message(second)])],
        true,
        9,
    );
    assert!(matches!(ended, Ok(Ended::Drained)), "{ended:?}");
    let nothing = batch(BOOT, counters(0, 0), &[]);
    let (ended, log) = play(vec![Ok(vec![Step::Message(nothing)])], true, 9);
    assert!(matches!(ended, Ok(Ended::Drained)), "{ended:?}");
    assert!(log.contains(&"acknowledge 0".to_owned()), "{log:?}");
    // Losses behind the last record have no record that tells of them.
    let tail = batch(BOOT, counters(4, 2), &[(1, 0), (2, 0)]);
    let (ended, _) = play(vec![Ok(vec![Step::Message(tail)])], true, 9);
    assert!(matches!(ended, Ok(Ended::Drained)), "{ended:?}");
}

#[test]
fn once_does_not_outlive_its_connection() {
    let first = batch(BOOT, counters(3, 0), &[(1, 0), (2, 0)]);
    let (ended, log) = play(vec![Ok(vec![Step::Message(first), Step::End])], true, 9);
    assert!(
        matches!(ended, Err(Failure::Lost(PortError::Ended))),
        "{ended:?}"
    );
    assert!(log.contains(&"acknowledge 2".to_owned()), "{log:?}");
}
