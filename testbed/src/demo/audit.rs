//! The consumer of the port: what the tool of an administrator will be.
//!
//! A modelled thread of a SYSTEM process connects, decodes each message through `cloneguard`, prints
//! what arrives and acknowledges it. The records are kept for the comparison at the end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use cloneguard::table::Layout;
use cloneguard::{Consumer, Event, Finding, Totals};
use indicatif::ProgressBar;
use testbed::fltmgr::PortClient;
use testbed::process::Running;
use testbed::status::STATUS_SUCCESS;
use wire::Counters;
use zerocopy::IntoBytes as _;

use super::sent::Sent;
use super::stage::Stage;

/// The name of the driver's port.
const PORT: &str = r"\CloneGuardPort";
/// Columns of the table.
const WIDTH: usize = 150;
/// Of the records of honest callers, these many are shown from the start, then one in so many.
const SHOWN: usize = 12;
const ONE_IN: usize = 50;
/// How long the last records may take to arrive. Reached only when the driver has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the port delivered.
#[derive(Default)]
pub(crate) struct Records {
    /// The records, by sequence number.
    pub(crate) events: Vec<Event>,
    /// What did not add up.
    pub(crate) findings: Vec<Finding>,
    /// The consumer's own counts.
    pub(crate) totals: Totals,
    /// The driver's counters, from its last message.
    pub(crate) counters: Counters,
    /// Why the consumer gave up, if it did.
    failure: Option<String>,
}

struct Shared {
    records: Mutex<Records>,
    changed: Condvar,
    bar: ProgressBar,
    show_all: AtomicBool,
    layout: Layout,
}

/// A running consumer.
pub(crate) struct Trail {
    shared: Arc<Shared>,
    thread: Running<()>,
}

impl Trail {
    /// Connects and starts to listen.
    pub(crate) fn start(stage: &Stage, bar: ProgressBar, show_all: bool) -> Result<Self> {
        let context = Consumer::new().connect_request();
        let connected = stage.tool.run(|thread| {
            thread
                .machine()
                .connect_port(thread, PORT, context.as_bytes())
        });
        let client = match connected {
            Ok(client) => client,
            Err(status) => bail!("the port {PORT} refuses the connection: {status}"),
        };
        let layout = Layout::new(WIDTH);
        println!("\n{}", layout.header());
        let shared = Arc::new(Shared {
            records: Mutex::default(),
            changed: Condvar::new(),
            bar,
            show_all: AtomicBool::new(show_all),
            layout,
        });
        let own = Arc::clone(&shared);
        let thread = stage.tool.spawn(move |_| own.listen(&client));
        Ok(Self { shared, thread })
    }

    /// From here on every record is shown, under a heading.
    pub(crate) fn heading(&self, text: &str) {
        self.shared.bar.suspend(|| println!("  -- {text}"));
        self.shared.show_all.store(true, Ordering::Release);
    }

    /// Waits for the record of everything that the driver saw.
    pub(crate) fn wait(&self, sent: &[Sent]) {
        let seen = sent.iter().filter(|sent| sent.is_seen).count();
        let missing =
            |records: &mut Records| records.events.len() < seen && records.failure.is_none();
        let records = lock(&self.shared.records);
        // What is still missing when patience ends is found by the comparison.
        drop(
            self.shared
                .changed
                .wait_timeout_while(records, PATIENCE, missing),
        );
    }

    /// Ends with the connection, which the unload of the driver closes, and gives out the records.
    pub(crate) fn finish(self) -> Result<Records> {
        self.thread.join();
        let records = std::mem::take(&mut *lock(&self.shared.records));
        match &records.failure {
            Some(failure) => bail!("the consumer gave up: {failure}"),
            None => Ok(records),
        }
    }
}

impl Shared {
    fn listen(&self, client: &PortClient) {
        let mut consumer = Consumer::new();
        while let Ok(message) = client.get_message() {
            let delivery = match consumer.feed(&message.body) {
                Ok(delivery) => delivery,
                Err(error) => return self.fail(format!("a batch does not decode: {error}")),
            };
            let ack = delivery.ack;
            self.take(delivery, *consumer.totals());
            if let Err(status) = client.reply(message.id, STATUS_SUCCESS, ack.bytes()) {
                return self.fail(format!("an acknowledgement was refused: {status}"));
            }
        }
    }

    fn take(&self, delivery: cloneguard::Delivery, totals: Totals) {
        let mut records = lock(&self.records);
        for event in delivery.events {
            let index = records.events.len();
            let sampled = index < SHOWN || index.is_multiple_of(ONE_IN);
            if sampled || self.show_all.load(Ordering::Acquire) {
                let row = self.layout.row(&event);
                self.bar.suspend(|| println!("{row}"));
            }
            records.events.push(event);
        }
        records.findings.extend(delivery.findings);
        records.totals = totals;
        records.counters = delivery.counters;
        self.changed.notify_all();
    }

    fn fail(&self, why: String) {
        lock(&self.records).failure = Some(why);
        self.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
