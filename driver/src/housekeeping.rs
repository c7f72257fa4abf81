//! Housekeeping: what has to be done now and then, by a thread that no consumer can hold.
//!
//! Each minute a heartbeat, a look at the volumes, and the trace for the next load; when somebody asks, the policy is
//! read again and visitors are answered; summaries are told when their window is over, losses when there is room. When
//! the machine is shut down, the last words. Every wait has a time-out.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flt::house::House;
use flt::irql::Passive;
use flt::registry::{Haste, Parameters};
use flt::status::NtStatus;
use flt::sync::Event;
use flt::time;
use guard::{HeartbeatNote, NoteEvent, Usage};

use crate::CloneGuard;
use crate::trace::{Fate, Trace};

/// From one heartbeat to the next.
const INTERVAL_SECONDS: u32 = 60;
/// The same in the clock's units of 100 ns.
const INTERVAL: u64 = 600_000_000;
/// The clock's units in a second.
const SECOND: u64 = 10_000_000;
/// The clock's units in a millisecond.
const MILLISECOND: u64 = 10_000;
/// How long a visitor may take to fetch its answer.
const ANSWER_MILLISECONDS: u32 = 1_000;

/// How long a shutdown of the machine waits for the consumer to take the last records.
const FLUSH_MILLISECONDS: u32 = 1_500;
/// How long it waits for all that is to be done. Three visitors at most may have to be answered before (`flt::clients`).
const LAST_WORDS_MILLISECONDS: u32 = 5_000;
const _: () = assert!(
    3 * ANSWER_MILLISECONDS + FLUSH_MILLISECONDS < LAST_WORDS_MILLISECONDS,
    "slow visitors would use up the time of the last words"
);

/// What wakes the thread.
pub(crate) struct Housekeeping {
    wake: Event,
    stopping: AtomicBool,
    shutdown: AtomicBool,
    last_words: Event,
    /// Records that were delivered when the last heartbeat went in; more than there can be before the first.
    delivered: AtomicU64,
    /// When the driver was loaded, on both clocks.
    pub(crate) began: (u64, u64),
}

impl Housekeeping {
    pub(crate) fn create() -> Result<Self, NtStatus> {
        Ok(Self {
            wake: Event::try_new()?,
            stopping: AtomicBool::new(false),
            shutdown: AtomicBool::new(false),
            last_words: Event::try_new()?,
            delivered: AtomicU64::new(u64::MAX),
            began: (time::system_time(), time::monotonic()),
        })
    }

    /// There is something to do. At most DISPATCH_LEVEL.
    pub(crate) fn wake(&self) {
        self.wake.signal();
    }

    /// Asks the thread to return.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake.signal();
    }

    /// Whether the driver is about to go.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// The machine is shut down: waits until the last words are said, within bounds. At most APC_LEVEL.
    pub(crate) fn shut_down(&self) {
        self.shutdown.store(true, Ordering::Release);
        self.wake.signal();
        self.last_words.wait_below_dispatch(LAST_WORDS_MILLISECONDS);
    }

    fn is_shut_down(&self) -> bool {
        self.shutdown.load(Ordering::Acquire)
    }

    /// Sleeps until there is something to do, or until `due`.
    fn wait(&self, due: u64, passive: Passive) {
        let left = due.saturating_sub(time::monotonic());
        let left = left.div_ceil(MILLISECOND);
        let milliseconds = u32::try_from(left).unwrap_or(u32::MAX);
        self.wake.wait(passive, milliseconds);
    }
}

impl CloneGuard {
    /// The body of the thread.
    pub(crate) fn keep_house(&self, house: &House<'_>) {
        let (passive, parameters) = (house.passive(), house.parameters());
        let mut due = time::monotonic().saturating_add(INTERVAL);
        let mut last_words = false;
        while !self.housekeeping.is_stopping() {
            if !last_words && self.housekeeping.is_shut_down() {
                last_words = true;
                self.say_last_words(house);
            }
            // Whoever asks too often waits for the next minute, and then one look answers all.
            if self.policy.is_wanted() && self.consumers.may_tell() {
                self.load_policy(parameters, passive);
            }
            if let Err(status) = self.answer(house) {
                wdk::println!("CloneGuard: a visitor could not be answered: {status}");
            }
            if time::monotonic() >= due {
                due = due.saturating_add(INTERVAL).max(time::monotonic());
                self.keep_minute(house);
            }
            self.audit.summaries.emit(&self.audit, time::monotonic());
            self.audit.tell_losses();
            self.deliver_soon();
            self.housekeeping.wait(due.min(self.next_window()), passive);
        }
        // A shutdown that an unload has overtaken waits for no words: unload says the last ones, and waits for it.
        self.housekeeping.last_words.signal();
    }

    /// Reads the policy again.
    fn load_policy(&self, parameters: &Parameters, passive: Passive) {
        self.policy.load(&self.audit, parameters, passive);
        self.prepare_summaries();
    }

    /// Makes the policy in force good that asks for summaries.
    pub(crate) fn prepare_summaries(&self) {
        if self.policy.current().summarise_seconds() == 0 {
            return;
        }
        if let Err(status) = self.audit.summaries.prepare() {
            wdk::println!("CloneGuard: nothing is summarised: {status}");
        }
    }

    /// When to look for summaries whose window is over: none is told of later than a window after that.
    fn next_window(&self) -> u64 {
        match self.policy.current().summarise_seconds() {
            0 => u64::MAX,
            seconds => time::monotonic().saturating_add(u64::from(seconds).saturating_mul(SECOND)),
        }
    }

    /// What is done each minute.
    fn keep_minute(&self, house: &House<'_>) {
        self.consumers.refill();
        self.policy.retry();
        // Whatever else happens at the port.
        if self.policy.is_wanted() {
            self.load_policy(house.parameters(), house.passive());
        }
        self.prepare_summaries();
        self.beat();
        self.look_at_volumes(house);
        // What was said last of a machine that goes down stays.
        if !self.housekeeping.is_shut_down() {
            self.leave_trace(house.parameters(), Fate::Runs, Haste::Lazy, house.passive());
        }
    }

    /// What is said when the machine is shut down. The driver goes on until the power goes, but nothing that it records
    /// from then on is likely to reach anybody.
    fn say_last_words(&self, house: &House<'_>) {
        self.conclude();
        self.delivery.flush(house.passive(), FLUSH_MILLISECONDS);
        self.leave_trace(
            house.parameters(),
            Fate::ShutDown,
            Haste::Flush,
            house.passive(),
        );
        self.housekeeping.last_words.signal();
    }

    /// A heartbeat. If nobody takes the records, and they fill more than half of the journal, the one that waits there
    /// is enough: the journal is for what happens, and the counters of a later one tell the same.
    pub(crate) fn beat(&self) {
        let (_, began) = self.housekeeping.began;
        let counters = self.audit.counters();
        let Usage { used, size } = self.audit.usage();
        let delivered = counters.delivered.get();
        // The last heartbeat waits if nothing was delivered since it went in.
        let waits = self.housekeeping.delivered.load(Ordering::Relaxed) == delivered;
        if waits && used > size.saturating_sub(used) {
            return;
        }
        self.housekeeping
            .delivered
            .store(delivered, Ordering::Relaxed);
        self.audit.note(NoteEvent::Heartbeat(HeartbeatNote {
            counters: &counters,
            uptime: time::monotonic().saturating_sub(began),
            interval_seconds: INTERVAL_SECONDS,
            untold: self.consumers.untold(),
        }));
    }

    /// Sends a report to every visitor who waits for one.
    fn answer(&self, house: &House<'_>) -> Result<(), NtStatus> {
        house.answer(ANSWER_MILLISECONDS, || self.report())
    }

    /// Leaves a trace of this load. The number comes before the count: a record that is made between the two is counted,
    /// and would else be missing without an explanation.
    pub(crate) fn leave_trace(
        &self,
        parameters: &Parameters,
        fate: Fate,
        haste: Haste,
        passive: Passive,
    ) {
        let sequence = self.audit.last_sequence();
        let undelivered = match fate {
            Fate::Runs => 0,
            Fate::Stopped | Fate::ShutDown => self.audit.undelivered(),
        };
        let trace = Trace {
            boot_id: self.audit.boot_id,
            sequence,
            fate,
            undelivered,
        };
        trace.leave(parameters, haste, passive);
    }
}
