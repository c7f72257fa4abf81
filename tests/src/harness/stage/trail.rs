//! The driver's records, read at its port.

use std::sync::{Mutex, PoisonError};

use cloneguard::live::windows::FilterManager;
use cloneguard::live::{Port, Source as _, Stop};
use cloneguard::{Consumer, Entry, Event};
use wire::{Batch, PolicyEvent};
use zerocopy::IntoBytes as _;

/// What has been read of one load of the driver.
pub(crate) struct Trail {
    consumer: Mutex<Consumer>,
}

impl Trail {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            consumer: Mutex::new(Consumer::new()),
        }
    }

    /// All records of requests since the last time. A connection is greeted with a message even if there is no
    /// record, so this needs no waiting for what does not come.
    pub(crate) fn read(&self) -> Result<Vec<Event>, String> {
        let mut consumer = self.consumer.lock().unwrap_or_else(PoisonError::into_inner);
        let request = consumer.connect_request();
        let connected = FilterManager.connect(request.as_bytes(), &Stop::new());
        let mut port = connected.map_err(|error| format!("the port refuses: {error}"))?;
        let mut events = Vec::new();
        while !take(&mut *port, &mut consumer, &mut events)? {}
        Ok(events)
    }
}

/// Takes a batch and acknowledges it; whether the driver holds nothing else.
fn take(
    port: &mut dyn Port,
    consumer: &mut Consumer,
    events: &mut Vec<Event>,
) -> Result<bool, String> {
    let message = port
        .get_message()
        .map_err(|error| format!("the port: {error}"))?;
    let undecodable = |error| format!("a batch does not decode: {error}");
    let records = Batch::parse(&message.body)
        .map_err(undecodable)?
        .record_count();
    let delivery = consumer.feed(&message.body).map_err(undecodable)?;
    if !delivery.findings.is_empty() {
        return Err(format!("the trail has gaps: {:?}", delivery.findings));
    }
    port.reply(message.id, delivery.ack.bytes())
        .map_err(|error| format!("an acknowledgement: {error}"))?;
    for entry in delivery.entries {
        match entry {
            Entry::Request(event) => events.push(*event),
            other => check_own(&other)?,
        }
    }
    Ok(delivery.counters.held.get() == u64::from(records))
}

/// What the driver tells of itself. That a policy was refused, or that records are missing, is a finding; that other
/// programs of the machine clone, is none.
fn check_own(entry: &Entry) -> Result<(), String> {
    let is_bad = match entry {
        Entry::Policy(change) => {
            !matches!(change.event, PolicyEvent::Default | PolicyEvent::Applied)
        }
        Entry::Gap(_) | Entry::Unknown(_) => true,
        Entry::Started(_)
        | Entry::Stopping(_)
        | Entry::Volume(_)
        | Entry::Consumer(_)
        | Entry::Heartbeat(_)
        | Entry::Request(_)
        | Entry::Ended(_)
        | Entry::Summary(_) => false,
    };
    if is_bad {
        return Err(format!("the driver tells of itself: {entry:?}"));
    }
    Ok(())
}
