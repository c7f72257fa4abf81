//! A program that watches: connects, takes what comes, acknowledges what is safe, and comes back when
//! the driver goes away.

use super::{ConnectError, Message, Port, PortError, Source, Stop};
use crate::{Consumer, Delivery};
use std::time::Duration;
use wire::{Batch, DecodeError};
use zerocopy::IntoBytes as _;

/// The first pause before another try; each further one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Where records go.
pub trait Sink {
    /// Why something was not kept.
    type Error;

    /// Takes in what a batch brought. When this returns, what is to outlive the program must be durable: the
    /// driver is told so, and lets go of it.
    ///
    /// # Errors
    ///
    /// Why it is not. Nothing is acknowledged then, and the session ends.
    fn take(&mut self, delivery: &Delivery<'_>) -> Result<(), Self::Error>;

    /// Hears that the driver has been told of what was taken in. What need not be durable has its place here:
    /// the driver does not wait for it.
    ///
    /// # Errors
    ///
    /// Why the session is to end.
    fn told(&mut self, delivery: &Delivery<'_>) -> Result<(), Self::Error> {
        let _nothing = delivery;
        Ok(())
    }

    /// Hears of the connection.
    fn notice(&mut self, notice: Notice<'_>);
}

/// What happens to the connection.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// It stands.
    Connected,
    /// It broke, and another is tried.
    Lost(&'a PortError),
    /// Another is not to be had yet.
    Refused(&'a ConnectError),
}

/// How a session ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A stop was requested.
    Stopped,
    /// Everything that the driver had has come in, and that was all that was asked for.
    Drained,
}

/// Why a session ended.
#[derive(Debug)]
pub enum Failure<E> {
    /// There is no connection.
    Connect(ConnectError),
    /// The connection broke before everything had come in.
    Lost(PortError),
    /// What came is no batch.
    Batch(DecodeError),
    /// It could not be kept.
    Sink(E),
}

/// See the module.
pub struct Session<'a> {
    source: &'a dyn Source,
    stop: &'a Stop,
    consumer: Consumer,
    /// End with what the driver has now.
    once: bool,
    /// What the driver had when a draining session met it.
    goal: Option<u64>,
}

/// How listening to one connection ended.
enum Listened {
    Stopped,
    Drained,
    Lost(PortError),
}

impl<'a> Session<'a> {
    /// A session that goes on where `consumer` is.
    #[must_use]
    pub const fn new(source: &'a dyn Source, stop: &'a Stop, consumer: Consumer) -> Self {
        Self {
            source,
            stop,
            consumer,
            once: false,
            goal: None,
        }
    }

    /// Ends when everything that the driver has at the start has come in.
    #[must_use]
    pub const fn once(mut self, once: bool) -> Self {
        self.once = once;
        self
    }

    /// What has come in so far.
    #[must_use]
    pub const fn consumer(&self) -> &Consumer {
        &self.consumer
    }

    /// Runs until a stop is requested. A driver that goes away is waited for; that there is none at the
    /// start is an error.
    ///
    /// # Errors
    ///
    /// Why it could not go on.
    pub fn run<S: Sink>(&mut self, sink: &mut S) -> Result<Ended, Failure<S::Error>> {
        let mut port = match self.connect() {
            Ok(port) => port,
            Err(ConnectError::Stopped) => return Ok(Ended::Stopped),
            Err(error) => return Err(Failure::Connect(error)),
        };
        loop {
            sink.notice(Notice::Connected);
            match self.listen(port.as_mut(), sink)? {
                Listened::Stopped => return Ok(Ended::Stopped),
                Listened::Drained => return Ok(Ended::Drained),
                Listened::Lost(error) if self.once => return Err(Failure::Lost(error)),
                Listened::Lost(error) => sink.notice(Notice::Lost(&error)),
            }
            // The place at the port must be free before it is asked for again.
            drop(port);
            match self.reconnect(sink)? {
                Some(again) => port = again,
                None => return Ok(Ended::Stopped),
            }
        }
    }

    fn connect(&self) -> Result<Box<dyn Port>, ConnectError> {
        let request = self.consumer.connect_request();
        self.source.connect(request.as_bytes(), self.stop)
    }

    /// Tries until there is a connection again; `None` if a stop is requested before.
    fn reconnect<S: Sink>(&self, sink: &mut S) -> Result<Option<Box<dyn Port>>, Failure<S::Error>> {
        let mut pause = PAUSE_MIN;
        let mut told = String::new();
        while self.stop.sleep(pause) {
            pause = (pause * 2).min(PAUSE_MAX);
            match self.connect() {
                Ok(port) => return Ok(Some(port)),
                Err(ConnectError::Stopped) => return Ok(None),
                Err(error) if error.is_final() => return Err(Failure::Connect(error)),
                Err(error) => {
                    // Once for each reason, not for each try.
                    let text = error.to_string();
                    if text != told {
                        sink.notice(Notice::Refused(&error));
                        told = text;
                    }
                }
            }
        }
        Ok(None)
    }

    fn listen<S: Sink>(
        &mut self,
        port: &mut dyn Port,
        sink: &mut S,
    ) -> Result<Listened, Failure<S::Error>> {
        loop {
            let got = port.get_message();
            if self.stop.is_requested() {
                return Ok(Listened::Stopped);
            }
            let message = match got {
                Ok(message) => message,
                Err(error) => return Ok(Listened::Lost(error)),
            };
            let delivery = self.consumer.feed(&message.body).map_err(Failure::Batch)?;
            sink.take(&delivery).map_err(Failure::Sink)?;
            let is_last = self.once && self.is_drained(&message, &delivery);
            let replied = port.reply(message.id, delivery.ack.bytes());
            sink.told(&delivery).map_err(Failure::Sink)?;
            match replied {
                // The driver sends it again, and the repeats are dropped.
                Ok(()) | Err(PortError::NobodyWaits) => {}
                // The next connection says how far this one got.
                Err(_) if is_last => {}
                Err(_) if self.stop.is_requested() => return Ok(Listened::Stopped),
                Err(error) => return Ok(Listened::Lost(error)),
            }
            if is_last {
                return Ok(Listened::Drained);
            }
        }
    }

    /// Whether the driver has nothing else now, or nothing else of what it had when it was first met.
    fn is_drained(&mut self, message: &Message, delivery: &Delivery<'_>) -> bool {
        let counters = &delivery.counters;
        let stated = counters.last_sequence().unwrap_or(u64::MAX);
        let goal = *self.goal.get_or_insert(stated);
        // It was decoded a moment ago.
        let records = Batch::parse(&message.body).map_or(0, |batch| batch.record_count());
        delivery.ack.through_sequence() >= goal || counters.held.get() == u64::from(records)
    }
}
