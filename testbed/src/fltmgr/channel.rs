//! The state machine of one connection between a filter and a user-mode program: messages that
//! wait to be fetched, senders that wait for a reply, and the two ways in which it ends.
//!
//! It knows nothing of guest memory or of modelled threads; whoever waits here is a real thread.
//! `FltSendMessage` waits twice: until the message is fetched (bounded by its time-out), and, if it
//! wants a reply, until that comes. The reference page says that the time-out covers both; it has
//! been reported that it does not cover the second (MicrosoftDocs/windows-driver-docs-ddi issue
//! 1110), so [`ReplyWait::Unbounded`] is what this model does unless told otherwise.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::ntos::deadline::Deadline;
use crate::ntos::sleepers::{Place, Sleepers};

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
    pub(crate) deadline: Deadline,
    pub(crate) reply_wait: ReplyWait,
    /// Id of the thread that sends.
    pub(crate) thread: u64,
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
    /// Messages that the program has taken and whose senders have not seen that yet.
    fetched: BTreeSet<u64>,
    /// Delivered messages whose senders wait for an answer.
    replies: BTreeMap<u64, Reply>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Channel {
    state: Mutex<State>,
    changed: Condvar,
    sleepers: Arc<Sleepers>,
    place: Place,
}

impl Channel {
    /// The channel of the connection with this number.
    pub(crate) fn new(sleepers: &Arc<Sleepers>, number: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            sleepers: Arc::clone(sleepers),
            place: Place::Connection(number),
        }
    }

    /// Tells whoever waits to look again.
    pub(crate) fn tell(&self) {
        let state = self.lock();
        self.tell_with(&state);
    }

    /// The same for somebody who has the lock.
    fn tell_with(&self, _state: &State) {
        self.sleepers.wake(self.place);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of another thread while it held the lock has already failed the test.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one message and waits as the module says.
    pub(crate) fn send(&self, send: Send) -> SendOutcome {
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
            body: send.body.clone(),
        });
        self.tell_with(&state);
        let outcome = self.wait_for_outcome(state, id, &send);
        let mut state = self.lock();
        state.replies.remove(&id);
        state.fetched.remove(&id);
        outcome
    }

    /// Waits until the fate of message `id` is known.
    fn wait_for_outcome(
        &self,
        mut state: MutexGuard<'_, State>,
        id: u64,
        send: &Send,
    ) -> SendOutcome {
        let for_ever = Deadline::Host(None);
        loop {
            let delivered = state.fetched.contains(&id);
            if let Some(outcome) = state.fate(id, delivered, send.reply_room.is_some()) {
                return outcome;
            }
            let deadline = if delivered && send.reply_wait == ReplyWait::Unbounded {
                &for_ever
            } else {
                &send.deadline
            };
            if deadline.is_over() {
                state.undelivered.retain(|message| message.id != id);
                return SendOutcome::TimedOut;
            }
            self.sleepers.sleeps(send.thread, self.place);
            state = deadline.wait(&self.changed, state);
            self.sleepers.looks(send.thread);
        }
    }

    /// Waits for the next message; `None` once the connection is closed.
    pub(crate) fn fetch(&self) -> Option<Message> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(message) = self.take(&mut state) {
                return Some(message);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next message, if there is one; `None` once the connection is closed.
    pub(crate) fn poll(&self) -> Option<Option<Message>> {
        let mut state = self.lock();
        (!state.closed).then(|| self.take(&mut state))
    }

    fn take(&self, state: &mut State) -> Option<Message> {
        let message = state.undelivered.pop_front()?;
        state.fetched.insert(message.id);
        self.tell_with(state);
        Some(message)
    }

    /// Answers message `id`; false when no sender waits for an answer to it.
    pub(crate) fn reply(&self, id: u64, status: u32, body: &[u8]) -> bool {
        let mut state = self.lock();
        let fetched = state.fetched.contains(&id);
        match state.replies.get_mut(&id) {
            Some(reply @ Reply::Awaited) if fetched => {
                *reply = Reply::Given {
                    status,
                    body: body.to_vec(),
                };
                self.tell_with(&state);
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
        self.tell_with(&state);
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
        if delivered && !wants_reply {
            // Also if the program has gone since.
            return Some(SendOutcome::Delivered);
        }
        self.closed.then_some(SendOutcome::Disconnected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    fn channel() -> Channel {
        Channel::new(&Arc::default(), 0)
    }

    /// Long enough that a test which waits it out would be noticed; none does.
    const LONG: Duration = Duration::from_secs(600);

    fn send(reply_room: Option<u32>, timeout: Duration, reply_wait: ReplyWait) -> Send {
        Send {
            body: vec![7; 5],
            reply_room,
            deadline: Deadline::on_host(timeout),
            reply_wait,
            thread: 4,
        }
    }

    #[test]
    fn without_a_reader_the_send_times_out_and_the_message_is_withdrawn() {
        let channel = channel();
        let outcome = channel.send(send(None, Duration::ZERO, ReplyWait::Unbounded));
        assert_eq!(outcome, SendOutcome::TimedOut);
        assert!(channel.lock().undelivered.is_empty());
    }

    #[test]
    fn a_fetched_message_without_reply_is_delivered() {
        let channel = Arc::new(channel());
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
        let channel = Arc::new(channel());
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
        let channel = channel();
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
        let channel = Arc::new(channel());
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
        let channel = Arc::new(channel());
        let reader = Arc::clone(&channel);
        let reader = thread::spawn(move || reader.fetch());
        assert!(channel.close());
        assert_eq!(reader.join().expect("the reader ends"), None);
        assert!(!channel.close(), "closed once");
        assert!(channel.is_closed());
        let outcome = channel.send(send(None, LONG, ReplyWait::Unbounded));
        assert_eq!(outcome, SendOutcome::Disconnected);
    }

    #[test]
    fn a_message_that_was_fetched_is_delivered_although_the_program_has_gone() {
        let channel = Arc::new(channel());
        let reader = Arc::clone(&channel);
        let reader = thread::spawn(move || {
            let message = reader.fetch();
            reader.close();
            message
        });
        let outcome = channel.send(send(None, LONG, ReplyWait::Unbounded));
        assert_eq!(outcome, SendOutcome::Delivered);
        assert!(reader.join().expect("the reader ends").is_some());
        assert!(channel.lock().fetched.is_empty(), "nothing of it is kept");
    }
}
