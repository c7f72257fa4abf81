//! The program at the port: connects, takes batches, acknowledges them.

use std::sync::Arc;

use cloneguard::{Consumer, Entry, Event};
use testbed::fltmgr::{Message, PortClient};
use testbed::ntos::token::Token;
use testbed::status::STATUS_SUCCESS;
use testbed::{NtStatus, Process, ProcessSpec};
use wire::{Ack, Batch, Counters};

use super::Bench;

/// The driver's port.
pub(crate) const PORT: &str = r"\CloneGuardPort";

/// A connected program.
pub(crate) struct Watcher {
    pub(crate) port: PortClient,
    pub(crate) consumer: Consumer,
}

/// A batch that has not been answered yet.
pub(crate) struct Taken {
    pub(crate) id: u64,
    pub(crate) records: u64,
    /// The new records.
    pub(crate) entries: Vec<Entry>,
    pub(crate) ack: Ack,
    pub(crate) counters: Counters,
}

impl Taken {
    /// Whether it holds all that the driver had then.
    pub(crate) fn is_all(&self) -> bool {
        self.counters.held.get() == self.records
    }

    /// The requests among the new records.
    pub(crate) fn requests(&self) -> Vec<Event> {
        requests(&self.entries)
    }
}

/// Everything that the driver had.
pub(crate) struct Drained {
    pub(crate) entries: Vec<Entry>,
    pub(crate) counters: Counters,
}

impl Drained {
    /// The requests among the records.
    pub(crate) fn requests(&self) -> Vec<Event> {
        requests(&self.entries)
    }
}

/// The requests among some records; the rest is what the driver says of itself.
pub(crate) fn requests(entries: &[Entry]) -> Vec<Event> {
    let request = |entry: &Entry| match entry {
        Entry::Request(event) => Some(Event::clone(event)),
        _ => None,
    };
    entries.iter().filter_map(request).collect()
}

impl Watcher {
    /// Takes the next batch, without an answer. Nothing about it may be wrong.
    pub(crate) fn take(&mut self) -> Taken {
        let message = self.port.get_message().expect("a message");
        self.feed(&message)
    }

    /// The same if there is one.
    pub(crate) fn poll(&mut self) -> Option<Taken> {
        let message = self.port.poll_message().expect("connected");
        message.map(|message| self.feed(&message))
    }

    fn feed(&mut self, message: &Message) -> Taken {
        let batch = Batch::parse(&message.body).expect("a batch");
        let records = u64::from(batch.record_count());
        let delivery = self.consumer.feed(&message.body).expect("a batch");
        assert_eq!(delivery.findings, [], "the trail adds up");
        Taken {
            id: message.id,
            records,
            entries: delivery.entries,
            ack: delivery.ack,
            counters: delivery.counters,
        }
    }

    /// Acknowledges a batch.
    pub(crate) fn acknowledge(&self, taken: &Taken) {
        let answered = self.port.reply(taken.id, STATUS_SUCCESS, taken.ack.bytes());
        assert_eq!(answered, Ok(()));
    }

    /// Takes and acknowledges until the driver holds nothing else.
    pub(crate) fn drain(&mut self) -> Drained {
        let mut entries = Vec::new();
        loop {
            let taken = self.take();
            self.acknowledge(&taken);
            let is_all = taken.is_all();
            entries.extend(taken.entries);
            if is_all {
                return Drained {
                    entries,
                    counters: taken.counters,
                };
            }
        }
    }
}

impl Bench {
    /// A process whose user may connect.
    pub(crate) fn administrator(&self) -> Arc<Process> {
        let token = Token {
            integrity: 0x3000,
            ..Token::of("S-1-5-21-1-2-3-500")
        };
        let image = r"\Device\HarddiskVolume3\Windows\cloneguard.exe";
        self.machine
            .create_process(ProcessSpec::user(image).token(token))
    }

    /// Connects with this context.
    pub(crate) fn connect(&self, context: &[u8]) -> Result<PortClient, NtStatus> {
        let tool = self.administrator();
        tool.run(|thread| thread.machine().connect_port(thread, PORT, context))
    }

    /// Connects a consumer with what it asks for by itself.
    pub(crate) fn watch(&self, consumer: Consumer) -> Watcher {
        use zerocopy::IntoBytes as _;
        let request = consumer.connect_request();
        let port = self.connect(request.as_bytes()).expect("connected");
        Watcher { port, consumer }
    }

    /// Everything that the driver has recorded and nobody has acknowledged.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.watch(Consumer::new()).drain().entries
    }

    /// The requests among it.
    pub(crate) fn events(&self) -> Vec<Event> {
        requests(&self.entries())
    }
}
