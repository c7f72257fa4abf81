//! What the housekeeping thread of a driver may do: look at the volumes, and answer visitors.

#![expect(
    unsafe_code,
    reason = "uses the registered filter from the housekeeping thread"
)]

use core::sync::atomic::{AtomicPtr, Ordering};

use flt_sys::types::{FLT_FILTER, PFLT_FILTER};

use crate::census::Census;
use crate::clients::Clients;
use crate::irql::Passive;
use crate::port::{self, Sent};
use crate::registry::Parameters;
use crate::status::NtStatus;

/// Handed to the body of the housekeeping thread, and to nobody else.
///
/// # Invariants
///
/// The filter is registered until the body has returned, at the earliest.
pub struct House<'work> {
    filter: &'work AtomicPtr<FLT_FILTER>,
    clients: &'static Clients,
    parameters: &'work Parameters,
    passive: Passive,
}

impl<'work> House<'work> {
    /// # Safety
    ///
    /// 1. The filter stays registered until the value is dropped.
    pub(crate) const unsafe fn new(
        filter: &'work AtomicPtr<FLT_FILTER>,
        clients: &'static Clients,
        parameters: &'work Parameters,
        passive: Passive,
    ) -> Self {
        Self {
            filter,
            clients,
            parameters,
            passive,
        }
    }

    /// The thread's own proof that it runs at PASSIVE_LEVEL.
    #[must_use]
    pub const fn passive(&self) -> Passive {
        self.passive
    }

    /// The driver's keys in the registry.
    #[must_use]
    pub const fn parameters(&self) -> &'work Parameters {
        self.parameters
    }

    /// All volumes that the filter manager knows.
    ///
    /// # Errors
    ///
    /// `INSUFFICIENT_RESOURCES`, `BUFFER_TOO_SMALL` if the list would not stop growing, or the filter manager's status.
    pub fn census(&self) -> Result<Census<'_>, NtStatus> {
        // SAFETY: registered as long as this value lives (invariant), which the census borrows.
        unsafe { Census::take(self.filter(), self.passive) }
    }

    /// Sends a message to every visitor who waits for an answer, made by `make` for each. Each is waited for once, no
    /// longer than `milliseconds`, and only until it has fetched the message: none is asked for a reply, so none can
    /// hold the thread. Who does not fetch it, or has gone, does without. Who has come in the place of one who has just gone may get a
    /// message that it did not ask for; it need not fetch it.
    ///
    /// # Errors
    ///
    /// The last status with which the filter manager refused to send.
    pub fn answer<M: AsMut<[u8]>>(
        &self,
        milliseconds: u32,
        mut make: impl FnMut() -> M,
    ) -> Result<(), NtStatus> {
        let mut result = Ok(());
        for place in self.clients.waiting() {
            let mut message = make();
            let bytes = message.as_mut();
            // SAFETY: registered (invariant).
            match unsafe { port::send(self.filter(), place, bytes, None, milliseconds) } {
                Sent::Answered(_) | Sent::TimedOut | Sent::NotConnected => {}
                Sent::Failed(status) => result = Err(status),
            }
        }
        result
    }

    fn filter(&self) -> PFLT_FILTER {
        self.filter.load(Ordering::Acquire)
    }
}
