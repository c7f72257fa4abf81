//! Summaries of passed clones, if the policy asks for them: many requests of one process between two directories, told
//! in one record a window.
//!
//! Refusals and findings have records of their own, and so has what there is no room for here. The table is allocated
//! when a policy first asks for it, and stays until the driver goes.

use alloc::boxed::Box;

use flt::memory::{try_filled, try_zeroed};
use flt::status::NtStatus;
use flt::sync::SpinLock;
use flt::token::Token;
use guard::{
    Begun, Draft, Emitted, Flight, GivenUp, Outcome, Summaries, SummaryEntry, SummaryTicket,
};

use crate::audit::Audit;

/// How many summaries there may be at once.
const ENTRIES: usize = 512;
/// How many are told of at a time: each whole, with a part before it.
const EMITTED_MAX: usize = 2 * ENTRIES;
/// How many of their requests may be in flight at once.
const FLIGHTS: usize = 1024;

type Buffer = Box<[u8]>;
type Table = Summaries<Buffer, Box<[SummaryEntry<Buffer>]>, Box<[Flight]>>;

/// The table, once there is one.
pub(crate) struct Summariser {
    table: SpinLock<Option<Table>>,
}

impl Summariser {
    pub(crate) const fn none() -> Self {
        Self {
            table: SpinLock::new(None),
        }
    }

    /// A policy asks for summaries. Without memory every request goes on having a record of its own.
    pub(crate) fn prepare(&self) -> Result<(), NtStatus> {
        if self.table.with(|table| table.is_some()) {
            return Ok(());
        }
        let entries = try_filled(ENTRIES, SummaryEntry::default)?;
        let new = Summaries::new(entries, try_filled(FLIGHTS, Flight::default)?);
        // Asked for by one thread at a time: the one that loads the driver, then housekeeping.
        let before = self.table.with(move |table| table.replace(new));
        drop(before);
        Ok(())
    }

    /// Takes a passed request in; `None` if it needs a record of its own. At most APC_LEVEL.
    pub(crate) fn begin(
        &self,
        audit: &Audit,
        draft: &Draft<'_>,
        window_seconds: u32,
    ) -> Option<Token> {
        let buffer = try_zeroed(draft.passed_size()?).ok()?;
        let passed = draft.pass(window_seconds, buffer).ok()?;
        let begun = self.table.with(move |table| {
            let table = table.as_mut()?;
            Some(table.begin(&audit.journal, passed))
        })?;
        match begun {
            Begun::Opened(ticket) | Begun::Joined(ticket, _) => Some(Token::new(ticket.into_raw())),
            Begun::Full(_) => None,
        }
    }

    /// Counts the end of such a request; `false` if there was none. At most DISPATCH_LEVEL.
    pub(crate) fn end(&self, audit: &Audit, ticket: SummaryTicket, outcome: &Outcome) -> bool {
        self.table.with(|table| {
            let table = table.as_mut();
            table.is_some_and(|table| table.end(&audit.journal, ticket, outcome).is_ok())
        })
    }

    /// Puts the summaries whose window is over at `now` into the journal, as long as there is room. Not more at a time
    /// than there can be: when all are due, others are under load as soon as they begin.
    pub(crate) fn emit(&self, audit: &Audit, now: u64) {
        for _ in 0..EMITTED_MAX {
            let emitted = self.table.with(|table| {
                let table = table.as_mut();
                table.map_or(Emitted::Nothing, |table| table.emit(&audit.journal, now))
            });
            // The buffer of one that was sent is given back here, where the lock is free.
            if !matches!(emitted, Emitted::Sent(_) | Emitted::Part) {
                return;
            }
        }
    }

    /// Puts all that are left into the journal, or counts them as lost. For when the driver goes.
    pub(crate) fn give_up(&self, audit: &Audit) {
        loop {
            let given_up = self.table.with(|table| {
                let table = table.as_mut();
                table.map_or(GivenUp::Nothing, |table| table.give_up(&audit.journal))
            });
            match given_up {
                GivenUp::Sent(_) | GivenUp::Lost(_) => {}
                GivenUp::Nothing => return,
            }
        }
    }
}
