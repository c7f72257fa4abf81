//! The programs at the port: one consumer, which is sent to, and a few visitors, which ask for something to be done
//! or to be told.

#![expect(unsafe_code, reason = "closes ports of the filter manager")]

use core::ptr;

use flt_sys::port::FltCloseClientPort;
use flt_sys::types::{FLT_PORT, PFLT_FILTER, PFLT_PORT};

use crate::atomics::{AtomicBool, AtomicPtr, Ordering};
use crate::irql::Passive;
use crate::status::NtStatus;

/// How many visitors there may be at once.
const VISITORS: usize = 3;
/// How many programs the filter manager is to let in.
pub(crate) const CONNECTIONS_MAX: i32 = 4;

/// The places for programs.
pub struct Clients {
    consumer: Place,
    visitors: [Place; VISITORS],
}

/// A place for one connection: free, taken, or taken and with its port.
///
/// The filter manager wants the *address* of the variable that holds a port: a close sets it to null
/// under the lock that a send takes to read it. So it never moves; it lives in a static.
///
/// # Invariants
///
/// `port` is written by us only while the place is taken, by whoever took it; else it is null.
pub(crate) struct Place {
    taken: AtomicBool,
    port: AtomicPtr<FLT_PORT>,
    /// Whether the program waits for an answer.
    waits: AtomicBool,
}

/// A granted connection: the place that was taken for it, free again if the connection does not come about.
#[must_use = "the place is given up when this is dropped"]
pub struct Connection<'c> {
    place: &'c Place,
    role: Role,
}

/// What a program is here for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// To be sent to.
    Consumer,
    /// To have asked for something to be done.
    Visitor,
    /// To be answered once.
    Asker,
}

impl Clients {
    pub(crate) const fn none() -> Self {
        Self {
            consumer: Place::free(),
            visitors: [const { Place::free() }; VISITORS],
        }
    }

    /// Takes the consumer's place. From now on nobody else has it, so what the consumer says of itself can
    /// be made good before anything is sent.
    ///
    /// # Errors
    ///
    /// `CONNECTION_COUNT_LIMIT` when there is a consumer.
    pub fn take_consumer(&self) -> Result<Connection<'_>, NtStatus> {
        self.consumer
            .take(Role::Consumer)
            .ok_or(NtStatus::CONNECTION_COUNT_LIMIT)
    }

    /// Takes the place of a visitor, who has asked for something to be done.
    ///
    /// # Errors
    ///
    /// `CONNECTION_COUNT_LIMIT` when there is no place left.
    pub fn take_visitor(&self) -> Result<Connection<'_>, NtStatus> {
        self.visit(Role::Visitor)
    }

    /// Takes the place of a visitor, who waits for an answer: [`crate::house::House::answer`].
    ///
    /// # Errors
    ///
    /// `CONNECTION_COUNT_LIMIT` when there is no place left.
    pub fn take_asker(&self) -> Result<Connection<'_>, NtStatus> {
        self.visit(Role::Asker)
    }

    fn visit(&self, role: Role) -> Result<Connection<'_>, NtStatus> {
        let mut places = self.visitors.iter();
        places
            .find_map(|place| place.take(role))
            .ok_or(NtStatus::CONNECTION_COUNT_LIMIT)
    }

    /// The places of visitors who wait for an answer, each once.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Place> {
        let places = self.visitors.iter();
        places.filter(|place| place.waits.swap(false, Ordering::AcqRel))
    }

    /// The consumer's place, which sends go to.
    pub(crate) const fn consumer(&self) -> &Place {
        &self.consumer
    }

    /// A program has gone: closes our end of its connection, says so if it was the consumer, and then its place is
    /// free. Does nothing for a connection whose end unload has closed before.
    ///
    /// # Safety
    ///
    /// 1. `filter` is our registered filter.
    /// 2. `client` is the port of a connection that was kept, and has left for the first time.
    pub(crate) unsafe fn leave(
        &self,
        filter: PFLT_FILTER,
        client: PFLT_PORT,
        passive: Passive,
        consumer_lost: impl FnOnce(),
    ) {
        let mut places = self.visitors.iter().chain([&self.consumer]);
        if let Some(place) = places.find(|place| place.port() == client) {
            // SAFETY: contract 1.
            unsafe { place.close(filter, passive) };
            if ptr::eq(place, &raw const self.consumer) {
                consumer_lost();
            }
            place.waits.store(false, Ordering::Release);
            place.taken.store(false, Ordering::Release);
        }
    }
}

impl Place {
    const fn free() -> Self {
        Self {
            taken: AtomicBool::new(false),
            port: AtomicPtr::new(ptr::null_mut()),
            waits: AtomicBool::new(false),
        }
    }

    fn take(&self, role: Role) -> Option<Connection<'_>> {
        if self.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        Some(Connection { place: self, role })
    }

    fn port(&self) -> PFLT_PORT {
        self.port.load(Ordering::Acquire)
    }

    pub(crate) fn is_connected(&self) -> bool {
        !self.port().is_null()
    }

    /// The variable that the filter manager locks and reads.
    pub(crate) const fn as_ptr(&self) -> *mut PFLT_PORT {
        self.port.as_ptr()
    }

    /// Closes our end. That it frees a sender who waits for a reply is what unload relies on, and is
    /// not documented: docs/decisions/0003. Harmless without a client.
    ///
    /// # Safety
    ///
    /// 1. `filter` is our registered filter.
    pub(crate) unsafe fn close(&self, filter: PFLT_FILTER, _: Passive) {
        if self.is_connected() {
            // SAFETY: registered (contract 1); the variable never moves and holds our client port, or null
            // if another close came first, which the filter manager sees under its own lock.
            unsafe { FltCloseClientPort(filter, self.as_ptr()) };
        }
    }
}

impl Connection<'_> {
    /// The connection has come about: its place stays taken until [`Clients::leave`].
    pub(crate) fn keep(self, client: PFLT_PORT) -> Role {
        let connection = core::mem::ManuallyDrop::new(self);
        connection.place.port.store(client, Ordering::Release);
        let waits = connection.role == Role::Asker;
        connection.place.waits.store(waits, Ordering::Release);
        connection.role
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.place.taken.store(false, Ordering::Release);
    }
}
