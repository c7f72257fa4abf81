//! The state machine of one connection between a filter and a user-mode program: messages that
//! wait to be fetched, senders that wait for a reply, and the two ways in which it ends.
//!
//! It knows nothing of guest memory or of modelled threads; whoever waits here is a real thread.
//! `FltSendMessage` waits twice: until the message is fetched (bounded by its time-out), and, if it
//! wants a reply, until that comes. The reference page says that the time-out covers both; it has
//! been reported that it does not cover the second (MicrosoftDocs/windows-driver-docs-ddi issue
//! 1110), so [`ReplyWait::Unbounded`] is what this model does unless told otherwise.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whether the time-out of a send also bounds the wait for the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyWait {
    /// As reported of Windows: the wait for a reply ends with the reply or with the connection.
    Unbounded,
    /// As the reference page has it: the time-out covers both waits.
    WithinTimeout,
}

/// A message as the user-mode program receives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Number by which a reply names it; never zero, never used twice on one connection.
    pub id: u64,
    /// Bytes that the sender expects in reply, counting the 16 bytes of `FILTER_REPLY_HEADER`;
    /// zero when it expects none (`FILTER_MESSAGE_HEADER.ReplyLength`).
    pub reply_length: u32,
    /// What the driver sent.
    pub body: Vec<u8>,
}

/// How a send ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SendOutcome {
    /// Fetched, and no reply was wanted.
    Delivered,
    /// Fetched and answered.
    Replied { status: u32, body: Vec<u8> },
    /// Not fetched in time, or (with [`ReplyWait::WithinTimeout`]) not answered in time.
    TimedOut,
    /// One of the two sides closed the connection first.
    Disconnected,
}

/// What a sender asks for.
pub(crate) struct Send {
    pub(crate) body: Vec<u8>,
    /// Room for the reply, without header; `None` when no reply is wanted.
    pub(crate) reply_room: Option<u32>,
    pub(crate) timeout: Duration,
    pub(crate) reply_wait: ReplyWait,
}

/// `sizeof(FILTER_REPLY_HEADER)`: a status and an id, each in eight bytes.
const REPLY_HEADER: u32 = 16;

#[derive(Debug)]
enum Reply {
    Awaited,
    Given { status: u32, body: Vec<u8> },
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    last_id: u64,
    undelivered: VecDeque<Message>,
    /// Delivered messages whose senders wait for an answer.
    replies: BTreeMap<u64, Reply>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    state: Mutex<State>,
    changed: Condvar,
}

impl Channel {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of another thread while it held the lock has already failed the test.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one message and waits as the module says.
    pub(crate) fn send(&self, send: Send) -> SendOutcome {
        let deadline = Instant::now().checked_add(send.timeout);
        let mut state = self.lock();
        if state.closed {
            return SendOutcome::Disconnected;
        }
        state.last_id += 1;
        let id = state.last_id;
        let reply_length = send
            .reply_room
            .map_or(0, |room| room.saturating_add(REPLY_HEADER));
        if send.reply_room.is_some() {
            state.replies.insert(id, Reply::Awaited);
        }
        state.undelivered.push_back(Message {
            id,
            reply_length,
            body: send.body,
        });
        self.changed.notify_all();
        let outcome = self.wait_for_outcome(state, id, &send.reply_room, |delivered| {
            if delivered && send.reply_wait == ReplyWait::Unbounded {
                None
            } else {
                deadline
            }
        });
        self.lock().replies.remove(&id);
        outcome
    }

    /// Waits until the fate of message `id` is known; `deadline` says how long, given whether the
    /// message has been fetched.
    fn wait_for_outcome(
        &self,
        mut state: MutexGuard<'_, State>,
        id: u64,
        reply_room: &Option<u32>,
        deadline: impl Fn(bool) -> Option<Instant>,
    ) -> SendOutcome {
        loop {
            let delivered = state.undelivered.iter().all(|message| message.id != id);
            if let Some(outcome) = state.fate(id, delivered, reply_room.is_some()) {
                return outcome;
            }
            state = match deadline(delivered) {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        state.undelivered.retain(|message| message.id != id);
                        return SendOutcome::TimedOut;
                    }
                    self.changed
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }

    /// Waits for the next message; `None` once the connection is closed.
    pub(crate) fn fetch(&self) -> Option<Message> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(message) = state.undelivered.pop_front() {
                self.changed.notify_all();
                return Some(message);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Answers message `id`; false when no sender waits for an answer to it.
    pub(crate) fn reply(&self, id: u64, status: u32, body: &[u8]) -> bool {
        let mut state = self.lock();
        let fetched = state.undelivered.iter().all(|message| message.id != id);
        match state.replies.get_mut(&id) {
            Some(reply @ Reply::Awaited) if fetched => {
                *reply = Reply::Given {
                    status,
                    body: body.to_vec(),
                };
                self.changed.notify_all();
                true
            }
            Some(Reply::Awaited | Reply::Given { .. }) | None => false,
        }
    }

    /// Ends the connection for both sides; false when it had ended before.
    pub(crate) fn close(&self) -> bool {
        let mut state = self.lock();
        let was_open = !state.closed;
        state.closed = true;
        state.undelivered.clear();
        self.changed.notify_all();
        was_open
    }

    /// Whether either side has ended the connection.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }
}

impl State {
    fn fate(&mut self, id: u64, delivered: bool, wants_reply: bool) -> Option<SendOutcome> {
        if let Some(Reply::Given { status, body }) = self.replies.get_mut(&id) {
            let body = std::mem::take(body);
            return Some(SendOutcome::Replied {
                status: *status,
                body,
            });
        }
        if self.closed {
            return Some(SendOutcome::Disconnected);
        }
        (delivered && !wants_reply).then_some(SendOutcome::Delivered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    /// Long enough that a test which waits it out would be noticed; none does.
    const LONG: Duration = Duration::from_secs(600);

    fn send(reply_room: Option<u32>, timeout: Duration, reply_wait: ReplyWait) -> Send {
        Send {
            body: vec![7; 5],
            reply_room,
            timeout,
            reply_wait,
        }
    }

    #[test]
    fn without_a_reader_the_send_times_out_and_the_message_is_withdrawn() {
        let channel = Channel::default();
        let outcome = channel.send(send(None, Duration::ZERO, ReplyWait::Unbounded));
        assert_eq!(outcome, SendOutcome::TimedOut);
        assert!(channel.lock().undelivered.is_empty());
    }

    #[test]
    fn a_fetched_message_without_reply_is_delivered() {
        let channel = Arc::new(Channel::default());
        let reader = Arc::clone(&channel);
        let reader = thread::spawn(move || reader.fetch());
        let outcome = channel.send(send(None, LONG, ReplyWait::Unbounded));
        assert_eq!(outcome, SendOutcome::Delivered);
        let message = reader.join().expect("the reader ends").expect("a message");
        assert_eq!(
            (message.id, message.reply_length, message.body),
            (1, 0, vec![7; 5])
        );
    }

    #[test]
    fn the_reply_reaches_its_sender_and_only_once() {
        let channel = Arc::new(Channel::default());
        let reader = Arc::clone(&channel);
        let reader = thread::spawn(move || {
            let message = reader.fetch().expect("a message");
            assert_eq!(message.reply_length, 8 + 16, "the header counts");
            let first = reader.reply(message.id, 3, b"answer");
            (
                first,
                reader.reply(message.id, 4, b"again"),
                reader.reply(99, 0, b"nobody"),
            )
        });
        let outcome = channel.send(send(Some(8), LONG, ReplyWait::WithinTimeout));
        assert_eq!(
            outcome,
            SendOutcome::Replied {
                status: 3,
                body: b"answer".to_vec()
            }
        );
        assert_eq!(
            reader.join().expect("the reader ends"),
            (true, false, false)
        );
        assert!(
            channel.lock().replies.is_empty(),
            "nothing of the message is kept"
        );
    }

    #[test]
    fn an_unfetched_message_cannot_be_answered() {
        let channel = Channel::default();
        channel.lock().undelivered.push_back(Message {
            id: 1,
            reply_length: 16,
            body: vec![],
        });
        channel.lock().replies.insert(1, Reply::Awaited);
        assert!(!channel.reply(1, 0, b""));
    }

    #[test]
    fn closing_frees_a_sender_that_waits_for_a_reply_although_its_time_is_long_over() {
        let channel = Arc::new(Channel::default());
        let reader = Arc::clone(&channel);
        let reader = thread::spawn(move || {
            let message = reader.fetch();
            reader.close();
            message
        });
        // A second sender would have timed out; this one is past delivery when it is closed.
        let outcome = channel.send(send(Some(8), LONG, ReplyWait::Unbounded));
        assert_eq!(outcome, SendOutcome::Disconnected);
        assert!(reader.join().expect("the reader ends").is_some());
    }

    #[test]
    fn closing_frees_a_waiting_reader_and_refuses_later_sends() {
        let channel = Arc::new(Channel::default());
        let reader = Arc::clone(&channel);
        let reader = thread::spawn(move || reader.fetch());
        assert!(channel.close());
        assert_eq!(reader.join().expect("the reader ends"), None);
        assert!(!channel.close(), "closed once");
        assert!(channel.is_closed());
        let outcome = channel.send(send(None, LONG, ReplyWait::Unbounded));
        assert_eq!(outcome, SendOutcome::Disconnected);
    }
}
