//! The programs at the port of a script's machine, and what they read.
//!
//! However they come and go, the [`Trail`] in the end has each record once, and what the driver says of itself is
//! what it has to say.

use std::collections::VecDeque;
use std::sync::Arc;

use cloneguard::{Consumer, Entry, Event};
use testbed::fltmgr::PortClient;
use testbed::ntos::token::SYSTEM_SID;
use testbed::status::{STATUS_CONNECTION_COUNT_LIMIT, STATUS_SUCCESS};
use testbed::{Machine, NtStatus, Process, ProcessSpec};
use wire::{Batch, PolicyEvent};
use zerocopy::IntoBytes as _;

use super::act::Reply;

/// The driver's port.
const PORT: &str = r"\CloneGuardPort";

/// What was read, since the driver was loaded.
#[derive(Default)]
pub(super) struct Trail {
    consumer: Consumer,
    /// What the driver will have to say of policies.
    expected: VecDeque<PolicyEvent>,
    session: Option<(Arc<Process>, PortClient)>,
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
    /// The driver is loaded again: it numbers its records from one.
    pub(super) fn begin_anew(&mut self) {
        self.consumer = Consumer::new();
        self.expected.clear();
        self.session = None;
    }

    /// The driver will have to say this.
    pub(super) fn expect(&mut self, told: PolicyEvent) {
        self.expected.push_back(told);
    }

    /// Whether a program is at the port.
    pub(super) fn has_program(&self) -> bool {
        let session = self.session.as_ref();
        session.is_some_and(|(_, port)| !port.is_closed())
    }

    /// A program connects and stays. There is room for one.
    pub(super) fn join(&mut self, machine: &Arc<Machine>) -> Result<(), String> {
        let is_taken = self.has_program();
        match connect(machine, self.consumer.connect_request().as_bytes()) {
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
            match reply {
                Reply::Acknowledged => {
                    self.feed(&port, message.id, &message.body)?;
                }
                Reply::None => {}
                Reply::Other(bytes) => {
                    let answered = port.reply(message.id, STATUS_SUCCESS, bytes);
                    answered.map_err(|status| format!("an answer was refused: {status}"))?;
                }
            }
        }
        self.session = Some((tool, port));
        Ok(())
    }

    /// A new program takes everything. A connection is greeted with a message even if there is no record.
    pub(super) fn drain(&mut self, machine: &Arc<Machine>) -> Result<(), String> {
        self.leave(false);
        let connected = connect(machine, self.consumer.connect_request().as_bytes());
        let (_tool, port) = connected.map_err(|status| format!("the port refuses: {status}"))?;
        loop {
            machine.wait_until_idle();
            let message = port.poll_message();
            let message = message.map_err(|_| "the driver closed the port".to_owned())?;
            let message = message.ok_or("the driver is silent")?;
            if self.feed(&port, message.id, &message.body)? {
                break;
            }
        }
        port.close();
        if self.expected.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "of policies the driver did not say {:?}",
                self.expected
            ))
        }
    }

    /// Reads a batch and acknowledges it; whether the driver holds nothing else.
    fn feed(&mut self, port: &PortClient, id: u64, body: &[u8]) -> Result<bool, String> {
        let undecodable = |error| format!("a batch does not decode: {error}");
        let records = Batch::parse(body).map_err(undecodable)?.record_count();
        let delivery = self.consumer.feed(body).map_err(undecodable)?;
        if !delivery.findings.is_empty() {
            return Err(format!("the trail has gaps: {:?}", delivery.findings));
        }
        if !delivery.counters.is_balanced() {
            return Err(format!("the sums do not add up: {:?}", delivery.counters));
        }
        port.reply(id, STATUS_SUCCESS, delivery.ack.bytes())
            .map_err(|status| format!("an acknowledgement was refused: {status}"))?;
        let is_all = delivery.counters.held.get() == u64::from(records);
        for entry in delivery.entries {
            self.note(entry)?;
        }
        Ok(is_all)
    }

    fn note(&mut self, entry: Entry) -> Result<(), String> {
        match entry {
            Entry::Request(event) => self.events.push(*event),
            Entry::Policy(change) => {
                let expected = self.expected.pop_front();
                if expected != Some(change.event) {
                    return Err(format!("told {:?}, not {expected:?}", change.event));
                }
            }
            Entry::Started(_)
            | Entry::Stopping(_)
            | Entry::Volume(_)
            | Entry::Consumer(_)
            | Entry::Heartbeat(_) => {}
            Entry::Ended(_) | Entry::Summary(_) | Entry::Gap(_) | Entry::Unknown(_) => {
                return Err(format!("the driver tells of itself: {entry:?}"));
            }
        }
        Ok(())
    }
}
