//! The programs at the port of a script's machine, and what they read.
//!
//! However they come and go, the [`Trail`] in the end has each record once, and what the driver says of itself is
//! what it has to say.

use std::collections::VecDeque;
use std::sync::Arc;

use cloneguard::{Consumer, CounterValues, Ended, Entry, Event, Started};
use testbed::fltmgr::PortClient;
use testbed::ntos::token::SYSTEM_SID;
use testbed::status::{
    STATUS_CONNECTION_COUNT_LIMIT, STATUS_INSUFFICIENT_RESOURCES, STATUS_SUCCESS,
};
use testbed::{Machine, NtStatus, Process, ProcessSpec};
use wire::{Ack, Batch, Counters, DecodeError, OutcomeKind, PolicyEvent, PreviousStop};
use zerocopy::IntoBytes as _;

use super::act::Reply;

/// The driver's port.
const PORT: &str = r"\CloneGuardPort";

/// What was read, since the driver was loaded.
#[derive(Default)]
pub(super) struct Trail {
    consumer: Consumer,
    /// The last number that the driver was told that there is a record of it.
    through: u64,
    /// What it has to say of the load before, if that is known.
    previous: Option<PreviousStop>,
    /// What the driver will have to say of policies.
    expected: VecDeque<PolicyEvent>,
    session: Option<(Arc<Process>, PortClient)>,
    /// Why records may be missing or told together; none if each request must have its own.
    excuse: Option<&'static str>,
    /// Whether a call has just failed, so that nobody knows what becomes of a policy.
    is_shaken: bool,
    /// Requests told of, each by itself and in summaries.
    told: u64,
    summed: u64,
    /// What the driver counted when it said that it stops.
    stopping: Option<CounterValues>,
    /// The records of requests.
    pub(super) events: Vec<Event>,
}

/// A new program connects with these bytes.
pub(super) fn connect(
    machine: &Arc<Machine>,
    context: &[u8],
) -> Result<(Arc<Process>, PortClient), NtStatus> {
    let image = r"\Device\HarddiskVolume1\property\cloneguard.exe";
    let tool = machine.create_process(ProcessSpec::user(image).user_sid(SYSTEM_SID));
    let connected = tool.run(|thread| machine.connect_port(thread, PORT, context));
    connected.map(|port| (tool, port))
}

impl Trail {
    /// The driver is loaded again: it numbers its records from one, and tells in the first of the load before.
    pub(super) fn begin_anew(&mut self, previous: Option<PreviousStop>) {
        *self = Self {
            previous,
            ..Self::default()
        };
    }

    /// The driver will have to say this.
    pub(super) fn expect(&mut self, told: PolicyEvent) {
        if !self.is_shaken {
            self.expected.push_back(told);
        }
    }

    /// Records of this load may be missing from now on, or tell of many requests.
    pub(super) const fn excuse(&mut self, why: &'static str) {
        self.excuse = Some(why);
    }

    /// Whether each request has to have a record of its own.
    pub(super) const fn is_whole(&self) -> bool {
        self.excuse.is_none()
    }

    /// Whether a program is at the port.
    pub(super) fn has_program(&self) -> bool {
        let session = self.session.as_ref();
        session.is_some_and(|(_, port)| !port.is_closed())
    }

    /// A program connects and stays. There is room for one.
    pub(super) fn join(&mut self, machine: &Arc<Machine>, may_fail: bool) -> Result<(), String> {
        let is_taken = self.has_program();
        match connect(machine, self.consumer.connect_request().as_bytes()) {
            Err(STATUS_INSUFFICIENT_RESOURCES) if may_fail => Ok(()),
            Err(STATUS_CONNECTION_COUNT_LIMIT) if is_taken => Ok(()),
            Ok(_) if is_taken => Err("two programs are at the port".to_owned()),
            Ok(session) => {
                self.session = Some(session);
                Ok(())
            }
            Err(status) => Err(format!("the port refuses: {status}")),
        }
    }

    /// It goes, or is killed.
    pub(super) fn leave(&mut self, killed: bool) {
        if let Some((tool, port)) = self.session.take() {
            if killed {
                tool.kill();
            }
            drop(port);
        }
    }

    /// It takes the next batch, if there is one.
    pub(super) fn take(&mut self, machine: &Arc<Machine>, reply: &Reply) -> Result<(), String> {
        let Some((tool, port)) = self.session.take() else {
            return Ok(());
        };
        machine.wait_until_idle();
        if let Ok(Some(message)) = port.poll_message() {
            match self.answer(reply, &message.body)? {
                Some(bytes) => {
                    let answered = port.reply(message.id, STATUS_SUCCESS, &bytes);
                    answered.map_err(|status| format!("an answer was refused: {status}"))?;
                }
                None if *reply == Reply::Acknowledged => {
                    self.feed(&port, message.id, &message.body)?;
                }
                None => {}
            }
        }
        self.session = Some((tool, port));
        Ok(())
    }

    /// The bytes of an answer that is not the right one.
    fn answer(&self, reply: &Reply, body: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let batch = Batch::parse(body).map_err(undecodable)?;
        let boot_id = batch.boot_id();
        let last = batch.counters().last_sequence().unwrap_or(u64::MAX);
        let ack = match reply {
            Reply::Acknowledged | Reply::None => return Ok(None),
            Reply::Other(bytes) => return Ok(Some(bytes.clone())),
            Reply::Again => Ack::new(boot_id, self.through),
            Reply::Ahead(by) => Ack::new(boot_id, last.saturating_add(1 + u64::from(*by))),
            Reply::OtherLoad => Ack::new(boot_id.map(|byte| !byte), last),
        };
        Ok(Some(ack.bytes().to_vec()))
    }

    /// The program takes one of the last batches before an unload; whether there was one.
    pub(super) fn take_last(&mut self) -> Result<bool, String> {
        let Some((tool, port)) = self.session.take() else {
            return Ok(false);
        };
        let message = port.poll_message().ok().flatten();
        if let Some(message) = &message {
            self.feed(&port, message.id, &message.body)?;
        }
        self.session = Some((tool, port));
        Ok(message.is_some())
    }

    /// A new program takes everything; then `seen` requests must be accounted for. A connection is greeted with a message
    /// even if there is no record. Answers whether requests are in flight, which keep back what came after them.
    pub(super) fn drain(&mut self, machine: &Arc<Machine>, seen: u64) -> Result<bool, String> {
        self.leave(false);
        let connected = connect(machine, self.consumer.connect_request().as_bytes());
        let (_tool, port) = connected.map_err(|status| format!("the port refuses: {status}"))?;
        let counters = loop {
            machine.wait_until_idle();
            let message = port.poll_message();
            let message = message.map_err(|_| "the driver closed the port".to_owned())?;
            let in_flight = self
                .consumer
                .counters()
                .filter(|counters| counters.in_flight.get() > 0);
            match (message, in_flight) {
                (Some(message), _) => {
                    if let Some(counters) = self.feed(&port, message.id, &message.body)? {
                        break counters;
                    }
                }
                (None, Some(counters)) => break *counters,
                (None, None) => return Err("the driver is silent".to_owned()),
            }
        };
        port.close();
        let is_in_flight = counters.in_flight.get() > 0;
        if !is_in_flight {
            if !self.expected.is_empty() {
                let expected = &self.expected;
                return Err(format!("of policies the driver did not say {expected:?}"));
            }
            self.account(&CounterValues::from(&counters))?;
        }
        equal("requests that the driver saw", counters.seen.get(), seen)?;
        Ok(is_in_flight)
    }

    /// What the driver counts against what it told.
    fn account(&self, counters: &CounterValues) -> Result<(), String> {
        let told = self.told;
        if self.is_whole() {
            equal("requests told of", told, counters.seen)?;
            return equal("records lost", counters.lost, 0);
        }
        let accounted = told + counters.summarised + counters.not_inspected;
        // A lost record may be one of the driver's own, or a summary.
        if (accounted..=accounted + counters.lost).contains(&counters.seen) {
            return Ok(());
        }
        Err(format!(
            "{told} requests were told of, and the driver counts {counters:?}"
        ))
    }

    /// After an unload or the word of a shutdown in front of a program: the last record told all that there was to tell.
    pub(super) fn end(&mut self, seen: u64) -> Result<(), String> {
        let counters = self
            .stopping
            .take()
            .ok_or("the driver did not say that it stops")?;
        equal("requests seen in the end", counters.seen, seen)?;
        if counters.in_flight > 0 || counters.lost > 0 {
            return Ok(());
        }
        equal("requests in summaries", self.summed, counters.summarised)?;
        self.account(&counters)
    }

    /// Reads a batch and acknowledges it. Answers the counters if the driver holds nothing else.
    fn feed(
        &mut self,
        port: &PortClient,
        id: u64,
        body: &[u8],
    ) -> Result<Option<Counters>, String> {
        let records = Batch::parse(body).map_err(undecodable)?.record_count();
        let delivery = self.consumer.feed(body).map_err(undecodable)?;
        if !delivery.findings.is_empty() {
            return Err(format!("the trail has gaps: {:?}", delivery.findings));
        }
        if !delivery.counters.is_balanced() {
            return Err(format!("the sums do not add up: {:?}", delivery.counters));
        }
        // The port may have been closed by an unload that does not wait.
        match port.reply(id, STATUS_SUCCESS, delivery.ack.bytes()) {
            Ok(()) => self.through = delivery.ack.through_sequence(),
            Err(_) if port.is_closed() => {}
            Err(status) => return Err(format!("an acknowledgement was refused: {status}")),
        }
        let counters = delivery.counters;
        let is_all = counters.held.get() == u64::from(records);
        for entry in delivery.entries {
            self.note(entry)?;
        }
        Ok(is_all.then_some(counters))
    }

    fn note(&mut self, entry: Entry) -> Result<(), String> {
        let is_excused = !self.is_whole();
        match entry {
            Entry::Request(event) => {
                self.told += 1;
                self.events.push(*event);
            }
            Entry::Ended(ended) => self.close(&ended)?,
            Entry::Policy(change) if !self.is_shaken => {
                let expected = self.expected.pop_front();
                if expected != Some(change.event) {
                    return Err(format!("told {:?}, not {expected:?}", change.event));
                }
            }
            Entry::Summary(summary) if is_excused => {
                let ends = [summary.completed, summary.failed, summary.draining];
                equal("requests of a summary", ends.iter().sum(), summary.count)?;
                self.summed += summary.count;
            }
            Entry::Started(started) => self.begin(&started)?,
            Entry::Stopping(stopping) => self.stopping = Some(stopping.counters),
            Entry::Gap(_) if is_excused => {}
            Entry::Policy(_) | Entry::Volume(_) | Entry::Consumer(_) | Entry::Heartbeat(_) => {}
            Entry::Summary(_) | Entry::Gap(_) | Entry::Unknown(_) => {
                return Err(format!("the driver tells of itself: {entry:?}"));
            }
        }
        Ok(())
    }

    /// The first record of a load.
    fn begin(&self, started: &Started) -> Result<(), String> {
        match self.previous {
            Some(stop) if stop != started.previous_stop => {
                let told = started.previous_stop;
                Err(format!("of the load before it told {told:?}, not {stop:?}"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The end of a request whose record came before.
    fn close(&mut self, ended: &Ended) -> Result<(), String> {
        let mut events = self.events.iter_mut();
        let open = events.find(|event| event.head.request == ended.head.request);
        let open = open.filter(|event| event.end.outcome == OutcomeKind::Pending);
        open.ok_or_else(|| format!("what has ended was not open: {ended:?}"))?
            .end = ended.end.clone();
        Ok(())
    }

    /// A call has failed: until [`Self::calm_down`] the driver may say of policies what it likes.
    pub(super) fn shake(&mut self) {
        self.excuse("a call failed");
        self.is_shaken = true;
        self.expected.clear();
    }

    /// From now on it is known again.
    pub(super) fn calm_down(&mut self) {
        self.is_shaken = false;
        self.expected.clear();
    }
}

fn undecodable(error: DecodeError) -> String {
    format!("a batch does not decode: {error}")
}

fn equal(what: &str, got: u64, wanted: u64) -> Result<(), String> {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}: {got}, not {wanted}"))
}
