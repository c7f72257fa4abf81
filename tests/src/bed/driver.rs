//! The driver on the machine: loaded, its records read by a program at the port, unloaded.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cloneguard::{Consumer, Entry, Event};
use testbed::fltmgr::PortClient;
use testbed::ntos::registry::RegistryValue;
use testbed::ntos::token::SYSTEM_SID;
use testbed::status::STATUS_SUCCESS;
use testbed::{Machine, Process, ProcessSpec, UnloadError};
use wire::{Batch, PolicyEvent};
use zerocopy::IntoBytes as _;

use crate::expect::Mode;

/// The service.
const SERVICE: &str = "CloneGuard";
/// The driver's port.
const PORT: &str = r"\CloneGuardPort";
/// The registry value that holds a policy.
const POLICY: &str = "Policy";

/// The policy of a mode; none is the driver's default.
const fn policy(mode: Mode) -> Option<&'static str> {
    match mode {
        Mode::Observe => None,
        Mode::Enforce => Some("mode = 'enforce'"),
        Mode::Policy => Some(include_str!("policy.toml")),
    }
}

/// A loaded driver and the program that reads its records.
pub(crate) struct Driver {
    tool: Arc<Process>,
    consumer: Mutex<Consumer>,
}

impl Driver {
    /// Loads the image.
    pub(crate) fn load(machine: &Arc<Machine>, image: &Path, mode: Mode) -> Result<Self, String> {
        if let Some(text) = policy(mode) {
            let blob = cloneguard::policy::compile(text);
            let blob = blob.map_err(|problems| format!("the policy of the stage: {problems}"))?;
            machine.set_registry(SERVICE, POLICY, RegistryValue::Binary(blob));
        }
        let loaded = machine.load_driver(image, SERVICE);
        loaded.map_err(|error| format!("the driver does not load: {error}"))?;
        let image = r"\Device\HarddiskVolume1\conformance\cloneguard.exe";
        Ok(Self {
            tool: machine.create_process(ProcessSpec::user(image).user_sid(SYSTEM_SID)),
            consumer: Mutex::new(Consumer::new()),
        })
    }

    /// All records of requests since the last call. A connection is greeted with a message even if there is no
    /// record, so this needs no waiting for what does not come.
    pub(crate) fn records(&self, machine: &Arc<Machine>) -> Result<Vec<Event>, String> {
        let mut consumer = self.consumer.lock().unwrap_or_else(PoisonError::into_inner);
        let request = consumer.connect_request();
        let connected = self
            .tool
            .run(|thread| machine.connect_port(thread, PORT, request.as_bytes()));
        let port = connected.map_err(|status| format!("the port refuses: {status}"))?;
        let mut events = Vec::new();
        while !take(&port, &mut consumer, &mut events)? {}
        port.close();
        Ok(events)
    }

    /// Unloads; what is wrong comes back.
    pub(crate) fn unload(self, machine: &Arc<Machine>) -> Vec<String> {
        match machine.unload(SERVICE) {
            Ok(()) => Vec::new(),
            Err(UnloadError::Left(left)) => {
                let name = |found| format!("left behind: {found}");
                left.iter().map(name).collect()
            }
            Err(error) => vec![format!("unload: {error}")],
        }
    }
}

/// Takes a batch and acknowledges it; whether the driver holds nothing else.
fn take(
    port: &PortClient,
    consumer: &mut Consumer,
    events: &mut Vec<Event>,
) -> Result<bool, String> {
    let closed = |_| "the driver closed the port".to_owned();
    let message = port.get_message().map_err(closed)?;
    let undecodable = |error| format!("a batch does not decode: {error}");
    let records = Batch::parse(&message.body)
        .map_err(undecodable)?
        .record_count();
    let delivery = consumer.feed(&message.body).map_err(undecodable)?;
    if !delivery.findings.is_empty() {
        return Err(format!("the trail has gaps: {:?}", delivery.findings));
    }
    port.reply(message.id, STATUS_SUCCESS, delivery.ack.bytes())
        .map_err(|status| format!("an acknowledgement was refused: {status}"))?;
    for entry in delivery.entries {
        match entry {
            Entry::Request(event) => events.push(*event),
            other => check_own(&other)?,
        }
    }
    Ok(delivery.counters.held.get() == u64::from(records))
}

/// What the driver tells of itself. On this machine it has no reason for bad news.
fn check_own(entry: &Entry) -> Result<(), String> {
    let is_good = match entry {
        Entry::Started(_)
        | Entry::Stopping(_)
        | Entry::Volume(_)
        | Entry::Consumer(_)
        | Entry::Heartbeat(_) => true,
        Entry::Policy(change) => {
            matches!(change.event, PolicyEvent::Default | PolicyEvent::Applied)
        }
        Entry::Request(_)
        | Entry::Ended(_)
        | Entry::Summary(_)
        | Entry::Gap(_)
        | Entry::Unknown(_) => false,
    };
    if is_good {
        return Ok(());
    }
    Err(format!("the driver tells of itself: {entry:?}"))
}
