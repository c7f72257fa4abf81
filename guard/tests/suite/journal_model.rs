//! The journal against a list that does the same in the plainest way, under any order of calls of one
//! thread. `journal_threads.rs` has many threads, and the crate's own tests every order of three.

use crate::common::{Case, Request, STARTED, encoded, ended, journal, note};
use core::sync::atomic::AtomicU64;
use guard::{
    Bitness, ControlCode, JOURNAL_SIZE_MIN, Journal, LATE_AFTER, LossCause, LossClass, Outcome,
    OutcomeKind, Reader, RuleId, SourceAfter, StaleTicket, Ticket,
};
use proptest::prelude::*;
use wire::{BOOT_ID_SIZE, Batch, Body, EndHead, Record};

/// One call.
#[derive(Clone, Debug)]
enum Call {
    /// Reserve a record of that class with names of these many units.
    Reserve(LossClass, [u16; 3]),
    /// Complete the n-th request in flight, modulo their number.
    Complete(usize, Outcome),
    /// Complete a ticket that was completed before, or a made-up one.
    Stale(usize),
    /// Fill a batch of that size, acknowledge that share of it in quarters. Long after all decisions, or
    /// at once.
    Deliver(usize, u64, bool),
    /// Acknowledge that number without asking.
    Acknowledge(u64),
    /// Count a request without a look.
    NotInspected,
    Note,
}

/// What a held record is, and what is to be found in it.
#[derive(Clone, Copy)]
enum What {
    /// A request, by the length of its names and its end.
    Request([u16; 3], Option<Outcome>),
    /// A request that was delivered without its end.
    Late([u16; 3]),
    /// The end of such a request.
    Ended(Outcome),
    /// The end of a request of which nothing else is known, and that makes it a finding.
    Found(Outcome),
    Note,
}

/// A record as the list keeps it.
struct Entry {
    sequence: u64,
    lost_before: u64,
    /// The sequence number of the request's own record; 0 for a note.
    request: u64,
    size: usize,
    what: What,
}

/// A request in flight.
struct Open {
    sequence: u64,
    class: LossClass,
    ticket: Ticket,
    late: Late,
}

/// Whether a request's record was delivered without its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Late {
    No,
    Kept,
    Unkept,
}

/// The plain list.
#[derive(Default)]
struct Model {
    held: Vec<Entry>,
    open: Vec<Open>,
    done: Vec<Ticket>,
    sequence: u64,
    lost_before: u64,
    sent_through: u64,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    completed: u64,
    failed: u64,
    refused: u64,
    not_inspected: u64,
    delivered: u64,
    losses: [[u64; 3]; 3],
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let units = prop_oneof![4 => 0_u16..40, 1 => 0_u16..1200];
    let class = prop_oneof![3 => Just(LossClass::Routine), 1 => Just(LossClass::Finding)];
    let status = prop_oneof![Just(0_u32), Just(0xC000_000D)];
    let kind = prop_oneof![4 => Just(OutcomeKind::Completed), 1 => Just(OutcomeKind::Draining), 1 => Just(OutcomeKind::Refused)];
    let after = prop_oneof![4 => Just(SourceAfter::Unasked), 1 => Just(SourceAfter::Changed)];
    let outcome = (status, any::<u64>(), any::<u64>(), kind, after).prop_map(
        |(status, information, ended, kind, source_after)| Outcome {
            status,
            information,
            ended,
            time: 0,
            kind,
            source_after,
        },
    );
    let names = [units.clone(), units.clone(), units];
    let call = prop_oneof![
        8 => (class, names).prop_map(|(class, names)| Call::Reserve(class, names)),
        6 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Call::Complete(which, outcome)),
        1 => any::<usize>().prop_map(Call::Stale),
        4 => (0_usize..15000, 0_u64..=4, prop::bool::weighted(0.2))
            .prop_map(|(size, share, is_late)| Call::Deliver(size, share, is_late)),
        1 => (0_u64..200).prop_map(Call::Acknowledge),
        1 => Just(Call::NotInspected),
        2 => Just(Call::Note),
    ];
    proptest::collection::vec(call, 1..if cfg!(miri) { 20 } else { 200 })
}

impl Model {
    /// Counts a record that is not taken in.
    fn lose(&mut self, class: LossClass, cause: LossCause) {
        self.sequence += 1;
        self.lost_before += 1;
        self.counts.losses[usize::from(class.raw())][usize::from(cause.raw())] += 1;
    }

    /// Compares every counter, and with them the sums.
    fn check(&self, journal: &Held) {
        let counters = journal.counters();
        let counts = &self.counts;
        assert_eq!(counters.completed, counts.completed);
        assert_eq!(counters.failed, counts.failed);
        assert_eq!(counters.refused, counts.refused);
        assert_eq!(counters.not_inspected, counts.not_inspected);
        assert_eq!(counters.in_flight, self.open.len() as u64);
        assert_eq!(counters.delivered, counts.delivered);
        let losses = counters
            .losses
            .map(|causes| causes.map(|count| count.get()));
        assert_eq!(losses, counts.losses);
        assert_eq!(counters.held, self.held.len() as u64);
        assert!(counters.is_balanced());
        assert_eq!(counters.last_sequence(), Some(self.sequence));
        assert_eq!(journal.last_sequence(), self.sequence);
    }

    /// Compares a delivered record with what went in.
    fn check_record(&self, entry: &Entry, record: &Record<'_>) {
        assert_eq!(record.sequence(), entry.sequence);
        assert_eq!(record.lost_before(), entry.lost_before);
        assert_eq!(record.bytes().len(), entry.size);
        match (entry.what, record.body()) {
            (What::Request(names, outcome), Body::Request(request)) => {
                check_end(request.end(), outcome.unwrap());
                check_names(&request, names, entry.sequence);
            }
            (What::Late(names), Body::Request(request)) => {
                assert_eq!(request.end().outcome(), OutcomeKind::Pending);
                check_names(&request, names, entry.sequence);
            }
            (What::Ended(outcome), Body::Ended(told)) => check_end(told.end(), outcome),
            (What::Found(outcome), Body::Ended(told)) => {
                let outcome = Outcome {
                    ended: STARTED,
                    ..outcome
                };
                check_end(told.end(), outcome);
                assert_eq!((record.class(), record.time()), (LossClass::Finding, 0));
            }
            (What::Note, Body::Policy(note)) => assert_eq!(note.revision, entry.sequence),
            (_, body) => panic!("{body:?}"),
        }
    }
}

fn check_end(end: &EndHead, outcome: Outcome) {
    assert_eq!(end.outcome(), outcome.kind);
    assert_eq!(end.duration(), Some(outcome.ended.saturating_sub(STARTED)));
    let completed = outcome.kind != OutcomeKind::Draining;
    assert_eq!(end.status(), completed.then_some(outcome.status));
    assert_eq!(end.information(), completed.then_some(outcome.information));
    let is_noted = end.rules().contains(RuleId::SOURCE_CHANGED);
    assert_eq!(is_noted, outcome.source_after == SourceAfter::Changed);
}

fn check_names(request: &wire::Request<'_>, names: [u16; 3], sequence: u64) {
    let found = [request.image(), request.source(), request.target()];
    for (name, units) in found.iter().zip(names) {
        assert_eq!(usize::from(name.full_bytes()), usize::from(units) * 2);
        assert!(name.units().all(|unit| unit == filler(sequence)));
    }
}

/// The unit that fills the names of a record, so that a record on top of another shows.
fn filler(sequence: u64) -> u16 {
    u16::try_from(sequence % 0xD000).unwrap()
}

type Held = Journal<Box<[AtomicU64]>>;

/// A journal and its model side by side.
struct Pair {
    journal: Held,
    reader: Reader,
    model: Model,
    /// The numbers that join the records of requests, as first delivered.
    joined: std::collections::HashMap<u64, u64>,
    cells: usize,
}

impl Pair {
    fn new(size: usize) -> Self {
        let (journal, reader) = journal(size);
        // Cells of 9 words with their tags; 12 words for each 64 of them, and 12 more.
        let cells = (1..).take_while(|cells| cells * 9 * 64 + cells * 12 <= (size / 8 - 12) * 64);
        Self {
            journal,
            reader,
            model: Model::default(),
            joined: std::collections::HashMap::new(),
            cells: cells.last().unwrap(),
        }
    }

    fn apply(&mut self, case: &Case, call: &Call) {
        match call {
            Call::Reserve(class, names) => self.reserve(case, *class, *names),
            Call::Complete(which, outcome) => self.complete(*which, outcome),
            Call::Stale(which) => self.stale(*which),
            Call::Deliver(size, share, is_late) => self.deliver(*size, *share, *is_late),
            Call::Acknowledge(through) => self.acknowledge(*through),
            Call::Note => self.note(),
            Call::NotInspected => {
                self.journal.note_not_inspected();
                self.model.counts.not_inspected += 1;
            }
        }
        self.model.check(&self.journal);
    }

    fn reserve(&mut self, case: &Case, class: LossClass, names: [u16; 3]) {
        let sequence = self.model.sequence + 1;
        let units = names.map(|count| vec![filler(sequence); usize::from(count)]);
        let mut record = encoded(&case.draft([&units[0], &units[1], &units[2]]));
        record[9] = class.raw();
        let ticket = self.journal.reserve(class, &record);
        let what = What::Request(names, None);
        let fits = self.hold(sequence, class, record.len(), what);
        assert_eq!(ticket.is_lost(), !fits, "room for {} bytes", record.len());
        self.model.open.push(Open {
            sequence,
            class,
            ticket,
            late: Late::No,
        });
    }

    /// A record about no request is whole as soon as it is there.
    fn note(&mut self) {
        let bytes = note(self.model.sequence + 1, 0);
        let taken = self.journal.note(LossClass::State, &bytes);
        let fits = self.hold(0, LossClass::State, bytes.len(), What::Note);
        assert_eq!(taken, fits);
    }

    /// What the model keeps of a record that has room, or of one that has none.
    fn hold(&mut self, request: u64, class: LossClass, size: usize, what: What) -> bool {
        let used: usize = self
            .model
            .held
            .iter()
            .map(|entry| entry.size.div_ceil(64))
            .sum();
        let after = used + size.div_ceil(64);
        let is_full = after > self.cells;
        let kept = match class {
            LossClass::Routine => self.cells.div_ceil(4),
            LossClass::State => self.cells.div_ceil(8),
            _ => 0,
        };
        if is_full || self.cells - after < kept {
            let cause = if is_full {
                LossCause::Full
            } else {
                LossCause::Quota
            };
            self.model.lose(class, cause);
            return false;
        }
        self.model.sequence += 1;
        self.model.held.push(Entry {
            sequence: self.model.sequence,
            lost_before: core::mem::take(&mut self.model.lost_before),
            request,
            size,
            what,
        });
        true
    }

    fn complete(&mut self, which: usize, outcome: &Outcome) {
        if self.model.open.is_empty() {
            return;
        }
        let open = self.model.open.remove(which % self.model.open.len());
        let ticket = Ticket::from_raw(open.ticket.into_raw()).unwrap();
        assert_eq!(self.journal.complete(ticket, outcome), Ok(()));
        if outcome.kind == OutcomeKind::Refused {
            self.model.counts.refused += 1;
        } else if outcome.is_success() {
            self.model.counts.completed += 1;
        } else {
            self.model.counts.failed += 1;
        }
        let is_found = outcome.source_after == SourceAfter::Changed;
        let is_new = is_found && open.class == LossClass::Routine;
        let class = if is_found {
            LossClass::Finding
        } else {
            open.class
        };
        match (open.late, ticket.is_lost()) {
            (Late::Kept, _) => {
                self.hold(open.sequence, class, 88, What::Ended(*outcome));
            }
            (Late::Unkept, _) | (_, true) if is_new => {
                self.hold(open.sequence, class, 88, What::Found(*outcome));
            }
            (Late::Unkept, _) => self.model.lose(class, LossCause::Full),
            (Late::No, _) => {}
        }
        let mut held = self.model.held.iter_mut();
        if let Some(entry) = held.find(|entry| entry.sequence == open.sequence)
            && let What::Request(_, end) = &mut entry.what
        {
            *end = Some(*outcome);
        }
        if !ticket.is_lost() {
            self.model.done.push(ticket);
        }
    }

    fn stale(&mut self, which: usize) {
        if self.model.open.iter().any(|open| open.late == Late::Unkept) {
            // Nothing is left of those to compare a ticket with.
            return;
        }
        let is_open = |ticket: &Ticket| self.model.open.iter().any(|open| open.ticket == *ticket);
        let done = &self.model.done;
        let old = (!done.is_empty()).then(|| done[which % done.len()]);
        let made_up = Ticket::from_raw(which).filter(|ticket| !ticket.is_lost());
        let near = Ticket::from_raw(which % 2000);
        for ticket in [old, made_up, near]
            .into_iter()
            .flatten()
            .filter(|ticket| !is_open(ticket))
        {
            assert_eq!(self.journal.complete(ticket, &ended(0)), Err(StaleTicket));
        }
    }

    /// How many records the next batch of `room` bytes holds, and whether it stops for want of room.
    fn next_batch(&mut self, mut room: usize, is_late: bool) -> (usize, bool) {
        let entries = self.cells / 64 + 1;
        let model = &mut self.model;
        for (count, entry) in model.held.iter_mut().enumerate() {
            if let What::Request(names, None) = entry.what {
                let kept = model.open.iter().filter(|open| open.late == Late::Kept);
                let has_room = kept.count() < entries;
                if !is_late {
                    return (count, false);
                }
                let mut open = model.open.iter_mut();
                open.find(|open| open.sequence == entry.sequence)
                    .unwrap()
                    .late = if has_room { Late::Kept } else { Late::Unkept };
                entry.what = What::Late(names);
            }
            if entry.size > room {
                return (count, true);
            }
            room -= entry.size;
        }
        (model.held.len(), false)
    }

    fn deliver(&mut self, size: usize, share: u64, is_late: bool) {
        let head = size_of::<wire::BatchHead>();
        let mut out = vec![0xEE; size];
        let now = STARTED + LATE_AFTER + u64::from(is_late);
        let boot = [3; BOOT_ID_SIZE];
        let filled = self
            .journal
            .fill_batch(&mut self.reader, boot, now, &mut out);
        let Some(room) = size.checked_sub(head) else {
            assert_eq!(filled, None);
            return;
        };
        let (count, is_short) = self.next_batch(room, is_late);
        if count == 0 && is_short {
            assert_eq!(filled, None);
            return;
        }
        let filled = filled.unwrap();
        let batch = Batch::parse(&out[..filled.bytes]).unwrap();
        assert_eq!(
            (batch.records().count(), filled.records as usize),
            (count, count)
        );
        for (entry, record) in self.model.held.iter().zip(batch.records()) {
            self.model.check_record(entry, &record);
            let number = record.request_number().unwrap_or(0);
            let first = *self.joined.entry(entry.request).or_insert(number);
            assert_eq!(number, first, "all records of a request have its number");
            assert_eq!(number == 0, entry.request == 0);
        }
        assert!(
            out[filled.bytes..].iter().all(|byte| *byte == 0xEE),
            "wrote past the batch"
        );
        self.model.sent_through = self.model.sent_through.max(filled.last_sequence);
        if share > 0 && count > 0 {
            self.acknowledge(filled.last_sequence - (4 - share).min(filled.last_sequence));
        }
    }

    fn acknowledge(&mut self, through: u64) {
        let released = self.journal.acknowledge(&mut self.reader, through);
        if through > self.model.sent_through {
            assert_eq!(released.unwrap_err().sent_through, self.model.sent_through);
            return;
        }
        let before = self.model.held.len();
        self.model.held.retain(|entry| entry.sequence > through);
        let count = (before - self.model.held.len()) as u64;
        self.model.counts.delivered += count;
        assert_eq!(released, Ok(count));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 400 }, ..ProptestConfig::default() })]
    #[test]
    fn a_journal_is_a_list(extra in 0_usize..9000, calls in calls()) {
        let case =
            Case::new(Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture());
        let mut pair = Pair::new(JOURNAL_SIZE_MIN + extra);
        for call in &calls {
            pair.apply(&case, call);
        }
        let numbers: std::collections::HashSet<_> = pair.joined.values().collect();
        prop_assert_eq!(numbers.len(), pair.joined.len(), "one number, one request");
    }
}
