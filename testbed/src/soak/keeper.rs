//! A consumer that keeps the records durably, and is killed at any instant, again and again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, anyhow};
use cloneguard::journal::Limits;
use cloneguard::live::Store;
use cloneguard::{Consumer, Finding};
use testbed::fltmgr::PortClient;
use testbed::ntos::token::SYSTEM_SID;
use testbed::process::Running;
use testbed::status::STATUS_SUCCESS;
use testbed::{Machine, ProcessSpec, UserThread};
use zerocopy::IntoBytes as _;

use crate::demo::stage::{PORT, Stage, image_path};
use crate::serve::load::Random;

/// How long to wait where there is no driver, or its place is taken.
const PAUSE: Duration = Duration::from_millis(5);
/// After how many batches at most it is killed.
const BATCHES: u64 = 30;

/// The consumer at work.
pub(crate) struct Keeper {
    end: Arc<AtomicBool>,
    running: Running<Result<Vec<String>>>,
}

/// One life after another.
struct Lives {
    machine: Arc<Machine>,
    path: PathBuf,
    random: Random,
    end: Arc<AtomicBool>,
    faults: Vec<String>,
}

/// How a life ended.
#[derive(PartialEq, Eq)]
enum Death {
    /// By its own plan, before it answered.
    Killed,
    /// The port was closed.
    Unloaded,
}

impl Keeper {
    /// Starts it.
    pub(crate) fn start(stage: &Stage, journal: &Path, seed: u64) -> Self {
        let spec = ProcessSpec::user(image_path("cloneguard.exe")).user_sid(SYSTEM_SID);
        let process = stage.machine.create_process(spec);
        let end = Arc::new(AtomicBool::new(false));
        let lives = Lives {
            machine: Arc::clone(&stage.machine),
            path: journal.to_owned(),
            random: Random::new(seed ^ 0x6B65_6570),
            end: Arc::clone(&end),
            faults: Vec::new(),
        };
        Self {
            end,
            running: process.spawn(move |thread| lives.run(thread)),
        }
    }

    /// The driver's port closes or is idle: no life begins any more. What was wrong.
    pub(crate) fn end(self) -> Vec<String> {
        self.end.store(true, Ordering::Release);
        match self.running.join() {
            Ok(faults) => faults,
            Err(error) => vec![format!("the consumer: {error:#}")],
        }
    }
}

/// An unload takes along what nobody has acknowledged; that its count is right, the journal shows at the end.
const fn is_of_an_unload(found: &Finding) -> bool {
    matches!(found, Finding::EndMissing { .. })
}

impl Lives {
    fn run(mut self, thread: &UserThread) -> Result<Vec<String>> {
        while !self.end.load(Ordering::Acquire) {
            let (mut store, opened) = Store::open(&self.path, Limits::default())?;
            for finding in &opened.findings {
                self.faults.push(format!("at opening: {finding}"));
            }
            let consumer = store.consumer();
            let request = consumer.connect_request();
            match self.machine.connect_port(thread, PORT, request.as_bytes()) {
                Ok(port) => {
                    self.live(&port, consumer, &mut store)?;
                }
                // Between two loads there is no port, and within its first moments no memory, perhaps.
                Err(_status) => std::thread::sleep(PAUSE),
            }
        }
        Ok(self.faults)
    }

    /// Takes, keeps and answers, until the port is closed or its hour has come.
    fn live(
        &mut self,
        port: &PortClient,
        mut consumer: Consumer,
        store: &mut Store,
    ) -> Result<Death> {
        let hour = self.random.below(BATCHES);
        for batch in 0.. {
            let message = loop {
                match port.poll_message() {
                    Ok(Some(message)) => break message,
                    Ok(None) if self.end.load(Ordering::Acquire) => return Ok(Death::Killed),
                    Ok(None) => std::thread::sleep(PAUSE),
                    Err(_closed) => return Ok(Death::Unloaded),
                }
            };
            if batch == hour && self.random.below(2) == 0 {
                return Ok(Death::Killed);
            }
            let delivery = consumer.feed(&message.body);
            let delivery = delivery.map_err(|error| anyhow!("a batch is none: {error}"))?;
            let found = delivery
                .findings
                .iter()
                .filter(|found| !is_of_an_unload(found));
            self.faults.extend(found.map(ToString::to_string));
            store.keep(&delivery)?;
            if batch >= hour {
                return Ok(Death::Killed);
            }
            // The port may have been closed since; then the records come again.
            let _answered = port.reply(message.id, STATUS_SUCCESS, delivery.ack.bytes());
        }
        Ok(Death::Killed)
    }
}
