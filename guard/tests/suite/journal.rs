//! The journal, one behaviour at a time.

use crate::common::{Case, Request, STARTED, encoded, ended, journal};
use core::sync::atomic::AtomicU64;
use guard::{
    AckError, BATCH_SIZE_MIN, Bitness, ControlCode, Filled, JOURNAL_SIZE_MIN, Journal, LATE_AFTER,
    LossClass, Reader, StaleTicket, Ticket, TooSmall, journal_words,
};
use wire::{BOOT_ID_SIZE, Batch, RecordKind};

const BOOT: [u8; BOOT_ID_SIZE] = [7; BOOT_ID_SIZE];
const ROUTINE: LossClass = LossClass::Routine;
const FINDING: LossClass = LossClass::Finding;

type Held = Journal<Box<[AtomicU64]>>;

fn case() -> Case {
    Case::new(Request::valid(ControlCode::Duplicate, Bitness::Bits64).capture())
}

/// A record without names.
fn smallest() -> Vec<u8> {
    encoded(&case().draft([&[]; 3]))
}

/// Sequence numbers and losses before them, as the next batch delivers them.
fn batch(journal: &Held, reader: &mut Reader, size: usize) -> Vec<(u64, u64)> {
    let mut out = vec![0xEE; size];
    let filled = journal.fill_batch(reader, BOOT, 0, &mut out).unwrap();
    let batch = Batch::parse(&out[..filled.bytes]).unwrap();
    assert_eq!(batch.boot_id(), BOOT);
    assert_eq!(batch.record_count(), filled.records);
    assert_eq!(batch.last_sequence().unwrap_or(0), filled.last_sequence);
    assert_eq!(batch.counters(), &journal.counters());
    batch
        .records()
        .map(|record| (record.sequence(), record.lost_before()))
        .collect()
}

/// Reserves until a record of that class is lost; the tickets of those that were not.
fn fill(journal: &Held, class: LossClass) -> Vec<Ticket> {
    let record = smallest();
    let tickets = core::iter::repeat_with(|| journal.reserve(class, &record));
    tickets.take_while(|ticket| !ticket.is_lost()).collect()
}

#[test]
fn too_little_storage_is_refused() {
    assert_eq!(journal_words(JOURNAL_SIZE_MIN), JOURNAL_SIZE_MIN / 8);
    for given in [0, 8, JOURNAL_SIZE_MIN - 8] {
        let words: Vec<_> = (0..journal_words(given))
            .map(|_| AtomicU64::new(0))
            .collect();
        assert_eq!(Journal::new(words).err(), Some(TooSmall { given }));
    }
}

#[test]
fn the_largest_record_fits_the_smallest_journal() {
    let case = case();
    let name = vec![0x61; 5000];
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    let mut draft = case.draft([&name, &name, &name]);
    draft.names.parent = draft.names.image;
    let record = encoded(&draft);
    assert_eq!(record.len(), guard::RECORD_SIZE_MAX);
    for round in 1..=5 {
        let ticket = journal.reserve(ROUTINE, &record);
        assert!(!ticket.is_lost());
        journal.complete(ticket, &ended(0)).unwrap();
        assert_eq!(batch(&journal, &mut reader, BATCH_SIZE_MIN), [(round, 0)]);
        assert_eq!(journal.acknowledge(&mut reader, round), Ok(1));
    }
}

#[test]
fn records_in_flight_are_not_delivered() {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    let record = smallest();
    let tickets = [(); 4].map(|()| journal.reserve(ROUTINE, &record));
    assert_eq!(batch(&journal, &mut reader, BATCH_SIZE_MIN), []);
    journal.complete(tickets[2], &ended(0)).unwrap();
    journal.complete(tickets[1], &ended(0)).unwrap();
    assert_eq!(
        batch(&journal, &mut reader, BATCH_SIZE_MIN),
        [],
        "the first holds back the rest"
    );
    journal.complete(tickets[0], &ended(0)).unwrap();
    assert_eq!(
        batch(&journal, &mut reader, BATCH_SIZE_MIN),
        [(1, 0), (2, 0), (3, 0)]
    );
    assert_eq!(journal.counters().in_flight.get(), 1);
}

#[test]
fn a_late_record_lets_the_others_go() {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    let record = smallest();
    let tickets = [(); 3].map(|()| journal.reserve(ROUTINE, &record));
    journal.complete(tickets[1], &ended(0)).unwrap();
    let mut out = vec![0; BATCH_SIZE_MIN];
    let late = STARTED + LATE_AFTER + 1;
    let filled = journal
        .fill_batch(&mut reader, BOOT, late, &mut out)
        .unwrap();
    assert_eq!(filled.records, 3, "two of them late");
    assert_eq!(journal.acknowledge(&mut reader, 3), Ok(3));
    assert_eq!(journal.usage().used, 0);
    let counters = journal.counters();
    assert_eq!((counters.in_flight.get(), counters.held.get()), (2, 0));
    // Their places are used again before they end.
    let more = fill(&journal, FINDING).len() as u64;
    assert_eq!(journal.complete(tickets[1], &ended(0)), Err(StaleTicket));
    journal.complete(tickets[0], &ended(0)).unwrap();
    assert_eq!(journal.complete(tickets[0], &ended(0)), Err(StaleTicket));
    let counters = journal.counters();
    let routine: u64 = counters.losses[0].iter().map(|count| count.get()).sum();
    assert_eq!(routine, 1, "its end");
    assert_eq!((counters.held.get(), counters.completed.get()), (more, 2));
}

/// Somebody has more late requests than there is room to keep the first words of: nobody else waits for that.
#[test]
fn when_all_entries_are_taken_the_others_go_all_the_same() {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    let mut out = vec![0; 0x8000];
    let mut deliver = |now| {
        let filled = journal.fill_batch(&mut reader, BOOT, now, &mut out);
        let filled = filled.unwrap();
        let through = filled.last_sequence;
        journal.acknowledge(&mut reader, through).unwrap();
        let batch = Batch::parse(&out[..filled.bytes]).unwrap();
        let look = |record: wire::Record<'_>| (record.kind(), record.class(), record.lost_before());
        batch.records().map(look).collect::<Vec<_>>()
    };
    let late = STARTED + LATE_AFTER + 1;
    let classes = [ROUTINE, ROUTINE, FINDING, ROUTINE, ROUTINE, FINDING];
    let tickets = classes.map(|class| {
        let mut record = smallest();
        record[9] = class.raw();
        let ticket = journal.reserve(class, &record);
        assert_eq!(deliver(late).len(), 1, "none waits");
        ticket
    });
    assert_eq!(journal.usage().used, 0);
    // There is an entry for each 64 cells, and one.
    let of_a_class = |class| journal.counters().losses[usize::from(LossClass::raw(class))];
    for ticket in &tickets[4..] {
        journal.complete(*ticket, &ended(0)).unwrap();
    }
    assert_eq!(of_a_class(ROUTINE).map(|count| count.get()), [0, 1, 0]);
    assert_eq!(of_a_class(FINDING).map(|count| count.get()), [0, 1, 0]);
    for ticket in &tickets {
        let is_good = !tickets[4..].contains(ticket);
        assert_eq!(journal.complete(*ticket, &ended(0)).is_ok(), is_good);
    }
    let counters = journal.counters();
    assert!(counters.is_balanced());
    assert_eq!((counters.in_flight.get(), counters.completed.get()), (0, 6));
    assert_eq!(counters.last_sequence(), Some(12));
    let told = [(ROUTINE, 2), (ROUTINE, 0), (FINDING, 0), (ROUTINE, 0)];
    let told = told.map(|(class, lost)| (RecordKind::Ended, class, lost));
    assert_eq!(deliver(0), told);
}

#[test]
fn losses_are_counted_once_and_told_exactly() {
    let record = smallest();
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    let mut tickets = fill(&journal, ROUTINE);
    let fitted = tickets.len() as u64;
    tickets.push(journal.reserve(ROUTINE, &record));
    let counters = journal.counters();
    assert_eq!(counters.losses[0][0], 2, "by class and cause");
    assert_eq!((counters.lost.get(), counters.held.get()), (2, fitted));
    for ticket in &tickets {
        journal.complete(*ticket, &ended(0)).unwrap();
    }
    // The one that `fill` lost is still to end.
    let lost = *tickets.last().unwrap();
    assert_eq!(journal.complete(lost, &ended(0)), Ok(()));
    assert_eq!(journal.complete(lost, &ended(0)), Err(StaleTicket));
    assert_eq!(batch(&journal, &mut reader, 0x10000).len() as u64, fitted);
    assert_eq!(journal.acknowledge(&mut reader, fitted), Ok(fitted));
    for _ in 0..2 {
        let ticket = journal.reserve(ROUTINE, &record);
        journal.complete(ticket, &ended(0)).unwrap();
    }
    assert_eq!(
        batch(&journal, &mut reader, BATCH_SIZE_MIN),
        [(fitted + 3, 2), (fitted + 4, 0)]
    );
    assert_eq!(journal.last_sequence(), fitted + 4);
    assert!(journal.counters().is_balanced());
}

#[test]
#[cfg_attr(miri, ignore = "fills a journal record by record")]
fn routine_records_leave_a_quarter_to_the_others() {
    let (journal, _) = journal(0x10000);
    let record = smallest();
    let cells = (record.len() as u64).div_ceil(64) * 64;
    let routine = fill(&journal, ROUTINE).len() as u64;
    let usage = journal.usage();
    assert_eq!(usage.used, routine * cells);
    assert!(usage.used <= usage.size / 4 * 3, "{usage:?}");
    assert!(usage.used + cells > usage.size / 4 * 3 - 64, "{usage:?}");
    assert!(!journal.has_room(ROUTINE, record.len()));
    assert!(journal.has_room(FINDING, record.len()));
    assert!(journal.note(LossClass::State, &record));
    let findings = fill(&journal, FINDING).len() as u64;
    let usage = journal.usage();
    assert_eq!(usage.used, (routine + 1 + findings) * cells);
    assert!(usage.used + cells > usage.size);
    assert!(!journal.has_room(FINDING, record.len()));
    assert!(journal.reserve(ROUTINE, &record).is_lost());
    assert!(!journal.note(LossClass::State, &record));
    assert!(journal.reserve(FINDING, &[]).is_lost());
    let losses = journal
        .counters()
        .losses
        .map(|causes| causes.map(|count| count.get()));
    assert_eq!(losses, [[1, 1, 0], [0, 1, 1], [0, 1, 0]]);
}

/// What the driver says of itself, with nobody to take it, is no reason to lose a finding.
#[test]
#[cfg_attr(miri, ignore = "fills a journal record by record")]
fn state_leaves_an_eighth_to_findings() {
    let (journal, _) = journal(0x10000);
    let state = crate::common::note(1, 0);
    while journal.note(LossClass::State, &state) {}
    let usage = journal.usage();
    assert!(usage.used <= usage.size / 8 * 7, "{usage:?}");
    assert!(usage.used + 128 > usage.size / 8 * 7 - 64, "{usage:?}");
    assert!(journal.reserve(ROUTINE, &smallest()).is_lost());
    let findings = fill(&journal, FINDING).len() as u64;
    let cells = (smallest().len() as u64).div_ceil(64) * 64;
    assert!(findings * cells + cells > usage.size / 8, "{findings}");
    let losses = journal.counters().losses;
    assert_eq!(losses[2].map(|count| count.get()), [1, 0, 0]);
}

#[test]
fn acknowledging_is_idempotent_and_never_ahead() {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    for _ in 0..3 {
        let ticket = journal.reserve(ROUTINE, &smallest());
        journal.complete(ticket, &ended(0)).unwrap();
    }
    assert_eq!(journal.acknowledge(&mut reader, 0), Ok(0));
    let refused = AckError {
        through_sequence: 1,
        sent_through: 0,
    };
    assert_eq!(
        journal.acknowledge(&mut reader, 1),
        Err(refused),
        "nothing was sent yet"
    );
    let two = size_of::<wire::BatchHead>() + 2 * guard::RECORD_SIZE_MIN;
    assert_eq!(batch(&journal, &mut reader, two + 255), [(1, 0), (2, 0)]);
    let refused = AckError {
        through_sequence: 3,
        sent_through: 2,
    };
    assert_eq!(journal.acknowledge(&mut reader, 3), Err(refused));
    assert_eq!(journal.acknowledge(&mut reader, 1), Ok(1));
    assert_eq!(journal.acknowledge(&mut reader, 1), Ok(0));
    assert_eq!(
        batch(&journal, &mut reader, BATCH_SIZE_MIN),
        [(2, 0), (3, 0)],
        "what is not acknowledged stays"
    );
    assert_eq!(journal.acknowledge(&mut reader, 3), Ok(2));
    assert_eq!(journal.acknowledge(&mut reader, 1), Ok(0));
    assert_eq!(journal.counters().delivered.get(), 3);
}

#[test]
fn a_buffer_too_small_for_anything_is_refused() {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    let head = size_of::<wire::BatchHead>();
    let mut out = vec![0; head];
    let short = &mut out[..head - 1];
    assert_eq!(journal.fill_batch(&mut reader, BOOT, 0, short), None);
    let empty = Filled {
        bytes: head,
        last_sequence: 0,
        records: 0,
    };
    let mut fill = |reader: &mut _| journal.fill_batch(reader, BOOT, 0, &mut out);
    assert_eq!(fill(&mut reader), Some(empty));
    let ticket = journal.reserve(ROUTINE, &smallest());
    assert_eq!(fill(&mut reader), Some(empty), "it is still in flight");
    journal.complete(ticket, &ended(0)).unwrap();
    assert_eq!(fill(&mut reader), None);
    let refused = journal.acknowledge(&mut reader, 1).unwrap_err();
    assert_eq!(refused.sent_through, 0);
}

#[test]
fn each_end_has_its_counter() {
    let (journal, _) = journal(JOURNAL_SIZE_MIN);
    let of = |kind| guard::Outcome { kind, ..ended(0) };
    for outcome in [
        ended(0),
        ended(0x103),
        ended(0xC000_000D),
        of(guard::OutcomeKind::Draining),
        of(guard::OutcomeKind::Refused),
    ] {
        let ticket = journal.reserve(ROUTINE, &smallest());
        journal.complete(ticket, &outcome).unwrap();
    }
    journal.note_not_inspected();
    journal.note_refused_unaudited();
    journal.reserve(ROUTINE, &smallest());
    journal.set_memory(12345);
    let counters = journal.counters();
    let ends = [
        counters.completed,
        counters.failed,
        counters.refused,
        counters.not_inspected,
        counters.in_flight,
    ];
    assert_eq!(ends.map(|counter| counter.get()), [2, 2, 1, 1, 1]);
    assert_eq!((counters.seen.get(), counters.held.get()), (7, 6));
    assert_eq!(
        (counters.refused_unaudited.get(), counters.memory.get()),
        (1, 12345)
    );
    assert_eq!(journal.last_sequence(), 6);
    assert!(counters.is_balanced());
}

#[test]
fn bytes_that_are_no_record_are_counted_as_lost() {
    let (journal, _) = journal(JOURNAL_SIZE_MIN);
    let whole = smallest();
    let mut beyond = vec![0; 0x4008];
    beyond[..4].copy_from_slice(&0x4008_u32.to_le_bytes());
    let mut odd = whole.clone();
    odd.push(0);
    let length = u32::try_from(odd.len()).unwrap();
    odd[..4].copy_from_slice(&length.to_le_bytes());
    let mut short = whole[..80].to_vec();
    short[0] = 80;
    for broken in [
        &[][..],
        &whole[..whole.len() - 8],
        &[whole.clone(), vec![0; 8]].concat(),
        &beyond,
        &odd,
        &short,
    ] {
        let ticket = journal.reserve(ROUTINE, broken);
        assert!(ticket.is_lost());
        journal.complete(ticket, &ended(0)).unwrap();
    }
    let counters = journal.counters();
    assert_eq!((counters.lost.get(), counters.losses[0][2].get()), (6, 6));
    assert!(!journal.reserve(ROUTINE, &whole).is_lost());
    assert_eq!(journal.counters().held, 1);
}

#[test]
#[cfg_attr(miri, ignore = "half a million words, one by one")]
fn a_large_journal_says_how_full_it_is() {
    let (journal, _) = journal(4 << 20);
    let usage = journal.usage();
    assert_eq!(usage.used, 0);
    // Tags take a ninth, late requests a little more.
    assert!((3_640_000..4 << 20).contains(&usage.size), "{usage:?}");
}

/// What nobody has been told of: records that are held, and losses behind the last record that was acknowledged.
#[test]
fn what_nobody_has_acknowledged_is_counted_with_its_losses() {
    let (journal, mut reader) = journal(JOURNAL_SIZE_MIN);
    assert_eq!(journal.unacknowledged(&reader), 0);
    let tickets = fill(&journal, ROUTINE);
    let held = tickets.len() as u64;
    // The one more that did not fit.
    assert_eq!(journal.unacknowledged(&reader), held + 1);
    for ticket in tickets {
        journal.complete(ticket, &ended(0)).unwrap();
    }
    batch(&journal, &mut reader, 0x10_0000);
    assert_eq!(journal.acknowledge(&mut reader, held), Ok(held));
    assert_eq!(journal.unacknowledged(&reader), 1, "the loss is behind it");
    let ticket = journal.reserve(ROUTINE, &smallest());
    journal.complete(ticket, &ended(0)).unwrap();
    batch(&journal, &mut reader, 0x10_0000);
    assert_eq!(journal.acknowledge(&mut reader, held + 2), Ok(1));
    assert_eq!(journal.unacknowledged(&reader), 0, "that one told of it");
}
