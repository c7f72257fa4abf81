//! The program at the port: takes what is there, answers, and goes on without waiting for anything.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use cloneguard::{Consumer, Entry};
use testbed::fltmgr::PortClient;
use testbed::ntos::token::SYSTEM_SID;
use testbed::status::{NtStatus, STATUS_SUCCESS};
use testbed::{Machine, Process, ProcessSpec};
use wire::Counters;
use zerocopy::IntoBytes as _;

use crate::demo::stage::PORT;

/// All that was delivered in one load of the driver, over several connections.
pub(crate) struct Watcher {
    machine: Arc<Machine>,
    process: Arc<Process>,
    consumer: Consumer,
    port: Option<PortClient>,
    /// The records.
    pub(crate) entries: Vec<Entry>,
    /// The counters of the last message.
    pub(crate) counters: Counters,
    /// What of the trail did not add up.
    pub(crate) faults: Vec<String>,
}

impl Watcher {
    pub(crate) fn new(machine: &Arc<Machine>) -> Self {
        let spec = ProcessSpec::user(r"\Device\HarddiskVolume3\Windows\cloneguard.exe");
        Self {
            machine: Arc::clone(machine),
            process: machine.create_process(spec.user_sid(SYSTEM_SID)),
            consumer: Consumer::new(),
            port: None,
            entries: Vec::new(),
            counters: Counters::default(),
            faults: Vec::new(),
        }
    }

    /// The machine it runs on.
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Connects with what it has.
    pub(crate) fn connect(&mut self) -> Result<(), NtStatus> {
        let request = self.consumer.connect_request();
        self.port = Some(self.visit(request.as_bytes())?);
        Ok(())
    }

    /// Opens the port with any context.
    pub(crate) fn visit(&self, context: &[u8]) -> Result<PortClient, NtStatus> {
        self.process
            .run(|thread| self.machine.connect_port(thread, PORT, context))
    }

    /// Goes.
    pub(crate) fn disconnect(&mut self) {
        drop(self.port.take());
    }

    /// Takes and answers until the driver sends no more.
    pub(crate) fn take(&mut self) -> Result<()> {
        loop {
            self.machine.wait_until_idle();
            let message = self.port.as_ref().map(PortClient::poll_message);
            let Some(Ok(Some(message))) = message else {
                return Ok(());
            };
            let delivery = self.consumer.feed(&message.body);
            let delivery = delivery.map_err(|error| anyhow!("a batch is no batch: {error}"))?;
            let found = delivery.findings.iter().map(ToString::to_string);
            self.faults.extend(found);
            self.counters = delivery.counters;
            self.entries.extend(delivery.entries);
            let reply =
                |port: &PortClient| port.reply(message.id, STATUS_SUCCESS, delivery.ack.bytes());
            if let Some(Err(status)) = self.port.as_ref().map(reply) {
                self.faults
                    .push(format!("an acknowledgement was not taken: {status}"));
            }
        }
    }

    /// Records that were lost, as the trail tells.
    pub(crate) fn lost(&self) -> u64 {
        self.consumer.totals().lost
    }
}
