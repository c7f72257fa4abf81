//! From batches to entries, with proof that nothing is missing.
//!
//! Sequence numbers have no holes and each record says how many numbers directly below its own were
//! lost. So after the first record of a load every number is either delivered, explained as lost, or
//! a [`Finding`]. Records that come again are dropped by their number. What a load had not delivered when it ended,
//! the next one tells.
//!
//! A request whose record had to leave the driver before it ended comes with outcome `pending`, and its end
//! in an entry of its own; [`Totals`] counts both.

use crate::{BootId, Entry};
use core::fmt;
use wire::{
    Ack, Batch, Body, ConnectRequest, Counters, DecodeError, OutcomeKind, Record, StartedBody,
};

/// The state of a program that watches.
#[derive(Clone, Debug, Default)]
pub struct Consumer {
    /// The load that the rest is about.
    boot_id: Option<BootId>,
    /// Last number that was taken in; `None` before the first record of a load that we did not
    /// watch from its start.
    through: Option<u64>,
    /// The load before and the last number of it, until this one has told how it ended.
    before: Option<(BootId, Option<u64>)>,
    /// Losses that records of this load have told of.
    lost_in_load: u64,
    counters: Option<Counters>,
    totals: Totals,
}

/// What has come in so far, over all loads of the driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records that became entries.
    pub entries: u64,
    /// Those of them about requests that had not ended.
    pub pending: u64,
    /// Ends of such requests.
    pub ended: u64,
    /// Records that came again and were dropped.
    pub repeats: u64,
    /// Records that were lost, as later records say.
    pub lost: u64,
    /// Numbers that are neither delivered nor explained.
    pub unexplained: u64,
    /// Records that a load took with it when it was stopped, as the next one says.
    pub undelivered: u64,
    /// Numbers below the first record of the first load, which somebody else has acknowledged before us.
    pub earlier: u64,
    /// Loads of the driver that were met.
    pub loads: u64,
}

/// What a batch brought.
#[derive(Clone, Debug)]
pub struct Delivery<'a> {
    /// New records in the order of their sequence numbers, as they came: what a journal keeps.
    pub records: Vec<Record<'a>>,
    /// The same, decoded.
    pub entries: Vec<Entry>,
    /// What is wrong with the trail; empty if nothing is.
    pub findings: Vec<Finding>,
    /// The reply. It says that the records are durable, so it must not be sent before they are.
    pub ack: Ack,
    /// Whether the driver was loaded anew since the batch before.
    pub is_new_load: bool,
    /// The driver's counters when it made the batch.
    pub counters: Counters,
}

/// Something about the trail that does not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Between two records as many numbers are missing as `missing` says, and the later record
    /// explains `explained` of them.
    Gap {
        /// The record before the gap; 0 at the start of a load.
        after: u64,
        /// The record after the gap.
        before: u64,
        /// Numbers between the two.
        missing: u64,
        /// Losses that the later record tells of.
        explained: u64,
    },
    /// Of the load before, what it handed out last has never come.
    EndMissing {
        /// The last number of it that has come; 0 if none has.
        after: u64,
        /// The last one that it is known to have handed out.
        last: u64,
        /// How many of those between it is known to have taken with it.
        undelivered: u64,
    },
    /// The driver's counters contradict each other.
    Unbalanced,
    /// The driver has handed out fewer numbers than have come in.
    Behind {
        /// The last number by the driver's counters.
        stated: u64,
        /// The last number that came in.
        received: u64,
    },
    /// The driver counts fewer losses than its records tell of.
    LossesDisagree {
        /// By the driver's counters.
        stated: u64,
        /// By the records of this load.
        told: u64,
    },
}

impl Consumer {
    /// A consumer that knows of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A consumer that has made everything up to `through_sequence` of a load durable before.
    #[must_use]
    pub fn resume(boot_id: BootId, through_sequence: u64) -> Self {
        Self {
            boot_id: Some(boot_id),
            through: Some(through_sequence),
            ..Self::default()
        }
    }

    /// The context to connect with.
    #[must_use]
    pub fn connect_request(&self) -> ConnectRequest {
        ConnectRequest::watch(self.boot_id.unwrap_or_default(), self.through.unwrap_or(0))
    }

    /// Takes a batch in.
    ///
    /// # Errors
    ///
    /// Why the bytes are no batch. Nothing is taken from them then, and the state is unchanged.
    pub fn feed<'a>(&mut self, bytes: &'a [u8]) -> Result<Delivery<'a>, DecodeError> {
        let batch = Batch::parse(bytes)?;
        let is_new_load = self.enter(batch.boot_id());
        let mut records = Vec::new();
        let mut findings = Vec::new();
        for record in batch.records() {
            if self
                .through
                .is_some_and(|through| record.sequence() <= through)
            {
                self.totals.repeats += 1;
                continue;
            }
            findings.extend(self.account(&record));
            findings.extend(self.look_into(&record));
            records.push(record);
        }
        let entry = |record| Entry::new(batch.boot_id(), record);
        self.check_counters(batch.counters(), &mut findings);
        self.counters = Some(*batch.counters());
        let ack = Ack::new(batch.boot_id(), self.through.unwrap_or(0));
        Ok(Delivery {
            entries: records.iter().map(entry).collect(),
            records,
            findings,
            ack,
            is_new_load,
            counters: *batch.counters(),
        })
    }

    /// What has come in so far.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The driver's counters by the last batch. Losses behind the last record stand only here.
    #[must_use]
    pub const fn counters(&self) -> Option<&Counters> {
        self.counters.as_ref()
    }

    /// Turns to a load; whether it is another than before.
    fn enter(&mut self, boot_id: BootId) -> bool {
        let is_same = self.boot_id == Some(boot_id);
        if !is_same || self.totals.loads == 0 {
            self.totals.loads += 1;
        }
        if is_same {
            return false;
        }
        // Of a load that follows one that we watched nobody else was to have anything.
        let is_first = self.boot_id.is_none();
        self.before = self.boot_id.map(|before| (before, self.through));
        self.boot_id = Some(boot_id);
        self.through = (!is_first).then_some(0);
        self.lost_in_load = 0;
        true
    }

    /// Accounts for a new record and the numbers below it.
    fn account(&mut self, record: &Record<'_>) -> Option<Finding> {
        let (before, explained) = (record.sequence(), record.lost_before());
        let after = self.through.replace(before);
        self.totals.entries += 1;
        self.totals.lost = self.totals.lost.saturating_add(explained);
        self.lost_in_load = self.lost_in_load.saturating_add(explained);
        let Some(after) = after else {
            // Somebody may have watched the driver before us. A record's losses are below its own
            // number, by the wire's own check, so nothing wraps.
            self.totals.earlier = self.totals.earlier.saturating_add(before - 1 - explained);
            return None;
        };
        // Repeats were dropped, so the number is above the one before.
        let missing = before - after - 1;
        if missing == explained {
            return None;
        }
        let unexplained = missing.saturating_sub(explained);
        self.totals.unexplained = self.totals.unexplained.saturating_add(unexplained);
        Some(Finding::Gap {
            after,
            before,
            missing,
            explained,
        })
    }

    /// Counts what came before its end, and checks counters that a record carries.
    fn look_into(&mut self, record: &Record<'_>) -> Option<Finding> {
        let counters = match record.body() {
            Body::Request(request) => {
                let is_pending = request.end().outcome() == OutcomeKind::Pending;
                self.totals.pending += u64::from(is_pending);
                return None;
            }
            Body::Ended(_) => {
                self.totals.ended += 1;
                return None;
            }
            Body::Started(started) => return self.end_of_load_before(started),
            Body::Heartbeat(heartbeat) => &heartbeat.counters,
            Body::Stopping(stopping) => &stopping.counters,
            _ => return None,
        };
        let adds_up = counters.is_balanced() && counters.last_sequence().is_some();
        (!adds_up).then_some(Finding::Unbalanced)
    }

    /// What is missing at the end of the load before, by the word of this one.
    fn end_of_load_before(&mut self, started: &StartedBody) -> Option<Finding> {
        let (before, through) = self.before.take()?;
        if started.previous_boot_id == BootId::default() {
            return None;
        }
        // Of a load in between nothing has come.
        let after = if started.previous_boot_id == before {
            through?
        } else {
            0
        };
        let last = started.previous_sequence.get();
        let missing = last.saturating_sub(after);
        let undelivered = started.previous_undelivered.get().min(missing);
        self.totals.undelivered = self.totals.undelivered.saturating_add(undelivered);
        let unexplained = missing - undelivered;
        self.totals.unexplained = self.totals.unexplained.saturating_add(unexplained);
        (missing != 0).then_some(Finding::EndMissing {
            after,
            last,
            undelivered,
        })
    }

    /// Compares the driver's counters with each other and with what came in.
    fn check_counters(&self, counters: &Counters, findings: &mut Vec<Finding>) {
        if !counters.is_balanced() {
            findings.push(Finding::Unbalanced);
        }
        let received = self.through.unwrap_or(0);
        match counters.last_sequence() {
            None => findings.push(Finding::Unbalanced),
            Some(stated) if stated < received => {
                findings.push(Finding::Behind { stated, received });
            }
            Some(_) => {}
        }
        let (stated, told) = (counters.lost.get(), self.lost_in_load);
        if stated < told {
            findings.push(Finding::LossesDisagree { stated, told });
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap {
                after,
                before,
                missing,
                explained,
            } => write!(
                f,
                "gap: {missing} records missing between {after} and {before}, {explained} explained"
            ),
            Self::EndMissing {
                after,
                last,
                undelivered,
            } => write!(
                f,
                "end missing: the load before handed out records to {last}, and those behind {after} never \
                 came; it took {undelivered} with it undelivered"
            ),
            Self::Unbalanced => f.write_str("the driver's counters contradict each other"),
            Self::Behind { stated, received } => write!(
                f,
                "the driver says its last record is {stated}, but {received} has come in"
            ),
            Self::LossesDisagree { stated, told } => {
                write!(
                    f,
                    "the driver counts {stated} losses, its records tell of {told}"
                )
            }
        }
    }
}
