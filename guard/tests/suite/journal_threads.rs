//! The journal under many threads: long random runs on real processors.
//!
//! Eight producers reserve, complete in another order, and note; one consumer reads, forgets what it
//! read, comes back and acknowledges. Every number must be delivered exactly once or be one of those that
//! were lost, the records of a producer must keep their order, and every sum must hold at every look.

use crate::common::{Case, Request, STARTED, encoded, ended, journal, note};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use guard::{
    BATCH_SIZE_MIN, Bitness, ControlCode, Counters, Journal, LATE_AFTER, LossClass, Process,
    Reader, Ticket,
};
use std::collections::HashMap;
use std::thread;
use wire::{BOOT_ID_SIZE, Batch, Body, Record, RecordKind};

const PRODUCERS: u64 = 8;
/// So much less is done under Miri, which looks at every access and takes as many times as long.
const LESS: u64 = if cfg!(miri) { 100 } else { 1 };
const BOOT: [u8; BOOT_ID_SIZE] = [1; BOOT_ID_SIZE];

type Held = Journal<Box<[AtomicU64]>>;

/// Numbers that look random and are the same for the same seed (xorshift64, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// How a run is made.
#[derive(Clone, Copy)]
struct Plan {
    /// Bytes of the journal.
    size: usize,
    /// Requests of each producer.
    count: u64,
    seed: u64,
}

impl Plan {
    /// Whether there is always room for what the late end of a request needs.
    fn keeps_all(self) -> bool {
        // An entry for 64 cells of 64 bytes, which take a little more than that.
        self.size as u64 / 5000 > PRODUCERS * 7
    }

    /// Whether requests are overdue now and then.
    fn has_late(self) -> bool {
        self.keeps_all() || self.seed.is_multiple_of(2)
    }

    /// Whether each ticket is tried twice. It is refused for certain while no record is gone of which
    /// nothing was kept.
    fn tries_twice(self) -> bool {
        self.keeps_all() || !self.has_late()
    }
}

/// What a producer remembers.
#[derive(Default)]
struct Produced {
    /// Requests whose record was taken in, and those whose record was lost.
    taken: u64,
    lost: u64,
    /// Likewise of notes.
    notes: u64,
    lost_notes: u64,
}

/// The record of the request with that number of a producer.
fn record_by(case: &Case, name: &[u16], who: u64, number: u64) -> Vec<u8> {
    let mut draft = case.draft([name, &[], &[]]);
    let process = Process {
        process_id: u32::try_from(who).unwrap(),
        create_time: number,
        ..*draft.requestor.identity.process
    };
    draft.requestor.identity.process = &process;
    encoded(&draft)
}

/// One producer: `count` requests of its own, numbered in `process_id` and `thread_id`, some of them ended
/// later than younger ones.
fn produce(journal: &Held, who: u64, class: LossClass, plan: Plan) -> Produced {
    let case = Case::new(Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture());
    let mut random = Random::new(plan.seed + who);
    let mut open: Vec<Ticket> = Vec::new();
    let mut produced = Produced::default();
    for number in 1..=plan.count {
        let name = vec![0x61; usize::try_from(random.below(200)).unwrap()];
        let record = record_by(&case, &name, who, number);
        if random.below(10) == 0 {
            if journal.note(class, &note(number, u32::try_from(who).unwrap())) {
                produced.notes += 1;
            } else {
                produced.lost_notes += 1;
            }
        } else {
            let ticket = journal.reserve(class, &record);
            if ticket.is_lost() {
                produced.lost += 1;
            } else {
                produced.taken += 1;
            }
            open.push(ticket);
        }
        while open.len() as u64 > random.below(6) {
            let at = usize::try_from(random.below(open.len() as u64)).unwrap();
            let ticket = open.swap_remove(at);
            journal.complete(ticket, &ended(0)).unwrap();
            if plan.tries_twice() && !ticket.is_lost() {
                assert!(journal.complete(ticket, &ended(0)).is_err(), "good once");
            }
        }
    }
    for ticket in open {
        journal.complete(ticket, &ended(0)).unwrap();
    }
    produced
}

/// What the consumer has made of it: the number and the bytes of everything, once.
#[derive(Default)]
struct Consumed {
    records: u64,
    lost: u64,
    through: u64,
    /// The last number of its own that each producer's records had.
    last_of: HashMap<u32, u64>,
    /// Late records by their request, until their end is told.
    late: HashMap<u64, u32>,
    ends: u64,
    /// Bytes of what is not acknowledged, to compare with when it comes again.
    pending: HashMap<u64, Vec<u8>>,
}

impl Consumed {
    /// Looks at a batch. What came before must come the same again.
    fn look(&mut self, batch: &Batch<'_>) {
        for record in batch.records() {
            let bytes = self.pending.entry(record.sequence());
            let bytes = bytes.or_insert_with(|| record.bytes().to_vec());
            assert!(
                bytes == record.bytes(),
                "{} is another one now",
                record.sequence()
            );
        }
    }

    /// Makes everything up to that number durable.
    fn keep(&mut self, batch: &Batch<'_>, through: u64) {
        for record in batch
            .records()
            .filter(|record| record.sequence() <= through)
        {
            assert_eq!(record.sequence(), self.through + 1 + record.lost_before());
            self.through = record.sequence();
            self.records += 1;
            self.lost += record.lost_before();
            self.check(&record);
            self.pending.remove(&record.sequence());
        }
    }

    /// The order of each producer, the end of each request.
    fn check(&mut self, record: &Record<'_>) {
        match record.body() {
            Body::Request(request) => {
                let process = request.process();
                self.check_order(process.process_id, process.create_time.unwrap());
                assert!(request.image().units().all(|unit| unit == 0x61));
                let number = record.request_number().unwrap();
                match request.end().duration() {
                    Some(duration) => assert_eq!(duration, 1234),
                    None => assert!(self.late.insert(number, process.process_id).is_none()),
                }
            }
            Body::Policy(note) => self.check_order(note.status.get(), note.revision.get()),
            Body::Ended(told) => {
                assert_eq!(told.end().duration(), Some(1234));
                assert!(
                    self.late
                        .remove(&record.request_number().unwrap())
                        .is_some()
                );
                self.ends += 1;
            }
            body => panic!("{body:?}"),
        }
    }

    fn check_order(&mut self, who: u32, own: u64) {
        let last = self.last_of.insert(who, own).unwrap_or(0);
        assert!(own > last, "the order of producer {who}");
    }
}

/// Asserts every sum, and that no counter has fallen since the look before.
fn check_counters(counters: &Counters, before: &mut Counters) {
    assert!(counters.is_balanced(), "{counters:?}");
    let rising = |counters: &Counters| {
        let [routine, finding, state] = counters
            .losses
            .map(|causes| causes.map(|count| count.get()));
        let all = [
            counters.seen,
            counters.completed,
            counters.delivered,
            counters.lost,
        ];
        (
            all.map(|count| count.get()),
            routine,
            finding,
            state,
            counters.last_sequence(),
        )
    };
    let (now, then) = (rising(counters), rising(before));
    assert!(now.0.iter().zip(then.0).all(|(now, then)| *now >= then));
    for (now, then) in [(now.1, then.1), (now.2, then.2), (now.3, then.3)] {
        assert!(now.iter().zip(then).all(|(now, then)| *now >= then));
    }
    assert!(now.4 >= then.4, "{counters:?} {before:?}");
    *before = *counters;
}

/// The consumer, until `done` and nothing is left.
fn consume(journal: &Held, reader: &mut Reader, done: &AtomicBool, plan: Plan) -> Consumed {
    let mut random = Random::new(plan.seed);
    let mut consumed = Consumed::default();
    let mut before = Counters::default();
    let mut out = vec![0; BATCH_SIZE_MIN * 4];
    loop {
        let is_done = done.load(Ordering::Acquire);
        // Now and then everything that has not ended is overdue.
        let is_late = random.below(8) == 0 && plan.has_late();
        let now = STARTED + LATE_AFTER + u64::from(is_late);
        let room = BATCH_SIZE_MIN + usize::try_from(random.below(3)).unwrap() * BATCH_SIZE_MIN;
        let filled = journal
            .fill_batch(reader, BOOT, now, &mut out[..room])
            .unwrap();
        let batch = Batch::parse(&out[..filled.bytes]).unwrap();
        check_counters(batch.counters(), &mut before);
        assert!(batch.counters().last_sequence() >= batch.last_sequence());
        consumed.look(&batch);
        // Killed before it acknowledges, or after some of it, or alive.
        let through = match random.below(3) {
            0 => 0,
            1 => batch.first_sequence().unwrap_or(0),
            _ => filled.last_sequence,
        };
        consumed.keep(&batch, through);
        journal.acknowledge(reader, through).unwrap();
        if is_done && filled.records == 0 {
            return consumed;
        }
        if random.below(4) == 0 {
            thread::yield_now();
        }
    }
}

/// Runs producers of these classes against one consumer, and compares what both remember.
fn run(plan: Plan, classes: [LossClass; 8]) {
    let (journal, mut reader) = journal(plan.size);
    let done = AtomicBool::new(false);
    let (produced, consumed) = thread::scope(|scope| {
        let consumer = scope.spawn(|| consume(&journal, &mut reader, &done, plan));
        let producers = (1..).zip(classes).map(|(who, class)| {
            let journal = &journal;
            scope.spawn(move || produce(journal, who, class, plan))
        });
        let producers = producers.collect::<Vec<_>>();
        let produced: Vec<_> = producers
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect();
        done.store(true, Ordering::Release);
        (produced, consumer.join().unwrap())
    });
    let sum = |of: fn(&Produced) -> u64| produced.iter().map(of).sum::<u64>();
    let counters = journal.counters();
    let requests = sum(|one| one.taken + one.lost);
    assert_eq!(
        (counters.seen.get(), counters.completed.get()),
        (requests, requests)
    );
    assert_eq!(counters.in_flight, 0);
    assert_eq!(
        (counters.held.get(), counters.delivered.get()),
        (0, consumed.records)
    );
    let records = sum(|one| one.taken + one.notes) + consumed.ends;
    assert_eq!(consumed.records, records, "seed {}", plan.seed);
    let lost_ends = consumed.late.len() as u64;
    assert_eq!(
        counters.lost.get(),
        sum(|one| one.lost + one.lost_notes) + lost_ends
    );
    check_last_losses(&journal, &mut reader, consumed);
}

/// What was lost after the last record is told by the next one, and then every number is told of.
fn check_last_losses(journal: &Held, reader: &mut Reader, mut consumed: Consumed) {
    assert!(journal.note(LossClass::State, &note(u64::MAX, 1)));
    let mut out = vec![0; BATCH_SIZE_MIN];
    let filled = journal.fill_batch(reader, BOOT, 0, &mut out).unwrap();
    let batch = Batch::parse(&out[..filled.bytes]).unwrap();
    consumed.keep(&batch, filled.last_sequence);
    assert_eq!(consumed.lost, journal.counters().lost.get());
    assert_eq!(consumed.through, consumed.records + consumed.lost);
}

/// Some record.
fn sample() -> Vec<u8> {
    let case = Case::new(Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture());
    encoded(&case.draft([&[]; 3]))
}

#[test]
fn every_number_is_delivered_once_or_lost() {
    for seed in 1..=(6 / LESS).max(1) {
        let plan = Plan {
            size: 0x4000,
            count: 2000 / LESS,
            seed,
        };
        run(plan, [LossClass::Finding; 8]);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes a large journal")]
fn nothing_is_lost_while_there_is_room() {
    for seed in 1..=(2 / LESS).max(1) {
        let plan = Plan {
            size: 16 << 20,
            count: 1000 / LESS,
            seed,
        };
        run(plan, [LossClass::Routine; 8]);
    }
}

#[test]
fn classes_mix() {
    let mut classes = [LossClass::Routine; 8];
    classes[6] = LossClass::Finding;
    classes[7] = LossClass::State;
    for seed in 1..=(4 / LESS).max(1) {
        let plan = Plan {
            size: 0x8000,
            count: 2000 / LESS,
            seed,
        };
        run(plan, classes);
    }
}

/// Ten times more routine records than fit, from eight threads, and nobody who reads: each finding that
/// the reserved quarter holds is there afterwards, with its end.
#[test]
fn findings_survive_a_flood() {
    let (journal, mut reader) = journal(if cfg!(miri) { 0x8000 } else { 0x4_0000 });
    let cells = (sample().len() as u64).div_ceil(64);
    let capacity = journal.usage().size / 64;
    let findings = capacity / 4 / cells / PRODUCERS;
    let flood = capacity / cells * 10 / PRODUCERS;
    thread::scope(|scope| {
        for who in 1..=PRODUCERS {
            let journal = &journal;
            scope.spawn(move || flood_and_find(journal, who, flood, findings));
        }
    });
    let counters = journal.counters();
    let [routine, finding, state] = counters
        .losses
        .map(|causes| causes.map(|count| count.get()));
    assert_eq!((finding, state), ([0; 3], [0; 3]));
    assert!(routine[0] > flood * PRODUCERS * 8 / 10, "{routine:?}");
    let mut out = vec![0; 0x8_0000];
    let filled = journal.fill_batch(&mut reader, BOOT, 0, &mut out).unwrap();
    let batch = Batch::parse(&out[..filled.bytes]).unwrap();
    let kept = batch.records().filter(|record| {
        assert_eq!(record.kind(), RecordKind::Clone);
        record.request().unwrap().end().status() == Some(1)
    });
    assert_eq!(kept.count() as u64, findings * PRODUCERS);
}

/// So many routine requests, so many findings among them, none of which may be lost.
fn flood_and_find(journal: &Held, who: u64, flood: u64, mut findings: u64) {
    let record = sample();
    let mut random = Random::new(who);
    for left in (1..=flood).rev() {
        let ticket = journal.reserve(LossClass::Routine, &record);
        if random.below(left) < findings {
            findings -= 1;
            let ticket = journal.reserve(LossClass::Finding, &record);
            assert!(!ticket.is_lost(), "a finding is lost");
            journal.complete(ticket, &ended(1)).unwrap();
        }
        journal.complete(ticket, &ended(0)).unwrap();
        check_counters(&journal.counters(), &mut Counters::default());
    }
    assert_eq!(findings, 0);
}
