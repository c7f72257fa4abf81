//! Delivery: sends committed records over the port, and lets them go when the consumer says that it
//! has them.
//!
//! One thread sends; nothing on the path of a request ever waits for it. A record leaves the journal
//! only when an acknowledgement names it, so a consumer that dies loses nothing that fits the
//! journal, and one that comes back says how far it had got.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use flt::irql::Passive;
use flt::memory::try_zeroed;
use flt::port::{Link, Sent};
use flt::status::NtStatus;
use flt::sync::{Event, SpinLock};
use wire::Ack;

use crate::audit::Audit;

/// The size of one message.
const BATCH_BYTES: usize = 64 * 1024;
const _: () = assert!(
    BATCH_BYTES >= guard::BATCH_SIZE_MIN,
    "a record would never fit"
);
/// How long a consumer may take to fetch a message and to make it durable. Unload does not wait for
/// that: it closes the connection.
const SEND_MILLISECONDS: u32 = 10_000;
/// How often the thread looks by itself, for a consumer that let a send time out.
const RETRY_MILLISECONDS: u32 = 1_000;
/// The same without a consumer: a connection wakes it.
const IDLE_MILLISECONDS: u32 = 60_000;

/// The state that callbacks share with the sending thread.
pub(crate) struct Delivery {
    wake: Event,
    greet: AtomicBool,
    stopping: AtomicBool,
    /// Whether somebody waits for all to be sent that is there, and the sign that it was tried.
    flushing: AtomicBool,
    tried: Event,
    /// The status of the last send that failed, so that a failure that lasts is printed once.
    last_failure: AtomicU32,
    /// Taken by the thread when it starts.
    batch: SpinLock<Option<Box<[u8]>>>,
}

/// Whether the consumer took a message and said so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivered {
    Yes,
    No,
}

impl Delivery {
    /// Allocates the event and the one message buffer.
    pub(crate) fn create() -> Result<Self, NtStatus> {
        Ok(Self {
            wake: Event::try_new()?,
            greet: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            flushing: AtomicBool::new(false),
            tried: Event::try_new()?,
            last_failure: AtomicU32::new(0),
            batch: SpinLock::new(Some(try_zeroed(BATCH_BYTES)?)),
        })
    }

    /// Records may be ready. At most DISPATCH_LEVEL.
    pub(crate) fn wake(&self) {
        self.wake.signal();
    }

    /// A consumer can be sent to: it first gets the counters, even if there is no record.
    pub(crate) fn connected(&self) {
        self.greet.store(true, Ordering::Release);
        self.wake.signal();
    }

    /// Asks the thread to return, after one last try to deliver.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake.signal();
    }

    /// Waits until the thread has tried to deliver all that is there now, no longer than `milliseconds`. For one caller,
    /// once.
    pub(crate) fn flush(&self, passive: Passive, milliseconds: u32) {
        self.flushing.store(true, Ordering::Release);
        self.wake.signal();
        self.tried.wait(passive, milliseconds);
    }

    /// The body of the thread.
    pub(crate) fn run(&self, audit: &Audit, link: &Link<'_>) {
        let Some(mut batch) = self.batch.with(Option::take) else {
            return;
        };
        loop {
            // Read before delivering: what was committed before the stop still gets its chance, and
            // what comes after it does not keep the thread busy.
            let stopping = self.stopping.load(Ordering::Acquire);
            let flushing = self.flushing.swap(false, Ordering::AcqRel);
            self.deliver(audit, link, &mut batch, audit.last_sequence());
            if flushing {
                self.tried.signal();
            }
            if stopping {
                return;
            }
            let connected = link.is_connected();
            let pause = if connected {
                RETRY_MILLISECONDS
            } else {
                IDLE_MILLISECONDS
            };
            self.wake.wait(link.passive(), pause);
        }
    }

    /// Sends until nothing up to `last_sequence` is ready, or a message was not taken.
    fn deliver(&self, audit: &Audit, link: &Link<'_>, batch: &mut [u8], last_sequence: u64) {
        while link.is_connected() {
            let greeting = self.greet.swap(false, Ordering::AcqRel);
            let Some(message) = audit.fill(batch, greeting) else {
                return;
            };
            if self.send(audit, link, message.bytes, message.records) == Delivered::No {
                // A consumer that was slow still gets its greeting.
                self.greet.fetch_or(greeting, Ordering::AcqRel);
                return;
            }
            if message.last_sequence >= last_sequence {
                return;
            }
        }
    }

    fn send(&self, audit: &Audit, link: &Link<'_>, message: &mut [u8], records: u32) -> Delivered {
        let mut reply = [0; size_of::<Ack>()];
        let length = match link.send(message, &mut reply, SEND_MILLISECONDS) {
            Sent::Answered(length) => length,
            Sent::TimedOut | Sent::NotConnected => return Delivered::No,
            Sent::Failed(status) => {
                if self.last_failure.swap(status.bits(), Ordering::AcqRel) != status.bits() {
                    wdk::println!("CloneGuard: a batch could not be sent: {status}");
                }
                return Delivered::No;
            }
        };
        let released = match reply.get(..length).map(Ack::parse) {
            Some(Ok(ack)) => audit.acknowledge(&ack),
            Some(Err(_)) | None => None,
        };
        // There is room now for what could not be recorded before.
        if audit.tell_losses() {
            self.wake.signal();
        }
        // A reply that lets nothing go must not make the same batch go round without a pause.
        match released {
            Some(released) if released > 0 || records == 0 => Delivered::Yes,
            Some(_) | None => Delivered::No,
        }
    }
}
