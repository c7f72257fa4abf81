//! Delivery: sends committed records over the port, and lets them go when the consumer says that it
//! has them.
//!
//! One thread sends; nothing on the path of a request ever waits for it. A record leaves the journal
//! only when an acknowledgement names it, so a consumer that dies loses nothing that fits the
//! journal, and one that comes back says how far it had got.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, Ordering};

use flt::memory::try_zeroed;
use flt::port::{Link, Sent};
use flt::status::NtStatus;
use flt::sync::{Event, SpinLock};
use wire::{Ack, ConnectRequest, DecodeError, Request};

use crate::audit::Audit;

/// The size of one message. The filter manager allocates as much for each send.
const BATCH_BYTES: usize = 64 * 1024;
/// How long a consumer may take to ask for the next message before it counts as not delivered.
const SEND_MILLISECONDS: u32 = 1_000;
/// How often the thread looks by itself, for a consumer that let a send time out.
const IDLE_MILLISECONDS: u32 = 1_000;

/// The state that callbacks share with the sending thread.
pub(crate) struct Delivery {
    wake: Event,
    connected: AtomicBool,
    greet: AtomicBool,
    stopping: AtomicBool,
    /// Taken by the thread when it starts.
    batch: SpinLock<Option<Box<[u8]>>>,
}

impl Delivery {
    /// Allocates the event and the one message buffer.
    pub(crate) fn create() -> Result<Self, NtStatus> {
        Ok(Self {
            wake: Event::try_new()?,
            connected: AtomicBool::new(false),
            greet: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            batch: SpinLock::new(Some(try_zeroed(BATCH_BYTES)?)),
        })
    }

    /// Records may be ready. At most DISPATCH_LEVEL.
    pub(crate) fn wake(&self) {
        if self.connected.load(Ordering::Acquire) {
            self.wake.signal();
        }
    }

    /// A consumer can be sent to: it first gets the counters, even if there is no record.
    pub(crate) fn connected(&self) {
        self.greet.store(true, Ordering::Release);
        self.connected.store(true, Ordering::Release);
        self.wake.signal();
    }

    /// The consumer is gone.
    pub(crate) fn disconnected(&self) {
        self.connected.store(false, Ordering::Release);
    }

    /// Asks the thread to return, after one last try to deliver.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake.signal();
    }

    /// The body of the thread.
    pub(crate) fn run(&self, audit: &Audit, link: &Link<'_>) {
        let Some(mut batch) = self.batch.with(Option::take) else {
            return;
        };
        loop {
            // Read before delivering: what was committed before the stop still gets its chance.
            let stopping = self.stopping.load(Ordering::Acquire);
            self.deliver(audit, link, &mut batch);
            if stopping {
                return;
            }
            self.wake.wait(link.passive(), IDLE_MILLISECONDS);
        }
    }

    /// Sends until nothing is ready or a message was not taken.
    fn deliver(&self, audit: &Audit, link: &Link<'_>, batch: &mut [u8]) {
        if self.greet.swap(false, Ordering::AcqRel)
            && let Some(message) = audit.heartbeat(batch)
            && send(audit, link, message) == Delivered::No
        {
            return;
        }
        while self.connected.load(Ordering::Acquire) {
            let Some(message) = audit.fill(batch) else {
                return;
            };
            if send(audit, link, message) == Delivered::No {
                return;
            }
        }
    }
}

/// Whether the consumer took a message and said so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivered {
    Yes,
    No,
}

fn send(audit: &Audit, link: &Link<'_>, message: &mut [u8]) -> Delivered {
    let mut reply = [0; size_of::<Ack>()];
    let length = match link.send(message, &mut reply, SEND_MILLISECONDS) {
        Sent::Answered(length) => length,
        Sent::TimedOut | Sent::NotConnected => return Delivered::No,
        Sent::Failed(status) => {
            wdk::println!("CloneGuard: a batch could not be sent: {status}");
            return Delivered::No;
        }
    };
    match reply.get(..length).map(Ack::parse) {
        Some(Ok(ack)) => audit
            .acknowledge(&ack)
            .map_or(Delivered::No, |()| Delivered::Yes),
        Some(Err(error)) => {
            wdk::println!("CloneGuard: the reply is no acknowledgement: {error}");
            Delivered::No
        }
        None => Delivered::No,
    }
}

/// Judges what a program asks for when it connects.
pub(crate) fn connect(audit: &Audit, request: &[u8]) -> Result<(), NtStatus> {
    match ConnectRequest::parse(request) {
        Ok(Request::Watch {
            boot_id,
            after_sequence,
        }) => audit.resume(boot_id, after_sequence),
        Err(DecodeError::Version(_)) => Err(NtStatus::REVISION_MISMATCH),
        Err(error) => {
            wdk::println!("CloneGuard: a connection was refused: {error}");
            Err(NtStatus::INVALID_PARAMETER)
        }
    }
}
