//! The journal against a list that does the same in the plainest way, under any order of calls.

use crate::common::{Case, Request, STARTED, encoded, ended};
use guard::{
    Bitness, ControlCode, JOURNAL_SIZE_MIN, Journal, Outcome, OutcomeKind, PolicyEvent, PolicyNote,
    RECORD_SIZE_MIN, SourceAfter, StaleTicket, Ticket,
};
use proptest::prelude::*;
use wire::{BOOT_ID_SIZE, Batch, Record};

/// One call.
#[derive(Clone, Debug)]
enum Call {
    /// Reserve a record with names of these many units.
    Reserve([u16; 3]),
    /// Complete the n-th request in flight, modulo their number.
    Complete(usize, Outcome),
    /// Complete a ticket that was completed before, or a made-up one.
    Stale(usize),
    /// Fill a batch of that size, acknowledge that share of it in quarters.
    Deliver(usize, u64),
    /// Acknowledge that number without asking.
    Acknowledge(u64),
    /// Count a request without a look.
    NotInspected,
    Note,
}

/// A record as the list keeps it.
struct Entry {
    sequence: u64,
    lost_before: u64,
    names: [u16; 3],
    outcome: Option<Outcome>,
    size: usize,
}

/// The plain list.
#[derive(Default)]
struct Model {
    held: Vec<Entry>,
    open: Vec<(u64, Ticket)>,
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
    lost: u64,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let units = prop_oneof![4 => 0_u16..40, 1 => 0_u16..1200];
    let status = prop_oneof![Just(0_u32), Just(0xC000_000D)];
    let kind = prop_oneof![4 => Just(OutcomeKind::Completed), 1 => Just(OutcomeKind::Draining), 1 => Just(OutcomeKind::Refused)];
    let outcome = (status, any::<u64>(), any::<u64>(), kind).prop_map(
        |(status, information, ended, kind)| Outcome {
            status,
            information,
            ended,
            kind,
            source_after: SourceAfter::Unasked,
        },
    );
    let call = prop_oneof![
        8 => [units.clone(), units.clone(), units].prop_map(Call::Reserve),
        8 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Call::Complete(which, outcome)),
        1 => any::<usize>().prop_map(Call::Stale),
        4 => (0_usize..9000, 0_u64..=4).prop_map(|(size, share)| Call::Deliver(size, share)),
        1 => (0_u64..200).prop_map(Call::Acknowledge),
        1 => Just(Call::NotInspected),
        2 => Just(Call::Note),
    ];
    proptest::collection::vec(call, 1..200)
}

impl Model {
    /// Bytes of the records that the next batch of `room` bytes holds, and how many they are.
    fn next_batch(&self, room: usize) -> (usize, usize) {
        let mut bytes = 0;
        let mut records = 0;
        for entry in &self.held {
            if entry.outcome.is_none() || bytes + entry.size > room {
                break;
            }
            bytes += entry.size;
            records += 1;
        }
        (bytes, records)
    }

    /// Compares every counter, and with them the two sums.
    fn check(&self, journal: &Journal<Vec<u8>>) {
        let counters = journal.counters();
        let counts = &self.counts;
        assert_eq!(counters.completed, counts.completed);
        assert_eq!(counters.failed, counts.failed);
        assert_eq!(counters.refused, counts.refused);
        assert_eq!(counters.not_inspected, counts.not_inspected);
        assert_eq!(counters.in_flight, self.open.len() as u64);
        assert_eq!(counters.delivered, counts.delivered);
        assert_eq!(counters.lost, counts.lost);
        assert_eq!(counters.held, self.held.len() as u64);
        assert!(counters.is_balanced());
        assert_eq!(counters.last_sequence(), Some(self.sequence));
        assert_eq!(journal.last_sequence(), self.sequence);
    }

    /// Compares a delivered record with what went in.
    fn check_record(entry: &Entry, record: &Record<'_>) {
        assert_eq!(record.sequence(), entry.sequence);
        assert_eq!(record.lost_before(), entry.lost_before);
        let outcome = entry.outcome.unwrap();
        assert_eq!(record.outcome(), outcome.kind);
        assert_eq!(record.duration(), outcome.ended.saturating_sub(STARTED));
        let completed = outcome.kind != OutcomeKind::Draining;
        assert_eq!(record.status(), completed.then_some(outcome.status));
        assert_eq!(
            record.information(),
            completed.then_some(outcome.information)
        );
        let names = [record.image(), record.source(), record.target()];
        for (name, units) in names.iter().zip(entry.names) {
            assert_eq!(usize::from(name.full_bytes()), usize::from(units) * 2);
            assert!(name.units().all(|unit| unit == filler(entry.sequence)));
        }
    }
}

/// The unit that fills the names of a record, so that a record on top of another shows.
fn filler(sequence: u64) -> u16 {
    u16::try_from(sequence % 0xD000).unwrap()
}

/// A journal and its model side by side.
struct Pair {
    journal: Journal<Vec<u8>>,
    model: Model,
    /// Start and end of each held record in the ring, kept by the model's own rule.
    spans: Vec<(u64, usize, usize)>,
    capacity: usize,
}

impl Pair {
    fn new(size: usize) -> Self {
        let unit = size_of::<wire::RecordHead>() + 24;
        let journal = Journal::new(vec![0xEE; size]).unwrap();
        let capacity = size - size / unit * 24;
        Self {
            journal,
            model: Model::default(),
            spans: Vec::new(),
            capacity,
        }
    }

    fn apply(&mut self, case: &Case, call: &Call) {
        match call {
            Call::Reserve(names) => self.reserve(case, *names),
            Call::Complete(which, outcome) => self.complete(*which, outcome),
            Call::Stale(which) => self.stale(*which),
            Call::Deliver(size, share) => self.deliver(*size, *share),
            Call::Acknowledge(through) => self.acknowledge(*through),
            Call::Note => self.note(),
            Call::NotInspected => {
                self.journal.note_not_inspected();
                self.model.counts.not_inspected += 1;
            }
        }
        self.model.check(&self.journal);
    }

    fn reserve(&mut self, case: &Case, names: [u16; 3]) {
        self.model.sequence += 1;
        let sequence = self.model.sequence;
        let units = names.map(|count| vec![filler(sequence); usize::from(count)]);
        let draft = case.draft([&units[0], &units[1], &units[2]]);
        let size = draft.encoded_size();
        let start = self.start(size);
        let ticket = self.journal.reserve(&encoded(&draft));
        self.model.open.push((sequence, ticket));
        assert_eq!(ticket.is_lost(), start.is_none(), "room for {size} bytes");
        self.hold(start, names, size, None);
    }

    /// A record about no request is complete as soon as it is there.
    fn note(&mut self) {
        self.model.sequence += 1;
        let mut bytes = [0; RECORD_SIZE_MIN];
        let note = PolicyNote {
            event: PolicyEvent::Applied,
            revision: self.model.sequence,
            fault: None,
            status: 0,
            time: 1,
        };
        note.encode(&mut bytes).unwrap();
        let start = self.start(bytes.len());
        self.journal.note(&bytes);
        let outcome = Outcome {
            information: 0,
            ended: STARTED,
            ..ended(0)
        };
        self.hold(start, [0; 3], bytes.len(), Some(outcome));
    }

    /// What the model keeps of a record that had room, or of one that had none.
    fn hold(
        &mut self,
        start: Option<usize>,
        names: [u16; 3],
        size: usize,
        outcome: Option<Outcome>,
    ) {
        let Some(start) = start else {
            self.model.lost_before += 1;
            self.model.counts.lost += 1;
            return;
        };
        let sequence = self.model.sequence;
        let lost_before = core::mem::take(&mut self.model.lost_before);
        self.model.held.push(Entry {
            sequence,
            lost_before,
            names,
            outcome,
            size,
        });
        self.spans.push((sequence, start, start + size));
    }

    /// Where the model puts a record of that size.
    fn start(&self, size: usize) -> Option<usize> {
        let Some(((_, first, _), (_, _, last))) = self.spans.first().zip(self.spans.last()) else {
            return (size <= self.capacity).then_some(0);
        };
        let wrapped = last <= first;
        let end = if wrapped { *first } else { self.capacity };
        if last + size <= end {
            return Some(*last);
        }
        (!wrapped && size <= *first).then_some(0)
    }

    fn complete(&mut self, which: usize, outcome: &Outcome) {
        let open = &mut self.model.open;
        if open.is_empty() {
            return;
        }
        let (sequence, ticket) = open.remove(which % open.len());
        let ticket = Ticket::from_raw(ticket.into_raw()).unwrap();
        assert_eq!(self.journal.complete(ticket, outcome), Ok(()));
        if outcome.kind == OutcomeKind::Refused {
            self.model.counts.refused += 1;
        } else if outcome.is_success() {
            self.model.counts.completed += 1;
        } else {
            self.model.counts.failed += 1;
        }
        if let Some(entry) = self
            .model
            .held
            .iter_mut()
            .find(|entry| entry.sequence == sequence)
        {
            entry.outcome = Some(*outcome);
        }
        if !ticket.is_lost() {
            self.model.done.push(ticket);
        }
    }

    fn stale(&mut self, which: usize) {
        let is_open = |ticket: &Ticket| self.model.open.iter().any(|(_, open)| open == ticket);
        let done = &self.model.done;
        let old = (!done.is_empty()).then(|| done[which % done.len()]);
        let made_up = Ticket::from_raw(which).filter(|ticket| !ticket.is_lost());
        for ticket in [old, made_up]
            .into_iter()
            .flatten()
            .filter(|ticket| !is_open(ticket))
        {
            assert_eq!(self.journal.complete(ticket, &ended(0)), Err(StaleTicket));
        }
    }

    fn deliver(&mut self, size: usize, share: u64) {
        let head = size_of::<wire::BatchHead>();
        let mut out = vec![0xEE; size];
        let filled = self.journal.fill_batch([3; BOOT_ID_SIZE], &mut out);
        let Some(room) = size.checked_sub(head) else {
            assert_eq!(filled, None);
            return;
        };
        let (bytes, count) = self.model.next_batch(room);
        if count == 0
            && self
                .model
                .held
                .first()
                .is_some_and(|entry| entry.outcome.is_some())
        {
            assert_eq!(filled, None);
            return;
        }
        let filled = filled.unwrap();
        assert_eq!(
            (filled.bytes, filled.records as usize),
            (head + bytes, count)
        );
        let batch = Batch::parse(&out[..filled.bytes]).unwrap();
        assert_eq!(batch.records().count(), count);
        for (entry, record) in self.model.held.iter().zip(batch.records()) {
            Model::check_record(entry, &record);
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
        let released = self.journal.acknowledge(through);
        if through > self.model.sent_through {
            assert_eq!(released.unwrap_err().sent_through, self.model.sent_through);
            return;
        }
        let before = self.model.held.len();
        self.model.held.retain(|entry| entry.sequence > through);
        self.spans.retain(|(sequence, _, _)| *sequence > through);
        let count = (before - self.model.held.len()) as u64;
        self.model.counts.delivered += count;
        assert_eq!(released, Ok(count));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn a_journal_is_a_list(extra in 0_usize..9000, calls in calls()) {
        let case =
            Case::new(Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture());
        let mut pair = Pair::new(JOURNAL_SIZE_MIN + extra);
        for call in &calls {
            pair.apply(&case, call);
        }
    }
}
